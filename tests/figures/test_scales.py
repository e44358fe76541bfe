# SPDX-License-Identifier: GPL-2.0-only
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.figures.scales import apart, log, written


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


def test_a_logarithm_has_a_place_for_zero_only_if_it_is_given_one():
    with pytest.raises(ValueError, match="gap"):
        log([0, 1], 0, 100)
    scale = log([0, 1, 1000], 10, 100, gap=15)
    assert scale.at(0) == 10
    assert scale.at(1) >= 25
    assert scale.at(1) < scale.at(1000) <= 100


values = st.floats(0, 1e9, allow_nan=False)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=8), st.floats(1, 12))
def test_places_are_moved_apart_and_keep_their_order(places, gap):
    moved = apart(places, gap, 0, 100)
    order = sorted(range(len(places)), key=lambda i: places[i])
    in_order = [moved[i] for i in order]
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(in_order))
    if gap * (len(places) - 1) <= 100:
        assert min(moved) >= -1e-6
        assert max(moved) <= 100 + 1e-6


def test_what_is_apart_already_stays():
    assert apart([10, 50, 90], 12, 0, 100) == [10, 50, 90]
    assert apart([50, 50], 10, 0, 100) == [45, 55]
