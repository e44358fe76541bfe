# SPDX-License-Identifier: GPL-2.0-only
"""How many pages a refill fetches and a drain gives back, by version.

Mirrors mm/page_alloc.c.
"""

from typing import Final

from xpfo_model.allocator.profiles import SIZE_AUTO, SIZE_BY_FREES, SIZE_FIXED
from xpfo_model.allocator.state import Record, State

PAGE_ALLOC_COSTLY_ORDER: Final = 3
"""include/linux/mmzone.h, all versions: the largest order that pcp
lists hold, but for that of huge pages."""
RECLAIM_BATCHES: Final = 4
"""Batches that a pcp may hold while the zone reclaims. nr_pcp_high()."""
HIGH_ORDER_MIN: Final = 2
"""Least pages of a refill of larger order. nr_pcp_alloc()."""
DECAY_SHIFT: Final = 3
"""high loses this share, as a shift, in a decay. decay_pcp_high(), v6.18."""


def clamp(value: int, least: int, most: int) -> int:
    """clamp(), include/linux/minmax.h."""
    if value >= most:
        return most
    return least if value < least else value  # noqa: FURB136 - costs no call


def note_alloc(s: State, pcp: Record) -> None:
    """rmqueue_pcplist(): an allocation halves what the frees have built up."""
    if s.profile.sizing == SIZE_BY_FREES:
        pcp.free_factor = pcp.free_factor >> 1
    elif s.profile.sizing == SIZE_AUTO:
        pcp.free_count = pcp.free_count >> 1


def by_order(batch: int, order: int) -> int:
    """The pages of `order` in a refill of `batch` frames."""
    if batch <= 1:
        return batch
    return max(batch >> order, HIGH_ORDER_MIN)


def nr_pcp_alloc(s: State, pcp: Record, zone: Record, order: int) -> int:
    """nr_pcp_alloc(), v6.18, and what stood in its place: pages of a refill."""
    batch = pcp.batch
    if s.profile.sizing == SIZE_FIXED:
        return batch
    if s.profile.sizing == SIZE_BY_FREES:
        return by_order(batch, order)
    high = clamp(pcp.high, pcp.high_min, pcp.high_max)
    pcp.high = high
    if high < batch:
        return 1
    base = batch
    if not order:
        batch <<= pcp.free_factor
    if pcp.high_min != pcp.high_max and not zone.below_high:
        high = min(high + batch, pcp.high_max)
        pcp.high = high
    if not order:
        room = max(high - pcp.count - base, base)
        if batch <= room and pcp.free_factor < s.profile.batch_scale_max:
            pcp.free_factor += 1
        batch = min(batch, room)
    return by_order(batch, order)


def note_free(s: State, pcp: Record, order: int) -> bool:
    """Before a drain is considered: whether to free everything (free_high).

    free_unref_page_commit() in v6.1, free_frozen_page_commit() in v6.18.
    """
    if s.profile.sizing == SIZE_FIXED:
        return False
    higher = 0 < order <= PAGE_ALLOC_COSTLY_ORDER
    if s.profile.sizing == SIZE_BY_FREES:
        return higher and pcp.free_factor != 0
    free_high = False
    if higher:
        enough = pcp.batch
        if s.profile.free_high_half:
            enough += pcp.high_min // 2
        # FREE_HIGH_BATCH is set on all but the smallest caches
        free_high = (
            pcp.free_count >= enough
            and pcp.prev_free_high_order != 0
            and pcp.count >= pcp.batch
        )
        pcp.prev_free_high_order = 1
    else:
        pcp.prev_free_high_order = 0
    if pcp.free_count < pcp.batch << s.profile.batch_scale_max:
        pcp.free_count += 1 << order
    return free_high


def nr_pcp_high(s: State, pcp: Record, zone: Record, free_high: bool) -> int:  # noqa: C901, PLR0911
    """nr_pcp_high(), v6.1 and v6.18: the count at which a free drains."""
    batch = pcp.batch
    high = pcp.high
    if s.profile.sizing == SIZE_FIXED:
        return high
    if s.profile.sizing == SIZE_BY_FREES:
        if free_high:
            return 0
        if zone.reclaim_active:
            return min(batch * RECLAIM_BATCHES, high)
        return high
    low = pcp.high_min
    high = clamp(high, low, pcp.high_max)
    pcp.high = high
    if high == 0:
        return 0
    if free_high:
        pcp.high = max(high - (batch << s.profile.batch_scale_max), low)
        return 0
    if zone.reclaim_active:
        pcp.high = max(high - max(pcp.free_count, batch), low)
        return min(batch * RECLAIM_BATCHES, pcp.high)
    if low == pcp.high_max:
        return high
    if zone.below_high:
        pcp.high = max(high - max(pcp.free_count, batch), low)
        return max(pcp.count, low)
    if pcp.count >= high and high < pcp.free_count + batch:
        wanted = pcp.free_count + batch
        pcp.high = clamp(wanted, low, pcp.high_max)
    return high


def nr_pcp_free(s: State, pcp: Record, high: int, free_high: bool) -> int:
    """nr_pcp_free(), v6.1 and v6.18: frames of a drain."""
    batch = pcp.batch
    if s.profile.sizing == SIZE_FIXED:
        return batch
    if free_high:
        if s.profile.sizing == SIZE_BY_FREES:
            return pcp.count
        return min(pcp.count, batch << s.profile.batch_scale_max)
    if high < batch:
        return 1
    most = high - batch
    if s.profile.sizing == SIZE_BY_FREES:
        wanted = batch << pcp.free_factor
        if wanted < most and pcp.free_factor < s.profile.batch_scale_max:
            pcp.free_factor += 1
    else:
        wanted = pcp.free_count
    return clamp(wanted, batch, most)
