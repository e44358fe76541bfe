# SPDX-License-Identifier: GPL-2.0-only
"""The model on the demand of a trace, never put where the kernel is.

Where `compare` predicts one step, a free run shows how far the model drifts. A page
that no event allocated has no name that both have: it is freed where the model holds
the frame since the start, and left out elsewhere, as is what was taken in bulk.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator import zoneinfo as zoneinfo_text
from xpfo_model.allocator.demand import (
    ALLOC,
    BULK,
    FOREIGN,
    FREE,
    FREE_PREPARE,
    FREE_TO_BUDDY,
    Demand,
)
from xpfo_model.allocator.model import events_of, pageset_update, run
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.state import State
from xpfo_model.allocator.zones import Layout
from xpfo_model.events import (
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_PCPU_DRAIN,
    EventLog,
    Events,
)
from xpfo_model.fidelity.compare import in_time, set_up
from xpfo_model.fidelity.extract import Read, read
from xpfo_model.fidelity.initial import Free, fill, free_at_start, is_boot, sightings
from xpfo_model.fidelity.machine import FidelityError, fit
from xpfo_model.jit import compiled

MODEL_EVENTS: Final = {
    "pages refilled": MM_PAGE_ALLOC_ZONE_LOCKED,
    "pages drained": MM_PAGE_PCPU_DRAIN,
    "fallbacks": MM_PAGE_ALLOC_EXTFRAG,
}
"""Kinds of event by which a drift shows, but for the frames."""


@dataclass(frozen=True)
class FreeRun:
    """The model's events beside the kernel's, on the same demand."""

    kernel: EventLog
    """As traced, in packed frames."""
    model: EventLog
    exact: npt.NDArray[np.bool_]
    """Per allocation, in the kernel's order: whether both chose the same frame."""
    left_out: int
    """Operations that are not asked of the model: those on pages with no name."""
    operations: int


def free_run(log: EventLog, zoneinfo: Path, kernel: str) -> FreeRun:
    """Run the allocator of a kernel on the demand of a trace that begins at boot.

    `zoneinfo` is the file with the machine's /proc/zoneinfo. Raises `FidelityError`
    for a trace that begins later, `ZoneinfoError`, `UnknownKernelError`.
    """
    if not is_boot(log.events):
        raise FidelityError(
            "a free run needs the lists of boot: the trace begins later",
            file=log.about.name,
            remedy="compare it one step ahead: xpfo-model fidelity",
        )
    layout = zoneinfo_text.load(zoneinfo)
    events, packed = fit(log.events, layout, log.about.name, zoneinfo.name)
    ends = [zone.end for zone in packed.layout.zones]
    demand = read(events, profile(kernel), log.about.kernel, ends)
    state = set_up(events, demand, packed.layout, kernel)
    kind = sightings(events, state.frames)
    free = free_at_start(events, packed.layout, kind)
    fill(state, events, packed.layout, kind, demand.next_row)
    asked = _named(demand.demand, ~free)
    ready = int(np.searchsorted(asked, _booted(events, demand)))
    own = demand.demand.rows(asked)
    parts = [*_run(state, own.rows(np.arange(ready)), 0)]
    _set_sizes(state, packed.layout)
    parts += _run(state, own, ready)
    model = Events.concatenate(parts)
    model = model._replace(time=asked[model.time])
    taken = model.kind == MM_PAGE_ALLOC
    by = model.time[taken]
    same = model.pfn[taken] == events.pfn[demand.row[by]]
    return FreeRun(
        kernel=EventLog(events, log.about),
        model=EventLog(in_time(model, events, demand), log.about),
        exact=same[np.argsort(demand.row[by], kind="stable")],
        left_out=len(demand.demand.op) - len(asked),
        operations=len(demand.demand.op),
    )


def _named(d: Demand, held: Free) -> npt.NDArray[np.int64]:
    """Rows of the operations on pages that both sides can name.

    `held` says for each frame whether it is in use as the trace begins.
    """
    held = held.copy()
    asked = d.op != BULK
    frees = (d.op >= FREE) & (d.op <= FREE_TO_BUDDY) & (d.page == FOREIGN)
    for row in np.flatnonzero(frees).tolist():
        frames = slice(d.part[row], d.part[row] + (1 << int(d.order[row])))
        asked[row] = held[frames].all()
        if asked[row] and d.op[row] != FREE_PREPARE:
            held[frames] = False
    return np.flatnonzero(asked)


def _booted(events: Events, demand: Read) -> int:
    """The first operation that refilled more than one page at once.

    Before it every pcp is that of boot. setup_per_cpu_pageset().
    """
    kinds = events.kind[demand.answers] == MM_PAGE_ALLOC_ZONE_LOCKED
    pages = np.concatenate([[0], np.cumsum(kinds)])
    refilled = pages[demand.first[1:]] - pages[demand.first[:-1]]
    return int(np.argmax((refilled > 1) & (demand.demand.op == ALLOC)))


def _set_sizes(state: State, layout: Layout) -> None:
    """Give every pcp the batch and the high of its zone."""
    for pcp in state.pcps:
        pageset_update(state, pcp, layout.zones[pcp.zone].pageset)


def _run(state: State, demand: Demand, start: int) -> list[Events]:
    """Run a demand from a row to its end; the model's events, timed by the row."""
    parts: list[Any] = []
    while start < len(demand.op):
        start = int(compiled(run)(state, demand, start))
        parts.append(events_of(state, demand))
    return parts
