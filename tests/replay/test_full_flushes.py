# SPDX-License-Identifier: GPL-2.0-only
"""Which flushes are of the whole TLB, counted a second time over sets."""

import pytest
from hypothesis import given
from logs import (
    GFP_KERNEL,
    USER_MOVABLE,
    alloc,
    extfrag,
    free,
    locked,
    log_of,
    logs,
)
from reference import Reference, rows_of_log

from xpfo_model import machine, replay
from xpfo_model.constants import MAX_PAGE_ORDER as UNIT
from xpfo_model.constants import TLB_SINGLE_PAGE_FLUSH_CEILING as CEILING


def full(name, *rows, **how):
    counts = replay.replay(log_of(rows), [name], **how).strategies[name]
    return {cause: n for cause, n in counts.full_by_cause.items() if n}


def test_a_frame_is_flushed_alone_and_a_scattered_refill_in_full():
    assert full("per_frame", alloc(3, USER_MOVABLE)) == {}
    near = [locked(pfn, 1) for pfn in range(CEILING)]
    assert full("pcp_batch", *near) == {}
    assert full("pcp_batch", *near, locked(CEILING, 1)) == {"refill": 1}
    assert full("pcp_batch", locked(3, 1), locked(700, 1)) == {"refill": 1}


def test_only_frames_that_were_mapped_are_in_the_range():
    rows = [locked(3, 1), alloc(3, USER_MOVABLE), free(3)]
    assert full("pcp_batch", *rows, locked(3, 1), locked(700, 1)) == {}


def test_a_pageblock_is_flushed_in_full_unless_little_of_it_is_mapped():
    assert full("pageblock", extfrag(0, 1)) == {"block": 1}


def test_v6_flushes_in_full_until_the_entry_is_split():
    # nothing is kmapped here, so that nothing splits
    assert full("v6", alloc(3, USER_MOVABLE), alloc(4, USER_MOVABLE)) == {"alloc": 2}
    m = machine.boot(1024, cpus=1)
    machine.set_kpte(m, 5, mapped=False)
    machine.flush_mapping(m, machine.ALLOC, range(3, 4))
    machine.flush_mapping(m, machine.ALLOC, range(515, 516))
    machine.flush_mapping(m, machine.ALLOC, range(64))
    assert m.counts.full_by_cause[machine.ALLOC] == 2
    assert m.counts.flushes == 3


class Ranges(Reference):
    """The reference, with the range of each flush; frames are numbered by unit."""

    def __init__(self, name, rows):
        super().__init__(name)
        self.full = {}
        self.units = {}
        for row in rows:
            self.units.setdefault(row.pfn >> UNIT, len(self.units))

    def flush(self, cause):
        frames = [
            self.units[pfn >> UNIT] << UNIT | pfn & ((1 << UNIT) - 1)
            for pfn in self.stale
        ]
        if frames and max(frames) - min(frames) >= CEILING:
            self.full[cause] = self.full.get(cause, 0) + 1
        super().flush(cause)


@pytest.mark.parametrize("name", ["per_frame", "pcp_batch", "pageblock", "alternation"])
@given(logs)
def test_full_flushes_are_those_of_a_long_range(name, log):
    rows = list(rows_of_log(log))
    expected = Ranges(name, [row for row in rows if row.pfn >= 0])
    expected.run(rows)
    counts = replay.replay(log, [name]).strategies[name]
    assert {c: n for c, n in counts.full_by_cause.items() if n} == expected.full


def test_a_local_flush_says_whether_it_is_of_the_whole_tlb():
    rows = [locked(3, 1), alloc(9, USER_MOVABLE), alloc(10, GFP_KERNEL)]
    counts = replay.replay(log_of(rows), ["v9"]).strategies["v9"]
    assert [counts.local_flushes, counts.local_full] == [2, 1]
