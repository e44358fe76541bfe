# SPDX-License-Identifier: GPL-2.0-only
"""Which end of which list, and which list next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zones import (
    BLOCK,
    FIRST,
    M,
    R,
    U,
    block,
    events,
    free_pages,
    on_pcp,
    put,
    put_on_pcp,
    sized,
    the_pcp,
    the_zone,
    zones,
)

from xpfo_model.allocator.pcp import (
    decay_pcp_high,
    drain_pages_zone,
    drain_pcp,
    free_unref_page_commit,
    order_to_pindex,
    pindex_to_order,
    rmqueue_pcplist,
)
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_PCPU_DRAIN,
)

ODD = list(range(FIRST + 1, FIRST + 400, 2))
"""Frames of which none is another's buddy."""


def drained(s):
    return [pfn for _, pfn, *_ in events(s, MM_PAGE_PCPU_DRAIN)]


@pytest.mark.parametrize("kernel", ["v6.1", "v6.12", "v6.18"])
def test_the_list_of_an_order_and_a_type(kernel):
    s = zones(kernel)
    for order in range(4):
        for migratetype in range(3):
            pindex = 3 * order + migratetype
            assert order_to_pindex(s, migratetype, order) == pindex
            assert pindex_to_order(s, pindex) == order
    assert [order_to_pindex(s, t, 9) for t in (U, M, R)] == [12, 13, 12]
    assert [pindex_to_order(s, pindex) for pindex in (12, 13)] == [9, 9]


def test_v4_14_has_a_list_a_type():
    s = zones("v4.14")
    assert [order_to_pindex(s, t, 0) for t in (U, M, R)] == [0, 1, 2]


@pytest.mark.parametrize("kernel", ["v4.14", "v6.1", "v6.18"])
def test_a_refill_is_handed_out_in_its_order(kernel):
    s = sized(zones(kernel), 4, 1000)
    for pfn in ODD[:6]:
        put(s, pfn, 0, M)
    got = [rmqueue_pcplist(s, 0, the_zone(s), 0, M, 0) for _ in range(5)]
    assert got == ODD[:5]
    locked = [pfn for _, pfn, *_ in events(s, MM_PAGE_ALLOC_ZONE_LOCKED)]
    assert locked == ODD[:6]
    assert on_pcp(s, M) == [ODD[5]]
    assert the_pcp(s).count == 1


@pytest.mark.parametrize("kernel", ["v4.14", "v6.1", "v6.18"])
def test_what_was_freed_last_is_handed_out_first(kernel):
    s = sized(zones(kernel), 4, 1000)
    for pfn in ODD[:3]:
        free_unref_page_commit(s, the_pcp(s), the_zone(s), pfn, M, 0)
    assert [rmqueue_pcplist(s, 0, the_zone(s), 0, M, 0) for _ in range(3)] == ODD[2::-1]


def test_a_refill_that_finds_nothing():
    s = sized(zones("v6.1"), 4, 1000)
    assert rmqueue_pcplist(s, 0, the_zone(s), 0, M, 0) == FAILED
    assert the_pcp(s).count == 0


def test_a_page_of_a_larger_order_counts_its_frames():
    s = sized(zones("v6.1"), 63, 1000)
    free_unref_page_commit(s, the_pcp(s), the_zone(s), FIRST, M, 3)
    assert the_pcp(s).count == 8
    assert on_pcp(s, 10) == [FIRST]
    assert rmqueue_pcplist(s, 0, the_zone(s), 3, M, 0) == FIRST
    assert the_pcp(s).count == 0


@pytest.mark.parametrize("kernel", ["v6.1", "v6.18"])
def test_a_free_at_high_drains_the_tail_of_its_list(kernel):
    s = sized(zones(kernel), 2, 8)
    for pfn in ODD[:7]:
        free_unref_page_commit(s, the_pcp(s), the_zone(s), pfn, M, 0)
    assert drained(s) == []
    free_unref_page_commit(s, the_pcp(s), the_zone(s), ODD[7], M, 0)
    gone = {"v6.1": 2, "v6.18": 6}[kernel]  # a batch; what was freed, less a batch
    assert drained(s) == ODD[:gone]
    assert on_pcp(s, M) == ODD[7 : gone - 1 : -1]


def test_a_free_halves_the_refills_of_v6_18():
    s = sized(zones("v6.18"), 63, 1000)
    the_pcp(s).free_factor = 5
    for left in (2, 1, 0):
        free_unref_page_commit(s, the_pcp(s), the_zone(s), ODD[left], M, 0)
        assert the_pcp(s).free_factor == left


