# SPDX-License-Identifier: GPL-2.0-only
"""The contents of figures, as data: `figures` draws them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from xpfo_model.figures.forms import (
    Course,
    DirectMap,
    Dots,
    Dumbbells,
    Film,
    Flow,
    Matrix,
    Plane,
    Slopes,
    Streams,
)

_DIGITS = 3


def short(value: float) -> str:
    """A number in three digits, or in all before the point; 0 is nothing at all."""
    whole = f"{value:,.0f}"
    if not value or len(whole) >= _DIGITS:
        return whole
    return f"{value:#.{_DIGITS}g}"


@dataclass(frozen=True)
class Bar:
    """One labelled bar."""

    name: str
    """A strategy's name gives the bar its colour."""
    value: float
    text: str
    """What stands at its end."""
    kind: int | None = None
    """Of what is no strategy, the same for bars of one colour; else by their order."""


@dataclass(frozen=True)
class Bars:
    """Groups of horizontal bars, one group a trace."""

    title: str
    groups: Sequence[tuple[str, Sequence[Bar]]]
    unit: str
    log: bool = True

    @classmethod
    def by_trace(
        cls,
        title: str,
        rows: Iterable[Sequence[Any]],
        names: Iterable[str | tuple[str, str]],
        unit: str,
        *,
        text: Callable[[Any], str] = "{:,}".format,
        log: bool = True,
    ) -> Self:
        """A group for each row: its first cell is the heading, the next ones are bars.

        Parameters
        ----------
        names
            Of the bars, one for each cell after the first. A pair is a name and the
            text of its bar, a format of the row's cells such as ``"{2:,} flushes"``.
        text
            Writes the number of a bar whose name has no text.
        """
        bars = [(name, "") if isinstance(name, str) else name for name in names]
        groups = []
        for row in rows:
            group = [
                Bar(name, row[at], form.format(*row) if form else text(row[at]))
                for at, (name, form) in enumerate(bars, 1)
            ]
            groups.append((row[0], group))
        return cls(title, groups, unit, log)

    @classmethod
    def in_one(
        cls,
        title: str,
        heading: str,
        rows: Iterable[Sequence[Any]],
        unit: str,
        *,
        text: str = "{1:,}",
        log: bool = True,
    ) -> Self:
        """One group, a bar for each row: a name, a number, and cells for its text.

        `text` is a format of the row's cells.
        """
        group = [Bar(row[0], row[1], text.format(*row)) for row in rows]
        return cls(title, [(heading, group)], unit, log)


@dataclass(frozen=True)
class Shares:
    """One bar a row, divided into named parts that add up to the whole."""

    title: str
    rows: Sequence[tuple[str, Sequence[Bar]]]
    unit: str


@dataclass(frozen=True)
class Grid:
    """Calls from left to right, a row of cells for each strategy."""

    title: str
    steps: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    """Strategy, and a text per step; an empty cell is drawn empty."""
    loud: str
    """Cells whose text starts with this are filled."""


@dataclass(frozen=True)
class Range:
    """One labelled range; a point if its ends are equal."""

    name: str
    low: float
    high: float
    text: str
    """What stands at its end."""


@dataclass(frozen=True)
class Ranges:
    """Horizontal ranges from top to bottom, and a line that they are seen against."""

    title: str
    rows: Sequence[Range]
    unit: str
    line: float
    log: bool = False


@dataclass(frozen=True)
class Lines:
    """Quantities that grow in steps from left to right, a panel a trace."""

    title: str
    panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[tuple[float, float]]]]]]
    """Trace, then strategies with their points."""
    along: str
    """What is counted from left to right."""
    unit: str


@dataclass(frozen=True)
class Spot:
    """One point of a curve, with its interval."""

    tick: str
    """Of `Curves.ticks`."""
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curves:
    """What depends on one number, a line for each name."""

    title: str
    lines: Sequence[tuple[str, Sequence[Spot]]]
    """A strategy's name gives the line its colour."""
    ticks: Sequence[str]
    """From left to right, evenly."""
    along: str
    unit: str
    log: bool = True


@dataclass(frozen=True)
class Calls:
    """Who does what, one action a line from top to bottom, and how it ends."""

    title: str
    lanes: Sequence[str]
    steps: Sequence[tuple[int, str]]
    """Index of the lane, and what happens."""
    end: str


Chart = (
    Bars
    | Calls
    | Course
    | Curves
    | DirectMap
    | Dots
    | Dumbbells
    | Film
    | Flow
    | Grid
    | Lines
    | Matrix
    | Plane
    | Ranges
    | Shares
    | Slopes
    | Streams
)
