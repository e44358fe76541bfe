# SPDX-License-Identifier: GPL-2.0-only
"""Blocks kept for atomic allocations of higher order. mm/page_alloc.c."""

from typing import Final

from xpfo_model.allocator.blocks import change_pageblock_range, move_freepages_block
from xpfo_model.allocator.lists import list_first
from xpfo_model.allocator.profiles import STEAL
from xpfo_model.allocator.state import (
    MIGRATE_PCPTYPES,
    NR_PAGE_ORDERS,
    Record,
    State,
    free_list,
    get_pageblock_migratetype,
    set_pageblock_migratetype,
)
from xpfo_model.constants import (
    MIGRATE_HIGHATOMIC,
    PAGEBLOCK_NR_PAGES,
    PAGEBLOCK_ORDER,
)
from xpfo_model.jit import noinline

RESERVE_SHARE: Final = 100
"""Pages of which a single one may be reserved. reserve_highatomic_pageblock()."""


def most_reserved(s: State, zone: Record) -> int:
    """Pages of a zone that may be reserved."""
    share: int = zone.managed_pages // RESERVE_SHARE
    if s.profile.falling_back == STEAL:
        return share + PAGEBLOCK_NR_PAGES
    if share < PAGEBLOCK_NR_PAGES:
        return 0
    return (share + PAGEBLOCK_NR_PAGES - 1) & ~(PAGEBLOCK_NR_PAGES - 1)


@noinline
def reserve_highatomic_pageblock(s: State, pfn: int, zone: Record) -> None:
    """reserve_highatomic_pageblock(), all versions: after an atomic allocation."""
    if zone.nr_reserved_highatomic >= most_reserved(s, zone):
        return
    if get_pageblock_migratetype(s, pfn) < MIGRATE_PCPTYPES:
        zone.nr_reserved_highatomic += PAGEBLOCK_NR_PAGES
        set_pageblock_migratetype(s, pfn, MIGRATE_HIGHATOMIC)
        move_freepages_block(s, pfn, zone, MIGRATE_HIGHATOMIC)


@noinline
def unreserve_highatomic_pageblock(s: State, zone: Record, migratetype: int) -> bool:
    """unreserve_highatomic_pageblock(), all versions: give a block back."""
    for order in range(NR_PAGE_ORDERS):
        head = free_list(zone, order, MIGRATE_HIGHATOMIC)
        pfn = list_first(s, head)
        if pfn != head:
            if get_pageblock_migratetype(s, pfn) == MIGRATE_HIGHATOMIC:
                size = PAGEBLOCK_NR_PAGES
                if s.profile.falling_back != STEAL:  # all blocks of a larger page
                    size = max(size, 1 << order)
                    change_pageblock_range(
                        s, pfn, max(order, PAGEBLOCK_ORDER), migratetype
                    )
                reserved = zone.nr_reserved_highatomic
                zone.nr_reserved_highatomic = max(reserved - size, 0)
            set_pageblock_migratetype(s, pfn, migratetype)
            move_freepages_block(s, pfn, zone, migratetype)
            return True
    return False
