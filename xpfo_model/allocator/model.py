# SPDX-License-Identifier: GPL-2.0-only
"""The face of the allocator: a machine that takes demand and gives events."""

from typing import Any, Final

import numpy as np

from xpfo_model.allocator.buddy import __free_one_page
from xpfo_model.allocator.demand import DRAIN_ALL, Demand, checked, operate
from xpfo_model.allocator.packing import packing, round_up
from xpfo_model.allocator.profiles import PROFILE, SIZE_AUTO, profile
from xpfo_model.allocator.state import (
    COUNTERS,
    EVENT,
    MIGRATE_TYPES,
    NR_PAGE_ORDERS,
    NR_ZONES,
    PAGE,
    PCP,
    ZONE,
    Record,
    Records,
    State,
    get_pageblock_migratetype,
    page_zone,
)
from xpfo_model.allocator.zones import Layout, Pageset
from xpfo_model.constants import MAX_PAGE_ORDER, MIGRATE_MOVABLE, PAGEBLOCK_ORDER
from xpfo_model.errors import XpfoModelError
from xpfo_model.events import DTYPES, FAILED, MM_PAGE_ALLOC_EXTFRAG, Events
from xpfo_model.jit import compiled

COLUMNS: Final = (
    "kind",
    "pfn",
    "order",
    "migratetype",
    "flags",
    "fallback_order",
    "fallback_migratetype",
)
"""Columns of `Events` that the record holds."""
ROOMY: Final = 1 << 20
"""Events for which a record has room by default."""
ROOM: Final = 1 << 14
"""Events that one operation emits at most, beside those of whole pcps: two
refills or drains of the largest batch with an extfrag a page."""
NO_END: Final = 1 << 40
"""In place of the end of the last zone: frames behind the end of memory round up to
the largest page."""


class RecordFullError(XpfoModelError):
    """An operation emitted more events than a whole record has room for."""


def records(length: int, dtype: np.dtype[np.void]) -> Records:
    """Records of zeros. Memory costs nothing until it is touched."""
    array: Records = np.zeros(length, dtype).view(np.recarray)
    return array


def boot(kernel: str, layout: Layout, allocations: int, room: int) -> State:
    """A machine whose frames are all in use, for so many allocations and events."""
    version = profile(kernel)
    frames = round_up(layout.frames)
    areas = NR_PAGE_ORDERS * MIGRATE_TYPES
    pcp_lists = frames + NR_ZONES * areas
    pages = records(pcp_lists + layout.cpus * NR_ZONES * version.pcp_lists, PAGE)
    heads = np.arange(frames, len(pages))
    pages["next"][frames:] = pages["prev"][frames:] = heads
    zones = records(NR_ZONES, ZONE)
    for number, zone in enumerate(layout.zones):
        zones[number].index = number
        zones[number].end_pfn = zone.end if number + 1 < NR_ZONES else NO_END
        zones[number].free_area = frames + number * areas
        zones[number].managed_pages = zone.managed
        zones[number].watermark = zone.watermarks
        zones[number].lowmem_reserve = zone.reserve
    settings = records(1, PROFILE)
    settings[0] = tuple(version)
    state = State(
        frames=frames,
        cpus=layout.cpus,
        pages=pages,
        pageblocks=np.full(frames >> PAGEBLOCK_ORDER, MIGRATE_MOVABLE, np.uint8),
        zones=zones,
        pcps=records(layout.cpus * NR_ZONES, PCP),
        profile=settings[0],
        counters=records(1, COUNTERS)[0],
        held=np.full(allocations, FAILED, np.int64),
        record=records(room, EVENT),
    )
    for number in range(len(state.pcps)):
        pcp = state.pcps[number]
        pcp.index = number
        pcp.zone = number % NR_ZONES
        pcp.lists = pcp_lists + number * version.pcp_lists
        pageset_update(state, pcp, layout.zones[number % NR_ZONES].pageset)
    return state


