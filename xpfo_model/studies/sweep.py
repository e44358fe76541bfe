# SPDX-License-Identifier: GPL-2.0-only
"""Sweeps: every strategy on made-up machines, point by point and seed by seed.

A point is a machine, a kernel and a workload. One task is one point with one
seed; what it gives depends on nothing else, whichever executor runs it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from math import comb, nan
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from xpfo_model import jit, strategies, workloads
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.zones import machine
from xpfo_model.closure import digest
from xpfo_model.errors import SweepError
from xpfo_model.events import MM_PAGE_ALLOC, Events
from xpfo_model.replay.reconstruct import Reconstruction
from xpfo_model.replay.run import Run
from xpfo_model.studies.checkpoint import Journal, Result
from xpfo_model.workloads.run import chunks, failed

CONFIDENCE: Final = 0.95
"""Of the intervals."""
EACH: Final = "per_frame"
"""The strategy that flushes once for each frame that comes from the kernel."""
PER: Final = 1000
"""Flushes are counted per so many allocations."""

Columns = dict[str, list[Any]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Point:
    """A machine and what it does."""

    workload: str
    """A name of `workloads.REGISTRY`, or several with shares: ``pipes:1,slabs:3``."""
    cpus: int = 4
    frames: int = 1 << 20
    """Memory, in frames of 4 KiB."""
    batch: int = 0
    """Of every pcp; 0 is what the kernel would choose."""
    kernel: str = "v6.1"
    length: int = 200_000
    """About how many allocations and frees there are."""

    @property
    def shares(self) -> dict[str, float]:
        """The workloads and their shares. Raises `SweepError`."""
        shares = {}
        for part in self.workload.split(","):
            name, _, share = part.partition(":")
            try:
                shares[name] = float(share or 1)
            except ValueError:
                raise SweepError(
                    f"{share!r} in workload {self.workload!r} is no share",
                    remedy="write NAME, or NAME:SHARE,NAME:SHARE",
                ) from None
        return shares


def grid(**axes: Iterable[Any]) -> list[Point]:
    """All points of these axes, the last axis first; the rest is as in `Point`.

    Raises `SweepError` for an axis that a point does not have.
    """
    known = [field.name for field in fields(Point)]
    for name in axes:
        if name not in known:
            raise SweepError(
                f"no axis {name!r}", remedy=f"choose from {', '.join(known)}"
            )
    return [Point(**dict(zip(axes, at, strict=True))) for at in product(*axes.values())]


def run_task(point: Point, seed: int, names: Sequence[str]) -> Result:
    """Run one seed of a point through the allocator and every strategy.

    Raises `WorkloadError`, `UnknownKernelError`, `UnknownStrategyError`.
    """
    load = workloads.generate(
        point.shares,
        seed=seed,
        cpus=point.cpus,
        frames=point.frames,
        length=point.length,
        kernel=point.kernel,
        layout=machine(
            profile(point.kernel), point.frames, point.cpus, batch=point.batch or None
        ),
    )
    reconstruction = Reconstruction(load.masks)
    runs = {name: Run(name, cpus=point.cpus) for name in names}

    def feed(events: Events) -> None:
        steps = reconstruction.calls(events)
        for run in runs.values():
            run.feed(steps, reconstruction.frames)

    warm: Result | None = None
    allocations = out_of_memory = 0
    for part in chunks(load):
        out_of_memory += failed(part)
        begin = int(np.searchsorted(part.time, load.measured_from))
        feed(part.rows(slice(0, begin)))
        if begin < len(part.time):
            warm = warm or _counted(reconstruction, runs)
            feed(part.rows(slice(begin, None)))
            allocations += int(np.count_nonzero(part.kind[begin:] == MM_PAGE_ALLOC))
    last = reconstruction.finish()
    for run in runs.values():
        run.feed(last, reconstruction.frames)
    warm = warm or {}
    after = _counted(reconstruction, runs)
    return {
        "allocations": allocations,
        "failed": out_of_memory,
        **{name: count - warm.get(name, 0) for name, count in after.items()},
    }


def _counted(reconstruction: Reconstruction, runs: Mapping[str, Run]) -> Result:
    counted = dict(reconstruction.totals)
    for name, run in runs.items():
        counts = run.counts
        counted[f"flushes.{name}"] = counts.flushes
        counted[f"splits.{name}"] = counts.splits
    return counted


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, and an interval that holds the true one 95 times in 100.

    Order statistics and the binomial, so that nothing is assumed of how the
    values are distributed. Fewer than six values give no such interval: NaN.
    """
    ordered = sorted(values)
    n = len(ordered)
    outside, rank = 0, 0
    while 2 * (outside + comb(n, rank)) <= (1 - CONFIDENCE) * 2**n:
        outside += comb(n, rank)
        rank += 1
    median = float(np.median(ordered))
    if not rank:
        return median, nan, nan
    return median, ordered[rank - 1], ordered[n - rank]


