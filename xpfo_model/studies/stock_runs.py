# SPDX-License-Identifier: GPL-2.0-only
"""Recordings of stock kernels by the recipe, several of each workload, counted.

One recording says nothing of how far two boots of the same machine differ. The
recipe of docs/traces records a workload as often as one likes; what each recording
shows is kept here with its sha256, and the recording itself is not. So these studies
have no sources: they are of a machine's boots, and are computed by name from the
folder of recordings. Rows of recordings that are not in the folder stay.
"""

import gzip
import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from xpfo_model import gfp, strategies, traces
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.errors import TraceError, XpfoModelError
from xpfo_model.events import FAILED, MM_PAGE_ALLOC, EventLog, Events
from xpfo_model.machine import CAUSES
from xpfo_model.replay import calls
from xpfo_model.replay.reconstruct import OWNERS, Reconstruction
from xpfo_model.replay.run import Run
from xpfo_model.studies.grown import grown
from xpfo_model.studies.store import Columns, study

RECORDINGS: Final = "XPFO_STOCK_RECORDINGS"
"""Names the folder of the recordings; _build/traces of a clone without."""
SUFFIX: Final = ".trace.gz"

BOOT: Final = "boot"
"""All of a recording that begins with its machine."""
WORKLOAD: Final = "workload"
"""Between the two marks, by a reader that has seen the boot."""
LATE: Final = "late"
"""Between the two marks, by a reader that begins there: it does not know who had a
frame before, and takes it for mapped."""
HALF: Final = "half"
"""The second half of the workload's user allocations, by the reader of LATE: by then
it knows who had most frames."""

WORKERS: Final = 2
"""Each holds a recording, of some hundred MB."""
_MARK: Final = re.compile(rb"(\d+)\.(\d{6}): tracing_mark_write: xpfo-workload-(\w+)")
_MICROSECOND: Final = 1000

T = TypeVar("T")
Row = dict[str, Any]
Sums = dict[str, Counter[str]]
"""Counts by name: of the allocator under ALLOCATOR, flushes under each strategy."""
ALLOCATOR: Final = ""


def folder(docs: Path) -> Path:
    """Where the recordings are. Raises `XpfoModelError` if there are none."""
    named = os.environ.get(RECORDINGS)
    found = Path(named) if named else docs.parent / "_build/traces"
    if not any(found.glob(f"*{SUFFIX}")):
        raise XpfoModelError(
            "no recording of a stock kernel",
            file=str(found),
            remedy="record with docs/traces/record-qemu.sh, or name the folder in "
            f"{RECORDINGS}",
        )
    return found


def provenance(path: Path) -> dict[str, Any]:
    """The facts that the recorder left beside a recording."""
    base = path.name.removesuffix(SUFFIX)
    return tomllib.loads(path.with_name(f"{base}.toml").read_text())


def marks(path: Path) -> tuple[int, int]:
    """Nanoseconds at which the workload of a recording begins and ends.

    Raises `TraceError` if the text has not both marks.
    """
    found = {}
    with gzip.open(path) as text:
        for line in text:
            if b"tracing_mark_write" in line and (mark := _MARK.search(line)):
                seconds, fraction = int(mark[1]), int(mark[2])
                found[mark[3]] = (seconds * 10**6 + fraction) * _MICROSECOND
    if set(found) != {b"start", b"end"}:
        raise TraceError(
            "has not both marks of its workload",
            file=str(path),
            remedy="record it with docs/traces/record-qemu.sh",
        )
    return found[b"start"], found[b"end"]


def between(log: EventLog, path: Path) -> list[Events]:
    """Events before the workload, in it, and after it. Raises `TraceError`."""
    events, ends = log.events, [0]
    for mark in marks(path):
        later = np.flatnonzero(events.time >= mark)
        ends.append(int(later[0]) if len(later) else len(events.time))
    ends.append(len(events.time))
    return [events.rows(slice(*pair)) for pair in pairwise(ends)]


