# SPDX-License-Identifier: GPL-2.0-only
"""The what-if studies: one question each, the same strategies, twenty seeds a point.

All start from a machine that has just booted, and count after a warm-up.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from xpfo_model import strategies
from xpfo_model.studies import checkpoint
from xpfo_model.studies.store import Columns, Study, study
from xpfo_model.studies.sweep import Point, grid, sweep

STRATEGIES: Final = (
    "none",
    "v6",
    "per_frame",
    "alternation",
    "pcp_batch",
    "pcp_batch_consume",
    "pageblock",
)
"""Those of the September 2017 thread."""
SEEDS: Final = range(20)
LENGTH: Final = 200_000
"""Allocations and frees of a run. Free choice."""
PER_CPU: Final = 5_000
"""The same per CPU, where there are many."""

BUILD: Final = "compilers:47,tmpfs:40,forks:13"
"""The shares of trace cc-4cpu: see `workloads.likeness`."""
READING: Final = "compilers:40,tmpfs:30,forks:10,page-cache:20"
"""The same with files that come from a disk."""
NAMES: Final = {BUILD: "build", READING: "build with files from a disk"}
"""Their names in sentences."""

BATCHES: Final = tuple((1 << power) - 1 for power in range(1, 11))
"""As zone_batchsize() rounds: 31 and 63 are the kernel's."""
CPUS: Final = tuple(1 << power for power in range(9))
MEMORY: Final = tuple(1 << power for power in (17, 19, 21, 24, 26, 28))
"""Frames: 512 MiB, 2, 8, 64 and 256 GiB, 1 TiB."""
LARGE: Final = 1 << 24
"""64 GiB: room for 256 CPUs."""
SMALL: Final = 1 << 18
"""1 GiB."""
SHARES: Final = (0, 10, 25, 50, 75, 90)
"""Percent."""
KERNELS: Final = ("v4.14", "v6.1", "v6.18")
SITUATIONS: Final = (BUILD, "page-faults", "forks", "page-cache", "pressure")


def what_if(name: str, what: str) -> Callable[[Callable[[], list[Point]]], Study]:
    """Register the sweep over the points of the decorated function as a study."""

    def register(points: Callable[[], list[Point]]) -> Study:
        def make(docs: Path) -> Columns:  # noqa: ARG001 - reads no file
            return sweep(points(), SEEDS, names=STRATEGIES)

        return study(
            name,
            what=what,
            given={name: strategies.sources(name) for name in STRATEGIES},
            apart=(checkpoint, strategies.REGISTRY, strategies.COUNTED),
        )(make)

    return register


@what_if("whatif-batch", "Flushes per 1,000 allocations by batch, 4 CPUs, 4 GiB.")
def batch() -> list[Point]:
    """Every batch, for a build and for one that reads its files."""
    return grid(workload=(BUILD, READING), batch=BATCHES, length=(LENGTH,))


@what_if("whatif-cpus", "Flushes per 1,000 allocations by CPUs, 64 GiB.")
def cpus() -> list[Point]:
    """As much to do for each CPU."""
    return [
        Point(BUILD, cpus=count, frames=LARGE, length=max(LENGTH, PER_CPU * count))
        for count in CPUS
    ]


@what_if("whatif-memory", "Flushes per 1,000 allocations by memory, 4 CPUs.")
def memory() -> list[Point]:
    """The same demand in more and more memory."""
    return grid(workload=(BUILD,), frames=MEMORY, length=(LENGTH,))


@what_if("whatif-kernel", "Flushes per 1,000 allocations by the share of slabs.")
def kernel_share() -> list[Point]:
    """Page faults and slabs."""
    return [
        Point(f"compilers:{100 - share},slabs:{share}", length=LENGTH)
        for share in SHARES
    ]


@what_if("whatif-pipes", "Flushes per 1,000 allocations by the share of pipes.")
def pipe_share() -> list[Point]:
    """Page faults and pipes: users' pages that are not movable."""
    return [
        Point(f"compilers:{100 - share},pipes:{share}", length=LENGTH)
        for share in SHARES
    ]


@what_if("whatif-versions", "Flushes per 1,000 allocations by kernel, 4 CPUs, 1 GiB.")
def versions() -> list[Point]:
    """The same demand on three allocators, masks of each version."""
    return grid(workload=SITUATIONS, kernel=KERNELS, frames=(SMALL,), length=(LENGTH,))
