# SPDX-License-Identifier: GPL-2.0-only
"""The study of how far the allocator drifts that nobody puts right.

And once more with the allocator of another kernel, which must drift further.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np

from xpfo_model import strategies, traces
from xpfo_model.fidelity.beside import zoneinfo_beside
from xpfo_model.fidelity.free_run import free_run
from xpfo_model.replay import Counts, replay
from xpfo_model.replay.quarters import QUARTERS
from xpfo_model.studies.fidelity import ALLOCATIONS, over_traces
from xpfo_model.studies.store import Columns, study

EXACT: Final = "exact"
FLUSHES: Final = "flushes"
LEFT_OUT: Final = "left out"
"""Operations on pages that no event names, of all operations."""
COLUMNS: Final = ("trace", "profile", "quarter", "what", "name", "kernel", "model")

Row = tuple[Any, ...]


def rows_of_run(path: Path, kernel: str) -> list[Row]:
    """A free run of the allocator of a kernel over a trace, quarter by quarter."""
    zoneinfo = zoneinfo_beside(path)
    assert zoneinfo is not None
    found = free_run(traces.read(path), zoneinfo, kernel)
    real, ours = (
        replay(log, strategies.SHOWN).strategies for log in (found.kernel, found.model)
    )
    rows: list[Row] = [(0, LEFT_OUT, "operations", found.operations, found.left_out)]
    for quarter, exact in enumerate(np.array_split(found.exact, QUARTERS), start=1):
        rows.append(
            (quarter, EXACT, ALLOCATIONS, len(exact), int(np.count_nonzero(exact)))
        )
        rows += [
            (quarter, FLUSHES, name, *(_in(c[name], quarter) for c in (real, ours)))
            for name in real
        ]
    return [(path.stem, kernel, *row) for row in rows]


def _in(counts: Counts, quarter: int) -> int:
    return sum(counts.quarters[quarter - 1].values())


@study(
    "drift",
    what="The model's allocator left to itself beside the traced kernel's, by quarter.",
    inputs=("traces/*.npz", "traces/*.zoneinfo.start"),
    given={name: strategies.sources(name) for name in strategies.SHOWN},
    apart=(strategies.REGISTRY,),
)
def drift(docs: Path) -> Columns:
    """A free run over every trace, with its own kernel's profile and with another."""
    return over_traces(rows_of_run, docs, COLUMNS)
