# SPDX-License-Identifier: GPL-2.0-only
"""From a trace to its demand: who asked for what, and which events answered it.

No pfn goes into the demand but of pages that no event allocated. Pages that
alloc_pages_bulk() took show in a trace only where they emptied a list: a refill
that no mm_page_alloc followed, or a refill whose first pages were taken before.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator import demand
from xpfo_model.allocator.demand import (
    ALLOC,
    BULK,
    DRAIN_CPU,
    FOREIGN,
    FREE,
    FREE_COMMIT,
    FREE_PREPARE,
    FREE_TO_BUDDY,
    LOCKED,
    Demand,
)
from xpfo_model.allocator.masks import highest_zone, slow_flags
from xpfo_model.allocator.model import records
from xpfo_model.allocator.profiles import STEAL, Profile
from xpfo_model.allocator.state import ZONE_NORMAL
from xpfo_model.allocator.zones import BOUNDARIES
from xpfo_model.constants import MAX_PAGE_ORDER
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_FREE_BATCHED,
    MM_PAGE_PCPU_DRAIN,
    PERCPU_REFILL,
    SCHED_SWITCH,
    Events,
)
from xpfo_model.fidelity.locks import (
    CPU,
    NONE,
    Carry,
    core_free,
    direct,
    drains_for,
    exact_tail,
    held,
    interrupts,
)
from xpfo_model.jit import compiled

AFTER_BULK: Final = 2
"""Flag of an ALLOC: that pages were taken in bulk before it was read from the
very page that it got."""
KEY_BITS: Final = 8

Rows: TypeAlias = npt.NDArray[np.int64]
"""Numbers of rows of the trace, or of operations."""


class Read(NamedTuple):
    """A trace as operations and the kernel's answers to them."""

    demand: Demand
    row: Rows
    """Per operation: row of the event that it is read from."""
    start: Rows
    """Per operation: row at which it had the zone's lock, the first of its refill
    or drain, else `row`."""
    first: Rows
    """Per operation and one more: where its answers begin in `answers`."""
    answers: Rows
    """Rows of refills, fallbacks and drains, by operation."""
    next_row: Rows
    """Per row: the next row that names the same pfn, or NONE."""
    allocations: int


def key_of(e: Events, i: int) -> int:
    """Order and migratetype of a row in one number."""
    return (int(e.migratetype[i]) << KEY_BITS) | int(e.order[i])


def hands_out(e: Events, c: Carry, row: int, before: int) -> bool:
    """Whether an open row is a page of its refill; `before` is the row before."""
    if e.kind[row] == MM_PAGE_ALLOC_ZONE_LOCKED:
        return True
    if not c.fallback_frames:
        return False
    return before == NONE or e.pfn[before] != e.pfn[row]


def operation(d: Demand, row: Rows, n: int, op: int, e: Events, i: int) -> int:
    """Write what every operation has; the number of the next."""
    d.op[n] = op
    d.cpu[n] = e.cpu[i]
    d.order[n] = e.order[i]
    d.migratetype[n] = e.migratetype[i]
    d.page[n] = FOREIGN
    row[n] = i
    return n + 1


def close(
    e: Events, c: Carry, d: Demand, row: Rows, n: int, i: int
) -> tuple[int, bool]:
    """Give the open rows of a CPU to operations, at the ALLOC in row `i`.

    Returns the number of the next operation, which is the ALLOC's, and whether a
    bulk allocation had the first pages of its refill.
    """
    at = c.cpus[e.cpu[i]].head
    late = False
    while at != NONE:
        # one run of the same order and migratetype
        key = key_of(e, at)
        end = at
        before = NONE
        taken = 0
        found = False
        while end != NONE and key_of(e, end) == key:
            if hands_out(e, c, end, before) and not found:
                found = e.pfn[end] == e.pfn[i]
                taken += not found
            before = end
            end = c.later[end]
        mine = end == NONE and key == key_of(e, i) and found
        late = mine and taken > 0
        if not mine or late:
            n = operation(d, row, n, BULK, e, at)
            d.part[n - 1] = taken if late else 1
        owner = n - 1 if not mine or late else n
        while at != end:
            c.of[at] = owner
            at = c.later[at]
    c.cpus[e.cpu[i]].head = NONE
    return n, late


def name_page(e: Events, c: Carry, d: Demand, n: int, i: int) -> None:
    """Name the page of a free by its allocation, if an event allocated it."""
    owner = int(c.owner[e.pfn[i]]) - 1
    if owner == NONE:
        d.page[n] = FOREIGN
        d.part[n] = e.pfn[i]
    else:
        d.page[n] = owner
        d.part[n] = e.pfn[i] - c.start[owner]


def forget(e: Events, c: Carry, i: int, order: int) -> None:
    """A page is free: no allocation holds its frames."""
    for frame in range(e.pfn[i], e.pfn[i] + (1 << order)):
        c.owner[frame] = 0


