# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT003 - compiled calls pass flags by position  # noqa: RUF100
"""The per-cpu page lists: hand out, take back, refill, drain. mm/page_alloc.c."""

from xpfo_model.allocator.buddy import __free_one_page
from xpfo_model.allocator.lists import list_add, list_del
from xpfo_model.allocator.profiles import (
    BATCH_SCALE_MAX,
    DRAIN_BY_PAGE,
    DRAIN_CURRENT_TYPE,
    DRAINING,
    PCP_LISTS,
    PCP_ORDER,
    SIZE_AUTO,
    SIZING,
)
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
    BATCH,
    COUNT,
    FREE_FACTOR,
    HIGH,
    HIGH_MIN,
    IS_BELOW_HIGH,
    LISTS,
    MIGRATE_PCPTYPES,
    NR_ZONES,
    ON_PCP,
    PCP_FIELDS,
    PCPS,
    USED,
    ZONE_FIELDS,
    State,
    emit,
)
from xpfo_model.allocator.watermarks import leave_below_high
from xpfo_model.constants import MIGRATE_MOVABLE, PAGEBLOCK_ORDER
from xpfo_model.engine import seldom
from xpfo_model.events import FAILED, MM_PAGE_PCPU_DRAIN


def pcp_of(cpu: int, zone: int) -> int:
    """Where zone->per_cpu_pageset of a CPU is in State.mem."""
    return PCPS + (cpu * NR_ZONES + zone) * PCP_FIELDS


def order_to_pindex(s: State, migratetype: int, order: int) -> int:
    """order_to_pindex(), v6.1.192 and v6.18: number of a list in its pcp."""
    if order > s.mem[PCP_ORDER]:
        movable = migratetype == MIGRATE_MOVABLE
        return (s.mem[PCP_ORDER] + 1) * MIGRATE_PCPTYPES + movable
    return order * MIGRATE_PCPTYPES + migratetype


def pindex_to_order(s: State, pindex: int) -> int:
    """pindex_to_order(), v6.1 and v6.18."""
    order = pindex // MIGRATE_PCPTYPES
    return order if order <= s.mem[PCP_ORDER] else PAGEBLOCK_ORDER


def pcp_list(s: State, pcp: int, pindex: int) -> int:
    """Head of pcp->lists[pindex]."""
    return s.mem[pcp + LISTS] + pindex


def __rmqueue_pcplist(
    s: State, pcp: int, zone: int, order: int, migratetype: int, flags: int
) -> int:
    """__rmqueue_pcplist(), all versions: the page at the head, after a refill
    if there is none.
    """  # noqa: D205
    pindex = order_to_pindex(s, migratetype, order)
    head = pcp_list(s, pcp, pindex)
    page = s.link[head]
    if page == head:
        wanted = nr_pcp_alloc(s, pcp, zone * ZONE_FIELDS, order)
        got = rmqueue_bulk(s, zone, order, wanted, head, migratetype, flags)
        s.mem[pcp + COUNT] += got << order
        page = s.link[head]
        if page == head:
            return FAILED
    list_del(s, page)
    s.tag[page] = USED
    s.mem[pcp + COUNT] -= 1 << order
    return page


def rmqueue_pcplist(
    s: State, cpu: int, zone: int, order: int, migratetype: int, flags: int
) -> int:
    """rmqueue_pcplist(), all versions; its lock was taken."""
    pcp = pcp_of(cpu, zone)
    note_alloc(s, pcp)
    return __rmqueue_pcplist(s, pcp, zone, order, migratetype, flags)


def free_pcp_page(s: State, pcp: int, zone: int, order: int, pfn: int) -> None:
    """One page of a pcp list to the buddy lists."""
    list_del(s, pfn)
    if s.mem[DRAIN_CURRENT_TYPE]:
        migratetype = s.tag[s.block + (pfn >> PAGEBLOCK_ORDER)]
    else:
        migratetype = s.tag[s.cached + pfn]
    s.mem[pcp + COUNT] -= 1 << order
    __free_one_page(s, pfn, zone, order, migratetype, False)
    emit(s, MM_PAGE_PCPU_DRAIN, pfn, order, migratetype, 0)


