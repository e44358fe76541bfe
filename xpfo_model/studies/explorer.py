# SPDX-License-Identifier: GPL-2.0-only
"""The study that the explorer page steps through: every point of a grid.

A point is a machine and its demand; a row is a point, a strategy, and how its memory
starts. Each row has both ways of the kernel to a user's page, so that one way is set
against the other on the same events.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from xpfo_model import gfp, strategies, workloads
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.zones import machine
from xpfo_model.errors import SweepError
from xpfo_model.events import Events
from xpfo_model.machine import CAUSES, KUNMAP, STARTS
from xpfo_model.replay.calls import ALLOC, Calls
from xpfo_model.replay.reconstruct import Reconstruction
from xpfo_model.replay.run import Counts, Run
from xpfo_model.strategies.kmaps import (
    local_kmap,
    local_kunmap,
    physmap_kmap,
    physmap_kunmap,
)
from xpfo_model.studies.store import Columns, study
from xpfo_model.studies.sweep import Point, interval
from xpfo_model.workloads.run import chunks, failed

SHOWN: Final = (
    "v6",
    "per_frame",
    "alternation",
    "pcp_batch",
    "pageblock",
    strategies.RECOMMENDED,
)
"""As posted; a page at a time; the three units of the thread; the recommended."""
DIRECT: Final = "direct"
LOCAL: Final = "local"
WAYS: Final = (DIRECT, LOCAL)
"""Of the kernel to a user's page: through the direct map, with a flush of all CPUs at
the last kunmap; through a mapping of one CPU."""
SEEDS: Final = range(6)
"""The fewest that give an interval; see `sweep.interval`."""
LENGTH: Final = 60_000
"""Allocations and frees of a run. Free choice."""
PER_CPU: Final = 2_000
"""The same per CPU, where there are many."""
COPIED: Final = 99.6
"""Of user pages that are not zeroed: percent that the kernel copies into. Counted by
kernels that run XPFO; a test holds it, and the next, against `claims.access.copied`."""
COPIES: Final = 1.7
"""How often it maps each of these."""
BATCHES: Final = (15, 31, 63, 255)
"""31 and 63 are the kernel's."""
CPUS: Final = (1, 4, 16, 64)
PIPES: Final = (0, 10, 50)
"""Percent of all allocations that are for pipes; the rest is page faults."""
MEMORY: Final = (1 << 18, 1 << 20, 1 << 24)
"""Frames: 1, 4 and 64 GiB."""
PER: Final = 1000
"""User allocations that flushes are given for."""
AT_KUNMAP: Final = CAUSES[KUNMAP]
AS_POSTED: Final = 1 << gfp.USER_TESTS.index(gfp.POSTED)
"""Bit of `Calls.user` for the test for a user's page that was posted."""
DIGITS: Final = 3
"""Significant digits that are kept: more would be noise."""
COUNTED: Final = ("ahead", "full", "kunmap", "exposed")
"""Of each row and way: flushes of all CPUs before a user has the page, of these in
full, flushes at kunmap, each for 1,000 user allocations; percent of users' frame-time
that the kernel could reach."""

Result = dict[str, int]


@dataclass(frozen=True)
class Variant:
    """A strategy, how memory starts, and how the kernel reaches a user's page."""

    strategy: str
    start: str
    way: str

    def run(self, cpus: int) -> Run:
        """A run of it in which the kernel zeroes, and copies into some pages."""
        return Run(
            self.strategy,
            cpus=cpus,
            zeroing=True,
            copy_percent=COPIED,
            copies=COPIES,
            start=self.start,
            **hooks(self.strategy, self.way),
        )


def hooks(strategy: str, way: str) -> dict[str, Any]:
    """The hooks that a way puts in the place of a strategy's, unless it is its own."""
    own = strategies.functions(strategy)["kunmap"]
    if strategy == strategies.BASELINE or (own is local_kunmap) == (way == LOCAL):
        return {}
    if way == LOCAL:
        return {"kmap": local_kmap, "kunmap": local_kunmap}
    return {"kmap": physmap_kmap, "kunmap": physmap_kunmap}


VARIANTS: Final = tuple(Variant(*each) for each in product(SHOWN, STARTS, WAYS))
WHOLE: Final = Variant(strategies.BASELINE, STARTS[0], DIRECT)
"""Without XPFO all of the users' frame-time is exposed: that run gives the whole."""


def points() -> list[tuple[int, int, int, int]]:
    """Every machine with every demand: pipes, frames, CPUs and batch."""
    return list(product(PIPES, MEMORY, CPUS, BATCHES))


