# SPDX-License-Identifier: GPL-2.0-only
"""Reasons and counters: each has a place of its own, and words."""

from xpfo_model.fidelity import tally


def test_the_nth_reason_is_reason_number_n():
    for name, place in vars(tally).items():
        if name.startswith("BY_"):
            assert list(tally.REASONS)[place] == name.removeprefix("BY_").lower()


def test_no_two_counts_share_a_place():
    reasons = [v for k, v in vars(tally).items() if k.startswith("BY_")]
    names = ["ALLOCATIONS", "EXACT", "REFILLS", "REFILLS_ALSO", "SAME_SIZE"]
    names += ["SAME_FIRST", "SAME_FRAMES", "NEEDED", "DRAINS", "DRAINS_ALSO"]
    names += ["DRAINS_SAME_SIZE", "DRAINS_SAME"]
    places = [*reasons, *(getattr(tally, name) for name in names)]
    assert sorted(places) == list(range(tally.NR_COUNTS))
    assert len(reasons) == len(tally.REASONS)


def test_every_reason_says_what_happened():
    for words in tally.REASONS.values():
        assert len(words) > len("a list")
        assert not words.endswith(".")


def test_an_exchange_of_names_has_a_field_for_everything():
    places = [tally.SWAP_EVENT, tally.SWAP_MINE, tally.SWAP_THEIRS, tally.SWAP_ORDER]
    assert sorted(places) == list(range(tally.SWAP_FIELDS))
