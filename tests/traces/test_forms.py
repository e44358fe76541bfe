# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from texts import (
    DATA,
    FREE,
    differing,
    row,
)

from xpfo_model import events as ev
from xpfo_model import gfp, traces


def test_trace_cmd_says_the_same_as_ftrace():
    ftrace = traces.read(DATA / "ftrace-6.18.txt")
    report = traces.read(DATA / "trace-cmd.txt")
    assert differing(ftrace, report) == ["flags", "preempt"]
    assert set(report.events.preempt) == {ev.UNKNOWN}
    assert not (report.events.flags & ev.IRQS_OFF).any()
    assert ftrace.about.marks == report.about.marks
    assert ftrace.about.marks == (
        (5, 1540753314000, "hello-start"),
        (18, 1541061980000, "hello-end"),
    )
    assert ftrace.about.skipped == report.about.skipped == {"sched_wakeup": 3}


def test_the_latency_format_of_trace_cmd_adds_flags_and_nanoseconds():
    ftrace = traces.read(DATA / "ftrace-6.18.txt")
    report = traces.read(DATA / "trace-cmd-latency.txt")
    assert differing(ftrace, report) == ["time"]
    # the kernel rounds to microseconds
    assert np.array_equal(ftrace.events.time, (report.events.time + 500) // 1000 * 1000)


def test_raw_fields_are_the_same_events():
    report = traces.read(DATA / "trace-cmd.txt")
    raw = traces.read(DATA / "trace-cmd-raw.txt", kernel="v6.18")
    assert differing(report, raw) == []
    assert raw.about.marks == report.about.marks
    assert raw.about.notes() == []


def test_raw_masks_with_a_guessed_kernel_are_warned_of():
    raw = traces.read(DATA / "trace-cmd-raw.txt")
    assert raw.about.warnings["raw-gfp-masks"].line == 2


def test_perf_says_thread_cpu_and_nanoseconds():
    log = traces.read(DATA / "perf.txt")
    assert log.about.kernel == "v6.18"
    assert row(log, 2) == {
        "time": 2124915500095,
        "cpu": 1,
        "kind": ev.MM_PAGE_ALLOC,
        "flags": 0,
        "pfn": 0x107F91,
        "order": 0,
        "migratetype": 1,
        "fallback_order": 0,
        "fallback_migratetype": -1,
        "preempt": ev.UNKNOWN,
        "gfp": gfp.decode("GFP_HIGHUSER_MOVABLE|__GFP_WRITE|__GFP_COMP", "v6.18"),
        "pid": 11057,
        "next_pid": 0,
    }
    assert log.about.lost == 17
    assert log.about.warnings["lost-events"].count == 1
    assert log.about.skipped == {"kmalloc": 1}


@pytest.mark.parametrize(
    ("front", "pid"),
    [
        ("            perf  9067 [001]  1506.280842:    kmem:", 9067),
        ("            perf  9060/9067 [001]  1506.280842:    kmem:", 9067),
        ("            perf 10/9067  [001]  1506.280842130:    kmem:", 9067),
        ("             :-1    -1 [001]  1506.280842: kmem:", -1),
        ("perf 9067 [001] 1506.280842: kmem:", 9067),
        (" a [001] x  9067 [001]  1506.280842: kmem:", 9067),
    ],
)
def test_forms_of_perf(front, pid, trace):
    log = trace(front + FREE)
    assert row(log)["pid"] == pid
    assert row(log)["time"] // 10**6 == 1506280
    assert row(log)["cpu"] == 1
