# SPDX-License-Identifier: GPL-2.0-only
"""Put the model's lists right, from outside: what no kernel function does.

Each of these moves single pages between the lists so that the model goes on from
where the kernel is. Mostly the reverse of a choice that the model just made.
"""

from xpfo_model.allocator.lists import list_add, list_add_tail, list_del, list_first
from xpfo_model.allocator.pcp import pindex_to_order
from xpfo_model.allocator.state import (
    BUDDY,
    NR_PAGE_ORDERS,
    ON_PCP,
    USED,
    Record,
    State,
    buddy_order,
    free_list,
    page_is_buddy,
    page_zone,
)
from xpfo_model.constants import MAX_PAGE_ORDER
from xpfo_model.events import FAILED
from xpfo_model.fidelity.tally import Tally
from xpfo_model.jit import noinline

NOWHERE = -1
MOST_IN_BULK = 1 << 12
"""Pages of a list that are taken to be gone at once, without an event, at most."""


def block_around(s: State, pfn: int) -> int:
    """First frame of the free page that a frame is in, or NOWHERE."""
    for order in range(NR_PAGE_ORDERS):
        first = pfn & ~((1 << order) - 1)
        if page_is_buddy(s, first, order):
            return first
    return NOWHERE


def pcp_around(s: State, head: int) -> Record:
    """The pcp that a list head belongs to."""
    first = s.pcps[0].lists
    number = (head - first) // s.profile.pcp_lists
    return s.pcps[number]


@noinline
def leave_pcp(s: State, t: Tally, pfn: int) -> int:
    """Take a page off its pcp list; the list's head."""
    head = t.frames[pfn].home
    pcp = pcp_around(s, head)
    order = pindex_to_order(s, head - pcp.lists)
    pcp.count -= 1 << order
    list_del(s, pfn)
    s.pages[pfn].use = USED
    return head


@noinline
def enter_pcp(
    s: State, t: Tally, pcp: Record, pindex: int, pfn: int, tail: bool
) -> None:
    """Put a page on a pcp list, and leave its size unchecked."""
    t.frames[pfn].home = pcp.lists + pindex
    pcp.count += 1 << pindex_to_order(s, pindex)
    if tail:
        list_add_tail(s, pfn, pcp.lists + pindex)
    else:
        list_add(s, pfn, pcp.lists + pindex)
    s.pages[pfn].use = ON_PCP


@noinline
def carve_block(s: State, first: int, pfn: int, end: int) -> None:
    """Take frames pfn to end out of the free page at `first`; list the rest."""
    order = buddy_order(s, first)
    migratetype = s.pages[first].migratetype
    zone = page_zone(s, first)
    list_del(s, first)
    s.pages[first].use = USED
    zone.free_pages -= 1 << order
    while order > 0 and (pfn > first or end < first + (1 << order)):
        order -= 1
        middle = first + (1 << order)
        rest = middle if pfn < middle else first
        list_add(s, rest, free_list(zone, order, migratetype))
        s.pages[rest].use = BUDDY + order
        s.pages[rest].migratetype = migratetype
        zone.free_pages += 1 << order
        if pfn >= middle:
            first = middle


@noinline
def carve(s: State, t: Tally, pfn: int, order: int) -> int:
    """Take a page from wherever its frames are; how many of them were free."""
    frame = pfn
    end = pfn + (1 << order)
    found = 0
    while frame < end:
        first = block_around(s, frame)
        if first != NOWHERE:
            after = first + (1 << buddy_order(s, first))
            stop = min(after, end)
            carve_block(s, first, frame, stop)
            found += stop - frame
            frame = stop
        elif s.pages[frame].use == ON_PCP:
            head = leave_pcp(s, t, frame)
            pcp = pcp_around(s, head)
            size = 1 << pindex_to_order(s, head - pcp.lists)
            found += size
            frame += size
        else:
            frame += 1
    return found


@noinline
def put_back(s: State, pfn: int, order: int, migratetype: int) -> None:
    """Undo an allocation: merge, and be the next to be taken."""
    zone = page_zone(s, pfn)
    zone.free_pages += 1 << order
    s.pages[pfn].use = USED
    while order < MAX_PAGE_ORDER and page_is_buddy(s, pfn ^ (1 << order), order):
        buddy = pfn ^ (1 << order)
        if s.pages[buddy].migratetype != migratetype:
            break
        list_del(s, buddy)
        s.pages[buddy].use = USED
        pfn &= buddy
        order += 1
    list_add(s, pfn, free_list(zone, order, migratetype))
    s.pages[pfn].use = BUDDY + order
    s.pages[pfn].migratetype = migratetype


@noinline
def depth_on(s: State, head: int, pfn: int) -> int:
    """How many pages a list has before one; FAILED if too many to have been taken."""
    entry = list_first(s, head)
    for depth in range(MOST_IN_BULK):
        if entry == pfn:
            return depth
        entry = list_first(s, entry)
    return FAILED


@noinline
def length(s: State, head: int) -> int:
    """Pages on a list."""
    count = 0
    entry = list_first(s, head)
    while entry != head:
        count += 1
        entry = list_first(s, entry)
    return count


def settle_missing(t: Tally, pcp: Record, frames: int) -> None:
    """Add frames that left a pcp back to its count if the count lacked them before."""
    known = min(t.missing[pcp.index], frames)
    t.missing[pcp.index] -= known
    pcp.count += known


@noinline
def drop_first(s: State, t: Tally, head: int, count: int) -> None:
    """Take pages from the head of a pcp list, as allocations with no event do."""
    pcp = pcp_around(s, head)
    for _ in range(count):
        before = pcp.count
        leave_pcp(s, t, list_first(s, head))
        settle_missing(t, pcp, before - pcp.count)
