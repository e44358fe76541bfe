# SPDX-License-Identifier: GPL-2.0-only
"""The machine that a trace was made on, and the trace's events in its frames."""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator.packing import Packing, packing, round_up
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.state import ZONE_NORMAL
from xpfo_model.allocator.zones import BOUNDARIES, Layout, Zone, machine
from xpfo_model.constants import (
    MAX_PAGE_ORDER,
    MIGRATE_HIGHATOMIC,
    MIGRATETYPES,
)
from xpfo_model.errors import TraceError
from xpfo_model.events import (
    EVENT_NAMES,
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_PCPU_DRAIN,
    SCHED_SWITCH,
    Events,
)

MOST_FRAMES: Final = 1 << 28
"""Frames of the largest machine that a trace is followed on: 1 TiB."""
SECTION: Final = 1 << 15
"""Frames of a section. arch/x86/include/asm/sparsemem.h: SECTION_SIZE_BITS."""

Rows = npt.NDArray[np.bool_]


class FidelityError(TraceError):
    """A trace that the allocator model cannot follow on a machine."""


def named_rows(events: Events) -> Rows:
    """The rows that name a page."""
    rows: Rows = (events.kind < SCHED_SWITCH) & (events.pfn != FAILED)
    return rows


def guessed_layout(events: Events, kernel: str, cpus: int = 0) -> Layout:
    """A layout for a trace without its zoneinfo: memory up to the last frame.

    Memory has no holes, but where the trace names no frame in the first sections
    above 4 GiB: ZONE_NORMAL begins in the section of its first frame then, and a
    machine whose frames all lie above 4 GiB has no other zone. `cpus` is how many
    the trace says that there are, if it does.
    """
    named = events.pfn[named_rows(events)]
    largest = events.order[named_rows(events)].astype(np.int64).clip(0, MAX_PAGE_ORDER)
    end = round_up(int((named + (1 << largest)).max(initial=1)))
    cpus = max(int(events.cpu.max(initial=0)) + 1, cpus)
    boundary = BOUNDARIES[-1]
    first = int(named[named >= boundary].min(initial=end)) // SECTION * SECTION
    gap = max(first - boundary, 0) if end > boundary else 0
    guess = machine(profile(kernel), end - gap, cpus)
    if not gap:
        return guess
    normal = guess.zones[ZONE_NORMAL]
    zones = [*guess.zones[:ZONE_NORMAL], replace(normal, start=first, end=end)]
    if named.min(initial=end) >= boundary:
        zones[:ZONE_NORMAL] = [Zone.none(end) for end in BOUNDARIES]
    return Layout(tuple(zones), cpus)


def fit(
    events: Events, layout: Layout, trace: str, zoneinfo: str
) -> tuple[Events, Packing]:
    """The events in packed frames, and the packing of a machine.

    `trace` and `zoneinfo` are names for errors; `zoneinfo` is empty if the layout
    was guessed. Raises `FidelityError` where an event cannot be of the machine.
    """
    if zoneinfo:
        remedy = f"give it the zoneinfo of the machine that made {trace}"
    else:
        remedy = "give it the machine's /proc/zoneinfo with --zoneinfo"
    frames = sum(zone.end - zone.start for zone in layout.zones)
    if frames > MOST_FRAMES:
        raise FidelityError(
            f"zones of {frames:,} frames: a trace is followed on {MOST_FRAMES:,} "
            "at most",
            file=zoneinfo or trace,
            remedy=remedy,
        )
    found = packing(layout)
    events = failures_named(events, found)
    _refuse_strange(events, trace)
    cpus = int(events.cpu.max(initial=0)) + 1
    if cpus > layout.cpus:
        raise FidelityError(
            f"the trace has events of CPU {cpus - 1}, the machine {layout.cpus} CPUs",
            file=zoneinfo or trace,
            remedy=remedy,
        )
    sizes = np.int64(1) << events.order.astype(np.int64)
    outside = named_rows(events)
    outside &= ~(found.holds(events.pfn) & found.holds(events.pfn + sizes - 1))
    if outside.any():
        row = int(np.argmax(outside))
        raise FidelityError(
            f"event {row} of {trace} names frame {events.pfn[row]}, which is in none "
            "of the zones of node 0 that have memory",
            file=zoneinfo or trace,
            remedy=remedy,
        )
    pfn = np.where(named_rows(events), found.pack(events.pfn), events.pfn)
    return events._replace(pfn=pfn), found


def failures_named(events: Events, packed: Packing) -> Events:
    """The events, the failed allocations that are told by frame 0 FAILED as well.

    The tracepoint prints pfn=0 for no page, and a reader that does not get the page
    itself cannot know better. include/trace/events/kmem.h: mm_page_alloc, v6.1.
    """
    zero = (events.kind == MM_PAGE_ALLOC) & (events.pfn == 0)
    if packed.holds(np.zeros(1, np.int64)).all() or not zero.any():
        return events
    return events._replace(pfn=np.where(zero, FAILED, events.pfn))


def _refuse_strange(events: Events, trace: str) -> None:
    """Raise `FidelityError` for the first event that no modelled allocator emits."""
    kind, order, migratetype = events.kind, events.order, events.migratetype
    named = named_rows(events)
    extfrag = named & (kind == MM_PAGE_ALLOC_EXTFRAG)
    listed = named & np.isin(kind, (MM_PAGE_ALLOC_ZONE_LOCKED, MM_PAGE_PCPU_DRAIN))
    asked = named & ((kind == MM_PAGE_ALLOC) | extfrag)
    known = order.clip(0, MAX_PAGE_ORDER)
    may_fail = np.isin(kind, (MM_PAGE_ALLOC, MM_PAGE_ALLOC_ZONE_LOCKED))
    may_fail |= kind >= SCHED_SWITCH
    faults = (
        (kind >= len(EVENT_NAMES), "is of a kind that is none of kmem"),
        (~named & ~may_fail, "names no page"),
        (named & (order != known), f"has an order above {MAX_PAGE_ORDER}"),
        (
            named & (events.pfn & ((np.int64(1) << known) - 1) != 0),
            "names a page that its order does not allow",
        ),
        (
            extfrag & ~_between(events.fallback_order, MAX_PAGE_ORDER),
            f"has an order above {MAX_PAGE_ORDER}",
        ),
        (
            (listed & ~_between(migratetype, MIGRATE_HIGHATOMIC))
            | (asked & ~_between(migratetype, MIGRATE_HIGHATOMIC - 1))
            | (extfrag & ~_between(events.fallback_migratetype, MIGRATE_HIGHATOMIC)),
            f"has a migratetype that is not modelled: {', '.join(MIGRATETYPES)} are",
        ),
    )
    for rows, what in faults:
        if rows.any():
            raise FidelityError(
                f"event {int(np.argmax(rows))} {what}",
                file=trace,
                remedy="compare counts the flushes of such a trace, too",
            )


def _between(values: npt.NDArray[np.int8], last: int) -> Rows:
    rows: Rows = (values >= 0) & (values <= last)
    return rows
