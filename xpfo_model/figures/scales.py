# SPDX-License-Identifier: GPL-2.0-only
"""From numbers to pixels: linear, logarithmic, and with a place for zero."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10, sqrt
from typing import Final, Protocol

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_MINOR_UP_TO: Final = 2.0
"""Decades up to which 2 and 5 have a tick as well."""
_ROOM: Final = 0.06
"""Of the axis, before and behind what it shows."""
_NEAR: Final = 0.04
"""Of a logarithmic axis: a tick that is so near before it is shown as well."""
_LEAST: Final = 1e-200
"""The least distance from zero at which a logarithm has all digits."""


class Scale(Protocol):
    """An axis."""

    def at(self, value: float) -> float:
        """The pixel of a value."""

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most so many values with their labels, in order."""


def written(value: float) -> str:
    """A number as an axis says it: 1,000, 2.5, 0.01, or 10M."""
    for size, unit in ((1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:g}{unit}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"  # noqa: PLR2004


@dataclass(frozen=True)
class Linear:
    """Equal steps are equally long."""

    low: float
    high: float
    start: float
    """Pixel of `low`."""
    end: float
    whole: bool = False
    """Whether all values are whole numbers."""

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most so many round values with their labels."""
        span = self.high - self.low
        magnitude: float = 10.0 ** floor(log10(span / max(most, 1)))
        for step in (magnitude * s for s in (*_STEPS, 20.0, 50.0)):
            if self.whole and step % 1:
                continue
            first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
            if last - first < most:
                values = [float(f"{n * step:.12g}") for n in range(first, last + 1)]
                return [(value, written(value)) for value in values]
        return [(self.low, written(self.low))]


@dataclass(frozen=True)
class Log:
    """Equal factors are equally long; zero may have a place before all of them."""

    low: float
    high: float
    start: float
    """Pixel of `low`, or of zero where it has a place."""
    end: float
    gap: float = 0.0
    """Pixels from zero to `low`; 0 if zero has no place."""

    def at(self, value: float) -> float:
        """The pixel of a value."""
        if value <= 0 and self.gap:
            return self.start
        first = self.start + self.gap
        share = log10(max(value, self.low) / self.low) / log10(self.high / self.low)
        return first + share * (self.end - first)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most so many powers of ten, or 1, 2 and 5 where they are few."""
        edge = 1 + 1e-9
        values = [
            value
            for value in _round(self.low, self.high)
            if self.low / edge <= value <= self.high * edge
        ]
        for firsts in ("15", "1"):
            kept = [v for v in values if f"{v:e}"[0] in firsts]
            if len(values) > most and len(kept) > 1:
                values = kept
        values = values[:: -(-len(values) // max(most, 1))] if values else values
        zero = [(0.0, "0")] if self.gap else []
        return zero + [(value, written(value)) for value in values]


def _round(low: float, high: float) -> list[float]:
    """Powers of ten from below `low` to above `high`, or 1, 2 and 5 of a few."""
    parts = (1, 2, 5) if log10(high / low) <= _MINOR_UP_TO else (1,)
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    return [float(f"{part}e{power}") for power in powers for part in parts]


def linear(
    values: Iterable[float], start: float, end: float, *, most: float | None = None
) -> Linear:
    """A linear scale from zero, or from what is below it, to the largest value.

    `most` bounds it where nothing can be more, such as 100%.
    """
    seen = [value for value in values if isfinite(value)]
    high, low = max(seen, default=1.0), min(0.0, min(seen, default=0.0))
    if high - low < _LEAST:
        high = low + 1.0
    room = (high - low) * _ROOM
    if most is not None and high <= most:
        room = min(room, most - high)
    whole = all(float(value).is_integer() for value in seen)
    return Linear(low - (room if low < 0 else 0), high + room, start, end, whole)


def log(values: Iterable[float], start: float, end: float, *, gap: float = 0) -> Log:
    """A logarithmic scale that holds all values; with a `gap` zero has a place.

    Raises `ValueError` for a value that has none.
    """
    seen = [value for value in values if isfinite(value)]
    if not gap and any(value <= 0 for value in seen):
        raise ValueError("a logarithm has no place for zero: give it a gap")
    more = [max(value, _LEAST) for value in seen if value > 0] or [1.0]
    low, high = min(more), max(more)
    if high < low * 10:
        middle = sqrt(low) * sqrt(high)
        low, high = min(low, middle / 3.2), max(high, middle * 3.2)
    room = (high / low) ** _ROOM
    low, high = low / room, high * room
    near = (high / low) ** _NEAR
    low = max(
        (tick for tick in _round(low, high) if low / near <= tick <= low), default=low
    )
    return Log(low, high, start, end, gap if min(seen, default=1) <= 0 else 0)


def apart(
    places: Sequence[float], sizes: float | Sequence[float], low: float, high: float
) -> list[float]:
    """Middles moved as little as needed, in squares, so that none covers another.

    `sizes` are the lengths of what stands there, or that of each of them. All stay in
    their order, and between `low` and `high` if there is room for them. Isotonic
    regression by pooling adjacent violators (Barlow and others, 1972).
    """
    long = [sizes] * len(places) if isinstance(sizes, int | float) else sizes
    order = sorted(range(len(places)), key=lambda i: places[i])
    shift, before = 0.0, 0.0
    shifts: list[float] = []  # of each from the first, where they stand side by side
    groups: list[tuple[float, int]] = []  # where its first would stand, and how many
    for i in order:
        shift += (before + long[i]) / 2
        before = long[i]
        shifts.append(shift)
        groups.append((places[i] - shift, 1))
        while len(groups) > 1 and groups[-1][0] < groups[-2][0]:
            (one, n), (other, k) = groups[-2:]
            groups[-2:] = [((one * n + other * k) / (n + k), n + k)]
    last = high - shift - before / 2
    result = [0.0] * len(places)
    first = [max(low, min(start, last)) for start, n in groups for _ in range(n)]
    for at, i in enumerate(order):
        result[i] = first[at] + shifts[at]
    return result
