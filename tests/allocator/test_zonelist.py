# SPDX-License-Identifier: GPL-2.0-only
"""Which zone gives the page: Normal, DMA32, DMA, by what is left in each."""

import pytest
from zones import BLOCK, H, M, U, block, events, free_pages, put, zones

from xpfo_model.allocator.pcp import pcp_of
from xpfo_model.allocator.rmqueue import HIGHATOMIC
from xpfo_model.allocator.state import (
    BOOST,
    BOOSTED,
    COUNT,
    END_PFN,
    FREE_COUNT,
    FREE_PAGES,
    IS_BELOW_HIGH,
    LOWMEM_RESERVE,
    MANAGED,
    RESERVED_HIGHATOMIC,
    WMARK_HIGH,
    WMARK_LOW,
    WMARK_MIN,
    ZONE_FIELDS,
    page_zone,
)
from xpfo_model.allocator.zonelist import __alloc_pages
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
)

alloc_pages = __alloc_pages
KERNELS = ["v4.14", "v6.1", "v6.12", "v6.18"]
DMA, DMA32, NORMAL = (zone * ZONE_FIELDS for zone in range(3))
ENDS = (8 * BLOCK, 20 * BLOCK, 32 * BLOCK)


def three(kernel, marks=(100, 200, 300), kept=0):
    """Three zones, with blocks 8 and 20 as the first of the second and the third."""
    s = zones(kernel)
    for base, end in zip((DMA, DMA32, NORMAL), ENDS, strict=True):
        s.mem[base + END_PFN] = end
        s.mem[base + MANAGED] = 12 * BLOCK
        for field, mark in zip((WMARK_MIN, WMARK_LOW, WMARK_HIGH), marks, strict=True):
            s.mem[base + field] = mark
        for highest in range(3):
            s.mem[base + LOWMEM_RESERVE + highest] = kept if base < NORMAL else 0
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
    return FAILED if page == FAILED else page_zone(s, page)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("highest", [0, 1, 2])
def test_the_highest_zone_that_is_allowed_gives_first(kernel, highest):
    assert where(fill(three(kernel)), highest=highest) == highest


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_zone_at_its_low_watermark_is_left(kernel):
    s = fill(three(kernel))
    s.mem[NORMAL + WMARK_LOW] = s.mem[NORMAL + WMARK_HIGH] = BLOCK
    assert where(s) == 1
    s.mem[DMA32 + LOWMEM_RESERVE + 2] = BLOCK
    assert where(s) == 0
    assert where(s, highest=1) == 1  # no reserve against its own requests


@pytest.mark.parametrize("kernel", KERNELS)
def test_below_low_the_min_watermark_decides_and_then_nothing(kernel):
    s = fill(three(kernel, (BLOCK, BLOCK, BLOCK)))
    s.mem[DMA32 + WMARK_MIN] = 100
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
    s.mem[NORMAL + MANAGED] = 0
    assert where(s) == 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_interrupt_that_meets_the_lock_goes_past_the_pcp(kernel):
    s = fill(three(kernel))
    pcp = pcp_of(0, 2)
    assert ask(s, locked=True) == ENDS[1]
    assert s.mem[pcp + COUNT] == 0
    s.mem[pcp + FREE_COUNT] = 64
    ask(s)
    refilled = len(events(s, MM_PAGE_ALLOC_ZONE_LOCKED)) - 1
    assert s.mem[pcp + COUNT] == refilled - 1
    assert s.mem[pcp + FREE_COUNT] == (32 if kernel in {"v6.12", "v6.18"} else 64)


@pytest.mark.parametrize("kernel", KERNELS)
def test_below_high_is_noted_from_v6_12_on(kernel):
    s = fill(three(kernel, (100, 200, BLOCK)))
    assert where(s) == 2  # which does not keep it from giving
    noted = [s.mem[base + IS_BELOW_HIGH] for base in (DMA, DMA32, NORMAL)]
    assert noted == [0, 0, int(kernel in {"v6.12", "v6.18"})]


def test_a_boost_lasts_until_the_next_allocation():
    s = fill(three("v6.1"))
    s.mem[NORMAL + BOOST], s.mem[NORMAL + BOOSTED] = 100, 1
    ask(s)
    assert (s.mem[NORMAL + BOOST], s.mem[NORMAL + BOOSTED]) == (0, 0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_only_the_slow_path_reserves_blocks(kernel):
    s = fill(three(kernel))
    for base in (DMA, DMA32, NORMAL):
        s.mem[base + MANAGED] = 100 * BLOCK
    ask(s, order=2, atomic=HIGHATOMIC)
    assert not any(s.mem[b + RESERVED_HIGHATOMIC] for b in (DMA, DMA32, NORMAL))
    for base in (DMA, DMA32, NORMAL):
        s.mem[base + WMARK_LOW] = s.mem[base + WMARK_HIGH] = BLOCK
    page = ask(s, order=2, atomic=HIGHATOMIC)
    assert block(s, page) == H
    assert s.mem[NORMAL + RESERVED_HIGHATOMIC] == BLOCK


@pytest.mark.parametrize("kernel", KERNELS)
def test_one_reserved_block_is_given_back_before_the_end(kernel):
    s = three(kernel)
    for zone in (1, 2):
        fill(s, H, zones=(zone,))
        s.mem[zone * ZONE_FIELDS + RESERVED_HIGHATOMIC] = BLOCK
    assert where(s, migratetype=U) == 2
    assert s.mem[NORMAL + RESERVED_HIGHATOMIC] == 0
    assert s.mem[DMA32 + RESERVED_HIGHATOMIC] == BLOCK
    assert free_pages(s, 9, H, 1) == [ENDS[0]]


@pytest.mark.parametrize("kernel", KERNELS)
def test_nothing_is_left(kernel):
    s = three(kernel)
    assert ask(s) == FAILED
    assert all(s.mem[base + FREE_PAGES] == 0 for base in (DMA, DMA32, NORMAL))
