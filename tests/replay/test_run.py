# SPDX-License-Identifier: GPL-2.0-only

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import (
    GFP_KERNEL,
    USER_MOVABLE,
    InPieces,
    alloc,
    extfrag,
    free,
    locked,
    log_of,
    logs,
)
from reference import Reference, previous_owners, rows_of_log

from xpfo_model import events as ev
from xpfo_model import gfp, machine, replay, strategies
from xpfo_model.errors import TraceError, UnknownStrategyError
from xpfo_model.replay import calls
from xpfo_model.replay.reconstruct import Reconstruction, calls_of, room_for

# Counted by an independent program: reference definitions over whole traces.
RECORDED = {
    "cc-1cpu": {
        "totals": [134795, 9130, 73636, 44, 0, 4079, 3789, 6, 12801, 44, 121950],
        "v6": [134795],
        "per_frame": [12845, 12845, 43],
        "alternation": [5708],
        "pcp_batch": [859, 12845, 43, {"refill": 403, "alloc": 456}],
        "pcp_batch_consume": [405, 12845, 43],
        "pageblock": [483, 13868, 43, {"block": 27, "alloc": 456}],
    },
    "cc-4cpu": {
        "totals": [146105, 46427, 71870, 44, 61, 5322, 2518, 46, 12446, 1221, 132438],
        "v6": [146105],
        "per_frame": [13667, 13667, 43],
        "alternation": [5912],
        "pcp_batch": [542, 39102, 24619, {"refill": 466, "alloc": 76}],
        "pcp_batch_consume": [447, 13667, 43],
        "pageblock": [1304, 21201, 6187, {"block": 39, "alloc": 1265}],
    },
    "forkpipe-4cpu": {
        "totals": [134489, 90709, 48833, 22299, 4, 3085, 205, 48, 5146, 7351, 121992],
        "v6": [134489],
        "per_frame": [12497, 12497, 7025],
        "alternation": [27426],
        "pcp_batch": [8927, 15764, 9328, {"refill": 134, "alloc": 8793}],
        "pcp_batch_consume": [155, 12497, 7025],
        "pageblock": [8628, 17989, 9073, {"block": 20, "alloc": 8608}],
    },
}


MEMORY = 10 * 512
"""Frames that the logs of hypothesis name, and more."""
QUARTERS = {
    "cc-1cpu": {"per_frame": [12332, 512, 0, 1], "pcp_batch": [841, 17, 0, 1]},
    "cc-4cpu": {"per_frame": [12061, 0, 0, 1606], "pageblock": [110, 3, 1, 1190]},
    "forkpipe-4cpu": {"pcp_batch": [2690, 2317, 1845, 2075]},
}
"""Flushes by quarter of the user allocations, by a second independent program."""

PREVIOUS_OWNERS = ("first_touch", "from_kernel", "from_user")


@given(logs)
def test_user_allocations_are_told_apart_by_who_had_a_frame_before(log):
    totals = replay.replay(log).totals
    assert {name: totals[name] for name in PREVIOUS_OWNERS} == previous_owners(
        rows_of_log(log)
    )


def test_a_trace_without_refills_says_that_it_cannot_show_a_batch():
    assert any("no refill" in n for n in replay.replay(log_of([free(1)])).notes)
    assert not replay.replay(log_of([locked(1, 1)])).notes


def test_a_strategy_whose_events_were_not_recorded_is_not_counted():
    log = log_of([alloc(0, USER_MOVABLE)], recorded=("mm_page_alloc",))
    outcome = replay.replay(log)
    assert set(outcome.strategies) == {"none", "v6", "per_frame", "alternation"}
    assert set(outcome.not_counted) == set(strategies.SHOWN) - set(outcome.strategies)
    assert "mm_page_alloc_zone_locked" in outcome.not_counted["pcp_batch"]
    assert "mm_page_free" in outcome.not_counted["pageblock"]


def test_events_that_a_silent_trace_lacks_were_not_recorded_unless_they_are_rare():
    log = log_of([locked(0, 1), alloc(0, USER_MOVABLE), free(0)], recorded=None)
    assert not replay.replay(log).not_counted
    log = log_of([locked(0, 1), alloc(0, USER_MOVABLE)], recorded=None)
    assert set(replay.replay(log).not_counted) == {"pageblock"}


