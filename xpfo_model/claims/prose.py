# SPDX-License-Identifier: GPL-2.0-only
"""Numbers, ranges and lists in words, and tables with a column for each trace."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from xpfo_model import plural
from xpfo_model.claims.claim import Table
from xpfo_model.constants import PAGE_SIZE

Cell = int | float | str
Row = tuple[str, Callable[[str], Cell]]
"""A name, and its cell of a trace."""


count = plural.count


def counted(number: str, what: str, several: str = "") -> str:
    """The same of a number, or a range, that is written already."""
    return f"{number} {what if number == '1' else several or f'{what}s'}"


def size_of(frames: int) -> str:
    """Memory in words."""
    mebibytes = frames * PAGE_SIZE >> 20
    for unit, size in (("TiB", 1 << 20), ("GiB", 1 << 10)):
        if mebibytes >= size:
            return f"{mebibytes // size} {unit}"
    return f"{mebibytes} MiB"


def listing(parts: list[str]) -> str:
    """Parts in a row: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def two_digits(number: float) -> str:
    """A number in its two leading digits: 25, 1.4, 0.03, 1,200.

    One recording of each trace allows no more.
    """
    if not number:
        return "0"
    rounded = float(f"{number:.1e}")
    places = 1 - math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{max(places, 0)}f}"


def spread(numbers: Iterable[float], form: str | Callable[[float], str]) -> str:
    """A range in words, "9.3 to 17.1"; one number where both ends read the same.

    `form` is a format specification, or writes a number.
    """
    some = list(numbers)
    ends = [
        format(end, form) if isinstance(form, str) else form(end)
        for end in (min(some), max(some))
    ]
    return " to ".join(dict.fromkeys(ends))


def each(names: Iterable[str], cell: Callable[[str, str], Cell]) -> list[Row]:
    """Rows of one kind: of every name, `cell` of it and a trace."""
    return [(name, partial(cell, name)) for name in names]


def by_trace(head: str, traces: Sequence[str], rows: Iterable[Row]) -> Table:
    """A table with a column for each trace."""
    return Table(
        (head, *traces),
        tuple((name, *(cell(trace) for trace in traces)) for name, cell in rows),
    )
