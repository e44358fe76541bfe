# SPDX-License-Identifier: GPL-2.0-only
"""A load through the allocator: the events that a kernel would have traced."""

from collections.abc import Iterator

import numpy as np

from xpfo_model.allocator.layout import Layout, machine
from xpfo_model.allocator.model import Allocator
from xpfo_model.allocator.profiles import profile
from xpfo_model.events import FAILED, MM_PAGE_ALLOC, UNKNOWN, About, EventLog, Events
from xpfo_model.workloads.load import Load


def about(load: Load) -> About:
    """Where the events of a load come from."""
    return About(load.about, kernel=load.masks, clock="ticks")


def chunks(
    load: Load,
    layout: Layout | None = None,
    kernel: str | None = None,
    *,
    said: About | None = None,
) -> Iterator[Events]:
    """The events of a load on a machine, piece by piece; see `events`.

    `said` gets a warning for each allocation that failed.
    """
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
        failed = np.flatnonzero(allocates & (part.pfn == FAILED))
        if len(failed) and said is not None:
            said.warn("failed-allocations", "no memory", None, len(failed))
        yield part


def events(
    load: Load, layout: Layout | None = None, kernel: str | None = None
) -> EventLog:
    """The events of a load on a machine, as `replay.replay_log` takes them.

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
    said = about(load)
    parts = list(chunks(load, layout, kernel, said=said))
    return EventLog(Events.concatenate(parts), said)