def point_of(pipes: int, frames: int, cpus: int, batch: int) -> Point:
    """A machine with its demand, of which `pipes` percent are for pipes."""
    return Point(
        workload=f"compilers:{100 - pipes},pipes:{pipes}",
        cpus=cpus,
        frames=frames,
        batch=batch,
        length=max(LENGTH, PER_CPU * cpus),
    )


def run_task(
    point: Point, seed: int, variants: Sequence[Variant] = VARIANTS
) -> list[Result]:
    """Counts of each variant after the warm-up of one seed of a point.

    Raises `SweepError` where the memory is too small for the demand.
    """
    load = workloads.generate(
        point.shares,
        seed=seed,
        cpus=point.cpus,
        frames=point.frames,
        length=point.length,
        kernel=point.kernel,
        layout=machine(
            profile(point.kernel), point.frames, point.cpus, batch=point.batch
        ),
    )
    reconstruction = Reconstruction(load.masks)
    runs = [one.run(point.cpus) for one in (WHOLE, *variants)]
    users = 0

    def feed(events: Events | None) -> int:
        steps: Calls = (
            reconstruction.finish() if events is None else reconstruction.calls(events)
        )
        for run in runs:
            run.feed(steps, reconstruction.frames)
        asked = (steps.op == ALLOC) & (steps.user & AS_POSTED != 0)
        return int(np.count_nonzero(asked))

    warm: list[Result] | None = None
    for part in chunks(load):
        if failed(part):
            raise SweepError(
                f"{point}: the memory is too small for the demand",
                remedy="give it more frames",
            )
        begin = int(np.searchsorted(part.time, load.measured_from))
        feed(part.rows(slice(0, begin)))
        if begin < len(part.time):
            warm = warm or [_counted(run.counts) for run in runs]
            users += feed(part.rows(slice(begin, None)))
    users += feed(None)
    before = warm or [dict.fromkeys(_counted(run.counts), 0) for run in runs]
    whole, *found = (
        {name: count - old[name] for name, count in _counted(run.counts).items()}
        for run, old in zip(runs, before, strict=True)
    )
    return [one | {"users": users, "whole": whole["exposed"]} for one in found]


def _counted(counts: Counts) -> Result:
    full = counts.full_by_cause
    at_kunmap = counts.flushes_by_cause.get(AT_KUNMAP, 0)
    return {
        "ahead": counts.flushes - at_kunmap,
        "full": sum(full.values()) - full.get(AT_KUNMAP, 0),
        "kunmap": at_kunmap,
        "exposed": counts.frame_time_exposed,
    }


def rates(counted: Sequence[Result]) -> dict[str, tuple[float, float, float]]:
    """Of the seeds of one variant: the median of each rate, and its interval."""

    def of(name: str) -> tuple[float, float, float]:
        scale, per = (100, "whole") if name == "exposed" else (PER, "users")
        each = [scale * one[name] / one[per] for one in counted]
        median, low, high = (float(f"{n:.{DIGITS}g}") for n in interval(each))
        return median, low, high

    return {name: of(name) for name in COUNTED}


def rows_of(
    point: tuple[int, int, int, int], results: Sequence[Sequence[Result]]
) -> list[dict[str, Any]]:
    """The rows of a point from the results of its seeds, one a strategy and start."""
    axes = dict(zip(("pipes", "frames", "cpus", "batch"), point, strict=True))
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for at, one in enumerate(VARIANTS):
        head = {"strategy": one.strategy, "start": one.start}
        row = rows.setdefault((one.strategy, one.start), axes | head)
        for name, ends in rates([result[at] for result in results]).items():
            for end, value in zip(("", "_low", "_high"), ends, strict=True):
                row[f"{one.way}_{name}{end}"] = value
    return list(rows.values())


@study(
    "explorer",
    what="Flushes and exposure on every machine of the explorer, by strategy.",
    given={name: strategies.sources(name) for name in (strategies.BASELINE, *SHOWN)},
    apart=(strategies.REGISTRY,),
)
def explorer(docs: Path) -> Columns:  # noqa: ARG001 - reads no file
    """Run every point with every seed; a row for each point, strategy and start."""
    tasks = [(point_of(*point), seed) for point in points() for seed in SEEDS]
    run_task(point_of(*points()[0]), 0)  # compiled here, once for all processes
    # a fork of a process that has threads may hang
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = list(pool.map(run_task, *zip(*tasks, strict=True), chunksize=4))
    rows = []
    for at, point in enumerate(points()):
        results = found[at * len(SEEDS) : (at + 1) * len(SEEDS)]
        rows += rows_of(point, results)
    return {name: [row[name] for row in rows] for name in rows[0]}
