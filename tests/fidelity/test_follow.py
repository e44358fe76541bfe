# SPDX-License-Identifier: GPL-2.0-only
"""Predictions on logs whose answers are known by hand, and what they may know.

The invariant: the model never sees a frame that the kernel chose before it has
said what it would choose itself.
"""

import numpy as np
import pytest
from tiny import allocs, follow, frees, missed, predicted, refill

FIRST = 6144
FOUR = tuple(range(FIRST, FIRST + 4))
A, B, C, D = FOUR
# a refill, all four handed out, two given back, the last one first handed out again
LAST_IN_FIRST_OUT = [
    *refill(*FOUR),
    *allocs(*FOUR),
    *frees(A, C),
    *allocs(C, A),
]
BATCHES = 8


def swapped(log, i, j):
    """The rows with the frames of two allocations exchanged."""
    rows = [dict(row) for row in log]
    rows[i]["pfn"], rows[j]["pfn"] = rows[j]["pfn"], rows[i]["pfn"]
    return rows


def storm():
    """Refill after refill, all handed out in order."""
    rows = []
    for n in range(BATCHES):
        frames = range(FIRST + 4 * n, FIRST + 4 * n + 4)
        rows += [*refill(*frames), *allocs(*frames)]
    return rows


def test_a_list_hands_out_what_came_last():
    level = follow(LAST_IN_FIRST_OUT)
    assert level.pfn_exact == level.allocations == 6
    assert missed(level) == []


def test_a_kernel_that_hands_out_what_came_first_is_not_predicted():
    fifo = [*LAST_IN_FIRST_OUT[:-2], *allocs(A, C)]
    level = follow(fifo)
    assert missed(level) == [len(fifo) - 2]
    assert predicted(level)[len(fifo) - 2] == C


@pytest.mark.parametrize("level", ["pcp", "full"])
def test_exactly_the_falsified_row_is_missed(level):
    rows = storm()
    for i in range(len(rows) - 1):
        pair = rows[i], rows[i + 1]
        # two allocations in a row of the same list, the first not with its refill
        if any("gfp" not in row for row in (*pair, rows[i - 1])):
            continue
        assert missed(follow(swapped(rows, i, i + 1), level)) == [i]


def test_a_prediction_does_not_depend_on_the_answer():
    rows = storm()
    truth = predicted(follow(rows))
    for i in range(5, len(rows) - 1):
        if all("gfp" in row for row in (rows[i - 1], rows[i], rows[i + 1])):
            found = predicted(follow(swapped(rows, i, i + 1)))
            assert {r: p for r, p in found.items() if r <= i} == {
                r: p for r, p in truth.items() if r <= i
            }


@pytest.mark.parametrize("seed", range(5))
def test_predictions_do_not_follow_frames_that_are_renamed(seed):
    """Another kernel, another order of the same frames: nothing is predicted."""
    rows = storm()
    frames = np.arange(FIRST, FIRST + 4 * BATCHES)
    names = dict(
        zip(
            frames.tolist(),
            np.random.default_rng(seed).permutation(frames).tolist(),
            strict=True,
        )
    )
    renamed = [row | {"pfn": names[row["pfn"]]} for row in rows]
    level = follow(renamed)
    first = predicted(follow(rows))
    found = predicted(level)
    # up to the first that the renamed kernel chose otherwise, all is as it was
    for row in sorted(first):
        assert found[row] == first[row]
        if rows[row]["pfn"] != renamed[row]["pfn"]:
            break
    assert level.pfn_exact < level.allocations / 2
    # with the refills given, the lists are predicted whatever their frames are
    assert follow(renamed, "pcp").pfn_exact == level.allocations


def test_what_the_model_cannot_know_is_counted_as_missed():
    stranger = 7000
    rows = [*refill(*FOUR), *allocs(A, stranger)]
    level = follow(rows)
    assert missed(level) == [5]
    assert level.missed == {"unseen": 1}


def test_pages_taken_in_bulk_show_when_the_list_is_empty_too_soon():
    more = tuple(range(FIRST + 4, FIRST + 8))
    rows = [*refill(*FOUR), *allocs(A), *refill(*more), *allocs(more[0])]
    level = follow(rows, "pcp")
    assert level.missed == {"bulk": 1}
    assert missed(level) == [len(rows) - 1]


def test_lists_from_before_the_trace_are_not_counted_as_predicted():
    level = follow(allocs(A, B))
    assert level.pfn_exact == 0
    assert level.resynchronised["start"] == 2


def test_pages_that_an_interrupt_freed_past_the_list_are_missed_once():
    """All of them lie above the next on the list, and leave the buddy lists later."""
    more = tuple(range(FIRST + 4, FIRST + 8))
    held = [*refill(*FOUR), *allocs(*FOUR), *refill(*more), *allocs(*more)]
    freed = frees(A, B, *more)
    later = [*refill(*more), *allocs(*more)]
    level = follow([*held, *freed, *allocs(B, A), *later], "pcp")
    assert level.resynchronised["lock"] == 1
    assert missed(level) == [len(held) + len(freed)]


def test_a_page_from_before_the_trace_shows_that_those_above_are_gone():
    stranger = 7000
    other = 7001
    level = follow([*allocs(A), *frees(A), *allocs(stranger, other), *frees(A)])
    assert level.missed == {"start": 3}
    assert level.resynchronised["bulk"] == 1
