# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT001 - compiled calls pass flags by position  # noqa: RUF100
"""How many pages a refill fetches and a drain gives back, by version.

Every function takes the offsets of its pcp and of its zone in State.mem. Mirrors
mm/page_alloc.c.
"""

from typing import Final

from xpfo_model.allocator.profiles import (
    BATCH_SCALE_MAX,
    FREE_HIGH_HALF,
    SIZE_AUTO,
    SIZE_BY_FREES,
    SIZE_FIXED,
    SIZING,
)
from xpfo_model.allocator.state import (
    BATCH,
    COUNT,
    FREE_COUNT,
    FREE_FACTOR,
    HIGH,
    HIGH_MAX,
    HIGH_MIN,
    IS_BELOW_HIGH,
    PREV_FREE_HIGH_ORDER,
    RECLAIM_ACTIVE,
    State,
)

PAGE_ALLOC_COSTLY_ORDER: Final = 3
"""include/linux/mmzone.h, all versions: larger orders are no small change."""
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


def note_alloc(s: State, pcp: int) -> None:
    """rmqueue_pcplist(): an allocation halves what the frees have built up."""
    if s.mem[SIZING] == SIZE_BY_FREES:
        s.mem[pcp + FREE_FACTOR] >>= 1
    elif s.mem[SIZING] == SIZE_AUTO:
        s.mem[pcp + FREE_COUNT] >>= 1


def by_order(batch: int, order: int) -> int:
    """The pages of `order` in a refill of `batch` frames."""
    if batch <= 1:
        return batch
    return max(batch >> order, HIGH_ORDER_MIN)


def nr_pcp_alloc(s: State, pcp: int, zone: int, order: int) -> int:
    """nr_pcp_alloc(), v6.18, and what stood in its place: pages of a refill."""
    p = s.mem
    batch = p[pcp + BATCH]
    if s.mem[SIZING] == SIZE_FIXED:
        return batch
    if s.mem[SIZING] == SIZE_BY_FREES:
        return by_order(batch, order)
    high = clamp(p[pcp + HIGH], p[pcp + HIGH_MIN], p[pcp + HIGH_MAX])
    p[pcp + HIGH] = high
    if high < batch:
        return 1
    base = batch
    if not order:
        batch <<= p[pcp + FREE_FACTOR]
    if p[pcp + HIGH_MIN] != p[pcp + HIGH_MAX] and not s.mem[zone + IS_BELOW_HIGH]:
        high = min(high + batch, p[pcp + HIGH_MAX])
        p[pcp + HIGH] = high
    if not order:
        room = max(high - p[pcp + COUNT] - base, base)
        if batch <= room and p[pcp + FREE_FACTOR] < s.mem[BATCH_SCALE_MAX]:
            p[pcp + FREE_FACTOR] += 1
        batch = min(batch, room)
    return by_order(batch, order)


def note_free(s: State, pcp: int, order: int) -> bool:
    """Before a drain is considered: whether to free everything (free_high).

    free_unref_page_commit() in v6.1, free_frozen_page_commit() in v6.18.
    """
    p = s.mem
    if s.mem[SIZING] == SIZE_FIXED:
        return False
    small_change = 0 < order <= PAGE_ALLOC_COSTLY_ORDER
    if s.mem[SIZING] == SIZE_BY_FREES:
        return small_change and p[pcp + FREE_FACTOR] != 0
    free_high = False
    if small_change:
        enough = p[pcp + BATCH]
        if s.mem[FREE_HIGH_HALF]:
            enough += p[pcp + HIGH_MIN] // 2
        # FREE_HIGH_BATCH is set on all but the smallest caches
        free_high = (
            p[pcp + FREE_COUNT] >= enough
            and p[pcp + PREV_FREE_HIGH_ORDER] != 0
            and p[pcp + COUNT] >= p[pcp + BATCH]
        )
        p[pcp + PREV_FREE_HIGH_ORDER] = 1
    else:
        p[pcp + PREV_FREE_HIGH_ORDER] = 0
    if p[pcp + FREE_COUNT] < p[pcp + BATCH] << s.mem[BATCH_SCALE_MAX]:
        p[pcp + FREE_COUNT] += 1 << order
    return free_high


def nr_pcp_high(s: State, pcp: int, zone: int, free_high: bool) -> int:  # noqa: C901, PLR0911
    """nr_pcp_high(), v6.1 and v6.18: the count at which a free drains."""
    p = s.mem
    batch = p[pcp + BATCH]
    high = p[pcp + HIGH]
    if s.mem[SIZING] == SIZE_FIXED:
        return high
    if s.mem[SIZING] == SIZE_BY_FREES:
        if free_high:
            return 0
        if s.mem[zone + RECLAIM_ACTIVE]:
            return min(batch * RECLAIM_BATCHES, high)
        return high
    low = p[pcp + HIGH_MIN]
    high = clamp(high, low, p[pcp + HIGH_MAX])
    p[pcp + HIGH] = high
    if high == 0:
        return 0
    if free_high:
        p[pcp + HIGH] = max(high - (batch << s.mem[BATCH_SCALE_MAX]), low)
        return 0
    if s.mem[zone + RECLAIM_ACTIVE]:
        p[pcp + HIGH] = max(high - max(p[pcp + FREE_COUNT], batch), low)
        return min(batch * RECLAIM_BATCHES, p[pcp + HIGH])
    if low == p[pcp + HIGH_MAX]:
        return high
    if s.mem[zone + IS_BELOW_HIGH]:
        p[pcp + HIGH] = max(high - max(p[pcp + FREE_COUNT], batch), low)
        return max(p[pcp + COUNT], low)
    if p[pcp + COUNT] >= high and high < p[pcp + FREE_COUNT] + batch:
        wanted = p[pcp + FREE_COUNT] + batch
        p[pcp + HIGH] = clamp(wanted, low, p[pcp + HIGH_MAX])
    return high


def nr_pcp_free(s: State, pcp: int, high: int, free_high: bool) -> int:
    """nr_pcp_free(), v6.1 and v6.18: frames of a drain."""
    p = s.mem
    batch = p[pcp + BATCH]
    if s.mem[SIZING] == SIZE_FIXED:
        return batch
    if free_high:
        if s.mem[SIZING] == SIZE_BY_FREES:
            return p[pcp + COUNT]
        return min(p[pcp + COUNT], batch << s.mem[BATCH_SCALE_MAX])
    if high < batch:
        return 1
    most = high - batch
    if s.mem[SIZING] == SIZE_BY_FREES:
        wanted = batch << p[pcp + FREE_FACTOR]
        if wanted < most and p[pcp + FREE_FACTOR] < s.mem[BATCH_SCALE_MAX]:
            p[pcp + FREE_FACTOR] += 1
    else:
        wanted = p[pcp + FREE_COUNT]
    return clamp(wanted, batch, most)
