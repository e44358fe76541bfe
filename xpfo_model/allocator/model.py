# SPDX-License-Identifier: GPL-2.0-only
# ruff: noqa: FBT001, FBT003 - compiled calls pass flags by position
"""The face of the allocator: a machine that takes demand and gives events."""

from typing import Any

import numpy as np

from xpfo_model.allocator.buddy import __free_one_page
from xpfo_model.allocator.demand import DRAIN_ALL, Demand, operate
from xpfo_model.allocator.layout import Layout, Pageset
from xpfo_model.allocator.pcp import pcp_of
from xpfo_model.allocator.profiles import (
    PROFILE,
    PROFILE_END,
    SIZE_AUTO,
    SIZING,
    profile,
)
from xpfo_model.allocator.state import (
    BATCH,
    BY,
    COUNT,
    END_PFN,
    EVENT_FIELDS,
    EVENTS,
    FALLBACK_MIGRATETYPE,
    FALLBACK_ORDER,
    FLAGS,
    HIGH,
    HIGH_MAX,
    HIGH_MIN,
    KIND,
    LISTS,
    LOWMEM_RESERVE,
    MANAGED,
    MIGRATE_TYPES,
    MIGRATETYPE,
    NR_PAGE_ORDERS,
    NR_ZONES,
    ORDER,
    PCP_FIELDS,
    PCPS,
    PFN,
    WMARK_MIN,
    ZONE_FIELDS,
    State,
    page_zone,
)
from xpfo_model.constants import MAX_PAGE_ORDER, MIGRATE_MOVABLE, PAGEBLOCK_ORDER
from xpfo_model.engine import compiled, numbers, view
from xpfo_model.events import DTYPES, FAILED, MM_PAGE_ALLOC_EXTFRAG, Events

COLUMNS = {
    "kind": KIND,
    "pfn": PFN,
    "order": ORDER,
    "migratetype": MIGRATETYPE,
    "flags": FLAGS,
    "fallback_order": FALLBACK_ORDER,
    "fallback_migratetype": FALLBACK_MIGRATETYPE,
}
"""Columns of `Events` that the record holds."""
LARGEST = 1 << MAX_PAGE_ORDER
ROOMY = 1 << 20
"""Events for which a record has room by default."""
ROOM = 1 << 14
"""Events that one operation emits at most, beside those of whole pcps: two
refills or drains of the largest batch with an extfrag a page."""


def viewed(columns: Any) -> Any:
    """A NamedTuple of arrays as the engine reads them fastest."""
    return type(columns)(*(view(column) for column in columns))


