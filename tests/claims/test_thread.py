# SPDX-License-Identifier: GPL-2.0-only
"""What the strategies of the thread do by their code, on the traces."""

import pytest

from xpfo_model.claims import prose, thread
from xpfo_model.claims.inputs import Inputs

TRACE = "cc-4cpu"


@pytest.mark.parametrize("trace", ["cc-1cpu", TRACE])
def test_v6_flushes_once_for_each_user_allocation(evidence, trace):
    users = evidence.totals(trace)["user_allocations"]
    assert evidence.counts(trace, "v6").flushes == users


@pytest.mark.parametrize("strategy", ["per_frame", "pcp_batch", "pageblock"])
def test_the_guarantee_leaves_no_frame_reachable(evidence, strategy):
    assert evidence.counts(TRACE, strategy).frames_exposed == 0


@pytest.mark.parametrize("strategy", ["alternation", "pcp_batch_consume"])
def test_the_two_readings_hand_out_reachable_frames(evidence, strategy):
    assert evidence.counts(TRACE, strategy).frames_exposed > 0


def test_v6_hands_out_mapped_what_is_not_zeroed(evidence):
    totals = evidence.totals(TRACE)
    counts = evidence.counts(TRACE, "v6", zeroing=True)
    not_zeroed = totals["user_allocations"] - totals["user_zeroed"]
    assert counts.frames_exposed == not_zeroed


def test_the_owners_before_add_up_to_the_user_allocations(evidence):
    users, *before = thread.owners(Inputs(evidence), TRACE)
    assert sum(before) == users


def test_two_halves_of_a_trace_are_the_whole(evidence):
    inputs = Inputs(evidence)
    whole = evidence.counts(TRACE, "per_frame").flushes
    late = thread.second_half(inputs, TRACE, "per_frame")
    assert 0 < late < whole


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (24.96, "25"),
        (1.4, "1.4"),
        (0.0337, "0.034"),
        (1372, "1,400"),
        (0, "0"),
        (100, "100"),
        (9.96, "10"),
    ],
)
def test_two_digits_of_a_number(number, text):
    assert prose.two_digits(number) == text
