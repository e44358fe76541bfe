# SPDX-License-Identifier: GPL-2.0-only
"""Recordings of the kernel that runs XPFO, confronted with the model.

``make kernel`` records; docs/kernel/sweep.py records a matrix. What a recording
shows is kept here with its sha256, and the recordings themselves only of a few runs
(docs/traces). So these studies have no sources: they are of a machine's boots, as
timings are of a clock, and are computed by name from the folder of recordings. Rows
of recordings that are not in the folder stay, so that a matrix can grow; all are of
one series of patches.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple

from xpfo_model import traces
from xpfo_model.confront import confront
from xpfo_model.confront.counters import read_counters
from xpfo_model.errors import XpfoModelError
from xpfo_model.events import EventLog
from xpfo_model.machine import MAPPED, UNMAPPED
from xpfo_model.replay import replay
from xpfo_model.replay.run import FREED
from xpfo_model.studies.grown import grown
from xpfo_model.studies.store import Columns, study

RECORDINGS: Final = "XPFO_RECORDINGS"
"""Names the folder of the recordings; _build/kernel/recordings of a clone without."""
SUFFIX: Final = ".trace.gz"
WHOLE: Final = "traces/kernel"
"""Recordings of this kernel that are kept, below docs/."""

CAUSES: Final = ("alloc", "refill", "block", "kunmap", "migrate")
"""Of flushes, in the kernel's words."""
PREDICTED: Final = (
    "v6",
    "per_frame",
    "pcp_batch",
    "pcp_batch_local",
    "pageblock",
    "pcp_batch_closed",
)
"""Strategies that a recording of the stock behaviour is replayed under."""
STARTS: Final[dict[str, dict[str, Any]]] = {
    MAPPED: {},
    UNMAPPED: {"held": FREED},
}
"""How memory may start, with what a stock trace tells of the frames held then."""

_PROBE: Final = re.compile(r"case=(\S+) .*?owner=(\S+) alias=(\S+) .*?gfp=(\S+)")
_PAGES: Final = re.compile(r"pages=(\d+) readable=(\d+)")
_CALLS: Final = re.compile(r"CAL:((?:\s+\d+)+)")


class Recording(NamedTuple):
    """The row that a recording gives to each study."""

    run: dict[str, Any]
    callers: dict[str, dict[str, int]]
    """By caller: kmaps, kunmaps, and faults by owner."""
    predicted: list[dict[str, Any]]
    """A row for each strategy and start, of a recording without a strategy."""
    pages: dict[str, int]
    """Users' pages, those that the kernel kmapped, and how often it did."""


def folder(docs: Path) -> Path:
    """Where the recordings are. Raises `XpfoModelError` if there are none."""
    named = os.environ.get(RECORDINGS)
    found = Path(named) if named else docs.parent / "_build/kernel/recordings"
    if not any(found.glob(f"*{SUFFIX}")):
        raise XpfoModelError(
            "no recording of a kernel that runs XPFO",
            file=str(found),
            remedy=f"run make kernel, or name the folder in {RECORDINGS}",
        )
    return found


def calls(path: Path) -> int:
    """Function-call interrupts, all CPUs together, of a copy of /proc/interrupts."""
    found = _CALLS.search(path.read_text())
    return sum(map(int, found[1].split())) if found else 0


def recorded(path: Path) -> Recording:
    """Confront one recording. Raises `TraceError`."""
    base = path.name.removesuffix(SUFFIX)
    about = tomllib.loads(path.with_name(f"{base}.toml").read_text())
    counters_file = path.with_name(f"{base}.counters")
    counters = read_counters(counters_file)
    log = traces.read(path)
    found = confront(log, counters_file)
    said, of_run = found.as_json(), about["kernel_run"]
    row: dict[str, Any] = {
        "recording": base,
        "workload": Path(about["workload"]).stem,
        "cpus": about["cpus"],
        "strategy": of_run["strategy"],
        "start": of_run["start"],
        "kmap": said["kmap"],
        "verify": of_run["verify"],
        "sha256": said["sha256"],
        "image_sha256": of_run["image_sha256"],
        "series_sha256": about["kernel_build"]["series_sha256"],
        "equal": int(said["equal"]),
        "user": said["user_allocations"],
        "zeroed": said["user_zeroed"],
        "kernel_allocations": int(counters["alloc_kernel"]),
    }
    for cause in CAUSES:
        both = said["by_cause"].get(cause, {"kernel": 0, "model": 0})
        row[f"kernel_{cause}"], row[f"model_{cause}"] = both["kernel"], both["model"]
    for name in ("frames_unmapped", "frames_mapped", "splits", "unsafe"):
        row[f"kernel_{name}"] = said[name]["kernel"]
        row[f"model_{name}"] = said[name]["model"]
    row |= {
        name: int(counters[name])
        for name in (
            "flush_full",
            "local_invlpg",
            "kmap_direct",
            "kmap_local",
            "kmap_none",
            "migrate_user",
            "silent_alloc",
            "faults_user",
            "faults_kernel",
            "faults_free",
            "verify_reads",
            "verify_readable",
            "flip_waited",
            "refill_in_atomic",
        )
    }
    row["calls"] = calls(path.with_name(f"{base}.interrupts.end")) - calls(
        path.with_name(f"{base}.interrupts.start")
    )
    start = read_counters(path.with_name(f"{base}.counters.start"))
    row["workload_flushes"] = sum(
        int(counters[f"flush_{cause}"]) - int(start[f"flush_{cause}"])
        for cause in CAUSES
    )
    row["seconds"] = of_run["workload_seconds"]
    first = said["first_difference"]
    row["first_difference"] = "" if first is None else first["reason"]
    callers: dict[str, dict[str, int]] = {}
    for kind in ("kmaps", "kunmaps"):
        for caller, number in said[kind].items():
            callers.setdefault(caller, {})[kind] = number
    for caller, owners in said["faults"].items():
        for owner, number in owners.items():
            callers.setdefault(caller, {})[f"faults_{owner}"] = number
    predicted = list(_predictions(log)) if row["strategy"] == "none" else []
    return Recording(row, callers, predicted, _touched(said["pages_by_kmaps"]))


