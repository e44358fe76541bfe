# SPDX-License-Identifier: GPL-2.0-only
"""The buddy lists: merge on free, split on allocation. Mirrors mm/page_alloc.c."""

from xpfo_model.allocator.blocks import change_pageblock_range
from xpfo_model.allocator.lists import list_add, list_add_tail, list_del, list_first
from xpfo_model.allocator.state import (
    BUDDY,
    MIGRATE_PCPTYPES,
    NR_PAGE_ORDERS,
    USED,
    Record,
    State,
    emit,
    free_list,
    get_pageblock_migratetype,
    page_is_buddy,
)
from xpfo_model.constants import MAX_PAGE_ORDER, PAGEBLOCK_ORDER
from xpfo_model.events import FAILED, MM_PAGE_ALLOC_ZONE_LOCKED, PERCPU_REFILL


def add_to_free_list(
    s: State, pfn: int, zone: Record, order: int, migratetype: int
) -> None:
    """add_to_free_list() and set_buddy_order(), v6.1: at the head.

    The page caches the migratetype of its list, for readers outside the allocator.
    """
    list_add(s, pfn, free_list(zone, order, migratetype))
    s.pages[pfn].use = BUDDY + order
    s.pages[pfn].migratetype = migratetype


def add_to_free_list_tail(
    s: State, pfn: int, zone: Record, order: int, migratetype: int
) -> None:
    """add_to_free_list_tail() and set_buddy_order(), v6.1."""
    list_add_tail(s, pfn, free_list(zone, order, migratetype))
    s.pages[pfn].use = BUDDY + order
    s.pages[pfn].migratetype = migratetype


def del_page_from_free_list(s: State, pfn: int) -> None:
    """del_page_from_free_list(), v6.1: off its list, no buddy any more."""
    list_del(s, pfn)
    s.pages[pfn].use = USED


def buddy_merge_likely(s: State, pfn: int, order: int) -> bool:
    """buddy_merge_likely(), v6.1: the next larger buddy is free already."""
    higher = (pfn & ~(1 << order)) ^ (1 << (order + 1))
    return order < MAX_PAGE_ORDER - 1 and page_is_buddy(s, higher, order + 1)


def may_merge(s: State, migratetype: int, other: int) -> bool:
    """Whether blocks of two types merge. __free_one_page(), all versions."""
    return (
        migratetype == other
        or s.profile.merge_unlike != 0
        or (migratetype < MIGRATE_PCPTYPES and other < MIGRATE_PCPTYPES)
    )


def __free_one_page(
    s: State, pfn: int, zone: Record, order: int, migratetype: int, to_tail: bool
) -> None:
    """__free_one_page(), all versions: merge as far as it goes, then list it."""
    zone.free_pages += 1 << order
    s.pages[pfn].use = USED
    while order < MAX_PAGE_ORDER:
        buddy = pfn ^ (1 << order)
        if not page_is_buddy(s, buddy, order):
            break
        if order >= PAGEBLOCK_ORDER:
            other = get_pageblock_migratetype(s, buddy)
            if not may_merge(s, migratetype, other):
                break
            if s.profile.merge_retypes:
                change_pageblock_range(s, buddy, order, migratetype)
        del_page_from_free_list(s, buddy)
        pfn &= buddy
        order += 1
    if to_tail or buddy_merge_likely(s, pfn, order):
        add_to_free_list_tail(s, pfn, zone, order, migratetype)
    else:
        add_to_free_list(s, pfn, zone, order, migratetype)


def expand(
    s: State, pfn: int, zone: Record, low: int, high: int, migratetype: int
) -> None:
    """expand(), all versions: keep the lower half, list the upper, down to low."""
    while high > low:
        high -= 1
        add_to_free_list(s, pfn + (1 << high), zone, high, migratetype)


def take(
    s: State, pfn: int, zone: Record, low: int, high: int, migratetype: int
) -> None:
    """page_del_and_expand(), v6.18: off its list, and the rest back to lists."""
    del_page_from_free_list(s, pfn)
    expand(s, pfn, zone, low, high, migratetype)
    zone.free_pages -= 1 << low


def percpu_refill(s: State, order: int, migratetype: int) -> int:
    """Flag of mm_page_alloc_zone_locked: the page could go to a pcp list."""
    if migratetype >= MIGRATE_PCPTYPES or not pcp_allowed_order(s, order):
        return 0
    return PERCPU_REFILL


def pcp_allowed_order(s: State, order: int) -> bool:
    """pcp_allowed_order(), all versions: whether pcp lists hold such pages."""
    return order <= s.profile.pcp_order or (
        order == PAGEBLOCK_ORDER and s.profile.thp_lists > 0
    )


def __rmqueue_smallest(s: State, zone: Record, order: int, migratetype: int) -> int:
    """__rmqueue_smallest(), all versions: first page of the smallest order.

    Returns the pfn, or FAILED. The list's migratetype stays cached in the page.
    """
    for current in range(order, NR_PAGE_ORDERS):
        head = free_list(zone, current, migratetype)
        pfn = list_first(s, head)
        if pfn == head:
            continue
        take(s, pfn, zone, order, current, migratetype)
        flags = percpu_refill(s, order, migratetype)
        emit(s, MM_PAGE_ALLOC_ZONE_LOCKED, pfn, order, migratetype, flags)
        return pfn
    return FAILED
