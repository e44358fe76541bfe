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

from xpfo_model.allocator.highatomic import (
    most_reserved,
    reserve_highatomic_pageblock,
    unreserve_highatomic_pageblock,
)


@pytest.mark.parametrize(
    ("kernel", "managed", "most"),
    [
        ("v4.14", 51199, 511 + 512),
        ("v6.1", 102400, 1024 + 512),
        ("v6.1", 100, 1 + 512),
        ("v6.12", 51199, 0),
        ("v6.18", 51199, 0),
        ("v6.18", 51200, 512),
        ("v6.18", 51300, 1024),
    ],
)
def test_one_page_in_a_hundred(kernel, managed, most):
    s = zones(kernel)
    the_zone(s).managed_pages = managed
    assert most_reserved(s, the_zone(s)) == most


def roomy(kernel):
    s = zones(kernel)
    the_zone(s).managed_pages = 60000
    return s


@pytest.mark.parametrize("kernel", ["v4.14", "v6.1", "v6.18"])
def test_the_block_of_an_atomic_allocation_is_reserved(kernel):
    s = roomy(kernel)
    put(s, FIRST + 64, 6, M)
    reserve_highatomic_pageblock(s, FIRST + 3, the_zone(s))
    assert block(s, FIRST) == H
    assert free_pages(s, 6, H) == [FIRST + 64]
    assert free_pages(s, 6, M) == []
    assert the_zone(s).nr_reserved_highatomic == BLOCK
    reserve_highatomic_pageblock(s, FIRST + 3, the_zone(s))
    assert the_zone(s).nr_reserved_highatomic == BLOCK


@pytest.mark.parametrize("kernel", ["v4.14", "v6.1", "v6.18"])
def test_no_more_is_reserved_than_may_be(kernel):
    s = roomy(kernel)
    for number in range(6):
        reserve_highatomic_pageblock(s, FIRST + number * BLOCK, the_zone(s))
    # the last one below the limit may pass it
    blocks = 2 if kernel == "v6.18" else 3
    assert the_zone(s).nr_reserved_highatomic == blocks * BLOCK


@pytest.mark.parametrize("kernel", ["v4.14", "v6.1", "v6.18"])
def test_a_block_is_given_back_by_its_smallest_page(kernel):
    s = zones(kernel)
    the_zone(s).nr_reserved_highatomic = 2 * BLOCK
    for pfn, order in ((FIRST, 5), (FIRST + BLOCK, 2), (FIRST + BLOCK + 64, 6)):
        block(s, pfn, H)
        put(s, pfn, order, H)
    assert unreserve_highatomic_pageblock(s, the_zone(s), R)
    assert (block(s, FIRST), block(s, FIRST + BLOCK)) == (H, R)
    assert free_pages(s, 2, R) == [FIRST + BLOCK]
    assert free_pages(s, 6, R) == [FIRST + BLOCK + 64]
    assert the_zone(s).nr_reserved_highatomic == BLOCK


def test_nothing_reserved_is_nothing_to_give_back():
    s = zones("v6.1")
    assert not unreserve_highatomic_pageblock(s, the_zone(s), U)


@pytest.mark.parametrize(
    ("kernel", "left"), [("v6.1", BLOCK), ("v6.12", 0), ("v6.18", 0)]
)
def test_all_blocks_of_a_larger_page_are_given_back_from_v6_12_on(kernel, left):
    s = zones(kernel)
    the_zone(s).nr_reserved_highatomic = 2 * BLOCK
    block(s, FIRST, H)
    block(s, FIRST + BLOCK, H)
    put(s, FIRST, 10, H)
    unreserve_highatomic_pageblock(s, the_zone(s), M)
    assert block(s, FIRST + BLOCK) == (H if left else M)
    assert the_zone(s).nr_reserved_highatomic == left
    assert free_pages(s, 10, M) == [FIRST]


def test_a_stray_page_of_v6_1_is_counted_only_once():
    s = zones("v6.1")
    the_zone(s).nr_reserved_highatomic = BLOCK
    put(s, FIRST, 0, H)  # its block has been given back while it was on a pcp
    assert unreserve_highatomic_pageblock(s, the_zone(s), U)
    assert the_zone(s).nr_reserved_highatomic == BLOCK
