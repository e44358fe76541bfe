# SPDX-License-Identifier: GPL-2.0-only
"""The work of strategies over several recordings of a build, for the bill.

Recordings of one machine differ in what a strategy has to do late in a build by more
than the strategies do. Here each recording has a row for each design: its counts in
the second half of the user allocations, read from the machine's boot. Like
`stock_runs` this grows with the folder of recordings, and rows of others stay.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from xpfo_model import traces
from xpfo_model.errors import XpfoModelError
from xpfo_model.machine import STARTS
from xpfo_model.studies.bill import BILLED, CAUSES, Design, Part, halves
from xpfo_model.studies.grown import grown
from xpfo_model.studies.own import evidence_of, facts_of
from xpfo_model.studies.stock_runs import SUFFIX, WORKERS, folder
from xpfo_model.studies.store import Columns, study

BUILD: Final = "cc-"
"""How the names of recordings of a build begin."""
BY_CAUSE: Final = ("flushes", "full")
"""Fields of `Part` that are counts by cause."""
PLAIN: Final = tuple(f.name for f in fields(Part) if f.name not in BY_CAUSE)

Row = dict[str, Any]


def recorded(path: Path, docs: Path) -> list[Row]:
    """A row for each design over a recording. Raises `TraceError`."""
    with TemporaryDirectory() as place, traces.open_trace(path) as trace:
        evidence = evidence_of(trace, Path(place), docs)
        facts = facts_of(evidence)
        rows = []
        for design in (Design(name, start) for name in BILLED for start in STARTS):
            warm = halves(evidence, facts.short, design).warm
            rows.append(
                {
                    "recording": path.name.removesuffix(SUFFIX),
                    "cpus": facts.cpus,
                    "sha256": facts.sha256,
                    "strategy": design.strategy,
                    "start": design.start,
                    **{name: getattr(warm, name) for name in PLAIN},
                    **{
                        f"{name}_{cause}": getattr(warm, name)[cause]
                        for name in BY_CAUSE
                        for cause in CAUSES
                    },
                }
            )
    return rows


def part_of(row: Row) -> Part:
    """The counts that a row was made of."""
    flushes, full = (
        {cause: int(row[f"{name}_{cause}"]) for cause in CAUSES} for name in BY_CAUSE
    )
    plain = {name: int(row[name]) for name in PLAIN}
    return Part(**plain, flushes=flushes, full=full)


def _all(paths: list[Path], docs: Path) -> Iterator[Row]:
    # compiled here, once for all processes; a fork of one with threads may hang
    yield from recorded(paths[0], docs)
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        for rows in pool.map(recorded, paths[1:], [docs] * (len(paths) - 1)):
            yield from rows


@study(
    "stock-bills",
    what="Work of strategies in the second half of recorded builds, several of each.",
    measured=True,
)
def stock_bills(docs: Path) -> Columns:
    """A row for each recording of a build from boot, and design."""
    recordings = folder(docs)
    paths = sorted(recordings.glob(f"{BUILD}*{SUFFIX}"))
    paths = [path for path in paths if not path.name.endswith(f"aged{SUFFIX}")]
    if not paths:
        raise XpfoModelError(
            "no recording of a build",
            file=str(recordings),
            remedy="record workloads/cc.sh with docs/traces/record-qemu.sh",
        )
    return grown("stock-bills", docs, list(_all(paths, docs)), recordings)
