# SPDX-License-Identifier: GPL-2.0-only
"""Exposure, counted a second time: every frame looked at in every interval."""

import numpy as np
import pytest
from exposed import CPUS, FRAMES, USER_ZEROED, Slow, Tlbs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from logs import (
    BORDER,
    GFP_KERNEL,
    USER_MOVABLE,
    USER_UNMOVABLE,
    alloc,
    free,
    locked,
    log_of,
)
from reference import HIGHUSER

from xpfo_model import events as ev
from xpfo_model import jit, machine, replay
from xpfo_model.claims import access, exposure
from xpfo_model.claims.inputs import Inputs
from xpfo_model.replay.reconstruct import Reconstruction, calls_of


class Clocks(RuleBasedStateMachine):
    """The machine's stamps against the sum over all intervals."""

    def __init__(self):
        super().__init__()
        m = machine.boot(FRAMES, 2, cpus=CPUS)
        self.m = jit._readable(m)
        self.slow = Tlbs()

    some = st.lists(st.integers(0, FRAMES - 1), max_size=3, unique=True)
    cpus = st.integers(0, CPUS - 1)

    @rule(ticks=st.integers(0, 9))
    def wait(self, ticks):
        self.slow.wait(ticks)
        self.m.settings.now += ticks

    @rule(frames=some)
    def give(self, frames):
        reached = machine.hand_to_user(self.m, frames)
        self.slow.users |= set(frames)
        assert reached == len(self.slow.reachable(frames))

    @rule(frames=some, owner=st.sampled_from([machine.KERNEL, machine.FREE]))
    def take(self, frames, owner):
        machine.take_back(self.m, frames, owner)
        self.slow.users -= set(frames)

    @rule(frames=some)
    def unmap(self, frames):
        machine.unmap(self.m, frames)
        self.slow.clear(frames)

    @rule(frames=some)
    def map_back(self, frames):
        machine.map_back(self.m, frames)
        self.slow.set(frames)

    @rule()
    def flush(self):
        machine.flush(self.m, machine.ALLOC)
        self.slow.flush()

    @rule(cpu=cpus)
    def flush_local(self, cpu):
        machine.flush_local(self.m, cpu)
        self.slow.flush([cpu])

    @rule(frames=some)
    def invlpg_everywhere(self, frames):
        for cpu in range(CPUS):
            self.invlpg(cpu, frames)

    @rule(cpu=cpus, frames=some)
    def invlpg(self, cpu, frames):
        machine.invlpg(self.m, cpu, frames)
        self.slow.flush([cpu], frames)

    @invariant()
    def agrees(self):
        m = self.m
        running = sum(
            m.settings.now - m.since[frame]
            for frame in range(FRAMES)
            if m.owner[frame] == machine.USER and m.alias[frame]
        )
        assert m.counts.exposed_time + running == self.slow.time


TestClocks = Clocks.TestCase


STRATEGIES = (
    "none",
    "v5",
    "v6",
    "per_frame",
    "alternation",
    "pcp_batch",
    "pcp_batch_consume",
    "pcp_batch_local",
    "v7",
    "v8",
    "v9",
    "return_to_user",
    "kernel_entry",
)
TASKS = 4
DEFER = ("v7", "v8", "v9", "kernel_entry")


USED = ((0, 1), (50, 1), (100, 1.5), (99.6, 2.7))
"""Percent of the pages that are copied into, and how often each of them."""


@st.composite
def moments(draw):
    """An event on few frames, and the ticks since the one before."""
    cpu = draw(st.integers(0, CPUS - 1))
    order = draw(st.sampled_from([0, 0, 0, 1, 2, 6]))
    pfn = draw(st.integers(0, 127)) >> order << order
    masks = [USER_MOVABLE, USER_ZEROED, USER_ZEROED, USER_UNMOVABLE, GFP_KERNEL]
    event = draw(
        st.one_of(
            st.builds(
                lambda mask: alloc(pfn, mask, order, cpu), st.sampled_from(masks)
            ),
            st.just(free(pfn, order, cpu)),
            st.builds(lambda mt: locked(pfn, mt, order, cpu), st.integers(0, 1)),
            st.just({"kind": ev.SCHED_SWITCH, "cpu": cpu, "next_pid": pfn % TASKS}),
            st.sampled_from(BORDER).map(lambda kind: {"kind": kind, "cpu": cpu}),
        )
    )
    task = {"pid": draw(st.integers(0, TASKS - 1))}
    return draw(st.integers(0, 50)), event | task


def timed(listed):
    log = log_of([event for _, event in listed] + [free(1 << 12)])
    ticks = [ticks for ticks, _ in listed] + [7]
    log.events.time[:] = 1_000_000 + np.cumsum(ticks)
    return log


def run(log, name, used=(0, 1), **replaced):
    reconstruction = Reconstruction("v6.1", everything=True)
    how = dict(zip(("copy_percent", "copies"), used, strict=True))
    counted = replay.Run(name, cpus=CPUS, zeroing=True, **how, **replaced)
    for steps in calls_of(log.chunks(), reconstruction):
        counted.feed(steps, reconstruction.frames)
    return counted.counts


@pytest.mark.parametrize("name", STRATEGIES)
@given(st.lists(moments(), max_size=60).map(timed), st.sampled_from(USED))
def test_frame_time_is_the_sum_over_all_intervals(name, log, used):
    counts = run(log, name, used)
    slow = Slow(name, *used).run(log)
    assert counts.frame_time_exposed == slow.time
    assert counts.frames_exposed == slow.handed
    if name in DEFER:
        assert counts.local_flushes == slow.local