@pytest.mark.parametrize(
    ("first", "facts", "begins"),
    [
        (500_000_000, {"format": "ftrace"}, "boot"),
        (2_000_000_000, {"format": "ftrace"}, "later"),
        (1_697_712_345_000_000_000, {"format": "perf"}, "later"),
        (5, {"format": "ftrace", "clock": "ticks"}, "unclear"),
        (5, {"clock": "ticks"}, "boot"),
    ],
)
def test_a_first_touch_is_bootish_only_in_a_trace_from_boot(first, facts, begins):
    log = log_of([alloc(0, USER_MOVABLE) | {"time": first}], **facts)
    assert replay.replay(log).begins == begins


@pytest.mark.parametrize("trace", RECORDED)
def test_the_recorded_traces_give_the_independent_counts(evidence, trace):
    outcome = evidence.outcome(trace)
    expected = dict(RECORDED[trace])
    assert list(outcome.totals.values()) == expected.pop("totals")
    for name, (flushes, *rest) in expected.items():
        counts = outcome.strategies[name]
        assert counts.flushes == flushes, name
        if rest:
            assert [counts.frames_unmapped, counts.frames_mapped] == rest[:2], name
        if name in QUARTERS[trace]:
            quarters = [sum(quarter.values()) for quarter in counts.quarters]
            assert quarters == QUARTERS[trace][name], name
        for causes in rest[2:]:
            nonzero = {c: n for c, n in counts.flushes_by_cause.items() if n}
            assert nonzero == causes, name


@given(
    logs,
    st.sampled_from([*strategies.COUNTED, "return_to_user"]),
    st.sampled_from(machine.STARTS),
)
def test_every_strategy_counts_what_its_definition_says(log, name, start):
    counts = replay.replay(log, [name], start=start).strategies[name]
    frames = range(0 if start == machine.MAPPED or name == "none" else MEMORY)
    expected = Reference(name, frames).run(rows_of_log(log))
    assert {c: n for c, n in counts.flushes_by_cause.items() if n} == dict(
        expected.flushes
    )
    assert [sum(q.values()) for q in counts.quarters] == expected.quarters()
    by_owner = {who: n for who, n in counts.flushes_by_owner.items() if n}
    assert by_owner == {who: n for who, n in expected.by_owner.items() if n}
    assert counts.frames_unmapped == expected.n_unmapped
    if name == "v6" and start == machine.UNMAPPED:
        return  # as posted it maps what is freed, never what is allocated
    assert counts.frames_mapped == expected.n_mapped
    assert counts.frames_exposed == expected.exposed
    assert counts.faults == expected.faults


NOFS = USER_MOVABLE & ~gfp.mask("__GFP_FS", "v6.1")
NOWAIT = gfp.mask("__GFP_MOVABLE", "v6.1") | gfp.mask("GFP_NOWAIT", "v6.1")


def test_each_strategy_tells_users_by_its_own_test():
    log = log_of([alloc(0, USER_MOVABLE), alloc(1, NOFS), alloc(2, GFP_KERNEL)])
    outcome = replay.replay(log, ["per_frame", "pcp_batch_closed"])
    counts = outcome.strategies
    assert [counts["per_frame"].flushes, counts["pcp_batch_closed"].flushes] == [1, 2]
    assert outcome.totals["user_allocations"] == 1
    assert [outcome.users[test]["first_touch"] for test in gfp.USER_TESTS] == [1, 2]
    told = outcome.as_json()["strategies"]
    assert told["pcp_batch_closed"]["user_test"] == gfp.WIDE
    assert told["per_frame"]["user_test"] == gfp.POSTED


def test_allocations_are_counted_by_quarter():
    rows = [alloc(0, USER_MOVABLE), alloc(1, GFP_KERNEL), free(0), free(1)]
    rows += [alloc(pfn, USER_MOVABLE) for pfn in (0, 1, 2)]
    outcome = replay.replay(log_of(rows), ["per_frame"])
    who = ("first_touch", "from_kernel", "from_user", "kernel_allocations")
    assert [[q[key] for key in who] for q in outcome.quarters] == [
        [1, 0, 0, 0],
        [0, 0, 1, 1],
        [0, 1, 0, 0],
        [1, 0, 0, 0],
    ]
    counts = outcome.strategies["per_frame"]
    assert [sum(q.values()) for q in counts.quarters] == [1, 0, 1, 1]
    assert [counts.flushes, counts.flushes_warm] == [3, 2]
    assert counts.flushes_by_owner == {
        "first_touch": 2,
        "from_kernel": 1,
        "from_user": 0,
        "for_kernel": 0,
    }


