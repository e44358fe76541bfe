# SPDX-License-Identifier: GPL-2.0-only
import pytest
from zones import (
    BLOCK,
    FIRST,
    H,
    M,
    R,
    U,
    block,
    free_pages,
    put,
    the_zone,
    zones,
)

from xpfo_model.allocator.blocks import (
    alike,
    boost_watermark,
    change_pageblock_range,
    find_fallback,
    free_in_block,
    may_take_block,
    movable_in_block,
    move_freepages_block,
    suits,
)
from xpfo_model.allocator.state import USED_MOVABLE, WMARK_HIGH
from xpfo_model.events import FAILED


@pytest.mark.parametrize(
    ("wanted", "there", "taken"),
    [
        (U, {R, M}, R),
        (U, {M}, M),
        (M, {R, U}, R),
        (M, {U}, U),
        (R, {U, M}, U),
        (R, {M}, M),
        (U, {H}, FAILED),
        (M, {M}, FAILED),
        (H, {U, M, R}, FAILED),
    ],
)
def test_where_a_type_falls_back_to(wanted, there, taken):
    s = zones("v6.1")
    for migratetype in there:
        put(s, FIRST + migratetype * BLOCK, 3, migratetype)
    assert find_fallback(s, the_zone(s), 3, wanted) == taken


@pytest.mark.parametrize("order", range(11))
@pytest.mark.parametrize("start", [U, M, R])
def test_only_small_pages_make_a_movable_request_leave_the_block(order, start):
    assert may_take_block(order, start) == (start != M or order >= 4)


PAGES = {0: 0, 3: 0, 8: 2, 64: 6, 128: 2, 256: 6}
"""Offset in a block to order of free pages."""


@pytest.mark.parametrize(("kernel", "backwards"), [("v4.14", True), ("v6.1", False)])
def test_free_pages_of_a_block_keep_their_order_from_v6_1_on(kernel, backwards):
    s = zones(kernel)
    put(s, FIRST + BLOCK, 2, M)
    put(s, FIRST + 2 * BLOCK, 2, R)
    for offset, order in PAGES.items():
        put(s, FIRST + offset, order, M)
    assert (
        move_freepages_block(s, FIRST + 100, the_zone(s), R) == 1 + 1 + 4 + 64 + 4 + 64
    )
    for order in (0, 2, 6):
        moved = [FIRST + offset for offset, o in PAGES.items() if o == order]
        if backwards:
            moved.reverse()
        there = [FIRST + 2 * BLOCK] if order == 2 else []
        expected = moved + there if backwards else there + moved
        assert free_pages(s, order, R) == expected
    assert free_pages(s, 2, M) == [FIRST + BLOCK]


def test_what_is_in_a_block():
    s = zones("v6.18")
    for offset, order in PAGES.items():
        put(s, FIRST + offset, order, M)
    for frame in (-1, 1, 2, 511, 512):
        s.pages[FIRST + frame].use = USED_MOVABLE
    assert free_in_block(s, FIRST + 300) == 138
    assert movable_in_block(s, FIRST + 300) == 3


@pytest.mark.parametrize(
    ("start", "of", "suitable"),
    [
        (M, U, 50),  # what is movable
        (M, R, 50),
        (U, M, 512 - 100 - 50),  # what is neither free nor movable
        (R, M, 512 - 100 - 50),
        (U, R, 0),
        (R, U, 0),
    ],
)
def test_used_pages_that_suit_the_new_type(start, of, suitable):
    assert alike(start, of, 100, 50) == suitable


@pytest.mark.parametrize(("used", "fits"), [(256, True), (257, False)])
def test_half_of_a_block_is_enough(used, fits):
    s = zones("v6.18")
    for frame in range(used, BLOCK):
        put(s, FIRST + frame, 0, U)
    assert suits(s, FIRST, R, U) == fits


@pytest.mark.parametrize(("movable", "fits"), [(255, False), (256, True)])
def test_movable_pages_count_for_a_movable_request(movable, fits):
    s = zones("v6.18")
    for frame in range(movable):
        s.pages[FIRST + frame].use = USED_MOVABLE
    assert suits(s, FIRST, M, U) == fits
    assert not suits(s, FIRST, R, U)


@pytest.mark.parametrize(("order", "blocks"), [(9, 1), (10, 2)])
def test_all_blocks_of_a_large_page_change(order, blocks):
    s = zones("v6.1")
    change_pageblock_range(s, FIRST, order, R)
    types = [block(s, FIRST + number * BLOCK) for number in range(3)]
    assert types == [R] * blocks + [M] * (3 - blocks)


@pytest.mark.parametrize(
    ("managed", "high", "times", "boost"),
    [
        (12288, 1000, 1, 512),
        (12288, 1000, 2, 1024),
        (12288, 1000, 3, 1500),  # no more than 150 % of the high watermark
        (12288, 1000, 9, 1500),
        (12288, 100, 3, 512),  # but a block
        (2047, 1000, 3, 0),
        (2048, 1000, 1, 512),
    ],
)
def test_how_far_watermarks_are_boosted(managed, high, times, boost):
    s = zones("v6.1")
    the_zone(s).managed_pages = managed
    the_zone(s).watermark[WMARK_HIGH] = high
    for _ in range(times):
        boost_watermark(the_zone(s))
    assert the_zone(s).watermark_boost == boost
    assert the_zone(s).boosted_watermark == (boost > 0)
