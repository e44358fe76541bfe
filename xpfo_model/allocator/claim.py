# SPDX-License-Identifier: GPL-2.0-only
"""Fallback in v6.18: claim a whole block if it suits, else steal one page.

A page on a free list always belongs to a block of that type, so that nothing is
moved unless the block is claimed.
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
    set_pageblock_migratetype,
)
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.events import FAILED
from xpfo_model.jit import noinline


def try_to_claim_block(
    s: State, pfn: int, zone: Record, current: int, order: int, start: int, block: int
) -> int:
    """try_to_claim_block(), v6.18: a page of the claimed block, or FAILED."""
    if current >= PAGEBLOCK_ORDER:
        change_pageblock_range(s, pfn, current, start)
        take(s, pfn, zone, order, current, start)
        s.pages[pfn].migratetype = start
        return pfn
    boost_watermark(zone)
    if not suits(s, pfn, start, block):
        return FAILED
    move_freepages_block(s, pfn, zone, start)
    set_pageblock_migratetype(s, pfn, start)
    return __rmqueue_smallest(s, zone, order, start)


@noinline
def __rmqueue_claim(
    s: State, zone: Record, order: int, start: int, nofragment: bool
) -> int:
    """__rmqueue_claim(), v6.18: largest order first, one candidate an order."""
    lowest = order
    if nofragment and order < PAGEBLOCK_ORDER:
        lowest = PAGEBLOCK_ORDER
    for current in range(NR_PAGE_ORDERS - 1, lowest - 1, -1):
        if not may_take_block(current, start):
            break
        other = find_fallback(s, zone, current, start)
        if other == FAILED:
            continue
        pfn = list_first(s, free_list(zone, current, other))
        page = try_to_claim_block(s, pfn, zone, current, order, start, other)
        if page != FAILED:
            emit_extfrag(s, page, order, start, current, other, True)
            return page
    return FAILED


@noinline
def __rmqueue_steal(s: State, zone: Record, order: int, start: int) -> int:
    """__rmqueue_steal(), v6.18: smallest order first, the rest stays where it was."""
    for current in range(order, NR_PAGE_ORDERS):
        other = find_fallback(s, zone, current, start)
        if other == FAILED:
            continue
        pfn = list_first(s, free_list(zone, current, other))
        take(s, pfn, zone, order, current, other)
        s.pages[pfn].migratetype = other
        emit_extfrag(s, pfn, order, start, current, other, False)
        return pfn
    return FAILED
