# SPDX-License-Identifier: GPL-2.0-only
"""Lines of traces for tests, and event logs that text can say."""

import dataclasses
import functools
import operator
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from xpfo_model import constants, gfp
from xpfo_model import events as ev

DATA = Path(__file__).parent / "data"

ALLOC = (
    "mm_page_alloc: page=00000000deadbeef pfn=0x1234 order=0 migratetype=1 "
    "gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_ZERO"
)
FREE = "mm_page_free: page=00000000deadbeef pfn=0x1234 order=0"
BATCHED = "mm_page_free_batched: page=00000000deadbeef pfn=0x1234 order=0"
LOCKED = (
    "mm_page_alloc_zone_locked: page=00000000deadbeef pfn=0x1234 order=2 "
    "migratetype=2 percpu_refill=1"
)
DRAIN = "mm_page_pcpu_drain: page=00000000deadbeef pfn=0x1234 order=1 migratetype=0"
EXTFRAG = (
    "mm_page_alloc_extfrag: page=00000000deadbeef pfn=0x8000 alloc_order=1 "
    "fallback_order=10 pageblock_order=9 alloc_migratetype=2 "
    "fallback_migratetype=1 fragmenting=0 change_ownership=1"
)
SWITCH = (
    "sched_switch: prev_comm=cc1 prev_pid=77 prev_prio=120 prev_state=R+ ==> "
    "next_comm=swapper/0 next_pid=0 next_prio=-1"
)
ENTER = "sys_enter: NR 9 (7fff6ae4d2b0, 1000, 3, 22, ffffffff, 0)"
EXIT = "sys_exit: NR 9 = -14"
FAULT = "page_fault_user: address=0x7f1a5f9ee8a0 ip=0x7f1a5f9ee8a0 error_code=0x14"
BORDER = (ENTER, EXIT, FAULT)
KMEM = (ALLOC, FREE, BATCHED, LOCKED, DRAIN, EXTFRAG)


def line(event, comm="cc1", pid=77, cpu=1, flags="d..2.", time="   12.345678"):
    """A line as ftrace writes it."""
    return f"{comm:>16}-{pid:<7} [{cpu:03}] {flags} {time}: {event}"


def row(log, number=0):
    """One row of a log as a dictionary."""
    return {name: int(getattr(log.events, name)[number]) for name in log.events._fields}


def differing(a, b):
    """Names of the columns in which two logs differ."""
    pairs = zip(a.events._fields, a.events, b.events, strict=True)
    return [name for name, x, y in pairs if not np.array_equal(x, y)]


_ORDERS = st.integers(0, constants.MAX_PAGE_ORDER)
_TYPES = st.integers(0, 5)
_PFNS = st.integers(0, constants.MAX_PFN - 1)
_PIDS = st.integers(-1, (1 << 31) - 1)


_KINDS = tuple(range(len(ev.EVENT_NAMES)))
_KMEM_KINDS = _KINDS[: ev.SCHED_SWITCH]


@st.composite
def rows(draw, kernel="v6.1", kinds=_KINDS):
    """One event that text can say."""
    kind = draw(st.sampled_from(kinds))
    preempt = draw(st.sampled_from([*range(16), ev.UNKNOWN]))
    found = {
        "time": draw(st.integers(0, 10**18 - 1)),
        "cpu": draw(st.integers(0, constants.NR_CPUS - 1)),
        "kind": kind,
        "flags": draw(st.sampled_from([0, ev.IRQS_OFF])),
        "pfn": draw(_PFNS),
        "order": draw(_ORDERS),
        "migratetype": draw(_TYPES),
        "fallback_order": 0,
        "fallback_migratetype": -1,
        "preempt": preempt,
        "gfp": 0,
        "pid": draw(_PIDS),
        "next_pid": 0,
    }
    if kind == ev.MM_PAGE_ALLOC:
        names = list(gfp.names(kernel).values())
        found["gfp"] = draw(
            st.lists(st.sampled_from(names), max_size=5).map(
                lambda some: functools.reduce(operator.or_, some, 0)
            )
        )
        found["pfn"] = draw(st.one_of(st.just(found["pfn"]), st.just(ev.FAILED)))
    elif kind == ev.MM_PAGE_ALLOC_ZONE_LOCKED:
        found["flags"] |= draw(st.sampled_from([0, ev.PERCPU_REFILL]))
    elif kind == ev.MM_PAGE_ALLOC_EXTFRAG:
        found["fallback_order"] = draw(_ORDERS)
        found["fallback_migratetype"] = draw(_TYPES)
        found["flags"] |= draw(st.sampled_from([0, ev.CHANGE_OWNERSHIP]))
    elif kind in {ev.MM_PAGE_FREE, ev.MM_PAGE_FREE_BATCHED}:
        found["migratetype"] = -1
        if kind == ev.MM_PAGE_FREE_BATCHED:
            found["order"] = 0
    elif kind >= ev.SCHED_SWITCH:
        found |= {"pfn": 0, "order": 0, "migratetype": -1}
    if kind == ev.SCHED_SWITCH:
        found["pid"] = draw(st.integers(0, (1 << 31) - 1))
        found["next_pid"] = draw(st.integers(0, (1 << 31) - 1))
    if kind != ev.MM_PAGE_ALLOC_EXTFRAG and found["pfn"] != ev.FAILED:
        found["pfn"] &= -1 << found["order"]
    return found


def log_of(found, kernel="v6.1", clock="ns"):
    """A log of rows as `rows` gives them."""
    events = ev.Events(
        *(
            np.array([r[name] for r in found], dtype)
            for name, dtype in ev.DTYPES.items()
        )
    )
    return ev.EventLog(events, ev.About("test", kernel=kernel, clock=clock))


@st.composite
def logs(draw, **about):
    """A log with at least one kmem event."""
    kernel = draw(st.sampled_from(gfp.KERNELS))
    clock = draw(st.sampled_from(["ns", "ticks"]))
    found = draw(st.lists(rows(kernel), max_size=30))
    found.insert(
        draw(st.integers(0, len(found))),
        draw(rows(kernel, kinds=_KMEM_KINDS)),
    )
    return log_of(found, kernel, clock, **about)


def with_facts(log, **facts):
    """The log with other facts in its `About`."""
    return ev.EventLog(log.events, dataclasses.replace(log.about, **facts))
