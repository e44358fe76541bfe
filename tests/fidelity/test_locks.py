# SPDX-License-Identifier: GPL-2.0-only
"""Which lock an interrupted task held, by hand-made rows of one CPU."""

import pytest
from logs import log_of
from tiny import allocs, drains, frees, refill

from xpfo_model import events as ev
from xpfo_model.allocator import demand as ask
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.zones import BOUNDARIES
from xpfo_model.fidelity.extract import read
from xpfo_model.fidelity.locks import zone_of

FIRST = 6144
TWO = (FIRST, FIRST + 1)
IN_BETWEEN = FIRST + 8
DMA = 1024


def at(rows, depth, pid=7):
    return [row | {"preempt": depth, "pid": pid} for row in rows]


def batched(*frames):
    return [{"kind": ev.MM_PAGE_FREE_BATCHED, "pfn": frame} for frame in frames]


def locked(rows, pfn=IN_BETWEEN):
    """Whether the single free of a page is read as one that found the lock taken."""
    found = read(log_of(rows).events, profile("v6.1"), "v6.1")
    free = found.demand.op == ask.FREE
    by = {log_of(rows).events.pfn[row]: i for i, row in enumerate(found.row) if free[i]}
    return bool(found.demand.flags[by[pfn]] & ask.LOCKED)


def batch(depth, between, pid=7, late=True):
    first, last = batched(*TWO)
    return [
        *at(frees(*TWO), 0),
        *at([first], 2),
        *at(frees(between), depth, pid),
        *(at([last], 2) if late else []),
    ]


def test_between_two_pages_of_a_batch_the_lock_is_held():
    assert locked(batch(2, IN_BETWEEN))
    assert locked(batch(4, IN_BETWEEN))


def test_a_free_of_the_task_itself_holds_no_lock():
    assert not locked(batch(0, IN_BETWEEN))
    assert not locked(batch(3, IN_BETWEEN, pid=8))


def test_behind_the_last_page_of_a_batch_the_lock_is_free():
    rows = [
        *at(frees(*TWO), 0),
        *at(batched(*TWO), 2),
        *at(frees(IN_BETWEEN), 3),
    ]
    assert not locked(rows)


def test_the_pcp_of_another_zone_has_another_lock():
    assert [zone_of(BOUNDARIES, pfn) for pfn in (DMA, FIRST, 1 << 20)] == [0, 1, 2]
    assert not locked(batch(2, DMA), DMA)


def test_a_drain_of_another_zone_does_not_end_the_interrupt():
    first, last = batched(*TWO)
    rows = [
        *at(frees(*TWO), 0),
        *at([first], 2),
        *at(frees(DMA), 2),
        *at(drains(DMA), 5),
        *at(frees(IN_BETWEEN), 2),
        *at([last], 2),
    ]
    assert locked(rows)


@pytest.mark.parametrize(("depth", "held"), [(2, False), (3, True)])
def test_before_the_first_page_of_a_batch_only_a_deeper_free_tells(depth, held):
    rows = [
        *at(frees(*TWO), 0),
        *at(frees(IN_BETWEEN), depth),
        *at(batched(*TWO), 2),
    ]
    assert locked(rows) is held


@pytest.mark.parametrize(("depth", "held"), [(1, False), (2, True)])
def test_as_a_refill_gives_back_the_zone_it_has_the_pcp_still(depth, held):
    rows = [
        *at(refill(*TWO), 3),
        *at(frees(IN_BETWEEN), depth),
        *at(allocs(FIRST), 0),
    ]
    assert locked(rows) is held


def test_a_deep_task_is_no_interrupt():
    """Two spinlocks and RCU above it are as deep as a pcp's lock."""
    rows = [*at(allocs(FIRST), 1), *at(frees(IN_BETWEEN), 3)]
    assert not locked(rows)


def test_a_trace_without_depth_says_nothing():
    assert not locked(batch(ev.UNKNOWN, IN_BETWEEN))
