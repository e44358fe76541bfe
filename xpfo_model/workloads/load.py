# SPDX-License-Identifier: GPL-2.0-only
"""A load: a demand, its masks, and where it is warm."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from xpfo_model.allocator.demand import ALLOC, FREE, FREE_COMMIT, Demand
from xpfo_model.allocator.zones import Layout
from xpfo_model.errors import WorkloadError
from xpfo_model.workloads.schedule import Schedule


@dataclass(frozen=True)
class Load:
    """A demand, its masks, and where it is warm."""

    demand: Demand
    gfp: Any
    """Mask of each row in the bits of `kernel`'s GFP table, 0 of frees, uint64."""
    allocations: int
    measured_from: int
    """Row at which the warm-up ends."""
    about: str
    """A name of one line, for `events.About.name` and file names."""
    kernel: str
    """The profile that it was made for."""
    masks: str
    """The GFP table of `gfp`."""
    frames: int
    """Memory of the machine, in frames."""
    cpus: int
    layout: Layout
    """Its zones and pcps."""
    peak: int
    """Most frames that are held at one time."""


def load(
    made: Schedule,
    about: str,
    *,
    measured_from: int,
    kernel: str,
    masks: str,
    frames: int,
    cpus: int,
    layout: Layout,
) -> Load:
    """A schedule as a load. Raises `WorkloadError` if it does not fit into memory."""
    peak = held(made.demand)
    if peak > frames:
        raise WorkloadError(
            f"{about}: {peak:,} frames at one time do not fit",
            remedy="give it more memory, fewer CPUs or other workloads",
        )
    return Load(
        demand=made.demand,
        gfp=made.gfp,
        allocations=int(np.count_nonzero(made.demand.op == ALLOC)),
        measured_from=measured_from,
        about=about,
        kernel=kernel,
        masks=masks,
        frames=frames,
        cpus=cpus,
        layout=layout,
        peak=peak,
    )


def held(d: Demand) -> int:
    """Most frames that a demand holds at one time."""
    sign = np.zeros(FREE_COMMIT + 1, np.int64)
    sign[ALLOC], sign[FREE], sign[FREE_COMMIT] = 1, -1, -1
    return int(np.cumsum(sign[d.op] << d.order.astype(np.int64)).max(initial=0))
