# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT001, FBT003 - compiled calls pass flags by position
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
from xpfo_model.allocator.state import (
    NR_PAGE_ORDERS,
    State,
    emit_extfrag,
    free_list,
)
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.engine import seldom
from xpfo_model.events import FAILED


def try_to_claim_block(
    s: State, pfn: int, zone: int, current: int, order: int, start: int, block: int
) -> int:
    """try_to_claim_block(), v6.18: a page of the claimed block, or FAILED."""
    if current >= PAGEBLOCK_ORDER:
        change_pageblock_range(s, pfn, current, start)
        take(s, pfn, zone, order, current, start)
        s.tag[s.cached + pfn] = start
        return pfn
    boost_watermark(s, zone)
    if not suits(s, pfn, start, block):
        return FAILED
    move_freepages_block(s, pfn, zone, start)
    s.tag[s.block + (pfn >> PAGEBLOCK_ORDER)] = start
    return __rmqueue_smallest(s, zone, order, start)


@seldom
def __rmqueue_claim(
    s: State, zone: int, order: int, start: int, nofragment: bool
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
        pfn = s.link[free_list(s, zone, current, other)]
        page = try_to_claim_block(s, pfn, zone, current, order, start, other)
        if page != FAILED:
            emit_extfrag(s, page, order, start, current, other, True)
            return page
    return FAILED


@seldom
def __rmqueue_steal(s: State, zone: int, order: int, start: int) -> int:
    """__rmqueue_steal(), v6.18: smallest order first, the rest stays where it was."""
    for current in range(order, NR_PAGE_ORDERS):
        other = find_fallback(s, zone, current, start)
        if other == FAILED:
            continue
        pfn = s.link[free_list(s, zone, current, other)]
        take(s, pfn, zone, order, current, other)
        s.tag[s.cached + pfn] = other
        emit_extfrag(s, pfn, order, start, current, other, False)
        return pfn
    return FAILED
