# SPDX-License-Identifier: GPL-2.0-only

"""The pages that the kernel and the model gave for an operation, in order."""

from xpfo_model.allocator.profiles import STEAL
from xpfo_model.allocator.state import State, emit, emit_extfrag
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
)
from xpfo_model.fidelity.tally import Follow, Tally
from xpfo_model.jit import noinline


@noinline
def pages_of_rows(f: Follow, i: int, kind: int) -> int:
    """The pages that the kernel's answers hand out or drain; how many."""
    s, e, r, t = f.state, f.events, f.read, f.tally
    n = 0
    last = FAILED
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        t.frames[e.pfn[row]].fresh = t.frames[e.pfn[row]].seen == 0
        t.frames[e.pfn[row]].seen = row + 1
        this = e.kind[row]
        if this == kind:
            t.theirs[n] = e.pfn[row]
            t.row[n] = row
            n += 1
            last = e.pfn[row]
        elif (
            this == MM_PAGE_ALLOC_EXTFRAG
            and kind == MM_PAGE_ALLOC_ZONE_LOCKED
            and s.profile.falling_back != STEAL
            and e.pfn[row] != last
        ):
            t.theirs[n] = e.pfn[row]
            t.row[n] = row
            n += 1
    return n


@noinline
def pages_of_record(s: State, t: Tally, start: int, kind: int) -> int:
    """The pages that the model handed out or drained since event `start`."""
    n = 0
    last = FAILED
    for event in range(start, s.counters.events):
        this = s.record[event].kind
        if this == kind:
            last = s.record[event].pfn
            t.mine[n] = last
            t.event[n] = event
            n += 1
        elif (
            this == MM_PAGE_ALLOC_EXTFRAG
            and kind == MM_PAGE_ALLOC_ZONE_LOCKED
            and s.profile.falling_back != STEAL
            and s.record[event].pfn != last
        ):
            t.mine[n] = s.record[event].pfn
            t.event[n] = event
            n += 1
    return n


@noinline
def repeat_rows(f: Follow, i: int, start: int) -> None:
    """Record the kernel's refill in place of the model's: level PCP."""
    s, e, r = f.state, f.events, f.read
    s.counters.events = start
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        if e.kind[row] == MM_PAGE_ALLOC_ZONE_LOCKED:
            emit(
                s,
                MM_PAGE_ALLOC_ZONE_LOCKED,
                e.pfn[row],
                int(e.order[row]),
                int(e.migratetype[row]),
                e.flags[row],
            )
        else:
            emit_extfrag(
                s,
                e.pfn[row],
                int(e.order[row]),
                int(e.migratetype[row]),
                int(e.fallback_order[row]),
                e.fallback_migratetype[row],
                e.flags[row] & CHANGE_OWNERSHIP != 0,
            )