def test_v6_empties_a_list_before_the_next():
    s = zones("v6.1")
    lists = {0: ODD[:3], 1: ODD[3:6], 4: [FIRST + 200], 13: [FIRST + BLOCK]}
    for pindex, pages in lists.items():
        for pfn in pages:
            put_on_pcp(s, pfn, pindex)
    drain_pcp(s, the_pcp(s), the_zone(s), 7, 1)
    # list 1 from its tail, list 4 of order 1, list 13 of order 9: too many by far
    assert drained(s) == [*ODD[5:2:-1], FIRST + 200, FIRST + BLOCK]
    assert on_pcp(s, 0) == ODD[:3]
    drain_pcp(s, the_pcp(s), the_zone(s), 2, 1)
    assert drained(s)[5:] == [ODD[2], ODD[1]]  # round by list 13 to list 0
    assert the_pcp(s).count == 1


def by_pages(lists, count):
    """free_pcppages_bulk() of v4.14, from its description."""
    lists = [list(pages) for pages in lists]
    count = min(count, sum(map(len, lists)))
    given, migratetype, batch_free = [], 0, 0
    while count:
        while True:
            batch_free += 1
            migratetype = (migratetype + 1) % 3
            if lists[migratetype]:
                break
        if batch_free == 3:
            batch_free = count
        while True:
            given.append(lists[migratetype].pop())
            count -= 1
            batch_free -= count > 0
            if not count or not batch_free or not lists[migratetype]:
                break
    return given


@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 40))
def test_v4_14_drains_by_turns(types, count):
    s = zones("v4.14")
    lists = [[], [], []]
    for pfn, migratetype in zip(ODD, types, strict=False):
        put_on_pcp(s, pfn, migratetype)
        lists[migratetype].append(pfn)
    expected = by_pages(lists, count)
    drain_pcp(s, the_pcp(s), the_zone(s), count, 0)
    assert drained(s) == expected
    assert the_pcp(s).count == len(types) - len(expected)


def test_v4_14_begins_with_movable_and_takes_more_from_list_to_list():
    s = zones("v4.14")
    for at, pfn in enumerate(ODD[:12]):
        put_on_pcp(s, pfn, at % 3)
    drain_pcp(s, the_pcp(s), the_zone(s), 6, 0)
    lists = [(pfn - ODD[0]) // 2 % 3 for pfn in drained(s)]
    assert lists == [M, R, U, M, R, U]


@pytest.mark.parametrize(
    ("kernel", "migratetype"), [("v4.14", U), ("v6.1", U), ("v6.12", R), ("v6.18", R)]
)
def test_the_type_by_which_a_page_is_drained(kernel, migratetype):
    """v6.18 looks at the block now, the others at what was cached with the page."""
    s = zones(kernel)
    put_on_pcp(s, ODD[0], M, migratetype=U)
    block(s, ODD[0], R)
    drain_pcp(s, the_pcp(s), the_zone(s), 1, M)
    assert free_pages(s, 0, migratetype) == [ODD[0]]
    assert events(s)[0][3] == migratetype


def filled(kernel, count, **sizes):
    s = sized(zones(kernel), **sizes)
    for pfn in ODD[:count]:
        put_on_pcp(s, pfn, M)
    return s


@pytest.mark.parametrize(
    ("high", "high_min", "count", "after", "left"),
    [
        (80, 10, 100, 70, 70),  # an eighth less
        (11, 10, 100, 36, 36),  # no more than 32 batches at a time
        (80, 75, 100, 75, 75),  # not below high_min
        (80, 10, 20, 70, 20),  # only high sinks
        (10, 10, 20, 10, 10),
    ],
)
def test_decay(high, high_min, count, after, left):
    s = filled("v6.18", count, batch=2, high=high, high_min=high_min, high_max=500)
    decay_pcp_high(s, 0, the_zone(s))
    assert (the_pcp(s).high, the_pcp(s).count) == (after, left)
    assert drained(s) == ODD[left:count][::-1]


def test_a_decay_begins_again_at_the_first_list_with_each_batch():
    s = sized(zones("v6.18"), 2, 10, 8, 500)
    for at, pfn in enumerate(ODD[:20]):
        put_on_pcp(s, pfn, M if at < 15 else R)
    put_on_pcp(s, ODD[20], U)
    decay_pcp_high(s, 0, the_zone(s))
    assert the_pcp(s).high_min < the_pcp(s).high < the_pcp(s).high_max
    assert drained(s) == [ODD[20], *ODD[4:15][::-1]]


def thirds(kernel):
    s = sized(zones(kernel), 2, 500)
    lists = [ODD[at:150:3] for at in range(3)]
    for migratetype, pages in enumerate(lists):
        for pfn in pages:
            put_on_pcp(s, pfn, migratetype)
    return s, lists


@pytest.mark.parametrize("kernel", ["v6.1", "v6.12", "v6.18"])
def test_a_drain_of_everything_is_list_by_list(kernel):
    s, lists = thirds(kernel)
    drain_pages_zone(s, 0, the_zone(s))
    assert the_pcp(s).count == 0
    assert drained(s) == [pfn for pages in lists for pfn in pages[::-1]]


def test_a_drain_of_everything_is_one_drain_in_v4_14():
    s, lists = thirds("v4.14")
    drain_pages_zone(s, 0, the_zone(s))
    assert the_pcp(s).count == 0
    assert drained(s) == by_pages(lists, 150)
