# SPDX-License-Identifier: GPL-2.0-only
"""Fallback in v6.12: one candidate; its whole block if that suits, else one page.

As v6.1 chooses, as v6.18 takes: a page on a free list belongs to a block of that
type, and the rest of a split page stays where it was. Mirrors mm/page_alloc.c,
v6.12.19.
"""

from xpfo_model.allocator.blocks import (
    boost_watermark,
    change_pageblock_range,
    find_fallback,
    may_take_block,
    move_freepages_block,
    suits,
)
from xpfo_model.allocator.buddy import __rmqueue_smallest, take
from xpfo_model.allocator.lists import list_first
from xpfo_model.allocator.state import (
    NR_PAGE_ORDERS,
    Record,
    State,
    emit_extfrag,
    free_list,
    get_pageblock_migratetype,
    set_pageblock_migratetype,
)
from xpfo_model.constants import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    PAGEBLOCK_ORDER,
)
from xpfo_model.events import FAILED
from xpfo_model.jit import noinline


def steal_suitable_fallback(
    s: State, pfn: int, zone: Record, current: int, order: int, start: int, whole: bool
) -> int:
    """steal_suitable_fallback(), v6.12: a page of the block, or of that page."""
    block = get_pageblock_migratetype(s, pfn)
    if block != MIGRATE_HIGHATOMIC:
        if current >= PAGEBLOCK_ORDER:
            change_pageblock_range(s, pfn, current, start)
            take(s, pfn, zone, order, current, start)
            s.pages[pfn].migratetype = start
            return pfn
        boost_watermark(zone)
        if whole and suits(s, pfn, start, block):
            move_freepages_block(s, pfn, zone, start)
            set_pageblock_migratetype(s, pfn, start)
            return __rmqueue_smallest(s, zone, order, start)
    take(s, pfn, zone, order, current, block)
    s.pages[pfn].migratetype = block
    return pfn


@noinline
def __rmqueue_fallback(
    s: State, zone: Record, order: int, start: int, nofragment: bool
) -> int:
    """__rmqueue_fallback(), v6.12: the largest page of another type, or FAILED.

    For a MOVABLE request that may not take the block, the smallest.
    """
    lowest = order
    if nofragment and order < PAGEBLOCK_ORDER:
        lowest = PAGEBLOCK_ORDER
    for largest in range(NR_PAGE_ORDERS - 1, lowest - 1, -1):
        current = largest
        other = find_fallback(s, zone, current, start)
        if other == FAILED:
            continue
        whole = may_take_block(current, start)
        if not whole and start == MIGRATE_MOVABLE and current > order:
            current = order
            other = find_fallback(s, zone, current, start)
            while other == FAILED:
                current += 1
                other = find_fallback(s, zone, current, start)
        pfn = list_first(s, free_list(zone, current, other))
        page = steal_suitable_fallback(s, pfn, zone, current, order, start, whole)
        owned = get_pageblock_migratetype(s, page) == start
        emit_extfrag(s, page, order, start, current, other, owned)
        return page
    return FAILED
