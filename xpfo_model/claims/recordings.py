# SPDX-License-Identifier: GPL-2.0-only
"""The kept rows of recordings of kernels that run XPFO, as claims use them."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, stdev
from typing import Any, Final

from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count
from xpfo_model.errors import CannotJudgeError
from xpfo_model.studies.kernel_runs import CAUSES, kernel_runs

Row = dict[str, Any]

STOCK: Final = "none"
SHORT: Final = "reclaim"
"""The workload that is short of memory."""
WORKLOADS: Final = ("mix", "pipes", SHORT)
"""Those that are recorded under every strategy; the others try one thing each."""
AHEAD: Final = ("alloc", "refill", "block", "migrate")
"""Causes of flushes other than the kernel's own access."""
PERCENT: Final = 100


def rows(evidence: Inputs, study: Any = kernel_runs) -> list[Row]:
    """The kept rows of a study of recordings."""
    columns = evidence.kept(study)
    return [
        dict(zip(columns, values, strict=True))
        for values in zip(*columns.values(), strict=True)
    ]


def runs(evidence: Inputs, wanted: Callable[[Row], bool] | None = None) -> list[Row]:
    """Recordings that a claim is about, without those that let CPUs try to read.

    Raises `CannotJudgeError` if there is none.
    """
    found = [
        row
        for row in rows(evidence)
        if not row["verify"] and (wanted is None or wanted(row))
    ]
    if not found:
        raise CannotJudgeError("no such recording of a kernel that runs XPFO", [])
    return found


def matrix(evidence: Inputs, wanted: Callable[[Row], bool]) -> list[Row]:
    """Recordings of `WORKLOADS` alone. Raises `CannotJudgeError` if there is none."""
    return runs(evidence, lambda row: row["workload"] in WORKLOADS and wanted(row))


def grouped(found: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    """Recordings that are the same in these columns, in the order of the first."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in found:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return groups


def mean_flushed(found: Iterable[Row], causes: Sequence[str] = CAUSES) -> int:
    """Flushes of the kernel, the mean of recordings, rounded."""
    return round(fmean(flushed(row, causes) for row in found))


def mean_and_sd(numbers: Sequence[float]) -> tuple[str, str]:
    """Columns of a table; a single number has no deviation."""
    deviation = f"{stdev(numbers):,.0f}" if len(numbers) > 1 else "-"
    return f"{fmean(numbers):,.0f}", deviation


def flushed(row: Row, causes: Sequence[str] = CAUSES, side: str = "kernel") -> int:
    """Flushes of a recording, by the kernel or by the model."""
    return sum(row[f"{side}_{cause}"] for cause in causes)


def label(row: Row) -> str:
    """A recording in words."""
    unmapped = ", starts unmapped" if row["start"] == "unmapped" else ""
    return f"{row['workload']}, {count(row['cpus'], 'CPU')}{unmapped}"
