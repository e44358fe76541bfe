# SPDX-License-Identifier: GPL-2.0-only
"""Fallback in v4.14 and v6.1: steal first, then take from the own lists."""

from xpfo_model.allocator.blocks import (
    alike,
    boost_watermark,
    change_pageblock_range,
    find_fallback,
    may_take_block,
    movable_in_block,
    move_freepages_block,
    move_to_free_list,
)
from xpfo_model.allocator.lists import list_first
from xpfo_model.allocator.state import (
    NR_PAGE_ORDERS,
    Record,
    State,
    buddy_order,
    emit_extfrag,
    free_list,
    get_pageblock_migratetype,
    set_pageblock_migratetype,
)
from xpfo_model.constants import (
    MIGRATE_HIGHATOMIC,
    MIGRATE_MOVABLE,
    PAGEBLOCK_NR_PAGES,
    PAGEBLOCK_ORDER,
)
from xpfo_model.events import FAILED
from xpfo_model.jit import noinline


def steal_suitable_fallback(
    s: State, pfn: int, zone: Record, start: int, whole_block: bool
) -> None:
    """steal_suitable_fallback(), v4.14 and v6.1: move a page or its block."""
    order = buddy_order(s, pfn)
    block = get_pageblock_migratetype(s, pfn)
    if block != MIGRATE_HIGHATOMIC:
        if order >= PAGEBLOCK_ORDER:
            change_pageblock_range(s, pfn, order, start)
        else:
            if s.profile.boosts:
                boost_watermark(zone)
            if whole_block:
                movable = movable_in_block(s, pfn)
                free = move_freepages_block(s, pfn, zone, start)
                suits = free + alike(start, block, free, movable)
                if suits >= PAGEBLOCK_NR_PAGES // 2:
                    set_pageblock_migratetype(s, pfn, start)
                return
    move_to_free_list(s, pfn, zone, order, start)


@noinline
def __rmqueue_fallback(
    s: State, zone: Record, order: int, start: int, nofragment: bool
) -> bool:
    """__rmqueue_fallback(), v4.14 and v6.1: whether the own lists have got pages."""
    lowest = order
    if nofragment and order < PAGEBLOCK_ORDER:
        lowest = PAGEBLOCK_ORDER
    for current in range(NR_PAGE_ORDERS - 1, lowest - 1, -1):
        other = find_fallback(s, zone, current, start)
        if other == FAILED:
            continue
        whole_block = may_take_block(current, start)
        if (
            s.profile.split_smallest
            and not whole_block
            and start == MIGRATE_MOVABLE
            and current > order
        ):
            current = order  # noqa: PLW2901 - the kernel's find_smallest
            other = find_fallback(s, zone, current, start)
            while other == FAILED:
                current += 1  # noqa: PLW2901 - the same
                other = find_fallback(s, zone, current, start)
        pfn = list_first(s, free_list(zone, current, other))
        steal_suitable_fallback(s, pfn, zone, start, whole_block)
        owned = get_pageblock_migratetype(s, pfn) == start
        emit_extfrag(s, pfn, order, start, current, other, owned)
        return True
    return False
