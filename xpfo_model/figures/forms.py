# SPDX-License-Identifier: GPL-2.0-only
"""Forms of figures as data, each for one kind of question; `figures` draws them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from xpfo_model.checker.film import Scene


@dataclass(frozen=True)
class Dot:
    """A labelled value, with an interval where there is one."""

    name: str
    """A strategy's name gives the dot its colour."""
    value: float
    text: str
    """Stands beside it."""
    low: float | None = None
    high: float | None = None
    all: Sequence[float] = ()
    """Values of single recordings or seeds, drawn small."""
    kind: int = 0
    """Of what is no strategy: dots of one kind look alike."""
    bare: bool = False
    """Whether only its interval is drawn: nothing says what is likely in it."""


@dataclass(frozen=True)
class Dots:
    """Rows of dots in groups: how much, of whom, and how sure."""

    title: str
    groups: Sequence[tuple[str, Sequence[Dot]]]
    unit: str
    log: bool = False
    line: float | None = None
    """A value that all are seen against."""
    line_name: str = ""
    most: float | None = None
    """The axis does not go beyond, such as 100 of a percentage."""

    @classmethod
    def of(
        cls,
        title: str,
        rows: Iterable[Sequence[Any]],
        unit: str,
        *,
        text: str = "{1:,}",
        heading: str = "",
        **how: Any,
    ) -> Self:
        """A dot for each row: a name, a number, and cells for its text.

        `text` is a format of the row's cells; `how` are other fields.
        """
        some = [Dot(row[0], row[1], text.format(*row)) for row in rows]
        return cls(title, [(heading, some)], unit, **how)


@dataclass(frozen=True)
class Dumbbells:
    """A row each, with two or three readings on it and a line between them."""

    title: str
    rows: Sequence[tuple[str, Sequence[Dot]]]
    """Heading, then the readings under the same names in each row."""
    unit: str
    log: bool = False
    line: float | None = None
    line_name: str = ""
    most: float | None = None
    gains: Sequence[str] = ()
    """The text at the end of each row."""

    @classmethod
    def by_trace(
        cls,
        title: str,
        rows: Iterable[Sequence[Any]],
        names: Iterable[str],
        unit: str,
        *,
        text: Callable[[Any], str] = "{:,}".format,
        gain: str = "",
        **how: Any,
    ) -> Self:
        """A row for each of `rows`: its first cell is the heading, the next are dots.

        Parameters
        ----------
        names
            Of the dots, one for each cell after the first.
        text
            Writes the number of a dot.
        gain
            A format of the row's cells for the end of the row.
        """
        rows = list(rows)
        names = list(names)
        bells = [
            (
                str(row[0]),
                [Dot(n, v, text(v)) for n, v in zip(names, row[1:], strict=False)],
            )
            for row in rows
        ]
        gains = [gain.format(*row) for row in rows] if gain else []
        return cls(title, bells, unit, gains=gains, **how)


@dataclass(frozen=True)
class Slopes:
    """Small multiples of lines from one reading to the next."""

    title: str
    ticks: Sequence[str]
    """Readings, from left to right."""
    panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[float]]]]]
    """Heading, then names with a value for each reading."""
    unit: str
    log: bool = False
    line: float | None = None
    line_name: str = ""


@dataclass(frozen=True)
class Course:
    """Quantities that add up from left to right, a panel a trace."""

    title: str
    panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[tuple[float, float]]]]]]
    """Trace, then strategies with their points, from the left to the end."""
    along: str
    unit: str
    parts: int = 4
    """Equal parts of the way that are marked, and told apart."""


@dataclass(frozen=True)
class Flow:
    """Where things come from, as bands that run together: a row a trace."""

    title: str
    rows: Sequence[tuple[str, Mapping[str, int]]]
    """Trace, then a number for each of the sources: nobody, kernel, user."""
    target: str
    words: Mapping[str, str] = field(default_factory=dict)
    """The name of a source."""


@dataclass(frozen=True)
class Place:
    """A point of a plane."""

    name: str
    x: float
    y: float
    text: str = ""
    """In place of its name, which a key then tells."""
    low: float | None = None
    high: float | None = None
    """The interval that `x` is in, where it is not known."""


@dataclass(frozen=True)
class Plane:
    """Two quantities against each other."""

    title: str
    places: Sequence[Place]
    along: str
    up: str
    log_along: bool = True
    log_up: bool = True
    diagonal: str = ""
    """Names the line on which both are equal, if it is drawn."""
    good: str = ""
    """Names the corner of little of both, if there is a good one."""
    crowded: bool = False
    """Whether a place for whose name there is no room goes without it."""


@dataclass(frozen=True)
class DirectMap:
    """The direct map in pictures: a row a pageblock, a colour a state of its frames."""

    title: str
    panels: Sequence[tuple[str, Any]]
    """Heading, and an array of uint8: an index of `states` for each pixel, or of
    shape (rows, columns, states) with the share of each."""
    states: Sequence[tuple[str, str]]
    """Role of the colour, and name."""
    along: str
    down: str
    ends: tuple[str, str] = ("", "")
    """Of the axis along: first and last."""


@dataclass(frozen=True)
class Tick:
    """An event on a line of time."""

    time: float
    cause: str


@dataclass(frozen=True)
class Streams:
    """Two streams of events above each other, a panel a trace."""

    title: str
    panels: Sequence[tuple[str, Mapping[str, Sequence[Tick]]]]
    """Trace, then who with his events: kernel and model."""
    along: str
    difference: Mapping[str, float] = field(default_factory=dict)
    """By trace: the time of the first event that differs."""


@dataclass(frozen=True)
class Film:
    """Scenes from top to bottom: CPUs, lists and TLBs, and how it ends."""

    title: str
    scenes: Sequence[Scene]
    end: str
    """The invariant that is violated, or how it ends well."""
    well: bool = False


@dataclass(frozen=True)
class Matrix:
    """A table of verdicts: rows against columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    """Name, and of each column an empty text, or what is wrong there."""
    good: str
    bad: str
    open: Mapping[str, str] = field(default_factory=dict)
    """Rows that are not decided to the end, and why."""
