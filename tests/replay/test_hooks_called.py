# SPDX-License-Identifier: GPL-2.0-only
from logs import (
    GFP_KERNEL,
    USER_MOVABLE,
    USER_UNMOVABLE,
    alloc,
    extfrag,
    free,
    locked,
    log_of,
)

from xpfo_model import replay


def counted(log, name):
    return replay.replay(log, [name]).strategies[name]


def test_a_batch_is_flushed_once_and_before_the_allocation():
    refill = [locked(pfn, 1) for pfn in range(31)]
    log = log_of([*refill, *(alloc(pfn, USER_MOVABLE) for pfn in range(31))])
    counts = counted(log, "pcp_batch")
    assert counts.flushes_by_cause["refill"] == 1
    assert counts.flushes == 1
    assert counts.frames_unmapped == 31


def test_a_refill_ends_at_another_order_or_migratetype_and_at_the_end():
    log = log_of([locked(0, 1), locked(2, 1, order=1), locked(4, 0), locked(5, 1)])
    outcome = replay.replay(log, ["pcp_batch"])
    assert outcome.totals["refills"] == 4
    assert outcome.totals["refills_movable"] == 3


def test_other_events_and_other_cpus_neither_join_nor_end_a_refill():
    log = log_of(
        [
            locked(0, 1),
            locked(9, 1, refill=False),
            free(100),
            alloc(200, USER_MOVABLE, cpu=1),
            alloc(-1, USER_MOVABLE),
            locked(1, 1),
            alloc(0, USER_MOVABLE),
        ]
    )
    assert replay.replay(log).totals["refills"] == 1


def test_alternation_hands_out_stale_frames_and_the_first_is_free():
    log = log_of(
        [
            alloc(0, GFP_KERNEL),
            alloc(1, USER_MOVABLE),
            alloc(2, USER_MOVABLE),
            alloc(3, GFP_KERNEL),
        ]
    )
    counts = counted(log, "alternation")
    assert counts.flushes == 2
    assert counts.frames_exposed == 1


def test_consume_flushes_at_the_next_movable_refill_only():
    log = log_of(
        [
            alloc(0, USER_UNMOVABLE),
            locked(10, 0),
            alloc(10, GFP_KERNEL),
            locked(11, 1),
            alloc(11, USER_MOVABLE),
        ]
    )
    counts = counted(log, "pcp_batch_consume")
    assert counts.flushes_by_cause["refill"] == 1
    assert counts.frames_exposed == 2


def test_a_fallback_of_order_ten_flips_two_blocks():
    log = log_of([extfrag(1024, 1, fallback_order=10)])
    counts = counted(log, "pageblock")
    assert counts.flushes_by_cause["block"] == 2
    assert counts.frames_unmapped == 1024


def test_a_flip_spares_what_the_other_side_has_now():
    log = log_of(
        [
            alloc(3, GFP_KERNEL),
            extfrag(0, 1),
            alloc(4, USER_MOVABLE),
            extfrag(0, 0),
            free(4),
            extfrag(0, 1),
        ]
    )
    counts = counted(log, "pageblock")
    assert counts.flushes_by_cause["block"] == 2
    assert counts.frames_unmapped == 511 + 510
    assert counts.frames_mapped == 510
