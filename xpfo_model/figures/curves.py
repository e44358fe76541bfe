# SPDX-License-Identifier: GPL-2.0-only
"""Draw `charts.Curves`: what depends on a number, with intervals."""

from collections.abc import Sequence
from math import floor, log10
from typing import Any, Final

from matplotlib.figure import Figure

from xpfo_model.figures.charts import Curves, Spot, short
from xpfo_model.figures.themes import Theme, colour_of

SIZE: Final = (6.4, 4.2)
"""Inches."""
ROOM_FOR_LABELS: Final = 1.32
"""The axis is so many times as wide as the points."""
LINE_OF_TEXT: Final = 0.055
"""Of the height."""
LINEAR_BELOW: Final = 0.01
"""A logarithm has no place for zero: below this the axis is linear, or from the
power of ten below the least value on."""
HEADROOM: Final = 2
"""The logarithmic axis ends at so many times the largest value."""
MARKS: Final = ("o", "s", "^", "D", "v", "P", "X")
"""So that colours are not all that tells lines apart."""


def curves(chart: Curves, theme: Theme) -> Figure:
    """Each line through its points, labelled at its end."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    ends = []
    for number, (name, spots) in enumerate(chart.lines):
        places = [_place(chart, spot) for spot in spots]
        middle = [spot.value for spot in spots]
        low = [spot.value - spot.low for spot in spots]
        high = [spot.high - spot.value for spot in spots]
        axes.errorbar(
            places,
            middle,
            yerr=(low, high),
            color=colour_of(name, number, theme),
            marker=MARKS[number % len(MARKS)],
            markersize=4,
            linewidth=1.5,
            elinewidth=1,
            capsize=2,
        )
        ends.append((middle[-1], name, short(middle[-1])))
    last = len(chart.ticks) - 1
    axes.set_xlim(-0.3, last * ROOM_FOR_LABELS)
    axes.set_xticks(range(len(chart.ticks)), chart.ticks)
    axes.set_ylim(bottom=0)
    if chart.log:
        seen = [value for _, spots in chart.lines for value in _extent(spots)]
        least = min((value for value in seen if value > 0), default=1.0)
        linear = max(LINEAR_BELOW, 10.0 ** floor(log10(least)))
        axes.set_yscale("symlog", linthresh=linear)
        axes.yaxis.set_major_formatter("{x:,g}")
        axes.set_ylim(0, HEADROOM * max(*seen, linear))
    axes.grid(axis="y", linewidth=0.5)
    axes.set_xlabel(chart.along)
    axes.set_ylabel(chart.unit)
    _label(axes, ends, last)
    figure.suptitle(chart.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _extent(spots: Sequence[Spot]) -> list[float]:
    return [value for spot in spots for value in (spot.low, spot.value, spot.high)]


def _place(chart: Curves, spot: Spot) -> int:
    return list(chart.ticks).index(spot.tick)


def _label(axes: Any, ends: list[tuple[float, str, str]], last: int) -> None:
    """Each line's name and last value beside its end, never one upon another."""
    to_axes = axes.transData + axes.transAxes.inverted()
    above = 2.0
    for value, name, text in sorted(ends, reverse=True):
        height = to_axes.transform((last, value))[1]
        place = above = min(height, above - LINE_OF_TEXT)
        axes.annotate(
            f"{name} {text}",
            xy=(last, value),
            xytext=(last + 0.18, place),
            textcoords=axes.get_xaxis_transform(),
            va="center",
            fontsize=8.5,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0},
        )
