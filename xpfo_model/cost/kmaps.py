# SPDX-License-Identifier: GPL-2.0-only
"""How often the kernel maps a user's page, as kernels that run XPFO have counted.

v6 to v9 flush at the last kunmap of each such access. docs/data/kernel-kmaps.csv holds
the counts; its head says where they come from.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xpfo_model.errors import XpfoModelError

FILE: Final = "kernel-kmaps.csv"
"""In docs/data."""
COLUMNS: Final = (
    "recording",
    "load",
    "like",
    "cpus",
    "user_allocations",
    "touched",
    "caller",
    "pairs",
)
ZEROING: Final = "zeroing"
"""The caller that zeroes a new page."""
REMEDY: Final = f"columns are {','.join(COLUMNS)}; the head of the file says more"


@dataclass(frozen=True)
class Kmaps:
    """The accesses in a recording of a kernel that runs XPFO."""

    recording: str
    load: str
    """The script that ran."""
    like: str
    """The load that it stands for: build, reclaim."""
    cpus: int
    user_allocations: int | None
    """None where it was not kept."""
    touched: int | None
    """User allocations of whose page the kernel made at least one access; None where
    it was not kept."""
    pairs: dict[str, int]
    """Accesses by caller: pairs of kmap and kunmap."""

    @property
    def total(self) -> int:
        """Accesses of all callers."""
        return sum(self.pairs.values())

    @property
    def per_allocation(self) -> float | None:
        """Accesses for each user allocation; None without a count of those."""
        return self.total / self.user_allocations if self.user_allocations else None


def read(path: Path) -> tuple[Kmaps, ...]:
    """The recordings of a file, in its order.

    Raises `XpfoModelError` with file and line for what is no count of kmaps.
    """
    if not path.is_file():
        raise XpfoModelError(
            "no counts of kmaps", file=str(path), remedy=f"docs/data holds {FILE}"
        )
    found: dict[str, Kmaps] = {}
    lines = path.read_text().splitlines()
    rows = [(n, line) for n, line in enumerate(lines, 1) if line[:1] not in {"", "#"}]
    table = list(csv.reader(line for _, line in rows))
    if not table or tuple(table[0]) != COLUMNS:
        raise XpfoModelError("no counts of kmaps", file=str(path), remedy=REMEDY)
    for (number, _), cells in zip(rows[1:], table[1:], strict=True):
        try:
            one = _row(cells, found)
        except ValueError as error:
            raise XpfoModelError(
                str(error), file=str(path), line=number, remedy=REMEDY
            ) from None
        found[one.recording] = one
    return tuple(found.values())


def _row(cells: list[str], found: dict[str, Kmaps]) -> Kmaps:
    """The recording of a row, with the row's caller. Raises `ValueError`."""
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells, not {len(COLUMNS)}")
    recording, load, like, *numbers, caller, pairs = cells
    cpus, users, touched = (_count(text) for text in numbers)
    count = _count(pairs)
    if cpus is None or count is None:
        raise ValueError("no number of cpus or pairs")
    if users == 0:
        raise ValueError("no user allocation")
    if touched is not None and (users is None or touched > users):
        raise ValueError("more pages touched than allocated")
    known = found.get(recording)
    facts = (recording, load, like, cpus, users, touched)
    earlier = known.pairs if known else {}
    if caller in earlier:
        raise ValueError(f"{caller} of {recording} twice")
    one = Kmaps(*facts, pairs=earlier | {caller: count})
    if known and one != Kmaps(**vars(known) | {"pairs": one.pairs}):
        raise ValueError(f"the rows of {recording} disagree about it")
    return one


def _count(text: str) -> int | None:
    """A count, None for an empty cell. Raises `ValueError`."""
    if not text:
        return None
    if not text.isdecimal():
        raise ValueError(f"no count: {text!r}")
    return int(text)


def like(load: str, recordings: tuple[Kmaps, ...]) -> tuple[Kmaps, ...]:
    """The recordings with a count for each user allocation that stand for a load."""
    return tuple(one for one in recordings if one.like == load and one.user_allocations)
