# SPDX-License-Identifier: GPL-2.0-only
"""What holds for every generator, on any machine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Reference, rows_of_log

from xpfo_model import gfp, replay, strategies, workloads
from xpfo_model.allocator.demand import (
    ALLOC,
    FREE,
    FREE_COMMIT,
    FREE_PREPARE,
)
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.zones import machine
from xpfo_model.errors import UnknownKernelError, WorkloadError
from xpfo_model.events import FAILED, MM_PAGE_ALLOC

FRAMES = 1 << 18
KERNELS = ["v4.14", "v6.1", "v6.12", "v6.18"]


def made(name, *, seed=1, cpus=3, frames=FRAMES, length=20_000, kernel="v6.1"):
    return workloads.generate(
        name, seed=seed, cpus=cpus, frames=frames, length=length, kernel=kernel
    )


def same(a, b):
    return np.array_equal(a.gfp, b.gfp) and all(
        np.array_equal(x, y) for x, y in zip(a.demand, b.demand, strict=True)
    )


@pytest.mark.parametrize("name", workloads.REGISTRY)
@settings(max_examples=8)
@given(
    seed=st.integers(0, 2**32 - 1),
    cpus=st.sampled_from([1, 2, 7, 64]),
    kernel=st.sampled_from(KERNELS),
)
def test_a_demand_is_well_formed(name, seed, cpus, kernel):
    load = made(name, seed=seed, cpus=cpus, kernel=kernel)
    d = load.demand
    assert d.cpu.max(initial=0) < cpus
    born = np.flatnonzero(d.op == ALLOC)
    assert np.array_equal(d.page[born], np.arange(load.allocations))
    assert (load.gfp[born] != 0).all()
    assert (load.gfp[d.op != ALLOC] == 0).all()
    assert np.array_equal(d.migratetype[born], gfp.migratetype(load.gfp[born]))
    # a page is freed once, after its birth, in its order; a list in two steps
    for first, second in ((FREE, None), (FREE_PREPARE, FREE_COMMIT)):
        rows = np.flatnonzero(d.op == first)
        assert len(np.unique(d.page[rows])) == len(rows)
        assert (rows > born[d.page[rows]]).all()
        assert np.array_equal(d.order[rows], d.order[born[d.page[rows]]])
        if second is not None:
            again = np.flatnonzero(d.op == second)
            prepared = rows[np.argsort(d.page[rows])]
            committed = again[np.argsort(d.page[again])]
            assert np.array_equal(d.page[prepared], d.page[committed])
            assert np.array_equal(d.cpu[prepared], d.cpu[committed])
            assert (prepared < committed).all()
    single = d.page[d.op == FREE]
    assert not np.isin(single, d.page[d.op == FREE_PREPARE]).any()


@pytest.mark.parametrize("name", workloads.REGISTRY)
def test_the_seed_and_nothing_else_decides(name):
    assert same(made(name), made(name))
    assert not same(made(name), made(name, seed=2))


def test_a_mix_has_the_shares_that_were_asked():
    asked = {"pipes": 3, "slabs": 1}
    load = made(asked, length=100_000)
    masks = load.gfp[load.demand.op == ALLOC]
    pipes = masks == gfp.mask("GFP_HIGHUSER", "v6.1") | gfp.mask(
        "__GFP_ACCOUNT", "v6.1"
    )
    assert pipes.mean() == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("name", workloads.REGISTRY)
def test_there_are_about_as_many_allocations_as_asked(name):
    load = made(name, length=400_000)
    ballast = np.count_nonzero(load.demand.order == 9) if name == "pressure" else 0
    assert load.allocations - ballast == pytest.approx(200_000, rel=0.15)
    assert 0 < load.measured_from < len(load.demand.op)


@pytest.mark.parametrize("name", workloads.REGISTRY)
@pytest.mark.parametrize(
    ("cpus", "frames"), [(1, 1 << 17), (256, 1 << 17), (256, 1 << 28)]
)
def test_any_machine_will_do(name, cpus, frames):
    load = made(name, cpus=cpus, frames=frames, length=500_000)
    size = np.int64(1) << load.demand.order.astype(np.int64)
    frees = np.isin(load.demand.op, (FREE, FREE_COMMIT))
    held = np.cumsum(np.where(load.demand.op == ALLOC, size, -size * frees))
    assert held.min() >= 0
    assert held.max() == load.peak <= frames


def test_pressure_fills_memory_and_the_others_do_not():
    assert made("pressure", length=100_000).peak > 0.85 * FRAMES
    assert made("forks", length=100_000).peak < 0.1 * FRAMES


@pytest.mark.parametrize("name", workloads.REGISTRY)
def test_a_strategy_cannot_tell_it_from_a_trace(name):
    log = workloads.events(made(name, length=1500))
    outcome = replay.replay(log)
    allocates = log.events.kind == MM_PAGE_ALLOC
    users = gfp.is_user(log.events.gfp[allocates], log.about.kernel).sum()
    assert outcome.totals["user_allocations"] == users
    for strategy in strategies.COUNTED:
        counts, reference = (
            outcome.strategies[strategy],
            Reference(strategy).run(rows_of_log(log)),
        )
        assert counts.flushes == sum(reference.flushes.values()), strategy
        assert counts.frames_unmapped == reference.n_unmapped, strategy
        assert counts.frames_mapped == reference.n_mapped, strategy


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_runs_it_and_no_allocation_fails(kernel):
    load = made({"pressure": 2, "forks": 1, "network": 1}, kernel=kernel)
    log = workloads.events(load)
    assert log.about.kernel == load.masks
    assert not log.about.warnings
    rows = log.events.time[log.events.kind == MM_PAGE_ALLOC]
    assert np.array_equal(rows, np.flatnonzero(load.demand.op == ALLOC))


def test_pieces_are_the_whole():
    load = made("pipes", length=2000)
    parts = list(workloads.chunks(load))
    whole = workloads.events(load).events
    assert sum(len(part.kind) for part in parts) == len(whole.kind)


def test_what_does_not_fit_fails_and_frees_nothing():
    small = machine(profile("v6.1"), 1 << 11, 3)
    load = made("page-faults", length=40_000)
    log = workloads.events(load, layout=small)
    failed = np.count_nonzero(
        (log.events.kind == MM_PAGE_ALLOC) & (log.events.pfn == FAILED)
    )
    assert failed > 0
    assert log.about.warnings["failed-allocations"].count == failed
    assert (log.events.pfn >= FAILED).all()


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ("compile", "no workload"),
        ({"pipes": -1}, "a share"),
        ({"pipes": 0}, "nothing"),
        ({}, "nothing"),
    ],
)
def test_a_mix_that_makes_no_sense_is_refused(shares, says):
    with pytest.raises(WorkloadError, match=says):
        made(shares)


def test_a_task_that_does_not_fit_is_refused():
    with pytest.raises(WorkloadError, match="does not fit"):
        made("compilers", frames=512)


def test_an_unknown_kernel_is_refused():
    with pytest.raises(UnknownKernelError):
        made("pipes", kernel="v3.0")
