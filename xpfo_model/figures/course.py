# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.Course` and `forms.Streams`: what happens along a trace."""

from collections.abc import Mapping, Sequence
from typing import Final

from xpfo_model.figures import axes
from xpfo_model.figures.forms import Course, Streams, Tick
from xpfo_model.figures.paper import Page, Paper, width_of
from xpfo_model.figures.scales import apart, linear, written
from xpfo_model.figures.themes import CAUSE

_PANEL: Final = 96.0
_LABEL: Final = 14.0
_TICKS_UP: Final = 3
_ORDINALS: Final = ("first", "second", "third", "last")
_LANE: Final = 22.0
_ACROSS: Final = 280.0
"""Pixels that a panel is at least wide where several stand side by side."""

Points = Sequence[tuple[float, float]]


def course(chart: Course, page: Page) -> Paper:
    """A panel a trace: lines that add up, told at their ends, and parts of the way."""
    paper = Paper(page)
    y = paper.title(chart.title)
    y = axes.heading(paper, y, chart.unit)
    names = list(dict.fromkeys(name for _, lines in chart.panels for name, _ in lines))
    signs = {n: axes.sign_of(n, at) for at, n in enumerate(names)}
    y = axes.key(paper, y, list(signs.values()), lines=True)
    across = max(1, min(len(chart.panels), int(page.width // _ACROSS)))
    width = page.width / across
    for first in range(0, len(chart.panels), across):
        row = chart.panels[first : first + across]
        for column, (heading, lines) in enumerate(row):
            start = column * width
            _panel(paper, chart, heading, lines, signs, start, start + width - 10, y)
        y += 24 + _PANEL + 26
    return paper.finish(axes.below(paper, y + 6, chart.along))


def _panel(
    paper: Paper, chart: Course, heading: str, lines: Sequence[tuple[str, Points]],
    signs: dict[str, axes.Sign], start: float, end: float, y: float,
) -> None:  # fmt: skip
    paper.text((start, y + 13), heading, bold=True)
    top, bottom = y + 24, y + 24 + _PANEL
    most = max((points[-1][1] for _, points in lines), default=1.0)
    scale = linear([most], bottom, top)
    told = [f"{points[-1][1]:,.0f}" for _, points in lines]
    left = start + axes.room_up(scale, _TICKS_UP)
    right = end - max(width_of(text, axes.TICK) for text in told) - 8
    last = max(points[-1][0] for _, points in lines)
    place = linear([last], left, left + (right - left) * 1.06)
    axes.up(paper, scale, left, right, most=_TICKS_UP)
    for part in range(1, chart.parts):
        x = left + (right - left) * part / chart.parts
        paper.line([(x, top), (x, bottom + 4)], paper.theme["axis"], dash=(2, 2))
    if chart.parts == len(_ORDINALS):
        places = {
            word: left + (right - left) * (at + 0.5) / chart.parts
            for at, word in enumerate(_ORDINALS)
        }
        axes.names_along(paper, places, bottom + 15)
    for name, points in lines:
        path = [(left, bottom)]
        for along, value in points:
            path.append((place.at(along), scale.at(value)))
        sign = signs[name]
        paper.line(_thin(path), sign.colour, width=2, dash=sign.dash)
    ends = [scale.at(points[-1][1]) for _, points in lines]
    half = _LABEL / 2
    spread = apart(ends, _LABEL, top - half, bottom + half)
    for text, at in zip(told, spread, strict=True):
        paper.text((right + 6, at), text, size=axes.TICK, middle=True)


def _thin(path: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same way without points that lie on a level line."""
    kept = [path[0]]
    for at in range(1, len(path) - 1):
        level = abs(path[at - 1][1] - path[at][1]) + abs(path[at + 1][1] - path[at][1])
        if level > 0.05:  # noqa: PLR2004 - a twentieth of a pixel
            kept.append(path[at])
    return [*kept, path[-1]]


def streams(chart: Streams, page: Page) -> Paper:
    """A panel a trace: a row of ticks for each who, coloured by cause."""
    paper = Paper(page)
    y = paper.title(chart.title)
    causes = [
        cause
        for cause in CAUSE
        if any(
            tick.cause == cause
            for _, rows in chart.panels
            for some in rows.values()
            for tick in some
        )
    ]
    x = 0.0
    for cause in causes:
        paper.rectangle(x, y + 1, 3, 12, fill=paper.theme[CAUSE[cause]])
        box = paper.text((x + 8, y + 7), cause, middle=True)
        x = box.right + 16
    y += 24
    heads = max(width_of(who, page.body) for _, rows in chart.panels for who in rows)
    for heading, rows in chart.panels:
        y = _two(paper, chart, heading, rows, heads + 10, y)
    return paper.finish(axes.below(paper, y + 8, chart.along))


def _two(
    paper: Paper, chart: Streams, heading: str, rows: Mapping[str, Sequence[Tick]],
    left: float, y: float,
) -> float:  # fmt: skip
    paper.text((0, y + 13), heading, bold=True)
    first = chart.difference.get(heading)
    y += 20
    times = [tick.time for some in rows.values() for tick in some]
    low, high = min(times, default=0.0), max(times, default=1.0)
    span = (high - low) or 1.0
    right = paper.width - 2

    def at(time: float) -> float:
        return left + (right - left) * (time - low) / span

    for who, some in rows.items():
        paper.text((0, y + _LANE / 2), who, middle=True)
        for cause, role in CAUSE.items():
            # a pixel has room for one tick of a cause
            places = {round(2 * at(t.time)) / 2 for t in some if t.cause == cause}
            ticks = [[(x, y + 2), (x, y + _LANE - 2)] for x in sorted(places)]
            paper.lines(ticks, paper.theme[role], width=0.8)
        y += _LANE
    if first is not None:
        x = at(first)
        paper.line(
            [(x, y - 2 * _LANE - 2), (x, y + 4)], paper.theme["exposed"], width=1.5
        )
        said = f"first difference at {written(round(first, 3))}"
        half = width_of(said, axes.TICK) / 2
        place = min(max(x, half), paper.width - half)
        paper.text((place, y + 14), said, size=axes.TICK, align="center")
        y += 14
    return y + 10
