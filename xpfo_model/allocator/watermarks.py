# SPDX-License-Identifier: GPL-2.0-only
"""Watermarks, as far as they decide which zone gives a page. mm/page_alloc.c."""

from xpfo_model.allocator.lists import list_empty
from xpfo_model.allocator.rmqueue import HIGHATOMIC, RESERVES
from xpfo_model.allocator.state import (
    MIGRATE_PCPTYPES,
    NR_PAGE_ORDERS,
    WMARK_HIGH,
    ZONE_NORMAL,
    Record,
    State,
    free_list,
)
from xpfo_model.constants import MIGRATE_HIGHATOMIC
from xpfo_model.jit import noinline


def zone_watermark_ok(
    s: State, zone: Record, order: int, mark: int, highest: int, flags: int
) -> bool:
    """zone_watermark_fast(), v6.1: enough left, and a page of the order among it.

    `mark` is in pages, `highest` the highest zone that the request may use.
    """
    usable = zone.free_pages
    if not flags & RESERVES:
        usable -= zone.nr_reserved_highatomic
    mark += zone.lowmem_reserve[highest] + zone.watermark_boost
    if usable - (1 << order) + 1 <= mark:
        return False
    return not order or has_page(s, zone, order, flags)


@noinline
def has_page(s: State, zone: Record, order: int, flags: int) -> bool:
    """__zone_watermark_ok(), all versions: a page of the order is on some list."""
    for current in range(order, NR_PAGE_ORDERS):
        for migratetype in range(MIGRATE_PCPTYPES):
            if not list_empty(s, free_list(zone, current, migratetype)):
                return True
        if flags & HIGHATOMIC and not list_empty(
            s, free_list(zone, current, MIGRATE_HIGHATOMIC)
        ):
            return True
    return False


def above_high(s: State, zone: Record, order: int, highest: int, flags: int) -> bool:
    """get_page_from_freelist(), v6.18: whether a zone was never below its high mark.

    Notes that it is when it is.
    """
    if zone.below_high:
        return False
    high = zone.watermark[WMARK_HIGH]
    if zone_watermark_ok(s, zone, order, high, highest, flags):
        return True
    zone.below_high = 1
    return False


@noinline
def leave_below_high(s: State, zone: Record) -> None:
    """free_frozen_page_commit(), v6.18: note that it is above again."""
    if zone_watermark_ok(s, zone, 0, zone.watermark[WMARK_HIGH], ZONE_NORMAL, 0):
        zone.below_high = 0
