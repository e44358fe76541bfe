# SPDX-License-Identifier: GPL-2.0-only
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import locked, log_of, logs

from xpfo_model.replay import calls as st_
from xpfo_model.replay.pieces import split_refills
from xpfo_model.replay.reconstruct import Reconstruction, calls_of


def all_steps(log):
    reconstruction = Reconstruction(log.about.kernel)
    return list(calls_of(log.chunks(), reconstruction)), reconstruction


@given(logs, st.integers(1, 40))
def test_split_refills_keep_the_frames_and_their_order(log, batch):
    parts, _ = all_steps(log)
    for steps in parts:
        split = split_refills(steps, batch)

        def refilled(s):
            return [
                [int(f) for f in s.frames[s.start[i] : s.stop[i]]]
                for i in range(len(s.op))
                if s.op[i] == st_.REFILL
            ]

        assert list(chain(*refilled(split))) == list(chain(*refilled(steps)))
        assert all(0 < len(part) <= batch for part in refilled(split))
        others = [op for op in steps.op if op != st_.REFILL]
        assert [op for op in split.op if op != st_.REFILL] == others


def test_a_refill_cannot_be_split_into_nothing():
    (steps, _), _ = all_steps(log_of([locked(0, 1)]))
    with pytest.raises(ValueError, match="refill of 0"):
        split_refills(steps, 0)
