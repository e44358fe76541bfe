# SPDX-License-Identifier: GPL-2.0-only
"""Kept rows of recordings, to which a folder of new recordings adds."""

from pathlib import Path
from typing import Any

from xpfo_model.errors import XpfoModelError
from xpfo_model.studies.store import REGISTRY, Columns, Study, load, place


def grown(
    name: str, docs: Path, rows: list[dict[str, Any]], recordings: Path
) -> Columns:
    """New rows of a study, and the kept ones of other recordings, by recording.

    Parameters
    ----------
    name
        Of the study.
    docs
        The folder docs/ that keeps its rows.
    rows
        What the recordings show; each names its ``recording``.
    recordings
        The folder that they are of.

    Raises `XpfoModelError` if a kept row is of other patches or has other columns.
    """
    item, new = REGISTRY[name], {row["recording"] for row in rows}
    every = [*rows]
    if place(item, docs).exists():
        kept = load(item, docs)
        if rows and list(kept) != list(rows[0]):
            raise _other(item, docs, "other columns")
        every += [
            row
            for values in zip(*kept.values(), strict=True)
            if (row := dict(zip(kept, values, strict=True)))["recording"] not in new
        ]
    if len({row.get("series_sha256") for row in every}) > 1:
        raise _other(item, docs, "another series of patches")
    if not every:
        raise XpfoModelError(
            f"no recording has a row of {name}",
            file=str(recordings),
            remedy="record the workload that it is of; docs/kernel/workloads has all",
        )
    every.sort(key=lambda row: str(row["recording"]))
    return {column: [row[column] for row in every] for column in every[0]}


def _other(item: Study, docs: Path, what: str) -> XpfoModelError:
    return XpfoModelError(
        f"the rows that are kept have {what}",
        file=str(place(item, docs)),
        remedy="remove the file, to keep the recordings of the folder alone",
    )
