# SPDX-License-Identifier: GPL-2.0-only
"""The work of strategies over several recordings of a build, for the bill.

Recordings of one machine differ in what a strategy has to do late in a build by more
than the strategies do. Here each recording has a row for each design: its counts in
the second half of the user allocations, read from the machine's boot. Like
`stock_runs` this grows with the folder of recordings, and rows of others stay.
"""

from dataclasses import fields
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from xpfo_model import traces
from xpfo_model.errors import XpfoModelError
from xpfo_model.machine import STARTS
from xpfo_model.studies.bill import BILLED, CAUSES, Design, Part, halves
from xpfo_model.studies.grown import grown
from xpfo_model.studies.own import evidence_of, facts_of
from xpfo_model.studies.stock_runs import SUFFIX, folder, over, provenance
from xpfo_model.studies.store import Columns, study

BUILD: Final = "cc"
"""The workload that is a build."""
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


def is_build(path: Path) -> bool:
    """Whether a recording is of a build, from its machine's boot."""
    about = provenance(path)
    return Path(about["workload"]).stem == BUILD and "aged" not in about


@study(
    "stock-bills",
    what="Work of strategies in the second half of recorded builds, several of each.",
    measured=True,
)
def stock_bills(docs: Path) -> Columns:
    """A row for each recording of a build from boot, and design."""
    recordings = folder(docs)
    paths = [path for path in sorted(recordings.glob(f"*{SUFFIX}")) if is_build(path)]
    if not paths:
        raise XpfoModelError(
            "no recording of a build",
            file=str(recordings),
            remedy="record workloads/cc.sh with docs/traces/record-qemu.sh",
        )
    rows = chain.from_iterable(over(paths, partial(recorded, docs=docs)))
    return grown("stock-bills", docs, list(rows), recordings)