def walk(e: Events, next_row: Rows, c: Carry, d: Demand, row: Rows) -> tuple[int, int]:  # noqa: C901, PLR0912, PLR0915
    """Read all rows; how many operations and how many allocations."""
    n = 0
    allocations = 0
    for i in range(len(e.kind)):
        kind = e.kind[i]
        if e.pfn[i] == FAILED and kind < SCHED_SWITCH:
            continue
        cpu = c.cpus[e.cpu[i]]
        if kind == MM_PAGE_ALLOC_ZONE_LOCKED or kind == MM_PAGE_ALLOC_EXTFRAG:  # noqa: PLR1714, SIM109
            c.later[i] = NONE
            if cpu.head == NONE:
                cpu.head = i
            else:
                c.later[cpu.tail] = i
            cpu.tail = i
            cpu.push = NONE
            if e.flags[i] & PERCPU_REFILL and not interrupts(e, c, i):
                cpu.inside = i
        elif kind == SCHED_SWITCH:
            cpu.push = cpu.inside = NONE
        elif kind == MM_PAGE_ALLOC:
            refill = cpu.head
            n, late = close(e, c, d, row, n, i)
            n = operation(d, row, n, ALLOC, e, i)
            if late:
                d.flags[n - 1] |= AFTER_BULK
            elif refill != NONE and direct(e, i, refill):
                d.flags[n - 1] |= LOCKED
            d.page[n - 1] = allocations
            c.start[allocations] = e.pfn[i]
            for frame in range(e.pfn[i], e.pfn[i] + (1 << int(e.order[i]))):
                c.owner[frame] = allocations + 1
            allocations += 1
            cpu.push = NONE
            if not interrupts(e, c, i):
                cpu.inside = NONE
            cpu.whole = i if e.order[i] else NONE
            cpu.core = NONE
        elif kind == MM_PAGE_FREE:
            following = next_row[i]
            batched = following != NONE and e.kind[following] == MM_PAGE_FREE_BATCHED
            n = operation(d, row, n, FREE_PREPARE if batched else FREE, e, i)
            name_page(e, c, d, n - 1, i)
            if not batched and core_free(e, c, d, n - 1, i):
                d.op[n - 1] = FREE_TO_BUDDY
                cpu.core = i
            elif not batched and exact_tail(e, c, d, n - 1, i):
                d.op[n - 1] = FREE_TO_BUDDY
            cpu.push = NONE
            if batched:
                c.order[e.pfn[i]] = e.order[i]
                cpu.pending = i
            else:
                forget(e, c, i, e.order[i])
                cpu.push = n - 1
            if not batched and held(e, c, i):
                d.flags[n - 1] |= LOCKED
            if not interrupts(e, c, i):
                cpu.inside = NONE
            if d.op[n - 1] != FREE_TO_BUDDY:
                cpu.whole = NONE
                cpu.core = NONE
        elif kind == MM_PAGE_FREE_BATCHED:
            n = operation(d, row, n, FREE_COMMIT, e, i)
            name_page(e, c, d, n - 1, i)
            d.order[n - 1] = c.order[e.pfn[i]]
            forget(e, c, i, d.order[n - 1])
            cpu.push = n - 1
            cpu.inside = i
            last = cpu.pending
            if last != NONE and e.pfn[last] == e.pfn[i]:
                cpu.pending = NONE
        elif kind == MM_PAGE_PCPU_DRAIN:
            push = cpu.push
            if push == NONE or not drains_for(e, c, d, row, push, i):
                n = operation(d, row, n, DRAIN_CPU, e, i)
                cpu.push = n - 1
            push = cpu.push
            c.of[i] = push
            if d.op[push] != FREE or cpu.inside == NONE:
                cpu.inside = i
    return n, allocations


def followers(events: Events) -> Rows:
    """Per row: the next row that names the same pfn, or NONE."""
    named = np.flatnonzero((events.kind < SCHED_SWITCH) & (events.pfn != FAILED))
    order = named[np.argsort(events.pfn[named], kind="stable")]
    result = np.full(len(events.kind), NONE, np.int64)
    same = events.pfn[order[1:]] == events.pfn[order[:-1]]
    result[order[:-1][same]] = order[1:][same]
    return result


def read(
    events: Events,
    profile: Profile,
    masks: str,
    zone_ends: Sequence[int] = BOUNDARIES,
) -> Read:
    """The demand of a trace.

    `masks` is the GFP table of its masks, `zone_ends` the first frame behind each
    zone but the last, at least.
    """
    rows = len(events.kind)
    room = 2 * rows + 1
    out = demand.empty(room)
    row = np.zeros(room, np.int64)
    of = np.full(rows, NONE, np.int64)
    frames = int(events.pfn.max(initial=0)) + (1 << MAX_PAGE_ORDER)
    cpus = int(events.cpu.max(initial=0)) + 1
    state = records(cpus, CPU)
    state[:] = (NONE,) * len(CPU.names or ())
    carry = Carry(
        cpus=state,
        later=np.full(rows, NONE, np.int64),
        owner=np.zeros(frames, np.int32),
        start=np.zeros(rows, np.int64),
        order=np.zeros(frames, np.int8),
        of=of,
        zone_ends=np.array(zone_ends, np.int64),
        fallback_frames=int(profile.falling_back != STEAL),
    )
    next_row = followers(events)
    n, allocations = compiled(walk)(events, next_row, carry, out, row)
    # an allocation takes its page when its refill begins, before it says so; a
    # free drains when it has got the zone's lock, after it has said so
    answered = np.flatnonzero(of != NONE)[::-1]
    start = row[:n].copy()
    start[of[answered]] = answered
    order = np.argsort(start, kind="stable")
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    out = out.rows(order)
    row = row[:n][order]
    mask = events.gfp[row]
    out.highest[:] = highest_zone(mask, masks)
    out.highest[out.op == BULK] = ZONE_NORMAL
    out.atomic[:] = slow_flags(mask, out.order, masks)
    answered = answered[::-1]
    by = place[of[answered]]
    answers = answered[np.argsort(by, kind="stable")]
    first = np.searchsorted(np.sort(by), np.arange(n + 1))
    return Read(out, row, start[order], first, answers, next_row, allocations)
