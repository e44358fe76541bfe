# SPDX-License-Identifier: GPL-2.0-only
"""The demand of a trace: who asks for what, and no frame that the kernel chose."""

import numpy as np
import pytest
from logs import log_of
from tiny import allocs, drains, frees, refill

from xpfo_model import events as ev
from xpfo_model.allocator import demand as ask
from xpfo_model.allocator.profiles import profile
from xpfo_model.fidelity.extract import AFTER_BULK, read

FIRST = 6144
FOUR = tuple(range(FIRST, FIRST + 4))


def reading(rows, kernel="v6.1"):
    return read(log_of(rows).events, profile(kernel), "v6.1")


def test_frees_name_the_allocation_and_not_the_frame():
    d = reading([*refill(*FOUR), *allocs(*FOUR), *frees(FOUR[2], FOUR[0])]).demand
    free = d.op == ask.FREE
    assert d.page[free].tolist() == [2, 0]
    assert d.part[free].tolist() == [0, 0]


def test_the_demand_is_the_same_whatever_frames_the_kernel_took():
    rows = [*refill(*FOUR), *allocs(*FOUR), *frees(*FOUR)]
    moved = [row | {"pfn": row["pfn"] + 512} for row in rows]
    for one, other in zip(reading(rows).demand, reading(moved).demand, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_page_that_no_event_allocated_is_foreign():
    d = reading(frees(FOUR[1])).demand
    assert (d.page[0], d.part[0]) == (ask.FOREIGN, FOUR[1])


def test_a_refill_that_nobody_got_a_page_of_was_taken_in_bulk():
    more = tuple(range(FIRST + 4, FIRST + 8))
    found = reading([*refill(*FOUR), *refill(*more, order=1), *allocs(FOUR[0])])
    assert found.demand.op.tolist()[0] == ask.BULK


def test_an_allocation_that_got_a_later_page_of_its_refill_came_after_bulk():
    d = reading([*refill(*FOUR), *allocs(FOUR[2])]).demand
    assert d.op.tolist() == [ask.BULK, ask.ALLOC]
    assert d.part[0] == 2
    assert d.flags[1] & AFTER_BULK


@pytest.mark.parametrize("batched", [True, False])
def test_only_what_boot_hands_over_goes_past_the_lists(batched):
    rows = frees(1 << 12, order=9)
    if batched:
        second = {"kind": ev.MM_PAGE_FREE_BATCHED, "pfn": 1 << 12}
        rows = [*rows, second]
    op = reading(rows).demand.op.tolist()
    assert op == ([ask.FREE_PREPARE, ask.FREE_COMMIT] if batched else [4])


def test_a_free_takes_its_turn_when_it_drains():
    rows = [
        *frees(FIRST + 8),
        *frees(FIRST + 9, cpu=1),
        *drains(FIRST + 9, cpu=1),
        *drains(FIRST + 8),
    ]
    found = reading(rows)
    assert found.demand.cpu.tolist() == [1, 0]
    assert found.start.tolist() == [2, 3]
    assert found.row.tolist() == [1, 0]
