# SPDX-License-Identifier: GPL-2.0-only
"""Splitting and merging, and where on its list a page comes to be."""

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

from xpfo_model.allocator.buddy import (
    __free_one_page,
    __rmqueue_smallest,
    may_merge,
    pcp_allowed_order,
    percpu_refill,
)
from xpfo_model.events import FAILED, MM_PAGE_ALLOC_ZONE_LOCKED, PERCPU_REFILL

KERNELS = ["v4.14", "v6.1", "v6.12", "v6.18"]
free_one_page, rmqueue_smallest = __free_one_page, __rmqueue_smallest


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_split_block_goes_out_in_ascending_order(kernel):
    s = zones(kernel)
    put(s, FIRST, 5, M)
    assert [rmqueue_smallest(s, the_zone(s), 0, M) for _ in range(32)] == list(
        range(FIRST, FIRST + 32)
    )
    assert rmqueue_smallest(s, the_zone(s), 0, M) == FAILED


def test_the_upper_halves_come_to_the_head():
    s = zones("v6.1")
    put(s, FIRST + 512, 0, U)
    put(s, FIRST + 1024, 1, M)
    put(s, FIRST, 2, M)
    assert rmqueue_smallest(s, the_zone(s), 0, M) == FIRST + 1024
    assert rmqueue_smallest(s, the_zone(s), 1, M) == FIRST
    assert free_pages(s, 0, M) == [FIRST + 1025]
    assert free_pages(s, 1, M) == [FIRST + 2]
    assert free_pages(s, 0, U) == [FIRST + 512]


def test_a_page_from_the_buddy_lists_says_so():
    s = zones("v6.1")
    put(s, FIRST, 10, R)
    for order, flags in ((0, PERCPU_REFILL), (3, PERCPU_REFILL), (4, 0), (9, 1)):
        pfn = rmqueue_smallest(s, the_zone(s), order, R)
        assert events(s)[-1][:5] == (MM_PAGE_ALLOC_ZONE_LOCKED, pfn, order, R, flags)
    assert the_zone(s).free_pages == 1024 - 1 - 8 - 16 - 512


@pytest.mark.parametrize(
    ("kernel", "orders"), [("v4.14", {0}), *((k, {0, 1, 2, 3, 9}) for k in KERNELS[1:])]
)
def test_orders_of_the_pcp(kernel, orders):
    s = zones(kernel)
    assert {order for order in range(11) if pcp_allowed_order(s, order)} == orders
    assert {order for order in range(11) if percpu_refill(s, order, M)} == orders
    assert not percpu_refill(s, 0, H)


@pytest.mark.parametrize("kernel", KERNELS)
def test_buddies_merge_up_to_the_largest_page(kernel):
    s = zones(kernel)
    for pfn in range(FIRST, FIRST + 4 * BLOCK):
        free_one_page(s, pfn, the_zone(s), 0, M, False)
    assert sorted(free_pages(s, 10, M)) == [FIRST, FIRST + 2 * BLOCK]
    assert the_zone(s).free_pages == 4 * BLOCK


@pytest.mark.parametrize(
    ("pfn", "order", "above", "to_tail", "place"),
    [
        (8, 0, None, False, 0),  # head
        (8, 0, (10, 1), False, -1),  # its pair's buddy is free: it may merge soon
        (9, 0, (10, 1), False, -1),
        (8, 0, (10, 0), False, 0),  # not all of it
        (8, 0, (12, 2), False, 0),  # not the one next to it
        (64, 5, (0, 6), False, -1),
        (256, 8, (512, 9), False, -1),
        (0, 8, (512, 9), False, -1),  # order 8 is the last one that is asked
        (0, 9, (-1024, 10), False, 0),
        (8, 0, None, True, -1),
    ],
)
@pytest.mark.parametrize("kernel", KERNELS)
def test_where_a_freed_page_comes_to_be(kernel, pfn, order, above, to_tail, place):
    s = zones(kernel)
    start = FIRST + 2 * BLOCK
    put(s, FIRST + BLOCK * 12, order, M)
    put(s, FIRST + BLOCK * 16, order, M)
    if above:
        put(s, start + above[0], above[1], M)
    free_one_page(s, start + pfn, the_zone(s), order, M, to_tail)
    assert free_pages(s, order, M)[place] == start + pfn


UNLIKE = [
    # kernel, freed, buddy: do they merge, and what is the buddy's block then
    ("v4.14", M, U, True, U),
    ("v4.14", M, H, True, H),
    ("v6.1", M, U, True, U),
    ("v6.1", M, H, False, H),
    ("v6.1", H, M, False, M),
    ("v6.1", H, H, True, H),
    ("v6.12", M, R, True, M),
    ("v6.18", M, U, True, M),
    ("v6.18", M, H, False, H),
    ("v6.18", H, H, True, H),
]


@pytest.mark.parametrize(("kernel", "freed", "other", "merge", "after"), UNLIKE)
def test_blocks_of_two_types(kernel, freed, other, merge, after):
    s = zones(kernel)
    block(s, FIRST, freed)
    block(s, FIRST + BLOCK, other)
    put(s, FIRST + BLOCK, 9, other)
    free_one_page(s, FIRST, the_zone(s), 9, freed, False)
    assert may_merge(s, freed, other) == merge
    assert free_pages(s, 10, freed) == ([FIRST] if merge else [])
    assert block(s, FIRST + BLOCK) == after
    assert block(s, FIRST) == freed


def test_the_type_of_a_smaller_page_is_not_looked_at():
    s = zones("v6.1")
    put(s, FIRST + 1, 0, U)
    free_one_page(s, FIRST, the_zone(s), 0, M, False)
    assert free_pages(s, 1, M) == [FIRST]
