# SPDX-License-Identifier: GPL-2.0-only
"""v6.12: the candidate of v6.1, taken as v6.18 does."""

import pytest
from zones import BLOCK, FIRST, M, R, U, block, events, free_pages, put, the_zone, zones

from xpfo_model.allocator.fallback import __rmqueue_fallback
from xpfo_model.events import CHANGE_OWNERSHIP, FAILED, MM_PAGE_ALLOC_EXTFRAG

fall_back = __rmqueue_fallback


def types(of, *pages):
    s = zones("v6.12")
    for pfn, order in pages:
        block(s, pfn, of)
        put(s, pfn, order, of)
    return s


def test_a_block_that_does_not_suit_gives_one_page_of_the_largest():
    s = types(M, (FIRST, 2), (FIRST + BLOCK, 5))
    block(s, FIRST + BLOCK, R)
    assert fall_back(s, the_zone(s), 0, U, False) == FIRST + BLOCK
    # the rest goes to the lists of the block's own type
    assert [free_pages(s, order, R) for order in (0, 4)] == [
        [FIRST + BLOCK + 1],
        [FIRST + BLOCK + 16],
    ]
    assert block(s, FIRST + BLOCK) == R
    (event,) = events(s)
    assert event == (MM_PAGE_ALLOC_EXTFRAG, FIRST + BLOCK, 0, U, 0, 5, M)


def test_a_block_that_suits_changes_hands():
    s = types(M, (FIRST, 8), (FIRST + 256, 2))
    assert fall_back(s, the_zone(s), 0, U, False) == FIRST + 256
    assert block(s, FIRST) == U
    assert free_pages(s, 8, U) == [FIRST]
    assert events(s)[-1][4] == CHANGE_OWNERSHIP


def test_a_movable_request_splits_the_smallest_page():
    s = types(U, (FIRST, 3), (FIRST + BLOCK, 1))
    assert fall_back(s, the_zone(s), 0, M, False) == FIRST + BLOCK
    assert free_pages(s, 0, U) == [FIRST + BLOCK + 1]


@pytest.mark.parametrize("order", [9, 10])
def test_a_whole_block_is_taken_as_it_is(order):
    s = types(M, (FIRST, order))
    assert fall_back(s, the_zone(s), 0, R, True) == FIRST
    assert block(s, FIRST) == R
    assert block(s, FIRST + BLOCK) == (R if order == 10 else M)


def test_who_avoids_fragments_takes_only_blocks():
    s = types(M, (FIRST, 8))
    assert fall_back(s, the_zone(s), 0, U, True) == FAILED
