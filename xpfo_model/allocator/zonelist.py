# SPDX-License-Identifier: GPL-2.0-only
"""Which zone gives the page: get_page_from_freelist() and what is around it.

Reclaim is not modelled: when every zone is below its low watermark, the request
goes on with the min watermark and then without any, as if reclaim had run and
freed nothing but what the demand frees.
"""

from typing import Final

from xpfo_model.allocator.buddy import pcp_allowed_order
from xpfo_model.allocator.highatomic import (
    reserve_highatomic_pageblock,
    unreserve_highatomic_pageblock,
)
from xpfo_model.allocator.pcp import rmqueue_pcplist
from xpfo_model.allocator.rmqueue import HIGHATOMIC, NOFRAGMENT, rmqueue_buddy
from xpfo_model.allocator.state import WMARK_LOW, WMARK_MIN, ZONE_NORMAL, Record, State
from xpfo_model.allocator.watermarks import above_high, zone_watermark_ok
from xpfo_model.events import FAILED
from xpfo_model.jit import noinline

NO_WATERMARK: Final = -1
"""ALLOC_NO_WATERMARKS, in place of the number of a watermark."""


def rmqueue(
    s: State,
    cpu: int,
    zone: Record,
    order: int,
    migratetype: int,
    flags: int,
    locked: bool,
) -> int:
    """rmqueue(), all versions: from the pcp if it may, else from the buddy lists.

    `locked`: the pcp's lock is held by what this operation interrupted.
    """
    page = FAILED
    if pcp_allowed_order(s, order) and not locked:
        page = rmqueue_pcplist(s, cpu, zone, order, migratetype, flags)
    if page == FAILED:
        page = rmqueue_buddy(s, zone, order, migratetype, flags)
    if zone.boosted_watermark:
        # wakes kswapd, which the model takes to reclaim the boost at once
        zone.boosted_watermark = 0
        zone.watermark_boost = 0
    return page


def get_page_from_freelist(
    s: State,
    cpu: int,
    order: int,
    migratetype: int,
    highest: int,
    flags: int,
    watermark: int,
    locked: bool,
) -> int:
    """get_page_from_freelist(), all versions: the first zone that has enough.

    `watermark` is WMARK_LOW, WMARK_MIN or NO_WATERMARK.
    """
    again = True
    while again:
        again = False
        for index in range(highest, -1, -1):
            zone = s.zones[index]
            if not zone.managed_pages:
                continue
            enough = watermark == NO_WATERMARK
            if s.profile.notes_below_high and above_high(
                s, zone, order, highest, flags
            ):
                enough = True
            if not enough:
                mark = zone.watermark[watermark]
                if not zone_watermark_ok(s, zone, order, mark, highest, flags):
                    continue
            page = rmqueue(s, cpu, zone, order, migratetype, flags, locked)
            if page != FAILED:
                if flags & HIGHATOMIC:
                    reserve_highatomic_pageblock(s, page, zone)
                return page
        if flags & NOFRAGMENT:
            flags &= ~NOFRAGMENT
            again = True
    return FAILED


def alloc_flags_nofragment(s: State, highest: int) -> int:
    """alloc_flags_nofragment(), v6.1 and v6.18, one node."""
    if not s.profile.avoids_fragments or highest != ZONE_NORMAL:
        return 0
    if not s.zones[ZONE_NORMAL].managed_pages:
        return 0
    return NOFRAGMENT


@noinline
def __alloc_pages_slowpath(
    s: State,
    cpu: int,
    order: int,
    migratetype: int,
    highest: int,
    atomic: int,
    locked: bool,
) -> int:
    """__alloc_pages_slowpath(), all versions: min watermark, then none at all."""
    page = FAILED
    watermark = WMARK_MIN
    while page == FAILED:
        page = get_page_from_freelist(
            s, cpu, order, migratetype, highest, atomic, watermark, locked
        )
        if watermark == NO_WATERMARK:
            return page
        if page == FAILED:
            zone = highest
            while zone >= 0 and not unreserve_highatomic_pageblock(
                s, s.zones[zone], migratetype
            ):
                zone -= 1
        watermark = NO_WATERMARK
    return page


def __alloc_pages(
    s: State,
    cpu: int,
    order: int,
    migratetype: int,
    highest: int,
    atomic: int,
    locked: bool,
) -> int:
    """__alloc_pages(), all versions: low watermark, then min, then none at all.

    `atomic` is the flags that the slow path adds: HIGHATOMIC, NON_BLOCK.
    """
    flags = alloc_flags_nofragment(s, highest)
    page = get_page_from_freelist(
        s, cpu, order, migratetype, highest, flags, WMARK_LOW, locked
    )
    if page != FAILED:
        return page
    return __alloc_pages_slowpath(s, cpu, order, migratetype, highest, atomic, locked)
