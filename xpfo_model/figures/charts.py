# SPDX-License-Identifier: GPL-2.0-only
"""The contents of figures, as data: `figures` draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """A labelled bar."""

    name: str
    """A strategy's name gives the bar its colour."""
    value: float
    text: str
    """The text at its end."""
    kind: int | None = None
    """Of what is no strategy, the same for bars of one colour; else by their order."""


@dataclass(frozen=True)
class Shares:
    """A bar a row, divided into named parts that add up to the whole."""

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
    """A labelled range; a point if its ends are equal."""

    name: str
    low: float
    high: float
    text: str
    """The text at its end."""


@dataclass(frozen=True)
class Ranges:
    """Horizontal ranges from top to bottom."""

    title: str
    rows: Sequence[Range]
    unit: str
    line: float | None = None
    """A value that all are seen against."""
    line_name: str = ""
    log: bool = False


@dataclass(frozen=True)
class Spot:
    """A point of a curve, with its interval."""

    tick: str
    """Of `Curves.ticks`."""
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curves:
    """Quantities that depend on one number, a line for each name."""

    title: str
    lines: Sequence[tuple[str, Sequence[Spot]]]
    """A strategy's name gives the line its colour."""
    ticks: Sequence[str]
    """From left to right, evenly."""
    along: str
    unit: str
    log: bool = True


Chart = (
    Course
    | Curves
    | DirectMap
    | Dots
    | Dumbbells
    | Film
    | Flow
    | Grid
    | Matrix
    | Plane
    | Ranges
    | Shares
    | Slopes
    | Streams
)
