# SPDX-License-Identifier: GPL-2.0-only
"""How much a refill fetches and a drain gives back: sequences by the kernel's rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zones import sized, the_pcp, the_zone, zones

from xpfo_model.allocator.sizing import (
    by_order,
    clamp,
    note_alloc,
    note_free,
    nr_pcp_alloc,
    nr_pcp_free,
    nr_pcp_high,
)

LARGE = {"batch": 63, "high_min": 7253, "high_max": 106496}
"""The pcp of a machine that was observed."""


def large(kernel="v6.18", **pcp):
    s = sized(zones(kernel), **LARGE)
    for field, value in pcp.items():
        setattr(the_pcp(s), field.lower(), value)
    return s


def get(s, field):
    return getattr(the_pcp(s), field)


@given(st.integers(), st.integers(), st.integers(0))
def test_clamp(value, least, width):
    assert clamp(value, least, least + width) == min(max(value, least), least + width)


@pytest.mark.parametrize(
    ("batch", "pages"),
    [(63, (63, 31, 15, 7, 2)), (31, (31, 15, 7, 3, 2)), (1, (1,) * 5)],
)
def test_pages_of_a_refill_by_order(batch, pages):
    assert tuple(by_order(batch, order) for order in (0, 1, 2, 3, 9)) == pages


def test_v4_14_never_changes_its_sizes():
    s = sized(zones("v4.14"), 31, 186)
    for _ in range(5):
        assert nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0) == 31
        assert nr_pcp_high(s, the_pcp(s), the_zone(s), free_high=False) == 186
        assert nr_pcp_free(s, the_pcp(s), 186, free_high=False) == 31


def test_refills_double_while_nothing_is_freed():
    s = large()
    sizes = [nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0) for _ in range(8)]
    assert sizes == [63, 126, 252, 504, 1008, 2016, 2016, 2016]
    # high rises by each of them, from high_min
    assert get(s, "high") == 7253 + sum(sizes)


def test_high_rises_to_high_max_and_no_further():
    s = large(HIGH=106000, FREE_FACTOR=5)
    nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0)
    assert get(s, "high") == 106496


def test_a_refill_leaves_room_below_high():
    s = large(COUNT=7253 + 63 - 63 - 100, FREE_FACTOR=0)
    assert nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0) == 63
    assert get(s, "free_factor") == 1  # 63 of the room of 100
    the_pcp(s).count = get(s, "high") + 126 - 63 - 100
    assert nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0) == 100
    assert get(s, "free_factor") == 1  # 126 were more than there was room for


def test_a_full_pcp_is_refilled_by_a_batch():
    s = large(COUNT=50000, FREE_FACTOR=3)
    assert nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0) == 63


def test_larger_orders_raise_high_but_double_nothing():
    s = large(FREE_FACTOR=4)
    assert [nr_pcp_alloc(s, the_pcp(s), the_zone(s), order) for order in (1, 3, 9)] == [
        31,
        7,
        2,
    ]
    assert get(s, "free_factor") == 4
    assert get(s, "high") == 7253 + 3 * 63


@pytest.mark.parametrize("kernel", ["v6.12", "v6.18"])
def test_high_does_not_rise_below_the_high_watermark(kernel):
    s = large(kernel)
    the_zone(s).below_high = 1
    nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0)
    assert get(s, "high") == 7253


def test_high_does_not_rise_where_the_administrator_set_it():
    s = sized(zones("v6.18"), 63, 0, high_min=5000, high_max=5000)
    assert [nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0) for _ in range(7)][-1] == 2016
    assert get(s, "high") == 5000


def test_a_boot_pageset_takes_one_page():
    s = sized(zones("v6.18"), 1)
    assert nr_pcp_alloc(s, the_pcp(s), the_zone(s), 0) == 1
    assert nr_pcp_alloc(s, the_pcp(s), the_zone(s), 3) == 1


@pytest.mark.parametrize(
    ("kernel", "field", "before", "after"),
    [
        ("v4.14", "free_factor", 5, 5),
        ("v6.1", "free_factor", 5, 2),
        ("v6.1", "free_count", 5, 5),
        ("v6.18", "free_count", 2016, 1008),
        ("v6.18", "free_factor", 5, 5),
    ],
)
def test_an_allocation_halves_what_frees_built_up(kernel, field, before, after):
    s = zones(kernel)
    setattr(the_pcp(s), field, before)
    note_alloc(s, the_pcp(s))
    assert get(s, field) == after


def drains(s, high, times):
    return [nr_pcp_free(s, the_pcp(s), high, free_high=False) for _ in range(times)]


def test_drains_of_v6_1_double_up_to_32_batches():
    s = sized(zones("v6.1"), 63, 4145)
    assert drains(s, 4145, 8) == [63, 126, 252, 504, 1008, 2016, 2016, 2016]
    assert get(s, "free_factor") == 5


def test_drains_of_v6_1_leave_a_batch():
    s = sized(zones("v6.1"), 63, 252)
    assert drains(s, 252, 4) == [63, 126, 189, 189]
    assert get(s, "free_factor") == 2


@pytest.mark.parametrize(
    ("order", "factor", "all_of_it"),
    [
        (0, 3, False),
        (1, 0, False),
        (1, 3, True),
        (3, 1, True),
        (9, 3, False),
    ],
)
def test_v6_1_gives_all_higher_orders_back_while_only_frees_come(
    order, factor, all_of_it
):
    s = sized(zones("v6.1"), 63, 4145)
    the_pcp(s).free_factor = factor
    the_pcp(s).count = 700
    free_high = note_free(s, the_pcp(s), order)
    assert free_high == all_of_it
    assert nr_pcp_high(s, the_pcp(s), the_zone(s), free_high) == (
        0 if all_of_it else 4145
    )
    if all_of_it:
        assert nr_pcp_free(s, the_pcp(s), 0, free_high) == 700


@pytest.mark.parametrize("kernel", ["v6.1", "v6.18"])
def test_a_pcp_is_small_while_its_zone_reclaims(kernel):
    s = sized(zones(kernel), 63, 4145, 4145, 100000)
    the_zone(s).reclaim_active = 1
    assert nr_pcp_high(s, the_pcp(s), the_zone(s), free_high=False) == 4 * 63


@pytest.mark.parametrize("kernel", ["v6.1", "v6.18"])
def test_a_pcp_that_is_off_gives_back_page_by_page(kernel):
    s = sized(zones(kernel), 1)
    assert nr_pcp_high(s, the_pcp(s), the_zone(s), free_high=False) == 0
    assert nr_pcp_free(s, the_pcp(s), 0, free_high=False) == 1


def test_frees_are_counted_up_to_32_batches():
    s = large()
    for _ in range(4):
        note_free(s, the_pcp(s), 9)
    assert get(s, "free_count") == 2048  # the step that reaches 2016 is a whole one
    note_free(s, the_pcp(s), 0)
    assert get(s, "free_count") == 2048


@pytest.mark.parametrize(
    ("freed", "drained"), [(0, 63), (63, 63), (500, 500), (2016, 2016)]
)
def test_v6_18_drains_what_was_freed(freed, drained):
    s = large(FREE_COUNT=freed)
    assert nr_pcp_free(s, the_pcp(s), 7253, free_high=False) == drained


def test_v6_18_never_drains_below_a_batch():
    s = sized(zones("v6.18"), 63, 1000)
    the_pcp(s).free_count = 2016
    assert nr_pcp_free(s, the_pcp(s), 1000, free_high=False) == 937


def test_high_follows_the_frees_but_not_yet_for_this_one():
    s = large(HIGH=8000, COUNT=8000, FREE_COUNT=9000)
    assert nr_pcp_high(s, the_pcp(s), the_zone(s), free_high=False) == 8000
    assert get(s, "high") == 9063
    s = large(HIGH=8000, COUNT=7999, FREE_COUNT=9000)
    nr_pcp_high(s, the_pcp(s), the_zone(s), free_high=False)
    assert get(s, "high") == 8000


@pytest.mark.parametrize("count", [100, 7253, 9000])
def test_below_the_high_watermark_every_free_above_high_min_drains(count):
    s = large(HIGH=9000, COUNT=count, FREE_COUNT=500)
    the_zone(s).below_high = 1
    assert nr_pcp_high(s, the_pcp(s), the_zone(s), free_high=False) == max(count, 7253)
    assert get(s, "high") == 8500


FREE_HIGH = [
    # kernel, free_count, flag, count, order
    ("v6.18", 63 + 500, 1, 63, 1, True),
    ("v6.18", 63 + 499, 1, 63, 1, False),
    ("v6.18", 63 + 500, 0, 63, 1, False),
    ("v6.18", 63 + 500, 1, 62, 1, False),
    ("v6.18", 63 + 500, 1, 63, 0, False),
    ("v6.18", 63 + 500, 1, 63, 9, False),
    ("v6.12", 63, 1, 63, 3, True),
    ("v6.12", 62, 1, 63, 3, False),
]


@pytest.mark.parametrize(
    ("kernel", "freed", "flag", "count", "order", "all_of_it"), FREE_HIGH
)
def test_when_v6_18_gives_higher_orders_back(
    kernel, freed, flag, count, order, all_of_it
):
    s = sized(zones(kernel), 63, 1000, 1000, 8000)
    the_pcp(s).free_count = freed
    the_pcp(s).prev_free_high_order = flag
    the_pcp(s).count = count
    assert note_free(s, the_pcp(s), order) == all_of_it
    assert get(s, "prev_free_high_order") == (0 < order <= 3)


def test_giving_higher_orders_back_lowers_high():
    s = large(HIGH=20000, COUNT=3000)
    assert nr_pcp_high(s, the_pcp(s), the_zone(s), free_high=True) == 0
    assert get(s, "high") == 20000 - 2016
    assert nr_pcp_free(s, the_pcp(s), 0, free_high=True) == 2016
    the_pcp(s).count = 700
    assert nr_pcp_free(s, the_pcp(s), 0, free_high=True) == 700
