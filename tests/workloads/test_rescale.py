# SPDX-License-Identifier: GPL-2.0-only
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from logs import GFP_KERNEL, USER_MOVABLE, alloc, free, log_of, logs

from xpfo_model import events as ev
from xpfo_model import gfp, workloads
from xpfo_model.allocator import demand
from xpfo_model.allocator.demand import ALLOC
from xpfo_model.allocator.profiles import profile, profile_of_masks
from xpfo_model.errors import WorkloadError
from xpfo_model.fidelity import extract

FRAMES = 1 << 18
COMPARED = ("op", "cpu", "order", "page")
ASKED = ("migratetype", "highest", "atomic")


def users(load):
    return gfp.is_user(load.gfp[load.demand.op == ALLOC], load.masks).mean()


def plain(read):
    """What of a trace's demand is its own: no bulk, no drain, no page of before."""
    d = read.demand
    whole = (d.op <= demand.FREE_COMMIT) & (d.page != demand.FOREIGN) & (d.part == 0)
    whole |= d.op == ALLOC
    return demand.Demand(*(column[whole] for column in d))


@pytest.mark.parametrize("trace", ["forkpipe-4cpu", "netmap-3cpu"])
def test_the_demand_of_a_trace_is_its_demand(evidence, trace):
    log = evidence.log(trace)
    kernel = "v6.1" if trace.startswith("fork") else "v6.18"
    read = extract.read(log.events, profile(kernel), log.about.kernel)
    load = workloads.rescaled(log, frames=FRAMES)
    asks = load.demand.op == ALLOC
    there = plain(read)
    theirs = there.op == ALLOC
    # a refill may begin before a free of another CPU: who allocates is in place
    for name in (*COMPARED, *ASKED):
        ours, wanted = getattr(load.demand, name)[asks], getattr(there, name)[theirs]
        if name == "page":
            continue
        assert sorted(ours.tolist()) == sorted(wanted.tolist()), name
        if trace == "netmap-3cpu":
            assert np.mean(ours == wanted) > 0.9, name
    frees = np.count_nonzero(~asks)
    assert frees == pytest.approx(np.count_nonzero(~theirs), rel=0.001)


def test_row_by_row():
    rows = [
        alloc(8, GFP_KERNEL),
        alloc(9, USER_MOVABLE, cpu=1),
        free(77),
        free(8, cpu=1),
        free(9),
        {"kind": ev.MM_PAGE_FREE_BATCHED, "pfn": 9},
        alloc(ev.FAILED, USER_MOVABLE),
        alloc(8, USER_MOVABLE, order=1),
    ]
    d = workloads.rescaled(log_of(rows), frames=FRAMES).demand
    assert list(
        zip(*(getattr(d, name).tolist() for name in COMPARED), strict=True)
    ) == [
        (ALLOC, 0, 0, 0),
        (ALLOC, 1, 0, 1),
        (demand.FREE, 1, 0, 0),
        (demand.FREE_PREPARE, 0, 0, 1),
        (demand.FREE_COMMIT, 0, 0, 1),
        (ALLOC, 0, 1, 2),
    ]


@given(logs)
def test_any_log_can_be_read(log):
    load = workloads.rescaled(log, frames=FRAMES, cpus=8, user_share=0.5)
    d = load.demand
    born = np.flatnonzero(d.op == ALLOC)
    frees = np.flatnonzero(d.op != ALLOC)
    assert (frees > born[d.page[frees]]).all()
    assert d.cpu.max(initial=0) < 8


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_more_users_or_fewer(evidence, share):
    log = evidence.log("forkpipe-4cpu")
    load = workloads.rescaled(log, frames=FRAMES, user_share=share)
    assert users(load) == pytest.approx(share, abs=0.01)
    before = workloads.rescaled(log, frames=FRAMES).allocations
    assert load.allocations == pytest.approx(before, rel=0.01)


def test_more_cpus_do_more_and_fewer_share_the_work(evidence):
    log = evidence.log("netmap-3cpu")
    one = workloads.rescaled(log, frames=FRAMES)
    more = workloads.rescaled(log, frames=FRAMES, cpus=9)
    fewer = workloads.rescaled(log, frames=FRAMES, cpus=1)
    assert more.allocations == 3 * one.allocations
    assert set(more.demand.cpu.tolist()) == set(range(9))
    assert fewer.allocations == one.allocations
    assert set(fewer.demand.cpu.tolist()) == {0}
    again = workloads.rescaled(log, frames=FRAMES, cpus=9)
    other = workloads.rescaled(log, frames=FRAMES, cpus=9, seed=1)
    assert np.array_equal(more.demand.page, again.demand.page)
    assert not np.array_equal(more.demand.page, other.demand.page)


@pytest.mark.parametrize("masks", gfp.KERNELS)
def test_masks_of_every_table_find_an_allocator(masks):
    log = log_of([alloc(8, GFP_KERNEL), free(8)])
    log = ev.EventLog(log.events, replace(log.about, kernel=masks))
    load = workloads.rescaled(log, frames=FRAMES)
    assert (load.masks, load.kernel) == (masks, profile_of_masks(masks))


def test_a_trace_that_does_not_fit_is_refused(evidence):
    with pytest.raises(WorkloadError, match="do not fit"):
        workloads.rescaled(evidence.log("netmap-3cpu"), frames=1 << 10)


def test_the_measured_part_begins_where_the_mark_is(evidence):
    log = evidence.log("netmap-3cpu")
    load = workloads.rescaled(log, frames=FRAMES)
    assert 0 < load.measured_from < len(load.demand.op) / 2
