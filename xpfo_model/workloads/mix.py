# SPDX-License-Identifier: GPL-2.0-only
"""Workloads mixed by share, as the demand of one machine."""

from collections.abc import Mapping
from typing import Final
from zlib import crc32

import numpy as np

from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.zones import Layout, machine
from xpfo_model.workloads.activity import together
from xpfo_model.workloads.host import Host
from xpfo_model.workloads.load import Load, load
from xpfo_model.workloads.registry import Shares, Workload, chosen
from xpfo_model.workloads.schedule import schedule

WARM_UP: Final = 0.25
"""Share of a run before `Load.measured_from`: free choice, longer than any task of
the generators lives."""
USABLE: Final = 0.75
"""Share of memory that workloads may hold, so that no allocation fails: watermarks,
pcp lists and the kernel's own memory need the rest. Free choice."""
BESIDE: Final = 0.25
"""The same where one of them fills the rest. Free choice."""
MASKS: Final = {"v6.12": "v6.18"}
"""GFP table of a profile that has none of its own."""
LISTS: Final = {"v4.14": 1, "v6.12": 31, "v6.18": 31}
"""Pages that free_unref_page_list() takes at most. v4.14 frees each when it is
prepared; v6.12 takes a folio_batch, include/linux/pagevec.h: PAGEVEC_SIZE; the
longest list in trace netmap-3cpu has 31."""
UNBOUNDED: Final = 1 << 30
WMARK_LOW: Final = 1
"""Of `Zone.watermarks`."""


def generate(
    shares: Shares,
    *,
    seed: int,
    cpus: int,
    frames: int,
    length: int,
    kernel: str = "v6.1",
    layout: Layout | None = None,
) -> Load:
    """The demand of a workload, or of a mix of several, on a machine.

    Parameters
    ----------
    shares : str or mapping
        A name of `REGISTRY`, or names (or `Workload`s) to their shares of all
        allocations, which need not add up to 1.
    seed : int
        Equal seeds give equal demands, whatever the machine that computes them.
        A workload draws its own numbers: what is mixed with it changes nothing.
    cpus, frames : int
        The machine; frames are of 4 KiB.
    length : int
        About how many allocations and frees there are.
    kernel : str
        A profile of the allocator: masks and lists are that version's.
    layout : Layout, optional
        That machine's zones and pcps, by default `allocator.layout.machine`.

    Raises `WorkloadError` if a workload is unknown or does not fit into memory.
    """
    mix = chosen(shares)
    masks = MASKS.get(kernel, kernel)
    allocations = length / 2
    layout = layout or machine(profile(kernel), frames, cpus)
    zones = layout.zones
    kept = sum(z.watermarks[WMARK_LOW] + cpus * z.pageset.high for z in zones)
    rooms = memory(mix, frames, frames - kept)
    parts = [
        workload.function(
            Host(
                rng=np.random.default_rng([seed, crc32(workload.name.encode())]),
                cpus=cpus,
                frames=rooms[workload],
                allocations=allocations,
                share=share,
                kernel=masks,
                reclaimed=sum(
                    z.watermarks[-1] - z.watermarks[WMARK_LOW] for z in zones
                ),
            )
        )
        for workload, share in mix.items()
    ]
    lists = LISTS.get(kernel, UNBOUNDED)
    made = schedule(together(parts), allocations, cpus, lists, masks)
    title = " + ".join(f"{100 * share:g} % {w.name}" for w, share in mix.items())
    before = len(made.demand.op) - len(made.time)
    return load(
        made,
        f"{title}, seed {seed}, {cpus} CPUs, {frames:,} frames, {kernel}",
        measured_from=before + int(len(made.time) * WARM_UP),
        kernel=kernel,
        masks=masks,
        frames=frames,
        cpus=cpus,
        layout=layout,
    )


def memory(
    mix: Mapping[Workload, float], frames: int, most: int
) -> dict[Workload, int]:
    """Frames that each workload of a mix may hold at one time.

    One that fills gets what the others leave of `most`: memory down to the low
    watermarks, where reclaim begins, without what pcps keep.
    """
    filling = [workload for workload in mix if workload.fills]
    usable = frames * (BESIDE if filling else USABLE)
    rooms = {workload: int(usable * share) for workload, share in mix.items()}
    others = sum(rooms[workload] for workload in mix if not workload.fills)
    for workload in filling:
        rooms[workload] = max(most - others, 0) // len(filling)
    return rooms
