# SPDX-License-Identifier: GPL-2.0-only
"""Pageblocks: their types, and moving their free pages. mm/page_alloc.c."""

from typing import Final

from xpfo_model.allocator.lists import list_add, list_add_tail, list_del, list_empty
from xpfo_model.allocator.state import (
    BUDDY,
    MIGRATE_PCPTYPES,
    USED_MOVABLE,
    WMARK_HIGH,
    Record,
    State,
    buddy_order,
    free_list,
)
from xpfo_model.constants import (
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    PAGEBLOCK_NR_PAGES,
    PAGEBLOCK_ORDER,
)
from xpfo_model.events import FAILED

FALLBACKS: Final = (
    (MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE),
    (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE),
    (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE),
)
"""By migratetype: where it takes from when its lists are empty. fallbacks[]."""

WHOLE_BLOCK_ORDER: Final = PAGEBLOCK_ORDER // 2
"""A free page of this order makes its block worth taking. can_steal_fallback()."""

WATERMARK_BOOST_FACTOR: Final = 15000
"""Ten-thousandths of the high watermark. vm.watermark_boost_factor, default."""
FACTOR_UNIT: Final = 10000
"""Unit of watermark factors: ten-thousandths."""
BOOST_MIN_BLOCKS: Final = 4
"""A zone of fewer blocks is not boosted. boost_watermark()."""


def move_to_free_list(
    s: State, pfn: int, zone: Record, order: int, migratetype: int
) -> None:
    """move_to_free_list(): to the tail from v5.7 on, to the head before."""
    list_del(s, pfn)
    s.pages[pfn].migratetype = migratetype
    head = free_list(zone, order, migratetype)
    if s.profile.move_to_tail:
        list_add_tail(s, pfn, head)
    else:
        list_add(s, pfn, head)


def move_freepages_block(s: State, pfn: int, zone: Record, migratetype: int) -> int:
    """move_freepages_block(): all free pages of a block; how many frames."""
    frame = pfn & ~(PAGEBLOCK_NR_PAGES - 1)
    end = frame + PAGEBLOCK_NR_PAGES
    moved = 0
    while frame < end:
        if s.pages[frame].use >= BUDDY:
            order = buddy_order(s, frame)
            move_to_free_list(s, frame, zone, order, migratetype)
            frame += 1 << order
            moved += 1 << order
        else:
            frame += 1
    return moved


def free_in_block(s: State, pfn: int) -> int:
    """Free frames of a block. prep_move_freepages_block(), v6.18."""
    frame = pfn & ~(PAGEBLOCK_NR_PAGES - 1)
    end = frame + PAGEBLOCK_NR_PAGES
    free = 0
    while frame < end:
        if s.pages[frame].use >= BUDDY:
            free += 1 << buddy_order(s, frame)
            frame += 1 << buddy_order(s, frame)
        else:
            frame += 1
    return free


def movable_in_block(s: State, pfn: int) -> int:
    """Frames of a block in movable use: PageLRU() || __PageMovable().

    The model takes every page that was allocated as movable for such a page.
    """
    start = pfn & ~(PAGEBLOCK_NR_PAGES - 1)
    movable = 0
    for frame in range(start, start + PAGEBLOCK_NR_PAGES):
        if s.pages[frame].use == USED_MOVABLE:
            movable += 1
    return movable


def alike(start: int, block: int, free: int, movable: int) -> int:
    """Used frames of a block that suit the new type.

    steal_suitable_fallback() in v4.14 and v6.1, try_to_claim_block() in v6.18.
    """
    if start == MIGRATE_MOVABLE:
        return movable
    if block == MIGRATE_MOVABLE:
        return PAGEBLOCK_NR_PAGES - free - movable
    return 0


def suits(s: State, pfn: int, start: int, block: int) -> bool:
    """Whether half of a block is free or of a use that suits the new type.

    steal_suitable_fallback() in v6.12, try_to_claim_block() in v6.18.
    """
    free = free_in_block(s, pfn)
    fitting = free + alike(start, block, free, movable_in_block(s, pfn))
    return fitting >= PAGEBLOCK_NR_PAGES // 2


def change_pageblock_range(s: State, pfn: int, order: int, migratetype: int) -> None:
    """change_pageblock_range(): the type of all blocks of a large page."""
    for block in range(1 << (order - PAGEBLOCK_ORDER)):
        s.pageblocks[(pfn >> PAGEBLOCK_ORDER) + block] = migratetype


def may_take_block(order: int, start: int) -> bool:
    """can_steal_fallback(), v4.14 and v6.1; should_try_claim_block(), v6.18."""
    return order >= WHOLE_BLOCK_ORDER or start != MIGRATE_MOVABLE


def find_fallback(s: State, zone: Record, order: int, migratetype: int) -> int:
    """The type of the first other list that has a page of the order, or FAILED.

    find_suitable_fallback(), without its test of the block.
    """
    if migratetype >= MIGRATE_PCPTYPES:
        return FAILED
    for other in FALLBACKS[migratetype]:
        if not list_empty(s, free_list(zone, order, other)):
            return other
    return FAILED


def boost_watermark(zone: Record) -> None:
    """boost_watermark(), v6.1 and v6.18: fragmentation wakes kswapd early."""
    if zone.managed_pages < BOOST_MIN_BLOCKS * PAGEBLOCK_NR_PAGES:
        return
    most = zone.watermark[WMARK_HIGH] * WATERMARK_BOOST_FACTOR // FACTOR_UNIT
    most = max(most, PAGEBLOCK_NR_PAGES)
    zone.watermark_boost = min(zone.watermark_boost + PAGEBLOCK_NR_PAGES, most)
    zone.boosted_watermark = 1
