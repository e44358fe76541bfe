# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"

"""What the two sides answered to an operation: pages, in order."""

from xpfo_model.allocator.profiles import (
    FALLING_BACK,
    STEAL,
)
from xpfo_model.allocator.state import (
    EVENT_FIELDS,
    EVENTS,
    KIND,
    PFN,
    State,
    emit,
    emit_extfrag,
)
from xpfo_model.engine import seldom
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    Events,
)
from xpfo_model.fidelity.context import NONE
from xpfo_model.fidelity.reading import Read
from xpfo_model.fidelity.tally import Tally


@seldom
def pages_of_rows(s: State, e: Events, r: Read, i: int, kind: int, t: Tally) -> int:
    """The pages that the kernel's answers hand out or drain; how many."""
    n = 0
    last = FAILED
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        t.fresh[e.pfn[row]] = t.last[e.pfn[row]] == NONE
        t.last[e.pfn[row]] = row
        this = e.kind[row]
        if this == kind:
            t.theirs[n] = e.pfn[row]
            t.row[n] = row
            n += 1
            last = e.pfn[row]
        elif (
            this == MM_PAGE_ALLOC_EXTFRAG
            and kind == MM_PAGE_ALLOC_ZONE_LOCKED
            and s.mem[FALLING_BACK] != STEAL
            and e.pfn[row] != last
        ):
            t.theirs[n] = e.pfn[row]
            t.row[n] = row
            n += 1
    return n


@seldom
def pages_of_record(s: State, t: Tally, start: int, kind: int) -> int:
    """The pages that the model handed out or drained since event `start`."""
    n = 0
    last = FAILED
    for event in range(start, s.mem[EVENTS]):
        at = event * EVENT_FIELDS
        this = s.record[at + KIND]
        if this == kind:
            last = s.record[at + PFN]
            t.mine[n] = last
            t.event[n] = at
            n += 1
        elif (
            this == MM_PAGE_ALLOC_EXTFRAG
            and kind == MM_PAGE_ALLOC_ZONE_LOCKED
            and s.mem[FALLING_BACK] != STEAL
            and s.record[at + PFN] != last
        ):
            t.mine[n] = s.record[at + PFN]
            t.event[n] = at
            n += 1
    return n


@seldom
def repeat_rows(s: State, e: Events, r: Read, i: int, start: int) -> None:
    """Record the kernel's refill in place of the model's: level PCP."""
    s.mem[EVENTS] = start
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        if e.kind[row] == MM_PAGE_ALLOC_ZONE_LOCKED:
            emit(
                s,
                MM_PAGE_ALLOC_ZONE_LOCKED,
                e.pfn[row],
                e.order[row],
                e.migratetype[row],
                e.flags[row],
            )
        else:
            emit_extfrag(
                s,
                e.pfn[row],
                e.order[row],
                e.migratetype[row],
                e.fallback_order[row],
                e.fallback_migratetype[row],
                e.flags[row] & CHANGE_OWNERSHIP != 0,
            )