def _touched(pages: dict[str, dict[str, int]]) -> dict[str, int]:
    """Columns for zeroed and for other pages, by how many were kmapped how often."""
    found = {}
    for whose, times in pages.items():
        every = {int(n): count for n, count in times.items()}
        found[f"{whose}_pages"] = sum(every.values())
        found[f"{whose}_touched"] = sum(c for n, c in every.items() if n)
        found[f"{whose}_kmaps"] = sum(n * count for n, count in every.items())
    return found


def _predictions(log: EventLog) -> Iterator[dict[str, Any]]:
    """Flushes of each strategy over events that a stock kernel would have traced."""
    for start, how in STARTS.items():
        counted = replay(log, PREDICTED, start=start, **how).strategies
        for name in PREDICTED:
            causes = counted[name].flushes_by_cause
            numbers = {cause: causes.get(cause, 0) for cause in CAUSES}
            yield {"strategy": name, "start": start, **numbers}


@cache
def _all(recordings: Path) -> list[Recording]:
    """Every recording of a folder."""
    paths = sorted(recordings.glob(f"*{SUFFIX}"))
    # compiled here, once for all processes
    found = [recorded(paths[0])]
    # a fork of a process that has threads may hang
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found += pool.map(recorded, paths[1:])
    return found


@study(
    "kernel-runs",
    what="What kernels that run XPFO counted, and what the model did.",
    measured=True,
)
def kernel_runs(docs: Path) -> Columns:
    """A row for each recording: its counters, and the model's beside them."""
    rows = [each.run for each in _all(folder(docs))]
    return grown("kernel-runs", docs, rows, folder(docs))


@study(
    "kernel-callers",
    what="Who reached users' pages in kernels that run XPFO, and how often.",
    measured=True,
)
def kernel_callers(docs: Path) -> Columns:
    """A row for each recording and caller."""
    kinds = ("kmaps", "kunmaps", "faults_user", "faults_kernel", "faults_free")
    rows = [
        {
            "recording": each.run["recording"],
            "caller": caller,
            **{kind: numbers.get(kind, 0) for kind in kinds},
        }
        for each in _all(folder(docs))
        for caller, numbers in each.callers.items()
    ]
    return grown("kernel-callers", docs, rows, folder(docs))


@study(
    "kernel-pages",
    what="How many users' pages kernels kmapped, of those zeroed and of the others.",
    measured=True,
)
def kernel_pages(docs: Path) -> Columns:
    """A row for each recording: pages, those kmapped at least once, and kmaps."""
    rows = [
        {
            "recording": each.run["recording"],
            "workload": each.run["workload"],
            "series_sha256": each.run["series_sha256"],
            **each.pages,
        }
        for each in _all(folder(docs))
    ]
    return grown("kernel-pages", docs, rows, folder(docs))


@study(
    "kernel-predicted",
    what="Flushes that recordings of stock behaviour predict for each strategy.",
    measured=True,
)
def kernel_predicted(docs: Path) -> Columns:
    """A row for each recording without a strategy, each strategy and start."""
    rows = [
        {"recording": each.run["recording"], **predicted}
        for each in _all(folder(docs))
        for predicted in each.predicted
    ]
    return grown("kernel-predicted", docs, rows, folder(docs))


def _probes(recordings: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(recordings.glob("ret2dir-*.log")):
        about = tomllib.loads(path.with_suffix(".toml").read_text())["kernel_run"]
        for line in path.read_text().splitlines():
            case, pages = _PROBE.search(line), _PAGES.search(line)
            if case and pages:
                yield {
                    "recording": path.stem,
                    "strategy": about["strategy"],
                    "start": about["start"],
                    "case": case[1],
                    "owner": case[2],
                    "gfp": case[4],
                    "pages": int(pages[1]),
                    "readable": int(pages[2]),
                }


@study(
    "kernel-probes",
    what="Users' pages that could be read through the direct map, by strategy.",
    measured=True,
)
def kernel_probes(docs: Path) -> Columns:
    """A row for each strategy and kind of page that ret2dir.c tried."""
    return grown("kernel-probes", docs, list(_probes(folder(docs))), folder(docs))


def whole(docs: Path) -> list[EventLog]:
    """The recordings that are kept whole, in docs/traces/kernel."""
    return [traces.read(path) for path in sorted((docs / WHOLE).glob("*.npz"))]
