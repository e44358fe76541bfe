# SPDX-License-Identifier: GPL-2.0-only
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.figures.scales import apart, linear, log, written


def test_numbers_of_an_axis_are_short():
    assert [written(v) for v in (0, 0.01, 2.5, 1000, 146_105, 2.5e6, 1e9)] == [
        "0",
        "0.01",
        "2.5",
        "1,000",
        "146,105",
        "2.5M",
        "1G",
    ]


@pytest.mark.parametrize(
    ("scale", "labels"),
    [
        (linear([93, 100], 0, 600, most=100), ["0", "20", "40", "60", "80", "100"]),
        (linear([1, 2], 0, 600), ["0", "1", "2"]),
        (linear([146_105], 0, 600), ["0", "50,000", "100,000", "150,000"]),
        (log([2, 9_000], 0, 600), ["1", "10", "100", "1,000", "10,000"]),
        (log([1.2, 14], 0, 600), ["1", "2", "5", "10"]),
        (
            log([1_800, 59_000], 0, 600),
            ["2,000", "5,000", "10,000", "20,000", "50,000"],
        ),
        (log([0, 3, 900], 0, 600, gap=20), ["0", "10", "100", "1,000"]),
    ],
)
def test_an_axis_has_numbers_that_read_well(scale, labels):
    assert [label for _, label in scale.ticks(6)] == labels


def test_a_logarithm_has_a_place_for_zero_only_if_it_is_given_one():
    with pytest.raises(ValueError, match="gap"):
        log([0, 1], 0, 100)
    scale = log([0, 1, 1000], 10, 100, gap=15)
    assert scale.at(0) == 10
    assert scale.at(1) >= 25
    assert scale.at(1) < scale.at(1000) <= 100


values = st.floats(0, 1e9, allow_nan=False)


@given(st.lists(values, min_size=1, max_size=20))
def test_a_scale_holds_all_and_keeps_their_order(some):
    for scale in (linear(some, 5, 500), log(some, 5, 500, gap=30)):
        places = [scale.at(value) for value in sorted(some)]
        assert all(5 - 1e-6 <= place <= 500 + 1e-6 for place in places)
        assert all(a <= b + 1e-6 for a, b in pairwise(places))
        ticks = [scale.at(value) for value, _ in scale.ticks(6)]
        assert ticks == sorted(ticks)
        assert len(ticks) <= 7


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8), st.floats(1, 12))
def test_places_are_moved_apart_and_keep_their_order(places, gap):
    moved = apart(places, gap, -gap / 2, 100 + gap / 2)
    order = sorted(range(len(places)), key=lambda i: places[i])
    in_order = [moved[i] for i in order]
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(in_order))
    if gap * (len(places) - 1) <= 100:
        assert min(moved) >= -1e-6
        assert max(moved) <= 100 + 1e-6


def test_what_is_apart_already_stays():
    assert apart([10, 50, 90], 12, 0, 100) == [10, 50, 90]
    assert apart([50, 50], 10, 0, 100) == [45, 55]
    assert apart([50, 50, 99], [10, 30, 8], 0, 100) == [40, 60, 96]
