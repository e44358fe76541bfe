# SPDX-License-Identifier: GPL-2.0-only
"""Circular doubly linked lists. Mirrors include/linux/list.h, all versions.

An entry is a pfn, a head the number that `state.free_list` or `pcp_list` gives.
"""

from xpfo_model.allocator.state import State


def list_first(s: State, head: int) -> int:
    """The entry at the head of a list, or the head itself if it is empty."""
    return int(s.pages[head].next)


def list_last(s: State, head: int) -> int:
    """The entry at the tail of a list, or the head itself if it is empty."""
    return int(s.pages[head].prev)


def list_add(s: State, entry: int, head: int) -> None:
    """Insert an entry at the head of a list: the next to be taken."""
    first = s.pages[head].next
    s.pages[entry].next = first
    s.pages[entry].prev = head
    s.pages[first].prev = entry
    s.pages[head].next = entry


def list_add_tail(s: State, entry: int, head: int) -> None:
    """Insert an entry at the tail of a list."""
    last = s.pages[head].prev
    s.pages[entry].prev = last
    s.pages[entry].next = head
    s.pages[last].next = entry
    s.pages[head].prev = entry


def list_del(s: State, entry: int) -> None:
    """Remove an entry from the list that it is on."""
    after = s.pages[entry].next
    before = s.pages[entry].prev
    s.pages[before].next = after
    s.pages[after].prev = before


def list_empty(s: State, head: int) -> bool:
    """Whether a list has no entry."""
    return bool(s.pages[head].next == head)
