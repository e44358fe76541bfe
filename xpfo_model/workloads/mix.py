# SPDX-License-Identifier: GPL-2.0-only
"""Workloads by name, mixed by share, as the demand of one machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from zlib import crc32

import numpy as np

from xpfo_model.allocator.demand import ALLOC, FREE, FREE_COMMIT, Demand
from xpfo_model.allocator.layout import machine
from xpfo_model.allocator.profiles import profile
from xpfo_model.errors import WorkloadError
from xpfo_model.workloads.activity import Activity, together
from xpfo_model.workloads.faults import COMPILER, page_faults
from xpfo_model.workloads.forks import forks
from xpfo_model.workloads.network import LOOPBACK, network
from xpfo_model.workloads.pagecache import page_cache
from xpfo_model.workloads.pipes import pipes
from xpfo_model.workloads.pressure import pressure
from xpfo_model.workloads.scene import Scene
from xpfo_model.workloads.schedule import Schedule, schedule
from xpfo_model.workloads.slabs import slabs

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


@dataclass(frozen=True)
class Workload:
    """A generator of demand and what it stands for."""

    name: str
    stands_for: str
    """The real thing, one sentence."""
    function: Callable[[Scene], Activity]
    fills: bool = False
    """Whether it fills all memory that it gets."""


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
    """What it is, one line: for `events.About.name` and file names."""
    kernel: str
    """The profile that it was made for."""
    masks: str
    """The GFP table of `gfp`."""
    frames: int
    """Memory of the machine, in frames."""
    cpus: int
    peak: int
    """Most frames that are held at one time."""


REGISTRY: Final = {
    workload.name: workload
    for workload in (
        Workload(
            "page-faults",
            "programs that map anonymous memory, touch it and unmap it",
            page_faults,
        ),
        Workload(
            "page-faults-thp",
            "the same, half of the areas of transparent huge pages",
            partial(page_faults, huge=0.5),
        ),
        Workload(
            "compilers",
            "the same in programs of a parallel build, which hold more memory",
            partial(page_faults, area=COMPILER),
        ),
        Workload(
            "forks", "a shell script: children that fork, exec, run and exit", forks
        ),
        Workload("page-cache", "files that are read, written and deleted", page_cache),
        Workload(
            "tmpfs",
            "files in memory, written and deleted",
            partial(page_cache, reads=0.0, disk=False),
        ),
        Workload("pipes", "programs that pass bytes through pipes", pipes),
        Workload("slabs", "inodes, dentries and small kernel objects", slabs),
        Workload(
            "loopback",
            "sockets within one machine",
            partial(network, flows=LOOPBACK),
        ),
        Workload("network", "sockets over loopback, and a network card", network),
        Workload(
            "pressure",
            "page cache, anonymous memory and slabs in memory that is full",
            pressure,
            fills=True,
        ),
    )
}
"""All workloads by name."""

Shares = str | Mapping[str, float] | Mapping[Workload, float]


def chosen(shares: Shares) -> dict[Workload, float]:
    """Workloads with shares that add up to 1. Raises `WorkloadError`."""
    asked = {shares: 1.0} if isinstance(shares, str) else dict(shares)
    found = {}
    for key, share in asked.items():
        if isinstance(key, str) and key not in REGISTRY:
            raise WorkloadError(
                f"no workload {key!r}", remedy=f"choose from {', '.join(REGISTRY)}"
            )
        if share < 0:
            raise WorkloadError(f"{key}: a share of {share}", remedy="0 or more")
        if share:
            found[REGISTRY[key] if isinstance(key, str) else key] = float(share)
    whole = sum(found.values())
    if not whole:
        raise WorkloadError("a mix of nothing", remedy="give a workload a share")
    return {workload: share / whole for workload, share in found.items()}


def generate(
    shares: Shares,
    *,
    seed: int,
    cpus: int,
    frames: int,
    length: int,
    kernel: str = "v6.1",
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

    Raises `WorkloadError` if a workload is unknown or does not fit into memory.
    """
    mix = chosen(shares)
    masks = MASKS.get(kernel, kernel)
    allocations = length / 2
    zones = machine(profile(kernel), frames, cpus).zones
    kept = sum(z.watermarks[WMARK_LOW] + cpus * z.pageset.high for z in zones)
    rooms = memory(mix, frames, frames - kept)
    parts = [
        workload.function(
            Scene(
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


def load(
    made: Schedule,
    about: str,
    *,
    measured_from: int,
    kernel: str,
    masks: str,
    frames: int,
    cpus: int,
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
        peak=peak,
    )


def held(d: Demand) -> int:
    """Most frames that a demand holds at one time."""
    sign = np.zeros(FREE_COMMIT + 1, np.int64)
    sign[ALLOC], sign[FREE], sign[FREE_COMMIT] = 1, -1, -1
    return int(np.cumsum(sign[d.op] << d.order.astype(np.int64)).max(initial=0))
