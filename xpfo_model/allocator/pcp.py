# SPDX-License-Identifier: GPL-2.0-only
"""The per-cpu page lists: hand out, take back, refill, drain. mm/page_alloc.c."""

from xpfo_model.allocator.buddy import __free_one_page
from xpfo_model.allocator.lists import list_add, list_del, list_first, list_last
from xpfo_model.allocator.profiles import DRAIN_BY_PAGE, SIZE_AUTO
from xpfo_model.allocator.rmqueue import rmqueue_bulk
from xpfo_model.allocator.sizing import (
    DECAY_SHIFT,
    note_alloc,
    note_free,
    nr_pcp_alloc,
    nr_pcp_free,
    nr_pcp_high,
)
from xpfo_model.allocator.state import (
    MIGRATE_PCPTYPES,
    NR_ZONES,
    ON_PCP,
    USED,
    Record,
    State,
    emit,
    get_pageblock_migratetype,
)
from xpfo_model.allocator.watermarks import leave_below_high
from xpfo_model.constants import MIGRATE_MOVABLE, PAGEBLOCK_ORDER
from xpfo_model.events import FAILED, MM_PAGE_PCPU_DRAIN
from xpfo_model.jit import noinline


def pcp_of(s: State, cpu: int, zone: Record) -> Record:
    """zone->per_cpu_pageset of a CPU."""
    return s.pcps[int(cpu) * NR_ZONES + zone.index]


def order_to_pindex(s: State, migratetype: int, order: int) -> int:
    """order_to_pindex(), v6.1.192 and v6.18: number of a list in its pcp."""
    if order > s.profile.pcp_order:
        movable = migratetype == MIGRATE_MOVABLE
        return (s.profile.pcp_order + 1) * MIGRATE_PCPTYPES + movable
    return order * MIGRATE_PCPTYPES + migratetype


def pindex_to_order(s: State, pindex: int) -> int:
    """pindex_to_order(), v6.1 and v6.18."""
    order = pindex // MIGRATE_PCPTYPES
    return order if order <= s.profile.pcp_order else PAGEBLOCK_ORDER


def pcp_list(pcp: Record, pindex: int) -> int:
    """Head of pcp->lists[pindex]."""
    return int(pcp.lists) + int(pindex)


def __rmqueue_pcplist(
    s: State, pcp: Record, zone: Record, order: int, migratetype: int, flags: int
) -> int:
    """__rmqueue_pcplist(), all versions: the page at the head, after a refill
    if there is none.
    """  # noqa: D205
    pindex = order_to_pindex(s, migratetype, order)
    head = pcp_list(pcp, pindex)
    page = list_first(s, head)
    if page == head:
        wanted = nr_pcp_alloc(s, pcp, zone, order)
        got = rmqueue_bulk(s, zone, order, wanted, head, migratetype, flags)
        pcp.count += got << order
        page = list_first(s, head)
        if page == head:
            return FAILED
    list_del(s, page)
    s.pages[page].use = USED
    pcp.count -= 1 << order
    return page


def rmqueue_pcplist(
    s: State, cpu: int, zone: Record, order: int, migratetype: int, flags: int
) -> int:
    """rmqueue_pcplist(), all versions; its lock was taken."""
    pcp = pcp_of(s, cpu, zone)
    note_alloc(s, pcp)
    return __rmqueue_pcplist(s, pcp, zone, order, migratetype, flags)


def free_pcp_page(s: State, pcp: Record, zone: Record, order: int, pfn: int) -> None:
    """Give a page of a pcp list to the buddy lists."""
    list_del(s, pfn)
    if s.profile.drain_current_type:
        migratetype = get_pageblock_migratetype(s, pfn)
    else:
        migratetype = int(s.pages[pfn].migratetype)
    pcp.count -= 1 << order
    __free_one_page(s, pfn, zone, order, migratetype, False)
    emit(s, MM_PAGE_PCPU_DRAIN, pfn, order, migratetype, 0)


