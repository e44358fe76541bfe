# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
"""From a trace to its demand: who asked for what, and which events answered it.

No pfn goes into the demand but of pages that no event allocated. Pages that
alloc_pages_bulk() took show in a trace only where they emptied a list: a refill
that no mm_page_alloc followed, or one whose first pages somebody had before.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

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
from xpfo_model.allocator.layout import BOUNDARIES
from xpfo_model.allocator.masks import highest_zone, slow_flags
from xpfo_model.allocator.profiles import STEAL, Profile
from xpfo_model.allocator.state import ZONE_NORMAL
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
from xpfo_model.fidelity.context import (
    CORE,
    CPU_FIELDS,
    HEAD,
    INSIDE,
    NONE,
    PENDING,
    PUSH,
    TAIL,
    WHOLE,
    Carry,
    core_free,
    direct,
    drains_for,
    exact_tail,
    held,
    interrupts,
)
from xpfo_model.fidelity.speed import at_speed, columns, flat, is_long

AFTER_BULK: Final = 2
"""Flag of an ALLOC: that pages were taken in bulk before it was read from the
very page that it got."""
KEY_BITS: Final = 8


class Read(NamedTuple):
    """A trace as operations and the kernel's answers to them."""

    demand: Demand
    row: Any
    """Per operation: row of the event that it is read from, int64."""
    start: Any
    """Per operation: row at which it had the zone's lock, the first of its refill
    or drain, else `row`, int64."""
    first: Any
    """Per operation and one more: where its answers begin in `answers`, int64."""
    answers: Any
    """Rows of refills, fallbacks and drains, by operation, int64."""
    next_row: Any
    """Per row: the next row that names the same pfn, or NONE, int64."""
    allocations: int


def key_of(e: Events, i: int) -> int:
    """Order and migratetype of a row in one number."""
    return (e.migratetype[i] << KEY_BITS) | e.order[i]


def hands_out(e: Events, c: Carry, row: int, before: int) -> bool:
    """Whether an open row is a page of its refill; `before` is the row before."""
    if e.kind[row] == MM_PAGE_ALLOC_ZONE_LOCKED:
        return True
    if not c.fallback_frames:
        return False
    return before == NONE or e.pfn[before] != e.pfn[row]


def operation(d: Demand, row: Any, n: int, op: int, e: Events, i: int) -> int:
    """Write what every operation has; the number of the next."""
    d.op[n] = op
    d.cpu[n] = e.cpu[i]
    d.order[n] = e.order[i]
    d.migratetype[n] = e.migratetype[i]
    d.page[n] = FOREIGN
    row[n] = i
    return n + 1


def close(e: Events, c: Carry, d: Demand, row: Any, n: int, i: int) -> tuple[int, bool]:
    """Give the open rows of a CPU to operations, at the ALLOC in row `i`.

    Returns the number of the next operation, which is the ALLOC's, and whether a
    bulk allocation had the first pages of its refill.
    """
    at = c.cpu[e.cpu[i] * CPU_FIELDS + HEAD]
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
    c.cpu[e.cpu[i] * CPU_FIELDS + HEAD] = NONE
    return n, late


def name_page(e: Events, c: Carry, d: Demand, n: int, i: int) -> None:
    """Name the page of a free by its allocation, if an event allocated it."""
    owner = c.owner[e.pfn[i]]
    if owner == NONE:
        d.page[n] = FOREIGN
        d.part[n] = e.pfn[i]
    else:
        d.page[n] = owner
        d.part[n] = e.pfn[i] - c.start[owner]


def forget(e: Events, c: Carry, i: int, order: int) -> None:
    """A page is free: no allocation holds its frames."""
    for frame in range(e.pfn[i], e.pfn[i] + (1 << order)):
        c.owner[frame] = NONE


