# SPDX-License-Identifier: GPL-2.0-only
"""When a list drains, from which end, and what is learnt where that is wrong."""

from tiny import allocs, drains, follow, frees, refill

BOOT = [*refill(6144), *allocs(6144), *refill(6145), *allocs(6145)]
"""How a trace from boot begins: only then are the counts known, not only lists."""
FIRST = 6146
EIGHT = tuple(range(FIRST, FIRST + 8))
HALF = EIGHT[:4]
TWO_REFILLS = [
    *BOOT,
    *refill(*HALF),
    *allocs(*HALF),
    *refill(*EIGHT[4:]),
    *allocs(*EIGHT[4:]),
]


def test_at_high_a_batch_leaves_from_the_tail():
    rows = [*TWO_REFILLS, *frees(*EIGHT), *drains(*HALF)]
    level = follow(rows)
    assert level.drain_batches == {
        "kernel": 1,
        "model_too": 1,
        "same_size": 1,
        "same_frames": 1,
    }
    assert level.numbers["drains"].model == 4
    assert "high" not in level.resynchronised


def test_pages_from_the_other_end_are_no_prediction():
    rows = [*TWO_REFILLS, *frees(*EIGHT), *drains(*reversed(EIGHT[4:]))]
    level = follow(rows)
    assert level.drain_batches["same_size"] == 1
    assert level.drain_batches["same_frames"] == 0
    assert level.resynchronised["drain"] == 1


def test_a_drain_that_comes_too_early_is_counted_and_learnt():
    rows = [*TWO_REFILLS, *frees(*EIGHT[:6]), *drains(*HALF)]
    level = follow(rows)
    assert level.drain_batches["model_too"] == 0
    assert level.resynchronised["high"] == 1


def test_of_two_cpus_that_drain_the_lock_says_who_was_first():
    # CPU 1 frees after CPU 0 and drains before it: its pages are deeper
    other = tuple(range(FIRST + 8, FIRST + 16))
    rows = [
        *TWO_REFILLS,
        *refill(*other[:4], cpu=1),
        *allocs(*other[:4], cpu=1),
        *refill(*other[4:], cpu=1),
        *allocs(*other[4:], cpu=1),
        *frees(*EIGHT),
        *frees(*other, cpu=1),
        *drains(*other[:4], cpu=1),
        *drains(*HALF),
    ]
    level = follow(rows)
    assert level.drain_batches["same_frames"] == 2
    assert level.numbers["drains"].model == 8


def test_before_watermarks_are_set_high_is_four_batches():
    """Boot refills twos at first: a page that is freed then stays on its list."""
    rows = [*BOOT, *refill(FIRST, FIRST + 1), *allocs(FIRST), *frees(FIRST)]
    level = follow([*rows, *allocs(FIRST, FIRST + 1)])
    assert level.numbers["drains"].model == 0
    assert "high" not in level.resynchronised
    assert "drain" not in level.missed


def test_a_page_that_leaves_the_buddy_lists_next_was_never_drained():
    """An interrupt freed the last page past the list: the next tail is drained."""
    stray = EIGHT[0]
    rows = [*TWO_REFILLS, *frees(*EIGHT), *drains(*EIGHT[1:5])]
    level = follow([*rows, *refill(stray)])
    assert level.resynchronised["lock"] == 1
    # what the kernel has drained was on the list
    assert "lock" not in follow(rows).resynchronised
    # and a kernel that has not drained at all has shown nothing
    not_yet = follow([*TWO_REFILLS, *frees(*EIGHT), *refill(stray)])
    assert "lock" not in not_yet.resynchronised


def test_high_sinks_with_no_event_in_v6_18():
    """It drains at 40, later at 30: then 27 is not too many, as in reclaim."""
    pages = tuple(range(FIRST, FIRST + 40))
    rows = [*refill(*pages), *allocs(*pages), *frees(*pages), *drains(*pages[:4])]
    rows += [*allocs(*pages[:13:-1]), *frees(*reversed(pages[14:34]))]
    rows += [*drains(*pages[4:8]), *frees(pages[34])]
    # enough is free for the zone to be above its high watermark
    rows += refill(*range(FIRST + 64, FIRST + 128), cpu=1)
    assert follow(rows, "pcp", "v6.18").resynchronised["high"] == 2