def free_pcppages_bulk(s: State, pcp: int, zone: int, count: int, pindex: int) -> None:
    """free_pcppages_bulk(), v6.1 and v6.18: each list until it is empty."""
    count = min(count, s.mem[pcp + COUNT])
    while count > 0:
        head = pcp_list(s, pcp, pindex)
        order = pindex_to_order(s, pindex)
        pfn = s.link[s.prev + head]
        while count > 0 and pfn != head:
            free_pcp_page(s, pcp, zone, order, pfn)
            count -= 1 << order
            pfn = s.link[s.prev + head]
        pindex = pindex + 1 if pindex + 1 < s.mem[PCP_LISTS] else 0


def free_pcppages_by_page(s: State, pcp: int, zone: int, count: int) -> None:
    """free_pcppages_bulk(), v4.14: by turns, more from each list that is next."""
    count = min(count, s.mem[pcp + COUNT])
    lists = s.mem[PCP_LISTS]
    pindex = 0
    batch_free = 0
    while count > 0:
        batch_free += 1
        pindex = (pindex + 1) % lists
        head = pcp_list(s, pcp, pindex)
        pfn = s.link[s.prev + head]
        if pfn == head:
            continue
        # the only list with pages: everything comes from it
        if batch_free == lists:
            batch_free = count
        while batch_free > 0 and count > 0 and pfn != head:
            free_pcp_page(s, pcp, zone, 0, pfn)
            batch_free -= 1
            count -= 1
            pfn = s.link[s.prev + head]


@seldom
def drain_pcp(s: State, pcp: int, zone: int, count: int, pindex: int) -> None:
    """free_pcppages_bulk(), by the rule of the version."""
    if s.mem[DRAINING] == DRAIN_BY_PAGE:
        free_pcppages_by_page(s, pcp, zone, count)
    else:
        free_pcppages_bulk(s, pcp, zone, count, pindex)


def free_unref_page_commit(
    s: State, pcp: int, zone: int, pfn: int, migratetype: int, order: int
) -> None:
    """free_unref_page_commit(), v6.1: to the head of its list, drain if too many.

    free_hot_cold_page() in v4.14, free_frozen_page_commit() in v6.18.
    """
    pindex = order_to_pindex(s, migratetype, order)
    if s.mem[SIZING] == SIZE_AUTO:
        s.mem[pcp + FREE_FACTOR] >>= 1
    list_add(s, pfn, pcp_list(s, pcp, pindex))
    s.tag[pfn] = ON_PCP
    s.mem[pcp + COUNT] += 1 << order
    free_high = note_free(s, pcp, order)
    high = nr_pcp_high(s, pcp, zone * ZONE_FIELDS, free_high)
    if s.mem[pcp + COUNT] >= high:
        count = nr_pcp_free(s, pcp, high, free_high)
        drain_pcp(s, pcp, zone, count, pindex)
        if s.mem[zone * ZONE_FIELDS + IS_BELOW_HIGH]:
            leave_below_high(s, zone)


@seldom
def decay_pcp_high(s: State, cpu: int, zone: int) -> None:
    """decay_pcp_high(), v6.18.26: high sinks by an eighth, the rest is drained."""
    pcp = pcp_of(cpu, zone)
    p = s.mem
    if p[pcp + HIGH] > p[pcp + HIGH_MIN]:
        least = p[pcp + COUNT] - (p[pcp + BATCH] << s.mem[BATCH_SCALE_MAX])
        sunk = p[pcp + HIGH] - (p[pcp + HIGH] >> DECAY_SHIFT)
        p[pcp + HIGH] = max(least, sunk, p[pcp + HIGH_MIN])
    left = p[pcp + COUNT] - p[pcp + HIGH]
    while left > 0:
        drain_pcp(s, pcp, zone, min(left, p[pcp + BATCH]), 0)
        left -= p[pcp + BATCH]


@seldom
def drain_pages_zone(s: State, cpu: int, zone: int) -> None:
    """drain_pages_zone(), all versions: all of a pcp; from v6.1.192 on in chunks."""
    pcp = pcp_of(cpu, zone)
    while s.mem[pcp + COUNT] > 0:
        chunk = s.mem[pcp + COUNT]
        if s.mem[DRAINING] != DRAIN_BY_PAGE:
            chunk = min(chunk, s.mem[pcp + BATCH] << s.mem[BATCH_SCALE_MAX])
        drain_pcp(s, pcp, zone, chunk, 0)
