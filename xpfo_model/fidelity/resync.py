# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT001 - compiled calls pass flags by position  # noqa: RUF100
"""Put the model's lists right, from outside: what no kernel function does.

Each of these moves single pages between the lists so that the model goes on from
where the kernel is. Mostly the reverse of a choice that the model just made.
"""

from xpfo_model.allocator.lists import list_add, list_add_tail, list_del
from xpfo_model.allocator.pcp import pindex_to_order
from xpfo_model.allocator.profiles import (
    PCP_LISTS,
)
from xpfo_model.allocator.state import (
    BUDDY,
    COUNT,
    FREE_PAGES,
    LISTS,
    NR_PAGE_ORDERS,
    ON_PCP,
    PCP_FIELDS,
    PCPS,
    USED,
    ZONE_FIELDS,
    State,
    free_list,
    page_zone,
)
from xpfo_model.constants import MAX_PAGE_ORDER
from xpfo_model.engine import seldom
from xpfo_model.events import FAILED
from xpfo_model.fidelity.tally import Tally

NOWHERE = -1
MOST_IN_BULK = 1 << 12
"""Pages of a list that are taken to be gone at once, without an event, at most."""


def block_around(s: State, pfn: int) -> int:
    """First frame of the free page that a frame is in, or NOWHERE."""
    for order in range(NR_PAGE_ORDERS):
        first = pfn & ~((1 << order) - 1)
        if s.tag[first] == BUDDY + order:
            return first
    return NOWHERE


def pcp_around(s: State, head: int) -> int:
    """The pcp that a list head belongs to."""
    first = s.mem[PCPS + LISTS]
    number = (head - first) // s.mem[PCP_LISTS]
    return PCPS + number * PCP_FIELDS


@seldom
def leave_pcp(s: State, t: Tally, pfn: int) -> int:
    """Take a page off its pcp list; the list's head."""
    head = t.home[pfn]
    pcp = pcp_around(s, head)
    order = pindex_to_order(s, head - s.mem[pcp + LISTS])
    s.mem[pcp + COUNT] -= 1 << order
    list_del(s, pfn)
    s.tag[pfn] = USED
    return head


@seldom
def enter_pcp(s: State, t: Tally, pcp: int, pindex: int, pfn: int, tail: bool) -> None:
    """Put a page on a pcp list, without a thought for how many are there."""
    t.home[pfn] = s.mem[pcp + LISTS] + pindex
    s.mem[pcp + COUNT] += 1 << pindex_to_order(s, pindex)
    if tail:
        list_add_tail(s, pfn, s.mem[pcp + LISTS] + pindex)
    else:
        list_add(s, pfn, s.mem[pcp + LISTS] + pindex)
    s.tag[pfn] = ON_PCP


@seldom
def carve_block(s: State, first: int, pfn: int, end: int) -> None:
    """Take frames pfn to end out of the free page at `first`; list the rest."""
    order = s.tag[first] - BUDDY
    migratetype = s.tag[s.cached + first]
    zone = page_zone(s, first)
    list_del(s, first)
    s.tag[first] = USED
    s.mem[zone * ZONE_FIELDS + FREE_PAGES] -= 1 << order
    while order > 0 and (pfn > first or end < first + (1 << order)):
        order -= 1
        middle = first + (1 << order)
        rest = middle if pfn < middle else first
        list_add(s, rest, free_list(s, zone, order, migratetype))
        s.tag[rest] = BUDDY + order
        s.tag[s.cached + rest] = migratetype
        s.mem[zone * ZONE_FIELDS + FREE_PAGES] += 1 << order
        if pfn >= middle:
            first = middle


@seldom
def carve(s: State, t: Tally, pfn: int, order: int) -> int:
    """Take a page from wherever its frames are; how many of them were free."""
    frame = pfn
    end = pfn + (1 << order)
    found = 0
    while frame < end:
        first = block_around(s, frame)
        if first != NOWHERE:
            after = first + (1 << (s.tag[first] - BUDDY))
            stop = min(after, end)
            carve_block(s, first, frame, stop)
            found += stop - frame
            frame = stop
        elif s.tag[frame] == ON_PCP:
            head = leave_pcp(s, t, frame)
            pcp = pcp_around(s, head)
            size = 1 << pindex_to_order(s, head - s.mem[pcp + LISTS])
            found += size
            frame += size
        else:
            frame += 1
    return found


@seldom
def put_back(s: State, pfn: int, order: int, migratetype: int) -> None:
    """Undo an allocation: merge, and be the next to be taken."""
    zone = page_zone(s, pfn)
    s.mem[zone * ZONE_FIELDS + FREE_PAGES] += 1 << order
    s.tag[pfn] = USED
    while order < MAX_PAGE_ORDER and s.tag[pfn ^ (1 << order)] == BUDDY + order:
        buddy = pfn ^ (1 << order)
        if s.tag[s.cached + buddy] != migratetype:
            break
        list_del(s, buddy)
        s.tag[buddy] = USED
        pfn &= buddy
        order += 1
    list_add(s, pfn, free_list(s, zone, order, migratetype))
    s.tag[pfn] = BUDDY + order
    s.tag[s.cached + pfn] = migratetype


@seldom
def depth_on(s: State, head: int, pfn: int) -> int:
    """How many pages a list has before one; FAILED if too many to have been taken."""
    entry = s.link[head]
    for depth in range(MOST_IN_BULK):
        if entry == pfn:
            return depth
        entry = s.link[entry]
    return FAILED


@seldom
def length(s: State, head: int) -> int:
    """Pages on a list."""
    count = 0
    entry = s.link[head]
    while entry != head:
        count += 1
        entry = s.link[entry]
    return count


def credit(s: State, t: Tally, pcp: int, frames: int) -> None:
    """Frames that left a pcp were missed in its count already."""
    known = min(t.ghosts[pcp], frames)
    t.ghosts[pcp] -= known
    s.mem[pcp + COUNT] += known


@seldom
def drop_first(s: State, t: Tally, head: int, count: int) -> None:
    """Take pages from the head of a pcp list as if somebody had got them."""
    pcp = pcp_around(s, head)
    for _ in range(count):
        before = s.mem[pcp + COUNT]
        leave_pcp(s, t, s.link[head])
        credit(s, t, pcp, before - s.mem[pcp + COUNT])