def test_who_had_a_frame_before_depends_on_the_test():
    rows = [alloc(0, NOFS), free(0), alloc(0, USER_MOVABLE)]
    users = replay.replay(log_of(rows)).users
    assert [users[test]["from_kernel"] for test in gfp.USER_TESTS] == [1, 0]
    assert [users[test]["from_user"] for test in gfp.USER_TESTS] == [0, 1]


def test_a_refill_that_may_not_wait_is_left_to_the_guarantee():
    rows = [locked(0, 1), locked(1, 1), alloc(0, NOWAIT), alloc(1, USER_MOVABLE)]
    outcome = replay.replay(log_of(rows), ["pcp_batch_local", "pcp_batch_closed"])
    local, closed = (c.flushes_by_cause for c in outcome.strategies.values())
    assert [local["refill"], local["alloc"]] == [1, 0]
    assert [closed["refill"], closed["alloc"]] == [0, 1]
    assert outcome.waits == {
        "movable_no_reclaim": 1,
        "movable_irqs_off": 0,
        "movable_refills_no_wait": 1,
    }


def test_with_interrupts_off_nobody_waits_but_a_huge_page_does():
    off = {"flags": ev.IRQS_OFF}
    huge = gfp.mask("GFP_TRANSHUGE_LIGHT", "v6.1")
    rows = [
        *(locked(0, 1), alloc(0, USER_MOVABLE) | off),
        *(locked(512, 1, order=9), alloc(512, huge, order=9)),
    ]
    outcome = replay.replay(log_of(rows), ["pcp_batch_closed"])
    causes = outcome.strategies["pcp_batch_closed"].flushes_by_cause
    assert [causes["refill"], causes["alloc"]] == [1, 1]
    assert outcome.waits["movable_no_reclaim"] == 1
    assert outcome.waits["movable_irqs_off"] == 1
    assert outcome.waits["movable_refills_no_wait"] == 1


@pytest.mark.parametrize(
    ("name", "cause", "exposed"),
    [("per_frame", {}, 1), ("pcp_batch_closed", {"migrate": 1}, 0)],
)
def test_a_page_that_moves_is_left_in_reach_or_costs_a_flush(name, cause, exposed):
    run = replay.Run(name, cpus=1)
    steps = room_for(3, 0)
    steps.op[:] = [calls.ALLOC, calls.ISOLATE, calls.MIGRATE]
    for column in (steps.cpu, steps.zeroed, steps.migratetype, steps.time):
        column[:] = 0
    steps.user[:] = [0b11, 0, 0]
    steps.start[:], steps.stop[:] = [3, 8, 3], [4, 9, 8]
    run.feed(steps, 16)
    counts = run.counts
    found = {c: n for c, n in counts.flushes_by_cause.items() if n}
    assert found == {"alloc": 1, **cause}
    assert [counts.moved, counts.moved_exposed] == [1, exposed]
    assert run.machine.owner[8] == machine.USER
    kernel = replay.Run(name, cpus=1, start="unmapped")
    steps.user[0] = 0
    kernel.feed(steps, 16)
    assert kernel.counts.faults == 0
    assert [kernel.machine.owner[8], kernel.counts.moved] == [machine.KERNEL, 0]


@given(logs, st.integers(1, 7))
def test_chunks_of_any_length_give_the_same_counts(log, length):
    log.about = dataclasses.replace(log.about, cpus=None)
    names = list(strategies.REGISTRY)
    whole = replay.replay(log, names)
    assert replay.replay(InPieces(log, length), names) == whole


@given(logs)
def test_safe_strategies_never_hand_out_a_reachable_frame(log):
    names = ["per_frame", "pcp_batch", "pageblock", strategies.RECOMMENDED]
    for outcome in replay.replay_starts(log, names, machine.STARTS):
        for counts in outcome.strategies.values():
            assert [counts.frames_exposed, counts.faults] == [0, 0]


def test_a_failed_allocation_counts_nowhere():
    log = log_of([alloc(-1, USER_MOVABLE), alloc(-1, GFP_KERNEL)])
    outcome = replay.replay(log)
    assert outcome.totals["user_allocations"] == 0
    assert outcome.totals["kernel_allocations"] == 0
    assert all(c.flushes == 0 for c in outcome.strategies.values())
    assert outcome.events == 2


@pytest.mark.parametrize(
    "row",
    [
        alloc(1, USER_MOVABLE, order=3),
        alloc(0, USER_MOVABLE, order=11),
        alloc(0, USER_MOVABLE, order=-1),
        alloc(0, USER_MOVABLE, cpu=8192),
        free(-1),
        free(1 << 34),
        extfrag(-1, 1),
        extfrag(0, 1, fallback_order=12),
        {"kind": len(ev.EVENT_NAMES)},
    ],
)
def test_an_event_that_no_kernel_fires_is_an_error(row):
    with pytest.raises(TraceError, match=r"event 1: .* is no page"):
        replay.replay(log_of([free(0), row]))


