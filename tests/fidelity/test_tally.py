# SPDX-License-Identifier: GPL-2.0-only
"""Reasons and counters: each has a place of its own, and words."""

from xpfo_model.fidelity import tally


def test_the_nth_reason_is_reason_number_n():
    for name, place in vars(tally).items():
        if name.startswith("BY_"):
            assert list(tally.REASONS)[place] == name.removeprefix("BY_").lower()


def test_every_reason_has_a_name_and_none_is_right():
    reasons = [v for k, v in vars(tally).items() if k.startswith("BY_")]
    assert sorted(reasons) == list(range(len(tally.REASONS)))
    assert tally.RIGHT not in reasons


def test_every_reason_says_what_happened():
    for words in tally.REASONS.values():
        assert len(words) > len("a list")
        assert not words.endswith(".")
