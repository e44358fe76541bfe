# SPDX-License-Identifier: GPL-2.0-only
"""Blocks kept for atomic allocations of higher order. mm/page_alloc.c."""

from typing import Final

from xpfo_model.allocator.blocks import change_pageblock_range, move_freepages_block
from xpfo_model.allocator.profiles import (
    FALLING_BACK,
    STEAL,
)
from xpfo_model.allocator.state import (
    MANAGED,
    MIGRATE_PCPTYPES,
    NR_PAGE_ORDERS,
    RESERVED_HIGHATOMIC,
    ZONE_FIELDS,
    State,
    free_list,
)
from xpfo_model.constants import (
    MIGRATE_HIGHATOMIC,
    PAGEBLOCK_NR_PAGES,
    PAGEBLOCK_ORDER,
)
from xpfo_model.engine import seldom

RESERVE_SHARE: Final = 100
"""One page in this many may be reserved. reserve_highatomic_pageblock()."""


def most_reserved(s: State, zone: int) -> int:
    """Pages of a zone that may be reserved."""
    share: int = s.mem[zone * ZONE_FIELDS + MANAGED] // RESERVE_SHARE
    if s.mem[FALLING_BACK] == STEAL:
        return share + PAGEBLOCK_NR_PAGES
    if share < PAGEBLOCK_NR_PAGES:
        return 0
    return (share + PAGEBLOCK_NR_PAGES - 1) & ~(PAGEBLOCK_NR_PAGES - 1)


@seldom
def reserve_highatomic_pageblock(s: State, pfn: int, zone: int) -> None:
    """reserve_highatomic_pageblock(), all versions: after an atomic allocation."""
    base = zone * ZONE_FIELDS
    if s.mem[base + RESERVED_HIGHATOMIC] >= most_reserved(s, zone):
        return
    if s.tag[s.block + (pfn >> PAGEBLOCK_ORDER)] < MIGRATE_PCPTYPES:
        s.mem[base + RESERVED_HIGHATOMIC] += PAGEBLOCK_NR_PAGES
        s.tag[s.block + (pfn >> PAGEBLOCK_ORDER)] = MIGRATE_HIGHATOMIC
        move_freepages_block(s, pfn, zone, MIGRATE_HIGHATOMIC)


@seldom
def unreserve_highatomic_pageblock(s: State, zone: int, migratetype: int) -> bool:
    """unreserve_highatomic_pageblock(), all versions: give a block back."""
    reserved = zone * ZONE_FIELDS + RESERVED_HIGHATOMIC
    for order in range(NR_PAGE_ORDERS):
        head = free_list(s, zone, order, MIGRATE_HIGHATOMIC)
        pfn = s.link[head]
        if pfn != head:
            block = s.block + (pfn >> PAGEBLOCK_ORDER)
            if s.tag[block] == MIGRATE_HIGHATOMIC:
                size = PAGEBLOCK_NR_PAGES
                if s.mem[FALLING_BACK] != STEAL:  # all blocks of a larger page
                    size = max(size, 1 << order)
                    change_pageblock_range(
                        s, pfn, max(order, PAGEBLOCK_ORDER), migratetype
                    )
                s.mem[reserved] = max(s.mem[reserved] - size, 0)
            s.tag[block] = migratetype
            move_freepages_block(s, pfn, zone, migratetype)
            return True
    return False