def test_a_deferred_flush_lasts_until_the_other_cpus_switch():
    switch = [(10, {"kind": ev.SCHED_SWITCH, "cpu": cpu}) for cpu in range(CPUS)]
    log = timed([(0, alloc(5, USER_ZEROED)), *switch, (100, free(5))])
    # CPU 0 flushed at once, 1 switches after 20 ticks and 2 after 30
    assert run(log, "v9").frame_time_exposed == 30
    assert run(log, "pcp_batch_local").frame_time_exposed == 0
    assert run(log, "none").frame_time_exposed == 130


def test_a_cpu_that_is_not_there_keeps_nothing(evidence):
    counts = evidence.counts("cc-1cpu", "v9", zeroing=True)
    assert counts.frame_time_exposed == 0
    assert counts.local_flushes > 0


def test_the_whole_is_the_time_that_users_own_frames(evidence):
    e = evidence.log("netmap-3cpu").events
    kinds = (e.kind == ev.MM_PAGE_ALLOC) | (e.kind == ev.MM_PAGE_FREE)
    columns = (e.time, e.kind, e.pfn, e.order, e.gfp)
    since, whole = {}, 0
    for time, kind, pfn, order, mask in zip(
        *(c[kinds & (e.pfn >= 0)].tolist() for c in columns), strict=True
    ):
        for frame in range(pfn, pfn + (1 << order)):
            whole += time - since.pop(frame, time)
            if kind == ev.MM_PAGE_ALLOC and mask & HIGHUSER == HIGHUSER:
                since[frame] = time
    end = int(max(s.time[-1] for s in evidence.steps("netmap-3cpu")[0] if len(s.time)))
    whole += sum(end - start for start in since.values())
    assert evidence.counts("netmap-3cpu", "none").frame_time_exposed == whole


def test_all_user_pages_of_the_traces_are_of_one_frame(evidence):
    for trace in evidence.names:
        for some in evidence.steps(trace)[0]:
            pages = (some.op == 0) & (some.user & 1 != 0)
            assert (some.stop - some.start)[pages].max(initial=1) == 1


def test_without_flushes_in_idle_a_window_is_not_shorter(evidence):
    for trace in ("cc-4cpu", "reclaim-2cpu"):
        every = evidence.counts(trace, "v9", zeroing=True)
        fewer = evidence.counts(trace, "v9", zeroing=True, idle_flushes=False)
        assert fewer.frame_time_exposed > every.frame_time_exposed
        assert fewer.local_flushes < every.local_flushes


def prezero(*listed):
    log = timed([(1, event) for event in listed])
    return run(log, "pcp_batch_prezero").flushes_by_cause


def test_a_frame_zeroed_at_its_refill_needs_no_second_flush():
    causes = prezero(locked(5, 1), locked(6, 1), alloc(5, USER_ZEROED))
    assert causes["refill"] == 1
    assert "kunmap" not in causes


def test_a_frame_that_was_used_since_its_refill_is_zeroed_again():
    refill = locked(5, 1)
    first, again = alloc(5, USER_MOVABLE), alloc(5, USER_ZEROED)
    assert prezero(refill, first, free(5), again)["kunmap"] == 1
    assert prezero(refill, again, free(5), again)["kunmap"] == 1
    assert prezero(refill, alloc(5, GFP_KERNEL), free(5), again)["kunmap"] == 1


def test_a_refill_of_users_frames_is_zeroed_under_its_one_flush():
    causes = prezero(
        locked(5, 1),
        alloc(5, USER_MOVABLE),
        free(5),
        locked(5, 1),
        alloc(5, USER_ZEROED),
    )
    assert causes["refill"] == 2
    assert "kunmap" not in causes


def test_a_copy_is_flushed_whatever_was_zeroed():
    log = timed([(1, locked(5, 1)), (1, alloc(5, USER_MOVABLE))])
    counts = run(log, "pcp_batch_prezero", (100, 1))
    assert counts.flushes_by_cause["kunmap"] == 1


def test_kunmap_flushes_are_zeroed_pages_and_copies_at_the_rate(evidence):
    totals = evidence.totals("cc-4cpu")
    rest = totals["user_allocations"] - totals["user_zeroed"]
    for copies in access.COPIES:
        counts = access.in_use(Inputs(evidence), "cc-4cpu", "v6", copy_percent=copies)
        expected = totals["user_zeroed"] + rest * copies // 100
        assert counts.flushes_by_cause["kunmap"] == expected


@pytest.mark.parametrize("name", exposure.SYNCHRONOUS)
@pytest.mark.parametrize("copies", [access.COPIES[0], access.COPIES[-1]])
def test_a_flush_of_all_cpus_before_the_hand_out_leaves_nothing(evidence, name, copies):
    for trace in evidence.names:
        counts = access.in_use(Inputs(evidence), trace, name, copy_percent=copies)
        assert (counts.frames_exposed, counts.frame_time_exposed) == (0, 0)


@pytest.mark.parametrize("name", ["v6", "v8"])
def test_what_a_user_gets_unmapped_is_what_was_kmapped(evidence, name):
    # after zeroing v6 has unmapped the zeroed pages and no other
    totals = evidence.totals("cc-1cpu")
    counts = access.in_use(Inputs(evidence), "cc-1cpu", name)
    rest = totals["user_allocations"] - totals["user_zeroed"]
    assert counts.frames_exposed == rest