def key_of(point: Point, seed: int, names: Sequence[str]) -> str:
    """A task, as text."""
    return json.dumps([asdict(point), seed, list(names)])


def digest_of(names: Sequence[str]) -> str:
    """Digest of all that a task with these strategies depends on."""
    given = {name: strategies.sources(name) for name in names}
    return digest(run_task, given=given, apart=(jit, strategies.REGISTRY))


def sweep(
    points: Sequence[Point],
    seeds: Iterable[int] = range(20),
    *,
    names: Sequence[str] = strategies.COUNTED,
    executor: Executor | None = None,
    journal: str | Path | None = None,
    progress: Progress | None = None,
) -> Columns:
    """Run every point with every seed; a row for each point and strategy.

    Parameters
    ----------
    points : sequence of Point
        See `grid`.
    seeds : iterable of int
        Twenty give intervals worth showing.
    names : sequence of str
        Strategies, by default those of the thread.
    executor : concurrent.futures.Executor, optional
        Where tasks run: by default a process a CPU of this machine. Dask's
        ``Client.get_executor()`` is one.
    journal : path, optional
        A file that remembers finished tasks: the same call goes on with them.
    progress : callable, optional
        Called with how many tasks are done, and of how many.

    Columns: those of `Point`; strategy; seeds; flushes per 1,000 allocations as
    ``flushes`` with ``low`` and ``high``; flushes per frame that goes from the
    kernel to a user, as ``per_frame`` counts those, as ``each``, ``each_low``,
    ``each_high``, NaN where there was none; ``user``, the share of allocations that
    are users'; ``refills`` per 1,000 allocations; ``splits``; ``failed``. All but
    the intervals are medians over the seeds. Raises what `run_task` raises.
    """
    path = None if journal is None else Path(journal)
    done = Journal(path, digest_of(names) if path else "")
    seeds = list(seeds)
    tasks = {
        key_of(point, seed, names): (point, seed) for point in points for seed in seeds
    }
    todo = {key: task for key, task in tasks.items() if done.get(key) is None}
    if progress:
        progress(len(tasks) - len(todo), len(tasks))
    if todo and executor is None:
        # compiled here, once for all processes
        run_task(replace(points[0], length=1), 0, names)
        # a fork of a process that has threads may hang
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            _finish(todo, names, pool, done, progress, len(tasks))
    elif todo and executor is not None:
        _finish(todo, names, executor, done, progress, len(tasks))
    rows = []
    for point in points:
        keys = [key_of(point, seed, names) for seed in seeds]
        rows += _rows(point, [done.get(key) or {} for key in keys], names)
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _finish(
    todo: Mapping[str, tuple[Point, int]],
    names: Sequence[str],
    executor: Executor,
    done: Journal,
    progress: Progress | None,
    total: int,
) -> None:
    running = {
        executor.submit(run_task, point, seed, list(names)): key
        for key, (point, seed) in todo.items()
    }
    left = len(todo)
    try:
        for future in as_completed(running):
            done.add(running[future], future.result())
            left -= 1
            if progress:
                progress(total - left, total)
    finally:
        for future in running:
            future.cancel()


def _rows(
    point: Point, results: Sequence[Result], names: Sequence[str]
) -> list[dict[str, Any]]:
    def median(name: str, per: str = "", times: int = 1) -> float:
        return round(times * float(np.median(ratios(name, per))), 4)

    def ratios(name: str, per: str) -> list[float]:
        whole = [one[per] if per else 1 for one in results]
        parts = [one[name] for one in results]
        return [part / w for part, w in zip(parts, whole, strict=True) if w]

    rows = []
    for name in names:
        rates = [PER * rate for rate in ratios(f"flushes.{name}", "allocations")]
        row = {**asdict(point), "strategy": name, "seeds": len(results)}
        row |= _with_interval("flushes", "low", "high", rates)
        each: list[float] = []
        if EACH in names:
            each = ratios(f"flushes.{name}", f"flushes.{EACH}")
        row |= _with_interval("each", "each_low", "each_high", each)
        row |= {
            "user": median("user_allocations", "allocations"),
            "refills": median("refills", "allocations", PER),
            "splits": median(f"splits.{name}"),
            "failed": median("failed"),
        }
        rows.append(row)
    return rows


def _with_interval(
    middle: str, low: str, high: str, values: Sequence[float]
) -> dict[str, float]:
    found = interval(values) if values else (nan, nan, nan)
    names = (middle, low, high)
    return {name: round(value, 4) for name, value in zip(names, found, strict=True)}