def test_without_its_events_a_strategy_is_not_counted():
    recorded = ("mm_page_alloc", "mm_page_free", "sched_switch")
    log = log_of([alloc(0, USER_MOVABLE)], recorded=recorded)
    outcome = replay.replay(log, ["return_to_user", "freetype"])
    assert not outcome.strategies
    assert outcome.not_counted["return_to_user"] == (
        "the trace holds no sys_enter and no sys_exit and no page_fault_user"
    )
    assert "mm_page_pcpu_drain" in outcome.not_counted["freetype"]
    unsaid = replay.replay(
        log_of([alloc(0, USER_MOVABLE)], recorded=None), ["kernel_entry"]
    )
    assert "sys_enter" in unsaid.not_counted["kernel_entry"]


def test_an_unknown_strategy_is_an_error_that_names_the_others():
    with pytest.raises(UnknownStrategyError, match="pcp_batch"):
        replay.replay(log_of([]), ["v10"])


def test_memory_follows_the_frames_that_are_touched():
    far = 1 << 30
    log = log_of([alloc(far, USER_MOVABLE), alloc(0, USER_MOVABLE)])
    run = replay.Run("per_frame", cpus=1)
    from xpfo_model.replay.reconstruct import Reconstruction, calls_of

    reconstruction = Reconstruction("v6.1")
    for steps in calls_of(log.chunks(), reconstruction):
        run.feed(steps, reconstruction.frames)
    assert run.counts.flushes == 2
    assert reconstruction.frames == 2 * 1024


SLOW = """
import sys, json
sys.path.insert(0, sys.argv[1])
from logs import *
import random
from xpfo_model import events as ev
from xpfo_model import gfp, machine, replay, strategies
from xpfo_model.jit import Loop, compiled
from xpfo_model.replay.calls import walk
r = random.Random(1)
rows = []
for _ in range(3000):
    cpu, pfn = r.choice([0, 1, 61, 62, 63, 64, 99, 299]), r.randrange(8192)
    mask = r.choice([USER_MOVABLE, USER_UNMOVABLE, GFP_KERNEL])
    rows.append(r.choice([alloc(pfn, mask, 0, cpu), free(pfn, 0, cpu),
        locked(pfn, r.randrange(3), 0, cpu), switch(cpu),
        extfrag(pfn >> 9 << 9, r.randrange(2), 9, cpu)]))
outcome = replay.replay(log_of(rows), list(strategies.REGISTRY))
print(isinstance(compiled(walk), Loop))
print(outcome.totals, outcome.strategies)
"""


def test_python_counts_what_compiled_code_counts_on_hundreds_of_cpus():
    compiled, python = (
        subprocess.run(
            [sys.executable, "-c", SLOW, str(Path(__file__).parents[1])],
            env=os.environ | {"NUMBA_DISABLE_JIT": off},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for off in "01"
    )
    assert [compiled[0], python[0]] == ["True", "False"]
    assert compiled[1] == python[1]


@pytest.mark.parametrize("cpus", [1, 4, 300])
def test_a_machine_grows_when_a_step_names_another_cpu(cpus):
    log = log_of([alloc(0, USER_MOVABLE, cpu=2), alloc(1, USER_MOVABLE, cpu=99)])
    run = replay.Run("v9", cpus=cpus)
    reconstruction = Reconstruction(log.about.kernel)
    for steps in calls_of(log.chunks(), reconstruction):
        run.feed(steps, reconstruction.frames)
    assert len(run.machine.cpu_state) == max(cpus, 100)
    # a CPU that was not there when a flush was posted owes none
    assert run.machine.cpu_state.sum() == (300 if cpus == 300 else 99)


def test_a_prepared_loop_counts_like_any_other():
    from xpfo_model.studies.evidence import prepare

    prepare("v6", {})
    run = replay.Run("v6", cpus=1)
    run.prepare()
    assert run.counts == replay.Run("v6", cpus=1).counts
    assert len(run._loop.loaded) == 1
    log = log_of([alloc(0, USER_MOVABLE)])
    reconstruction = Reconstruction(log.about.kernel)
    for steps in calls_of(log.chunks(), reconstruction):
        run.feed(steps, reconstruction.frames)
    assert len(run._loop.loaded) == 1
    assert run.counts.flushes == 1
