# SPDX-License-Identifier: GPL-2.0-only
"""Which zone gives the page: Normal, DMA32, DMA, by what is left in each."""

import pytest
from zones import BLOCK, H, M, U, block, events, free_pages, put, the_pcp, zones

from xpfo_model.allocator.rmqueue import HIGHATOMIC
from xpfo_model.allocator.state import WMARK_HIGH, WMARK_LOW, WMARK_MIN, page_zone
from xpfo_model.allocator.zonelist import __alloc_pages
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
)

alloc_pages = __alloc_pages
KERNELS = ["v4.14", "v6.1", "v6.12", "v6.18"]
DMA, DMA32, NORMAL = range(3)
ENDS = (8 * BLOCK, 20 * BLOCK, 32 * BLOCK)


def three(kernel, marks=(100, 200, 300), kept=0):
    """Three zones, with blocks 8 and 20 as the first of the second and the third."""
    s = zones(kernel)
    for base, end in zip((DMA, DMA32, NORMAL), ENDS, strict=True):
        s.zones[base].end_pfn = end
        s.zones[base].managed_pages = 12 * BLOCK
        for field, mark in zip((WMARK_MIN, WMARK_LOW, WMARK_HIGH), marks, strict=True):
            s.zones[base].watermark[field] = mark
        for highest in range(3):
            s.zones[base].lowmem_reserve[highest] = kept if base < NORMAL else 0
    return s


def fill(s, migratetype=M, order=9, zones=(0, 1, 2)):
    for zone in zones:
        first = (0, *ENDS)[zone]
        block(s, first, migratetype)
        put(s, first, order, migratetype, zone)
    return s


def ask(s, order=0, migratetype=M, highest=2, atomic=0, locked=False):
    return alloc_pages(s, 0, order, migratetype, highest, atomic, locked)


def where(s, **asked):
    page = ask(s, **asked)
    return FAILED if page == FAILED else page_zone(s, page).index


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("highest", [0, 1, 2])
def test_the_highest_zone_that_is_allowed_gives_first(kernel, highest):
    assert where(fill(three(kernel)), highest=highest) == highest


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_zone_at_its_low_watermark_is_left(kernel):
    s = fill(three(kernel))
    s.zones[NORMAL].watermark[WMARK_LOW] = s.zones[NORMAL].watermark[WMARK_HIGH] = BLOCK
    assert where(s) == 1
    s.zones[DMA32].lowmem_reserve[2] = BLOCK
    assert where(s) == 0
    assert where(s, highest=1) == 1  # no reserve against its own requests


@pytest.mark.parametrize("kernel", KERNELS)
def test_below_low_the_min_watermark_decides_and_then_nothing(kernel):
    s = fill(three(kernel, (BLOCK, BLOCK, BLOCK)))
    s.zones[DMA32].watermark[WMARK_MIN] = 100
    assert where(s) == 1
    s = fill(three(kernel, (BLOCK, BLOCK, BLOCK)))
    assert where(s) == 2


@pytest.mark.parametrize("kernel", KERNELS)
def test_fragments_are_avoided_from_v6_1_on(kernel):
    s = fill(three(kernel), U, order=8, zones=(2,))
    fill(s, M, zones=(1,))
    assert where(s) == (2 if kernel == "v4.14" else 1)


@pytest.mark.parametrize("kernel", KERNELS[1:])
def test_blocks_are_mixed_where_no_zone_has_another_page(kernel):
    s = fill(three(kernel), U, order=8)
    assert where(s) == 2
    assert events(s, MM_PAGE_ALLOC_EXTFRAG)


@pytest.mark.parametrize("kernel", KERNELS[1:])
def test_without_a_normal_zone_nothing_is_avoided(kernel):
    s = fill(three(kernel), U, order=8, zones=(1,))
    fill(s, M, zones=(0,))
    s.zones[NORMAL].managed_pages = 0
    assert where(s) == 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_interrupt_that_meets_the_lock_goes_past_the_pcp(kernel):
    s = fill(three(kernel))
    pcp = the_pcp(s, 0, 2)
    assert ask(s, locked=True) == ENDS[1]
    assert pcp.count == 0
    pcp.free_count = 64
    ask(s)
    refilled = len(events(s, MM_PAGE_ALLOC_ZONE_LOCKED)) - 1
    assert pcp.count == refilled - 1
    assert pcp.free_count == (32 if kernel in {"v6.12", "v6.18"} else 64)


@pytest.mark.parametrize("kernel", KERNELS)
def test_below_high_is_noted_from_v6_12_on(kernel):
    s = fill(three(kernel, (100, 200, BLOCK)))
    assert where(s) == 2  # which does not keep it from giving
    noted = [s.zones[base].below_high for base in (DMA, DMA32, NORMAL)]
    assert noted == [0, 0, int(kernel in {"v6.12", "v6.18"})]


def test_a_boost_lasts_until_the_next_allocation():
    s = fill(three("v6.1"))
    s.zones[NORMAL].watermark_boost, s.zones[NORMAL].boosted_watermark = 100, 1
    ask(s)
    assert (s.zones[NORMAL].watermark_boost, s.zones[NORMAL].boosted_watermark) == (
        0,
        0,
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_only_the_slow_path_reserves_blocks(kernel):
    s = fill(three(kernel))
    for base in (DMA, DMA32, NORMAL):
        s.zones[base].managed_pages = 100 * BLOCK
    ask(s, order=2, atomic=HIGHATOMIC)
    assert not any(s.zones[b].nr_reserved_highatomic for b in (DMA, DMA32, NORMAL))
    for base in (DMA, DMA32, NORMAL):
        s.zones[base].watermark[WMARK_LOW] = s.zones[base].watermark[WMARK_HIGH] = BLOCK
    page = ask(s, order=2, atomic=HIGHATOMIC)
    assert block(s, page) == H
    assert s.zones[NORMAL].nr_reserved_highatomic == BLOCK


@pytest.mark.parametrize("kernel", KERNELS)
def test_one_reserved_block_is_given_back_before_the_end(kernel):
    s = three(kernel)
    for zone in (1, 2):
        fill(s, H, zones=(zone,))
        s.zones[zone].nr_reserved_highatomic = BLOCK
    assert where(s, migratetype=U) == 2
    assert s.zones[NORMAL].nr_reserved_highatomic == 0
    assert s.zones[DMA32].nr_reserved_highatomic == BLOCK
    assert free_pages(s, 9, H, 1) == [ENDS[0]]


@pytest.mark.parametrize("kernel", KERNELS)
def test_nothing_is_left(kernel):
    s = three(kernel)
    assert ask(s) == FAILED
    assert all(s.zones[base].free_pages == 0 for base in (DMA, DMA32, NORMAL))