def walk(e: Events, next_row: Any, c: Carry, d: Demand, row: Any) -> tuple[int, int]:  # noqa: C901, PLR0912, PLR0915
    """Read all rows; how many operations and how many allocations."""
    n = 0
    allocations = 0
    for i in range(len(e.kind)):
        kind = e.kind[i]
        if e.pfn[i] == FAILED and kind != SCHED_SWITCH:
            continue
        at = e.cpu[i] * CPU_FIELDS
        if kind == MM_PAGE_ALLOC_ZONE_LOCKED or kind == MM_PAGE_ALLOC_EXTFRAG:  # noqa: PLR1714, SIM109
            c.later[i] = NONE
            if c.cpu[at + HEAD] == NONE:
                c.cpu[at + HEAD] = i
            else:
                c.later[c.cpu[at + TAIL]] = i
            c.cpu[at + TAIL] = i
            c.cpu[at + PUSH] = NONE
            if e.flags[i] & PERCPU_REFILL and not interrupts(e, c, i):
                c.cpu[at + INSIDE] = i
        elif kind == SCHED_SWITCH:
            c.cpu[at + PUSH] = c.cpu[at + INSIDE] = NONE
        elif kind == MM_PAGE_ALLOC:
            refill = c.cpu[at + HEAD]
            n, late = close(e, c, d, row, n, i)
            n = operation(d, row, n, ALLOC, e, i)
            if late:
                d.flags[n - 1] |= AFTER_BULK
            elif refill != NONE and direct(e, i, refill):
                d.flags[n - 1] |= LOCKED
            d.page[n - 1] = allocations
            c.start[allocations] = e.pfn[i]
            for frame in range(e.pfn[i], e.pfn[i] + (1 << e.order[i])):
                c.owner[frame] = allocations
            allocations += 1
            c.cpu[at + PUSH] = NONE
            if not interrupts(e, c, i):
                c.cpu[at + INSIDE] = NONE
            c.cpu[at + WHOLE] = i if e.order[i] else NONE
            c.cpu[at + CORE] = NONE
        elif kind == MM_PAGE_FREE:
            following = next_row[i]
            batched = following != NONE and e.kind[following] == MM_PAGE_FREE_BATCHED
            n = operation(d, row, n, FREE_PREPARE if batched else FREE, e, i)
            name_page(e, c, d, n - 1, i)
            if not batched and core_free(e, c, d, n - 1, i):
                d.op[n - 1] = FREE_TO_BUDDY
                c.cpu[at + CORE] = i
            elif not batched and exact_tail(e, c, d, n - 1, i):
                d.op[n - 1] = FREE_TO_BUDDY
            c.cpu[at + PUSH] = NONE
            if batched:
                c.order[e.pfn[i]] = e.order[i]
                c.cpu[at + PENDING] = i
            else:
                forget(e, c, i, e.order[i])
                c.cpu[at + PUSH] = n - 1
            if not batched and held(e, c, i):
                d.flags[n - 1] |= LOCKED
            if not interrupts(e, c, i):
                c.cpu[at + INSIDE] = NONE
            if d.op[n - 1] != FREE_TO_BUDDY:
                c.cpu[at + WHOLE] = NONE
                c.cpu[at + CORE] = NONE
        elif kind == MM_PAGE_FREE_BATCHED:
            n = operation(d, row, n, FREE_COMMIT, e, i)
            name_page(e, c, d, n - 1, i)
            d.order[n - 1] = c.order[e.pfn[i]]
            forget(e, c, i, d.order[n - 1])
            c.cpu[at + PUSH] = n - 1
            c.cpu[at + INSIDE] = i
            last = c.cpu[at + PENDING]
            if last != NONE and e.pfn[last] == e.pfn[i]:
                c.cpu[at + PENDING] = NONE
        elif kind == MM_PAGE_PCPU_DRAIN:
            push = c.cpu[at + PUSH]
            if push == NONE or not drains_for(e, c, d, row, push, i):
                n = operation(d, row, n, DRAIN_CPU, e, i)
                c.cpu[at + PUSH] = n - 1
            push = c.cpu[at + PUSH]
            c.of[i] = push
            if d.op[push] != FREE or c.cpu[at + INSIDE] == NONE:
                c.cpu[at + INSIDE] = i
    return n, allocations


def followers(events: Events) -> Any:
    """Per row: the next row that names the same pfn, or NONE."""
    named = np.flatnonzero((events.kind != SCHED_SWITCH) & (events.pfn != FAILED))
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
    carry = Carry(
        cpu=np.full(cpus * CPU_FIELDS, NONE, np.int64),
        later=np.full(rows, NONE, np.int64),
        owner=np.full(frames, NONE, np.int32),
        start=np.zeros(rows, np.int64),
        order=np.zeros(frames, np.int8),
        of=of,
        zone_ends=np.array(zone_ends, np.int64),
        fallback_frames=int(profile.falling_back != STEAL),
    )
    next_row = followers(events)
    fast = is_long(rows)
    n, allocations = at_speed(walk, fast)(
        columns(events, fast),
        flat(next_row, fast),
        columns(carry, fast),
        columns(out, fast),
        flat(row, fast),
    )
    # an allocation takes its page when its refill begins, before it says so; a
    # free drains when it has got the zone's lock, after it has said so
    answered = np.flatnonzero(of != NONE)[::-1]
    start = row[:n].copy()
    start[of[answered]] = answered
    order = np.argsort(start, kind="stable")
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    out = Demand(*(column[:n][order] for column in out))
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