def pageset_update(s: State, pcp: Record, to: Pageset) -> None:
    """pageset_update(), all versions: the sizes of a pcp."""
    pcp.batch = to.batch
    pcp.high_min = to.high
    pcp.high_max = to.high_max
    if s.profile.sizing != SIZE_AUTO:
        pcp.high = to.high


def free_range(s: State, start: int, end: int, tail: bool) -> None:
    """Free frames start to end in the largest pages, as memblock_free_all() does."""
    while start < end:
        order = MAX_PAGE_ORDER
        while start & ((1 << order) - 1) or start + (1 << order) > end:
            order -= 1
        migratetype = get_pageblock_migratetype(s, start)
        __free_one_page(s, start, page_zone(s, start), order, migratetype, tail)
        start += 1 << order


def bound(s: State, d: Demand, i: int) -> int:
    """Events that operation `i` can emit at most."""
    room = ROOM
    first = 0 if d.op[i] == DRAIN_ALL else int(d.cpu[i]) * NR_ZONES
    end = len(s.pcps) if d.op[i] == DRAIN_ALL else first + NR_ZONES
    for pcp in range(first, end):
        room += s.pcps[pcp].count
    return room


def run(s: State, d: Demand, start: int) -> int:
    """Run operations from `start` until the record is full; the next to run.

    What an operation emits is bounded only where the record is half full, or for a
    drain: a free gives back one pcp at most, which never holds half of `ROOMY` in
    v6.1, and in v6.18 no more than two large batches. An operation for which a
    whole record may be too small runs with an empty one.
    """
    room = len(s.record)
    half = room // 2 if room >= ROOMY else 0
    for i in range(start, len(d.op)):
        near = s.counters.events >= half or d.op[i] >= DRAIN_ALL
        if near and s.counters.events and s.counters.events + bound(s, d, i) > room:
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

    Raises `LayoutError` for a machine that is too large.
    """

    def __init__(
        self, kernel: str, layout: Layout, allocations: int, room: int = ROOMY
    ) -> None:
        self.layout = layout
        self.packing = packing(layout)
        self.state = boot(kernel, self.packing.layout, allocations, room)
        self._orders = np.full(allocations, FAILED, np.int8)
        self._checked: Demand | None = None
        self._asked: Demand | None = None
        for zone in self.packing.layout.zones:
            if zone.managed:
                compiled(free_range)(self.state, zone.start, zone.end, True)

    def run(self, demand: Demand, start: int = 0) -> int:
        """Run a demand from row `start`; the row at which the record was full.

        Raises `DemandError` if it cannot be asked of this machine.
        """
        if self._asked is None or self._checked is not demand:
            self._asked = checked(demand, self.packing, self._orders)
            self._checked = demand
        return int(compiled(run)(self.state, self._asked, start))

    def events(self, demand: Demand) -> Events:
        """The events since the last call; `demand` says who asked for them.

        Times are the rows of the demand, masks are 0. Raises `RecordFullError`.
        """
        found = events_of(self.state, demand)
        return found._replace(pfn=self.packing.unpack(found.pfn))


def events_of(state: State, demand: Demand) -> Events:
    """The recorded events as `Events`, and an empty record."""
    if state.counters.dropped:
        raise RecordFullError(
            f"operation {state.counters.operation} or one before it emitted more than "
            f"{len(state.record):,} events",
            remedy="give the machine smaller batches, or its record more room",
        )
    length = int(state.counters.events)
    state.counters.events = 0
    rows = state.record[:length]
    fields = {}
    for name in COLUMNS:
        kind: Any = DTYPES[name]
        fields[name] = np.array(rows[name]).astype(kind)
    by = rows["by"].copy()
    # other events leave these fields as they found them
    no_fallback = fields["kind"] != MM_PAGE_ALLOC_EXTFRAG
    fields["fallback_order"][no_fallback] = 0
    fields["fallback_migratetype"][no_fallback] = -1
    return Events.empty(length)._replace(time=by, cpu=demand.cpu[by], **fields)
