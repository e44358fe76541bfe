# SPDX-License-Identifier: GPL-2.0-only
"""Circular doubly linked lists. Mirrors include/linux/list.h, all versions.

An entry is a pfn, a head the number that `state.free_list` or `pcp_list` gives.
"""

from xpfo_model.allocator.state import State


def list_add(s: State, entry: int, head: int) -> None:
    """Insert an entry at the head of a list: the next to be taken."""
    first = s.link[head]
    s.link[entry] = first
    s.link[s.prev + entry] = head
    s.link[s.prev + first] = entry
    s.link[head] = entry


def list_add_tail(s: State, entry: int, head: int) -> None:
    """Insert an entry at the tail of a list."""
    last = s.link[s.prev + head]
    s.link[s.prev + entry] = last
    s.link[entry] = head
    s.link[last] = entry
    s.link[s.prev + head] = entry


def list_del(s: State, entry: int) -> None:
    """Remove an entry from whatever list it is on."""
    after = s.link[entry]
    before = s.link[s.prev + entry]
    s.link[before] = after
    s.link[s.prev + after] = before


def list_empty(s: State, head: int) -> bool:
    """Whether a list has no entry."""
    return bool(s.link[head] == head)
