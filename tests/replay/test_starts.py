# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import (
    GFP_KERNEL,
    USER_MOVABLE,
    InPieces,
    alloc,
    extfrag,
    free,
    locked,
    log_of,
    logs,
)

from xpfo_model import machine, replay


def by_start(rows, name="per_frame", **how):
    found = replay.replay_starts(log_of(rows), [name], machine.STARTS, **how)
    return {outcome.start: outcome.strategies[name] for outcome in found}


def test_a_first_touch_of_unmapped_memory_costs_no_flush_but_a_map_for_the_kernel():
    found = by_start([alloc(0, USER_MOVABLE), alloc(1, GFP_KERNEL)])
    assert [found["mapped"].flushes, found["mapped"].frames_mapped] == [1, 0]
    assert [found["unmapped"].flushes, found["unmapped"].frames_mapped] == [0, 1]
    assert found["unmapped"].splits == found["mapped"].splits == 1
    assert found["unmapped"].faults == 0


def test_after_the_first_touch_both_starts_cost_the_same():
    rows = [alloc(0, GFP_KERNEL), free(0), alloc(0, USER_MOVABLE)]
    assert {n: c.flushes for n, c in by_start(rows).items()} == {
        "mapped": 1,
        "unmapped": 1,
    }


def test_the_kernel_faults_where_a_strategy_maps_nothing_for_it():
    found = by_start([alloc(0, GFP_KERNEL, order=1)], "v6")
    assert [found[start].faults for start in machine.STARTS] == [0, 2]
    outcome = replay.replay(log_of([alloc(0, GFP_KERNEL)]), ["v6"], start="unmapped")
    assert any("v6: the kernel gets" in note for note in outcome.notes)
    assert by_start([alloc(0, GFP_KERNEL)], "none")["unmapped"].faults == 0


def test_a_page_that_is_freed_first_was_held_if_that_is_asked_for():
    rows = [free(4), alloc(4, USER_MOVABLE), locked(5, 1), free(5)]
    plain = replay.replay(log_of(rows), ["per_frame"], start="unmapped")
    assert plain.strategies["per_frame"].flushes == 0
    assert [plain.held, plain.held_frames, plain.held_first_touches] == ["none", 1, 1]
    assert any(
        "1 frame is" in note and "1 user allocation more" in note
        for note in plain.notes
    )
    held = replay.replay(log_of(rows), ["per_frame"], start="unmapped", held="freed")
    counts = held.strategies["per_frame"]
    assert [counts.flushes, counts.start_splits, counts.splits] == [1, 1, 0]
    assert not held.notes[1:]


def test_a_whole_block_that_is_freed_first_is_boot_handing_it_over():
    rows = [free(512, order=9), alloc(512, USER_MOVABLE)]
    outcome = replay.replay(log_of(rows), ["per_frame"], start="unmapped", held="freed")
    assert outcome.strategies["per_frame"].flushes == 0
    assert outcome.held_frames == 0


def held_list(*ranges, end):
    first, number = np.array(ranges, np.int64).reshape(-1, 2).T
    return replay.Held(first, number, end)


def test_a_list_of_held_frames_decides_who_has_them():
    rows = [extfrag(1024, 1), free(1024), alloc(1024, USER_MOVABLE)]
    held = held_list((1024, 2), (100, 1), end=1500)
    found = by_start(rows, "pageblock", held=held)
    assert found["mapped"].frames_unmapped == 1500 - 1024 - 2 + 1
    assert found["unmapped"].frames_unmapped == 1
    assert found["unmapped"].start_splits == 1
    outcome = replay.replay(log_of(rows), ["pageblock"], held=held)
    assert outcome.held == "listed"
    assert [found[s].flushes_by_cause["alloc"] for s in machine.STARTS] == [1, 1]


@given(logs, st.integers(1, 7))
def test_a_list_of_held_frames_is_known_in_any_chunk(log, length):
    held = held_list((3, 500), (1025, 3), (2048, 600), end=4000)
    how = {"start": "unmapped", "held": held}
    whole = replay.replay(log, **how)
    assert replay.replay(InPieces(log, length), **how) == whole


@pytest.mark.parametrize("how", [{"start": "lost"}, {"held": "lost"}])
def test_another_start_is_an_error(how):
    with pytest.raises(ValueError, match="lost"):
        replay.Run("v6", cpus=1, **how)
