# SPDX-License-Identifier: GPL-2.0-only
"""From the buddy lists with fallback: one page, or a batch of them."""

from typing import Final

from xpfo_model.allocator.buddy import __rmqueue_smallest
from xpfo_model.allocator.claim import __rmqueue_claim, __rmqueue_steal
from xpfo_model.allocator.fallback import (
    __rmqueue_fallback as __rmqueue_fallback_2024,
)
from xpfo_model.allocator.lists import list_add_tail
from xpfo_model.allocator.profiles import CLAIM_OR_SPLIT, STEAL
from xpfo_model.allocator.state import ON_PCP, Record, State
from xpfo_model.allocator.steal import __rmqueue_fallback
from xpfo_model.constants import MIGRATE_HIGHATOMIC
from xpfo_model.events import FAILED
from xpfo_model.jit import noinline

# What __rmqueue() of v6.18 tries first; a batch starts where its last page ended.
RMQUEUE_NORMAL: Final = 0
RMQUEUE_CLAIM: Final = 1
RMQUEUE_STEAL: Final = 2

# allocation flags
NOFRAGMENT: Final = 1
"""ALLOC_NOFRAGMENT: leave the zone rather than mix its blocks."""
HIGHATOMIC: Final = 2
"""ALLOC_HIGHATOMIC: may use the blocks reserved for atomic allocations."""
NON_BLOCK: Final = 4
"""ALLOC_NON_BLOCK or ALLOC_OOM: may use them as the last resort."""
RESERVES: Final = HIGHATOMIC | NON_BLOCK
"""ALLOC_RESERVES, ALLOC_HARDER in v4.14: counts the reserved blocks as free."""


def __rmqueue(s: State, zone: Record, order: int, migratetype: int, flags: int) -> int:
    """__rmqueue(), v4.14 and v6.1: the own lists, else steal for them and retry."""
    page = __rmqueue_smallest(s, zone, order, migratetype)
    while page == FAILED:
        if not __rmqueue_fallback(s, zone, order, migratetype, flags & NOFRAGMENT != 0):
            return FAILED
        page = __rmqueue_smallest(s, zone, order, migratetype)
    return page


def __rmqueue_mode(
    s: State, zone: Record, order: int, migratetype: int, flags: int, mode: int
) -> tuple[int, int]:
    """__rmqueue(), v6.12 and v6.18: own lists, claim, steal, from `mode` on.

    Returns the page and the mode, which v6.12 does not have.
    """
    if mode == RMQUEUE_NORMAL:
        page = __rmqueue_smallest(s, zone, order, migratetype)
        if page != FAILED:
            return page, RMQUEUE_NORMAL
    if s.profile.falling_back == CLAIM_OR_SPLIT:
        page = __rmqueue_fallback_2024(
            s, zone, order, migratetype, flags & NOFRAGMENT != 0
        )
        return page, RMQUEUE_NORMAL
    if mode <= RMQUEUE_CLAIM:
        page = __rmqueue_claim(s, zone, order, migratetype, flags & NOFRAGMENT != 0)
        if page != FAILED:
            return page, RMQUEUE_NORMAL
    if not flags & NOFRAGMENT:
        page = __rmqueue_steal(s, zone, order, migratetype)
        if page != FAILED:
            return page, RMQUEUE_STEAL
    return FAILED, mode


@noinline
def rmqueue_bulk(
    s: State,
    zone: Record,
    order: int,
    count: int,
    head: int,
    migratetype: int,
    flags: int,
) -> int:
    """rmqueue_bulk(), v6.1 and v6.18: append pages to a pcp list; how many.

    v4.14 gives the same order for the allocations that take from the head.
    """
    mode = RMQUEUE_NORMAL
    for got in range(count):
        if s.profile.falling_back == STEAL:
            page = __rmqueue(s, zone, order, migratetype, flags)
        else:
            page, mode = __rmqueue_mode(s, zone, order, migratetype, flags, mode)
        if page == FAILED:
            return got
        list_add_tail(s, page, head)
        s.pages[page].use = ON_PCP
    return count


@noinline
def rmqueue_buddy(
    s: State, zone: Record, order: int, migratetype: int, flags: int
) -> int:
    """rmqueue_buddy(), v6.1 and v6.18; in v4.14 a part of rmqueue()."""
    page = FAILED
    if flags & HIGHATOMIC:
        page = __rmqueue_smallest(s, zone, order, MIGRATE_HIGHATOMIC)
    if page == FAILED:
        if s.profile.falling_back == STEAL:
            page = __rmqueue(s, zone, order, migratetype, flags)
        else:
            page, _ = __rmqueue_mode(s, zone, order, migratetype, flags, RMQUEUE_NORMAL)
    if page == FAILED and flags & NON_BLOCK:
        page = __rmqueue_smallest(s, zone, order, MIGRATE_HIGHATOMIC)
    return page
