# SPDX-License-Identifier: GPL-2.0-only
"""A load through the allocator: the events that a kernel would have traced."""

from collections.abc import Iterator

import numpy as np

from xpfo_model.allocator.model import Allocator
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.zones import Layout, machine
from xpfo_model.events import (
    EVENT_NAMES,
    FAILED,
    MM_PAGE_ALLOC,
    SCHED_SWITCH,
    UNKNOWN,
    About,
    EventLog,
    Events,
    Warned,
)
from xpfo_model.workloads.load import Load


def failed(events: Events) -> int:
    """Count the allocations that failed."""
    return int(
        np.count_nonzero((events.kind == MM_PAGE_ALLOC) & (events.pfn == FAILED))
    )


def chunks(
    load: Load, layout: Layout | None = None, kernel: str | None = None
) -> Iterator[Events]:
    """Yield the events of a load on a machine, piece by piece; see `events`."""
    kernel = kernel or load.kernel
    if layout is None and kernel != load.kernel:
        layout = machine(profile(kernel), load.frames, load.cpus)
    model = Allocator(kernel, layout or load.layout, load.allocations)
    at = 0
    while at < len(load.demand.op):
        at = model.run(load.demand, at)
        part = model.events(load.demand)
        allocates = part.kind == MM_PAGE_ALLOC
        part.gfp[allocates] = load.gfp[part.time[allocates]]
        part.preempt[:] = UNKNOWN
        yield part


def events(
    load: Load, layout: Layout | None = None, kernel: str | None = None
) -> EventLog:
    """The events of a load on a machine, as `replay.replay` takes them.

    Parameters
    ----------
    load : Load
        From `generate` or `rescaled`.
    layout : Layout, optional
        Another machine than the load's: other zones, other pcp sizes.
    kernel : str, optional
        Another profile than the load's; masks stay as they are.

    `time` is the row of the demand: what is at or after `load.measured_from` is
    measured. An allocation that failed is counted in the warnings of `about`.
    """
    whole = Events.concatenate(list(chunks(load, layout, kernel)))
    count = failed(whole)
    warned = {"failed-allocations": Warned("no memory", count)} if count else {}
    about = About(
        load.about,
        kernel=load.masks,
        clock="ticks",
        cpus=load.cpus,
        recorded=EVENT_NAMES[:SCHED_SWITCH],
        warnings=warned,
    )
    return EventLog(whole, about)
