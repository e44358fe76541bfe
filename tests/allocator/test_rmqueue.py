# SPDX-License-Identifier: GPL-2.0-only
import pytest
from zones import (
    BLOCK,
    FIRST,
    H,
    M,
    U,
    block,
    events,
    on_pcp,
    put,
    put_on_pcp,
    the_pcp,
    the_zone,
    zones,
)

from xpfo_model.allocator.pcp import pcp_list
from xpfo_model.allocator.rmqueue import (
    HIGHATOMIC,
    NOFRAGMENT,
    NON_BLOCK,
    RMQUEUE_CLAIM,
    RMQUEUE_NORMAL,
    RMQUEUE_STEAL,
    __rmqueue_mode,
    rmqueue_buddy,
    rmqueue_bulk,
)
from xpfo_model.allocator.state import ON_PCP, USED_MOVABLE
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
)

rmqueue = __rmqueue_mode
KERNELS = ["v4.14", "v6.1", "v6.12", "v6.18"]


def refill(s, count, flags=0, migratetype=M):
    head = pcp_list(the_pcp(s), migratetype)
    return rmqueue_bulk(s, the_zone(s), 0, count, head, migratetype, flags)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_refill_is_appended_in_the_order_in_which_it_came(kernel):
    s = zones(kernel)
    put_on_pcp(s, FIRST + BLOCK, M)
    put(s, FIRST, 2, M)
    assert refill(s, 3) == 3
    assert on_pcp(s, M) == [FIRST + BLOCK, FIRST, FIRST + 1, FIRST + 2]
    assert all(s.pages[pfn].use == ON_PCP for pfn in on_pcp(s, M))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_refill_ends_where_there_is_no_more(kernel):
    s = zones(kernel)
    put(s, FIRST, 2, M)
    assert refill(s, 9) == 4
    assert refill(s, 9) == 0


def unsuitable(s, first):
    """A block of unmovable use with one small free page, that nobody can claim."""
    block(s, first, U)
    put(s, first, 2, U)


def test_v6_18_goes_on_stealing_until_it_finds_its_own_again():
    s = zones("v6.18")
    unsuitable(s, FIRST)
    assert rmqueue(s, the_zone(s), 0, M, 0, RMQUEUE_NORMAL) == (FIRST, RMQUEUE_STEAL)
    put(s, FIRST + BLOCK, 0, M)
    # the mode is remembered: what has come to the own lists is not looked at
    assert rmqueue(s, the_zone(s), 0, M, 0, RMQUEUE_STEAL) == (FIRST + 1, RMQUEUE_STEAL)
    assert rmqueue(s, the_zone(s), 0, M, 0, RMQUEUE_NORMAL)[0] == FIRST + BLOCK


def test_after_a_claim_v6_18_looks_at_its_own_lists():
    s = zones("v6.18")
    put(s, FIRST, 8, M)
    assert rmqueue(s, the_zone(s), 0, U, 0, RMQUEUE_CLAIM) == (FIRST, RMQUEUE_NORMAL)


def test_a_new_refill_begins_with_the_own_lists():
    s = zones("v6.18")
    unsuitable(s, FIRST)
    assert refill(s, 2) == 2
    put(s, FIRST + BLOCK, 0, M)
    assert refill(s, 1) == 1
    assert on_pcp(s, M) == [FIRST, FIRST + 1, FIRST + BLOCK]
    kinds = [event[0] for event in events(s)]
    assert kinds == [MM_PAGE_ALLOC_EXTFRAG] * 2 + [MM_PAGE_ALLOC_ZONE_LOCKED]


def test_v6_1_keeps_what_it_stole_on_its_own_lists():
    s = zones("v6.1")
    unsuitable(s, FIRST)
    refill(s, 3)
    kinds = [event[0] for event in events(s)]
    assert kinds == [MM_PAGE_ALLOC_EXTFRAG] + [MM_PAGE_ALLOC_ZONE_LOCKED] * 3


@pytest.mark.parametrize("kernel", KERNELS[1:])
def test_who_avoids_fragments_neither_steals_nor_claims_a_part(kernel):
    s = zones(kernel)
    unsuitable(s, FIRST)
    put(s, FIRST + BLOCK, 8, U)
    for frame in range(BLOCK // 2):
        s.pages[FIRST + BLOCK + 256 + frame].use = USED_MOVABLE
    assert refill(s, 1, NOFRAGMENT) == 0
    assert refill(s, 1) == 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_who_may_use_the_reserve(kernel):
    s = zones(kernel)
    put(s, FIRST, 3, H)
    put(s, FIRST + BLOCK, 3, U)
    assert rmqueue_buddy(s, the_zone(s), 1, U, HIGHATOMIC) == FIRST
    assert rmqueue_buddy(s, the_zone(s), 1, U, NON_BLOCK) == FIRST + BLOCK
    assert rmqueue_buddy(s, the_zone(s), 3, U, 0) == FAILED
    assert rmqueue_buddy(s, the_zone(s), 2, U, 0) == FIRST + BLOCK + 4
    assert rmqueue_buddy(s, the_zone(s), 2, U, NON_BLOCK) == FIRST + 4
    assert events(s)[-1][3] == H