def free_pcppages_bulk(
    s: State, pcp: Record, zone: Record, count: int, pindex: int
) -> None:
    """free_pcppages_bulk(), v6.1 and v6.18: each list until it is empty."""
    count = min(count, pcp.count)
    while count > 0:
        head = pcp_list(pcp, pindex)
        order = pindex_to_order(s, pindex)
        pfn = list_last(s, head)
        while count > 0 and pfn != head:
            free_pcp_page(s, pcp, zone, order, pfn)
            count -= 1 << order
            pfn = list_last(s, head)
        pindex = pindex + 1 if pindex + 1 < s.profile.pcp_lists else 0


def free_pcppages_by_page(s: State, pcp: Record, zone: Record, count: int) -> None:
    """free_pcppages_bulk(), v4.14: by turns, more from each list that is next."""
    count = min(count, pcp.count)
    lists = s.profile.pcp_lists
    pindex = 0
    batch_free = 0
    while count > 0:
        batch_free += 1
        pindex = (pindex + 1) % lists
        head = pcp_list(pcp, pindex)
        pfn = list_last(s, head)
        if pfn == head:
            continue
        # the only list with pages: everything comes from it
        if batch_free == lists:
            batch_free = count
        while batch_free > 0 and count > 0 and pfn != head:
            free_pcp_page(s, pcp, zone, 0, pfn)
            batch_free -= 1
            count -= 1
            pfn = list_last(s, head)


@noinline
def drain_pcp(s: State, pcp: Record, zone: Record, count: int, pindex: int) -> None:
    """free_pcppages_bulk(), by the rule of the version."""
    if s.profile.draining == DRAIN_BY_PAGE:
        free_pcppages_by_page(s, pcp, zone, count)
    else:
        free_pcppages_bulk(s, pcp, zone, count, pindex)


def free_unref_page_commit(
    s: State, pcp: Record, zone: Record, pfn: int, migratetype: int, order: int
) -> None:
    """free_unref_page_commit(), v6.1: to the head of its list, drain if too many.

    free_hot_cold_page() in v4.14, free_frozen_page_commit() in v6.18.
    """
    pindex = order_to_pindex(s, migratetype, order)
    if s.profile.sizing == SIZE_AUTO:
        pcp.free_factor = pcp.free_factor >> 1
    list_add(s, pfn, pcp_list(pcp, pindex))
    s.pages[pfn].use = ON_PCP
    pcp.count += 1 << order
    free_high = note_free(s, pcp, order)
    high: int = nr_pcp_high(s, pcp, zone, free_high)
    if pcp.count >= high:
        count = nr_pcp_free(s, pcp, high, free_high)
        drain_pcp(s, pcp, zone, count, pindex)
        if zone.below_high:
            leave_below_high(s, zone)


@noinline
def decay_pcp_high(s: State, cpu: int, zone: Record) -> None:
    """decay_pcp_high(), v6.18.26: high sinks by an eighth, the rest is drained."""
    pcp = pcp_of(s, cpu, zone)
    if pcp.high > pcp.high_min:
        least = pcp.count - (pcp.batch << s.profile.batch_scale_max)
        sunk = pcp.high - (pcp.high >> DECAY_SHIFT)
        pcp.high = max(least, sunk, pcp.high_min)
    left = pcp.count - pcp.high
    while left > 0:
        drain_pcp(s, pcp, zone, min(left, pcp.batch), 0)
        left -= pcp.batch


@noinline
def drain_pages_zone(s: State, cpu: int, zone: Record) -> None:
    """drain_pages_zone(), all versions: all of a pcp; from v6.1.192 on in chunks."""
    pcp = pcp_of(s, cpu, zone)
    while pcp.count > 0:
        chunk = pcp.count
        if s.profile.draining != DRAIN_BY_PAGE:
            chunk = min(chunk, pcp.batch << s.profile.batch_scale_max)
        drain_pcp(s, pcp, zone, chunk, 0)
