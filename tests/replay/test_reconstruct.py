# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import USER_MOVABLE, alloc, extfrag, locked, log_of

from xpfo_model.constants import MAX_PFN
from xpfo_model.errors import TraceError
from xpfo_model.replay import calls as st_
from xpfo_model.replay import reconstruct
from xpfo_model.replay.reconstruct import Reconstruction, calls_of


def all_steps(log):
    reconstruction = Reconstruction(log.about.kernel)
    return list(calls_of(log.chunks(), reconstruction)), reconstruction


def test_a_refill_is_one_step_before_the_allocation_that_ends_it():
    log = log_of(
        [locked(4, 1, order=1), locked(8, 1, order=1), alloc(4, USER_MOVABLE, 1)]
    )
    (steps, _), reconstruction = all_steps(log)
    assert list(steps.op) == [st_.REFILL, st_.ALLOC]
    assert list(steps.frames[steps.start[0] : steps.stop[0]]) == [4, 5, 8, 9]
    assert steps.stop[1] - steps.start[1] == 2
    assert reconstruction.totals["refills"] == 1


def test_frames_are_numbered_densely_and_pages_stay_whole():
    far = 5 << 20
    log = log_of([alloc(far, USER_MOVABLE, order=10), alloc(3, USER_MOVABLE)])
    (steps, _), reconstruction = all_steps(log)
    assert list(steps.start) == [0, 1024 + 3]
    assert reconstruction.frames == 2048


@pytest.mark.parametrize(
    "row",
    [
        alloc(-2, USER_MOVABLE),
        alloc(MAX_PFN, USER_MOVABLE),
        alloc(0, USER_MOVABLE, order=11),
        alloc(2, USER_MOVABLE, order=2),
        locked(1, 1, order=1),
    ],
)
def test_what_is_no_page_is_an_error(row):
    with pytest.raises(TraceError, match="is no page"):
        all_steps(log_of([row]))


def test_only_a_change_of_ownership_makes_a_block_step():
    log = log_of([extfrag(0, 1, change=False), extfrag(1024, 0, fallback_order=10)])
    (steps, _), reconstruction = all_steps(log)
    assert list(steps.op) == [st_.CHANGE_BLOCK] * 2
    assert reconstruction.totals["ownership_changes"] == 1
    assert np.diff(steps.start)[0] == 1


@given(st.lists(st.integers(0, MAX_PFN - 1), max_size=20))
def test_the_units_of_pages_are_theirs_and_the_next_ones(pfns):
    units = reconstruct._units_of(np.array(pfns, np.int64))
    own = {pfn >> st_.UNIT_ORDER for pfn in pfns}
    assert units.tolist() == sorted(own | {unit + 1 for unit in own})
