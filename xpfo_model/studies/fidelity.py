# SPDX-License-Identifier: GPL-2.0-only
"""The study that the page on fidelity rests on: every trace, both levels.

And once more with the allocator of another kernel, which must fit worse.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from xpfo_model import strategies, traces
from xpfo_model.fidelity.beside import zoneinfo_beside
from xpfo_model.fidelity.compare import compare
from xpfo_model.fidelity.result import Level
from xpfo_model.studies.store import Columns, study

PROFILES: Final = {"debian-6.1": "v6.1", "debian-6.12": "v6.12"}
"""Profile of the kernel that made a trace, by how the trace's name begins."""
OTHER: Final = "v4.14"
"""Profile that no trace was made by."""

ALLOCATIONS: Final = "allocations"
"""Row whose `model` says how many of the kernel's frames were predicted."""
COLUMNS: Final = ("trace", "profile", "level", "what", "name", "kernel", "model")

Row = tuple[Any, ...]


def rows_of(level: Level) -> list[Row]:
    """The results of a level as rows: what, name, kernel's and model's number."""
    found: list[Row] = [("exact", ALLOCATIONS, level.allocations, level.pfn_exact)]
    found += [("number", k, b.kernel, b.model) for k, b in level.numbers.items()]
    found += [("flushes", k, b.kernel, b.model) for k, b in level.flushes.items()]
    found += [("put right", name, n, n) for name, n in level.resynchronised.items()]
    found += [("missed", name, n, 0) for name, n in level.missed.items()]
    return found


def profile_of(name: str) -> str:
    """The profile of the kernel that made a trace of this project."""
    return PROFILES["-".join(name.split("-")[:2])]


def rows_of_trace(path: Path, kernel: str) -> list[Row]:
    """The findings of both levels in a trace with the allocator of a kernel."""
    log = traces.read(path)
    found = compare(log, zoneinfo_beside(path), kernel)
    return [
        (path.stem, kernel, name, *row)
        for name, level in found.levels.items()
        for row in rows_of(level)
    ]


def tasks_of(docs: Path) -> list[tuple[Path, str]]:
    """Every trace with the profile of its own kernel, and with another."""
    paths = sorted((docs / "traces").glob("*.npz"))
    return [
        (path, kernel) for path in paths for kernel in (profile_of(path.stem), OTHER)
    ]


def over_traces(
    rows_of: Callable[[Path, str], list[Row]], docs: Path, columns: Sequence[str]
) -> Columns:
    """The rows of every trace and kernel of `tasks_of`, computed side by side."""
    tasks = tasks_of(docs)
    # compiled here, once for all processes
    found = [rows_of(*tasks[0])]
    # a fork of a process that has threads may hang
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found += pool.map(rows_of, *zip(*tasks[1:], strict=True))
    rows = [row for some in found for row in some]
    return {
        name: list(values)
        for name, values in zip(columns, zip(*rows, strict=True), strict=True)
    }


@study(
    "fidelity",
    what="The model's allocator beside the traced kernel's, by trace and level.",
    inputs=("traces/*.npz", "traces/*.zoneinfo.start"),
    given={name: strategies.sources(name) for name in strategies.COUNTED},
    apart=(strategies.REGISTRY,),
)
def fidelity(docs: Path) -> Columns:
    """Compare over every trace, with its own kernel's profile and with another."""
    return over_traces(rows_of_trace, docs, COLUMNS)