def halves(events: Events, kernel: str) -> list[Events]:
    """Events up to half of the user allocations, and the rest; `kernel` as in `gfp`."""
    handed_out = (events.kind == MM_PAGE_ALLOC) & (events.pfn != FAILED)
    users = np.cumsum(handed_out & gfp.is_user(events.gfp, kernel))
    middle = int(np.searchsorted(users, users.max(initial=0) // 2, side="right"))
    return [events.rows(slice(0, middle)), events.rows(slice(middle, None))]


def counted(parts: Sequence[Events], log: EventLog) -> Iterator[Sums]:
    """Counts so far after each part: the allocator's, and each strategy's flushes."""
    runs = [Run(name, cpus=log.cpus or 1) for name in strategies.SHOWN]
    heeds = any(run.heeds_all for run in runs)
    reconstruction = Reconstruction(log.about.kernel, everything=heeds)
    more: Counter[str] = Counter()
    for part in parts:
        steps = reconstruction.calls(part)
        refill = (steps.op == calls.REFILL) & (steps.migratetype == MIGRATE_MOVABLE)
        more["refilled_movable"] += int((steps.stop - steps.start)[refill].sum())
        more["blocks"] += int(np.count_nonzero(steps.op == calls.CHANGE_BLOCK))
        for run in runs:
            run.feed(steps, reconstruction.frames, reconstruction.owners)
        yield {
            ALLOCATOR: Counter(reconstruction.totals) + more,
            **{run.strategy: Counter(run.counts.flushes_by_cause) for run in runs},
        }


def since(whole: Sums, before: Sums) -> Sums:
    """What came between two states of the same counts."""
    return {name: counts - before[name] for name, counts in whole.items()}


def recorded(path: Path) -> tuple[list[Row], list[Row]]:
    """The rows of a recording: of each view, and of each view and strategy.

    Raises `TraceError`.
    """
    base = path.name.removesuffix(SUFFIX)
    about = provenance(path)
    log = traces.read(path)
    before, during, after = between(log, path)
    half, late = counted(halves(during, log.about.kernel), log)
    views = {LATE: late, HALF: since(late, half)}
    aged = about.get("aged")
    if aged is None:
        booted, worked, ended = counted([before, during, after], log)
        views = {BOOT: ended, WORKLOAD: since(worked, booted), **views}
    machine = {
        "recording": base,
        "workload": f"{Path(about['workload']).stem}-{about['cpus']}cpu",
        "cpus": about["cpus"],
        "memory": about["memory"],
        "kernel": about["kernel"],
        "uptime": aged["uptime"] if aged else 0,
        "sha256": log.about.sha256,
    }
    columns = ("user_allocations", "kernel_allocations", "user_zeroed", *OWNERS)
    columns += ("refills", "refills_movable", "refilled_movable", "blocks")
    run = [
        {**machine, "view": view, **{name: found[ALLOCATOR][name] for name in columns}}
        for view, found in views.items()
    ]
    flushes = [
        {
            "recording": base,
            "view": view,
            "strategy": name,
            **{cause: found[name][cause] for cause in CAUSES},
        }
        for view, found in views.items()
        for name in strategies.SHOWN
    ]
    return run, flushes


def over(paths: Sequence[Path], read: Callable[[Path], T]) -> list[T]:
    """What is read of each recording, in several processes."""
    # compiled here, once for all processes
    found = [read(paths[0])]
    # a fork of a process that has threads may hang
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        found += pool.map(read, paths[1:])
    return found


@cache
def _all(recordings: Path) -> list[tuple[list[Row], list[Row]]]:
    """Every recording of a folder."""
    return over(sorted(recordings.glob(f"*{SUFFIX}")), recorded)


@study(
    "stock-runs",
    what="What recordings of stock kernels show, several of each workload.",
    measured=True,
)
def stock_runs(docs: Path) -> Columns:
    """A row for each recording and view: who allocated, and who had a frame before."""
    recordings = folder(docs)
    rows = [row for run, _ in _all(recordings) for row in run]
    return grown("stock-runs", docs, rows, recordings)


@study(
    "stock-flushes",
    what="Flushes of the strategies over recordings of stock kernels, by cause.",
    measured=True,
)
def stock_flushes(docs: Path) -> Columns:
    """A row for each recording, view and strategy."""
    recordings = folder(docs)
    rows = [row for _, flushes in _all(recordings) for row in flushes]
    return grown("stock-flushes", docs, rows, recordings)
