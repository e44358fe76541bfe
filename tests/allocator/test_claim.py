# SPDX-License-Identifier: GPL-2.0-only
"""v6.18: a whole block is claimed if it suits, else one page is stolen."""

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

from xpfo_model.allocator.claim import __rmqueue_claim, __rmqueue_steal
from xpfo_model.allocator.state import USED_MOVABLE
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
)

claim, steal = __rmqueue_claim, __rmqueue_steal


def types(of, *pages):
    s = zones("v6.18")
    for pfn, order in pages:
        block(s, pfn, of)
        put(s, pfn, order, of)
    return s


def test_a_claimed_block_moves_in_ascending_order():
    s = types(M, (FIRST + 256, 8), (FIRST + 8, 0), (FIRST + 4, 0))
    assert claim(s, the_zone(s), 0, U, False) == FIRST + 4
    assert free_pages(s, 0, U) == [FIRST + 8]
    assert free_pages(s, 8, U) == [FIRST + 256]
    assert block(s, FIRST) == U
    locked, extfrag = events(s)
    assert locked[:4] == (MM_PAGE_ALLOC_ZONE_LOCKED, FIRST + 4, 0, U)
    assert extfrag == (
        *(MM_PAGE_ALLOC_EXTFRAG, FIRST + 4, 0, U, CHANGE_OWNERSHIP),
        *(8, M),
    )


def test_a_large_page_is_claimed_with_all_its_blocks_and_one_event():
    s = types(M, (FIRST, 10))
    assert claim(s, the_zone(s), 0, R, False) == FIRST
    assert [event[0] for event in events(s)] == [MM_PAGE_ALLOC_EXTFRAG]
    assert block(s, FIRST) == block(s, FIRST + BLOCK) == R
    assert [free_pages(s, order, R) for order in (9, 8, 0)] == [
        [FIRST + BLOCK],
        [FIRST + 256],
        [FIRST + 1],
    ]
    assert the_zone(s).free_pages == 2 * BLOCK - 1
    assert the_zone(s).watermark_boost == 0


@pytest.mark.parametrize(("movable", "claimed"), [(192, True), (191, False)])
def test_half_of_the_block_must_suit(movable, claimed):
    s = types(U, (FIRST, 6))
    for frame in range(64, 64 + movable):
        s.pages[FIRST + frame].use = USED_MOVABLE
    assert (claim(s, the_zone(s), 0, M, False) != FAILED) == claimed
    assert block(s, FIRST) == (M if claimed else U)
    assert the_zone(s).watermark_boost > 0  # whatever comes of it
    if not claimed:
        assert free_pages(s, 6, U) == [FIRST]
        assert events(s) == []


def test_one_candidate_an_order_then_the_next_order():
    """The first of order 5 does not suit, the second would: it is not looked at."""
    s = types(M, (FIRST, 5), (FIRST + BLOCK, 5), (FIRST + BLOCK + 256, 4))
    for frame in range(32, BLOCK):
        s.pages[FIRST + frame].use = USED_MOVABLE
    assert claim(s, the_zone(s), 0, U, False) == FIRST + BLOCK + 256
    assert events(s)[-1][5] == 4


def test_a_movable_request_claims_nothing_below_order_4():
    s = types(U, (FIRST, 3))
    for frame in range(8, BLOCK):
        s.pages[FIRST + frame].use = USED_MOVABLE
    assert claim(s, the_zone(s), 0, M, False) == FAILED
    assert the_zone(s).watermark_boost == 0
    s = types(M, (FIRST, 3))
    assert claim(s, the_zone(s), 0, U, False) == FIRST


def test_who_avoids_fragments_claims_only_blocks():
    s = types(M, (FIRST, 8))
    assert claim(s, the_zone(s), 0, U, True) == FAILED
    put(s, FIRST + 2 * BLOCK, 9, M)
    assert claim(s, the_zone(s), 0, U, True) == FIRST + 2 * BLOCK


def test_the_smallest_page_is_stolen_and_its_rest_stays():
    s = types(M, (FIRST, 6), (FIRST + BLOCK, 2), (FIRST + 2 * BLOCK, 2))
    assert steal(s, the_zone(s), 0, U) == FIRST + BLOCK
    assert free_pages(s, 1, M) == [FIRST + BLOCK + 2]
    assert free_pages(s, 0, M) == [FIRST + BLOCK + 1]
    assert block(s, FIRST + BLOCK) == M
    assert events(s) == [(MM_PAGE_ALLOC_EXTFRAG, FIRST + BLOCK, 0, U, 0, 2, M)]
    assert the_zone(s).watermark_boost == 0


def test_a_reserve_is_never_stolen_from():
    s = types(H, (FIRST, 8))
    assert steal(s, the_zone(s), 0, M) == claim(s, the_zone(s), 0, M, False) == FAILED