def boot(kernel: str, layout: Layout, allocations: int, room: int) -> State:
    """A machine whose frames are all in use, for so many allocations and events."""
    version = profile(kernel)
    frames = -(-layout.frames // LARGEST) * LARGEST
    heads = NR_ZONES * NR_PAGE_ORDERS * MIGRATE_TYPES
    pcps = layout.cpus * NR_ZONES
    links = frames + heads + pcps * version.pcp_lists
    # pages of zeros cost nothing until they are touched
    link = np.zeros(2 * links, np.int32)
    link[frames:links] = link[links + frames :] = np.arange(frames, links)
    tag = np.zeros(2 * frames + (frames >> PAGEBLOCK_ORDER), np.uint8)
    tag[2 * frames :] = MIGRATE_MOVABLE
    record = np.zeros((room, EVENT_FIELDS), np.int64)
    mem = np.zeros(PCPS + pcps * PCP_FIELDS, np.int64)
    mem[:PCPS] = _zones(layout)
    mem[PROFILE:PROFILE_END] = version
    state = State(
        frames=frames,
        cpus=layout.cpus,
        prev=links,
        cached=frames,
        block=2 * frames,
        link=view(link),
        tag=view(tag),
        mem=numbers(mem),
        held=view(np.full(allocations, FAILED, np.int64)),
        record=view(record.ravel()),
    )
    for cpu in range(layout.cpus):
        for zone, sizes in enumerate(layout.zones):
            pcp = pcp_of(cpu, zone)
            number = cpu * NR_ZONES + zone
            state.mem[pcp + LISTS] = frames + heads + number * version.pcp_lists
            pageset_update(state, pcp, sizes.pageset)
    return state


def pageset_update(s: State, pcp: int, to: Pageset) -> None:
    """pageset_update(), all versions: the sizes of a pcp."""
    s.mem[pcp + BATCH] = to.batch
    s.mem[pcp + HIGH_MIN] = to.high
    s.mem[pcp + HIGH_MAX] = to.high_max
    if s.mem[SIZING] != SIZE_AUTO:
        s.mem[pcp + HIGH] = to.high


def _zones(layout: Layout) -> Any:
    table = np.zeros(PCPS, np.int64)
    for number, zone in enumerate(layout.zones):
        base = number * ZONE_FIELDS
        table[base + MANAGED] = zone.managed
        table[base + WMARK_MIN : base + WMARK_MIN + 3] = zone.watermarks
        table[base + LOWMEM_RESERVE : base + LOWMEM_RESERVE + NR_ZONES] = zone.reserve
        table[base + END_PFN] = zone.end
    # frames behind the end of memory round up to the largest page
    table[base + END_PFN] = 1 << 40
    return table


def free_range(s: State, start: int, end: int, tail: bool) -> None:
    """Free frames start to end in the largest pages, as memblock_free_all() does."""
    while start < end:
        order = MAX_PAGE_ORDER
        while start & ((1 << order) - 1) or start + (1 << order) > end:
            order -= 1
        migratetype = s.tag[s.block + (start >> PAGEBLOCK_ORDER)]
        __free_one_page(s, start, page_zone(s, start), order, migratetype, tail)
        start += 1 << order


def bound(s: State, d: Demand, i: int) -> int:
    """Events that operation `i` can emit at most."""
    room = ROOM
    if d.op[i] == DRAIN_ALL:
        for pcp in range(s.cpus * NR_ZONES):
            room += s.mem[PCPS + pcp * PCP_FIELDS + COUNT]
    else:
        for zone in range(NR_ZONES):
            room += s.mem[pcp_of(d.cpu[i], zone) + COUNT]
    return room


def run(s: State, d: Demand, start: int, room: int) -> int:
    """Run operations from `start` until the record is full; the next to run.

    What an operation emits is bounded only where the record is half full, or for a
    drain: a free gives back one pcp at most, which never holds half of `ROOMY` in
    v6.1, and in v6.18 no more than two large batches.
    """
    half = room // 2 if room >= ROOMY else 0
    for i in range(start, len(d.op)):
        near = s.mem[EVENTS] >= half or d.op[i] >= DRAIN_ALL
        if near and s.mem[EVENTS] + bound(s, d, i) > room:
            return i
        operate(s, d, i)
    return len(d.op)


class Allocator:
    """A machine with all its memory free, at work.

    Parameters
    ----------
    kernel : str
        Name of a profile.
    layout : Layout
        Its zones and CPUs; see `layout.machine` and `zoneinfo.read`.
    allocations : int
        Allocations that its demand numbers.
    room : int
        Events that are kept until `events` takes them.
    """

    def __init__(
        self, kernel: str, layout: Layout, allocations: int, room: int = ROOMY
    ) -> None:
        self.layout = layout
        self.room = room
        self.state = boot(kernel, layout, allocations, room)
        for zone in layout.zones:
            if zone.managed:
                compiled(free_range)(self.state, zone.start, zone.end, True)

    def run(self, demand: Demand, start: int = 0) -> int:
        """Run a demand from row `start`; the row at which the record was full."""
        return int(compiled(run)(self.state, viewed(demand), start, self.room))

    def events(self, demand: Demand) -> Events:
        """The events since the last call; `demand` says who asked for them.

        Times are the rows of the demand, masks are 0.
        """
        return events_of(self.state, demand)


def events_of(state: State, demand: Demand) -> Events:
    """The recorded events as `Events`, and an empty record."""
    length = int(state.mem[EVENTS])
    state.mem[EVENTS] = 0
    rows = np.asarray(state.record).reshape(-1, EVENT_FIELDS)[:length]
    fields = {}
    for name, field in COLUMNS.items():
        kind: Any = DTYPES[name]
        fields[name] = rows[:, field].astype(kind)
    by = rows[:, BY].copy()
    # other events leave these fields as they found them
    no_fallback = fields["kind"] != MM_PAGE_ALLOC_EXTFRAG
    fields["fallback_order"][no_fallback] = 0
    fields["fallback_migratetype"][no_fallback] = -1
    cpu = np.asarray(demand.cpu)[by]
    return Events.empty(length)._replace(time=by, cpu=cpu, **fields)
