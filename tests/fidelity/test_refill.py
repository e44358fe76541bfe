# SPDX-License-Identifier: GPL-2.0-only
"""How large a refill is, of which frames, and what is learnt where it is not."""

from tiny import allocs, follow, missed, refill

FIRST = 6144


def test_a_refill_takes_ascending_frames_of_one_block():
    frames = range(FIRST, FIRST + 4)
    level = follow([*refill(*frames), *allocs(*frames)])
    assert level.refill_batches == {
        "kernel": 1,
        "model_too": 1,
        "same_size": 1,
        "same_first": 1,
        "same_frames": 1,
    }


def test_a_larger_batch_is_counted_once_and_learnt():
    rows = []
    for n in range(4):
        frames = range(FIRST + 8 * n, FIRST + 8 * n + 8)
        rows += [*refill(*frames), *allocs(*frames)]
    level = follow(rows)
    assert level.resynchronised["batch"] == 1
    assert level.refill_batches["same_size"] == 3


def test_what_a_refill_got_otherwise_is_missed_where_it_is_handed_out():
    frames = [FIRST, FIRST + 1, FIRST + 3, FIRST + 2]
    rows = [*refill(*frames), *allocs(*frames)]
    assert missed(follow(rows)) == [6, 7]
    assert missed(follow(rows, "pcp")) == []


def test_the_order_of_lists_from_before_the_trace_is_not_known():
    frames = [FIRST + 2, FIRST + 3, FIRST, FIRST + 1]
    rows = [*refill(*frames), *allocs(*frames)]
    # nothing had named the frame, or the trace began with the machine
    assert follow(rows).missed == {"start": 4}
    boot = [*refill(2048), *allocs(2048), *refill(2049), *allocs(2049)]
    assert "start" not in follow([*boot, *rows]).missed


def test_smaller_orders_come_in_smaller_refills():
    pages = range(FIRST, FIRST + 4, 2)
    level = follow([*refill(*pages, order=1), *allocs(*pages, order=1)])
    assert level.refill_batches["same_frames"] == 1
    assert missed(level) == []
