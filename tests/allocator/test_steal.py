# SPDX-License-Identifier: GPL-2.0-only
"""v4.14 and v6.1: a page or its block is moved, then the own lists are asked again."""

import pytest
from zones import (
    BLOCK,
    FIRST,
    H,
    M,
    R,
    U,
    block,
    events,
    free_pages,
    put,
    the_zone,
    zones,
)

from xpfo_model.allocator.rmqueue import __rmqueue
from xpfo_model.allocator.state import USED_MOVABLE
from xpfo_model.allocator.steal import __rmqueue_fallback
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
)

rmqueue, fall_back = __rmqueue, __rmqueue_fallback
both = pytest.mark.parametrize("kernel", ["v4.14", "v6.1"])


def types(s, of, *pages):
    for pfn, order in pages:
        block(s, pfn, of)
        put(s, pfn, order, of)
    return s


@both
def test_the_largest_page_is_taken_first(kernel):
    s = types(zones(kernel), M, (FIRST, 5), (FIRST + BLOCK, 7), (FIRST + 2 * BLOCK, 6))
    assert fall_back(s, the_zone(s), 0, U, False)
    assert free_pages(s, 7, U) == [FIRST + BLOCK]
    (event,) = events(s)
    assert event[:4] == (MM_PAGE_ALLOC_EXTFRAG, FIRST + BLOCK, 0, U)
    assert event[5:] == (7, M)


@both
def test_a_movable_request_splits_the_smallest_page_instead(kernel):
    s = types(zones(kernel), U, (FIRST, 3), (FIRST + BLOCK, 1), (FIRST + 2 * BLOCK, 1))
    types(s, R, (FIRST + 3 * BLOCK, 2))
    assert rmqueue(s, the_zone(s), 0, M, 0) == FIRST + BLOCK
    extfrag, locked = events(s)
    assert extfrag[:2] == (MM_PAGE_ALLOC_EXTFRAG, FIRST + BLOCK)
    assert locked[:4] == (MM_PAGE_ALLOC_ZONE_LOCKED, FIRST + BLOCK, 0, M)
    # the rest stays on the list of the thief, in a block that is not its own
    assert free_pages(s, 0, M) == [FIRST + BLOCK + 1]
    assert block(s, FIRST + BLOCK) == U


@both
@pytest.mark.parametrize(("order", "taken"), [(4, True), (3, False)])
def test_a_movable_request_takes_blocks_from_order_4_on(kernel, order, taken):
    s = types(zones(kernel), U, (FIRST, order), (FIRST + 64, 1))
    assert fall_back(s, the_zone(s), 0, M, False)
    assert (free_pages(s, 1, M) == [FIRST + 64]) or not taken
    assert (free_pages(s, order, M) == [FIRST]) == taken


@both
def test_the_page_handed_out_is_the_smallest_that_was_moved(kernel):
    s = types(zones(kernel), M, (FIRST + 256, 6), (FIRST, 0), (FIRST + 8, 0))
    page = rmqueue(s, the_zone(s), 0, U, 0)
    # moved to the head by v4.14, so that the last comes first; to the tail by v6.1
    assert page == FIRST + (8 if kernel == "v4.14" else 0)
    assert events(s)[0][1] == FIRST + 256
    assert events(s)[1][1] == page


@both
@pytest.mark.parametrize(("free", "owned"), [(256, True), (255, False)])
def test_half_a_block_changes_hands(kernel, free, owned):
    s = zones(kernel)
    types(s, U, (FIRST, 7), (FIRST + 128, 6), (FIRST + 192, 5), (FIRST + 224, 4))
    for frame in range(240, free):
        put(s, FIRST + frame, 0, U)
    fall_back(s, the_zone(s), 0, R, False)
    assert block(s, FIRST) == (R if owned else U)
    assert events(s)[0][4] == (CHANGE_OWNERSHIP if owned else 0)
    assert free_pages(s, 7, R) == [FIRST]  # moved in either case


@both
def test_used_pages_that_suit_count(kernel):
    s = types(zones(kernel), M, (FIRST, 6))
    for frame in range(64, 64 + 250):
        s.pages[FIRST + frame].use = USED_MOVABLE
    fall_back(s, the_zone(s), 0, U, False)  # 64 free, 198 for the kernel's own use
    assert block(s, FIRST) == U


@both
def test_a_whole_block_is_taken_as_it_is(kernel):
    s = types(zones(kernel), M, (FIRST, 10))
    assert rmqueue(s, the_zone(s), 0, R, 0) == FIRST
    assert block(s, FIRST) == block(s, FIRST + BLOCK) == R
    assert free_pages(s, 9, R) == [FIRST + BLOCK]
    assert the_zone(s).watermark_boost == 0


@both
def test_a_reserved_block_keeps_its_type(kernel):
    s = zones(kernel)
    put(s, FIRST, 9, U)
    block(s, FIRST, H)
    fall_back(s, the_zone(s), 0, R, False)
    assert block(s, FIRST) == H
    assert free_pages(s, 9, R) == [FIRST]


@both
def test_only_v6_1_boosts_the_watermarks(kernel):
    s = types(zones(kernel), M, (FIRST, 8))
    fall_back(s, the_zone(s), 0, U, False)
    assert (the_zone(s).watermark_boost > 0) == (kernel == "v6.1")


def test_who_avoids_fragments_takes_only_blocks():
    s = types(zones("v6.1"), M, (FIRST, 8))
    assert not fall_back(s, the_zone(s), 0, U, True)
    types(s, M, (FIRST + 2 * BLOCK, 9))
    assert fall_back(s, the_zone(s), 0, U, True)
    assert free_pages(s, 9, U) == [FIRST + 2 * BLOCK]


@both
def test_nothing_is_left_to_take(kernel):
    s = types(zones(kernel), H, (FIRST, 8))
    assert rmqueue(s, the_zone(s), 0, M, 0) == FAILED
    assert events(s) == []
