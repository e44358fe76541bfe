# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.Plane`: two quantities against each other, every point told by name."""

from collections.abc import Iterator, Sequence
from math import cos, hypot, pi, sin
from typing import Final

from xpfo_model.figures import axes
from xpfo_model.figures.forms import Place, Plane
from xpfo_model.figures.paper import Box, Page, Paper, Point, width_of
from xpfo_model.figures.scales import Scale, linear, log

_HEIGHT: Final = {"wide": 330.0, "narrow": 300.0}
_GAP: Final = 24.0
_DOT: Final = 10.0
_RINGS: Final = (10.0, 18.0, 28.0, 40.0, 54.0, 70.0)
"""Distances at which the place of a name is looked for."""
_FAR: Final = tuple(70.0 + 22.0 * n for n in range(1, 24))
"""Those beyond, to the edges of the sheet, of a name that must not be left out."""
_DIRECTIONS: Final = (0, 4, 1, 15, 3, 5, 12, 8, 2, 14, 6, 10, 7, 9, 11, 13)
"""Sixteenths of a turn, those that read best first."""
_STEEP: Final = 0.3
"""Below this cosine a name is above or below its point, not beside it."""
_LEADER: Final = 15.0
"""From this distance on a line leads from the name to its point."""


def plane(chart: Plane, page: Page) -> Paper:
    """Dots with their names beside them, nowhere one upon another."""
    paper = Paper(page)
    y = paper.title(chart.title)
    names = list(dict.fromkeys(place.name for place in chart.places))
    signs = {name: axes.sign_of(name, at) for at, name in enumerate(names)}
    if any(place.text for place in chart.places):
        y = axes.key(paper, y, list(signs.values()))
    y = axes.heading(paper, y, chart.up)
    top, bottom = y + 8, y + 8 + _HEIGHT[page.name]
    rise = _scale([s.y for s in chart.places], bottom, top, -_GAP, is_log=chart.log_up)
    left = axes.room_up(rise, 7)
    right = page.width - 10
    seen = [v for p in chart.places for v in (p.x, p.low, p.high) if v is not None]
    run = _scale(seen, left + 8, right, _GAP, is_log=chart.log_along)
    axes.up(paper, rise, left, page.width, most=7)
    foot = axes.along(
        paper, run, top, bottom + 6, chart.along, start=left + 8, end=right
    )
    if chart.diagonal:
        _diagonal(paper, chart, run, rise)
    at = {place: (run.at(place.x), rise.at(place.y)) for place in chart.places}
    obstacles = [_around(point) for point in at.values()]
    for place, point in at.items():
        sign = signs[place.name]
        if place.low is not None and place.high is not None:
            ends = [(run.at(value), point[1]) for value in (place.low, place.high)]
            obstacles.append(_along(*ends))
            paper.line(ends, sign.colour, width=1.6)
        paper.dots([point], sign.colour, sign.marker, size=_DOT, hollow=sign.hollow)
    # who has least room chooses first
    told = sorted(
        chart.places,
        key=lambda place: _crowd(at[place], list(at.values())),
        reverse=True,
    )
    for place in told:
        _name(
            paper,
            place,
            at[place],
            obstacles,
            (left, top, bottom),
            crowded=chart.crowded,
        )
    if chart.good:
        _corner(paper, f"↙ {chart.good}", obstacles, left + 6, bottom)
    return paper.finish(foot + 2)


def _scale(
    values: Sequence[float], start: float, end: float, gap: float, *, is_log: bool
) -> Scale:
    return log(values, start, end, gap=gap) if is_log else linear(values, start, end)


def _around(point: Point) -> Box:
    x, y = point
    half = _DOT / 2
    return Box("", x - half, y - half, x + half, y + half, _DOT)


def _along(start: Point, end: Point) -> Box:
    """The room of an interval's line."""
    return Box("", start[0], start[1] - 2, end[0], end[1] + 2, _DOT)


def _crowd(point: Point, others: Sequence[Point]) -> float:
    """How near the others are."""
    x, y = point
    return sum(1 / (8 + hypot(x - a, y - b)) for a, b in others)


def _places(
    text: str, point: Point, paper: Paper, rings: Sequence[float]
) -> Iterator[tuple[float, float, float]]:
    """Where a text's left end and middle can be, nearest first, with the distance."""
    width = width_of(text, paper.page.body)
    for ring in rings:
        for direction in _DIRECTIONS:
            turn = 2 * pi * direction / 16
            x = point[0] + ring * cos(turn)
            y = point[1] - 0.8 * ring * sin(turn)
            aside = cos(turn)
            shift = width / 2 if abs(aside) < _STEEP else width * (aside < 0)
            yield x - shift, y, ring


def _name(
    paper: Paper, place: Place, point: Point, obstacles: Sequence[Box],
    room: tuple[float, float, float], *, crowded: bool,
) -> None:  # fmt: skip
    left, top, bottom = room
    text = place.text or place.name
    own = _around(point)
    rings = _RINGS if crowded else (*_RINGS, *_FAR)
    for x, y, ring in _places(text, point, paper, rings):
        box = paper.place((x, y + 0.365 * paper.page.body), text)
        inside = box.left >= left and box.top >= top - 6 and box.bottom <= bottom + 8
        others = [box_ for box_ in obstacles if box_ != own]
        if inside and paper.free(box, others):
            if ring >= _LEADER:
                near = min(max(point[0], box.left), box.right)
                edge = min(max(point[1], box.top), box.bottom)
                paper.line(
                    [point, (near, edge)], paper.theme["axis"], width=0.8, layer=2
                )
            paper.text((x, y), text, middle=True)
            return
    if not crowded:
        paper.text((point[0], point[1] - 12), text, align="center")


def _diagonal(paper: Paper, chart: Plane, run: Scale, rise: Scale) -> None:
    """The line on which both are equal, where both axes have it."""
    xs = [place.x for place in chart.places if place.x > 0]
    ys = [place.y for place in chart.places if place.y > 0]
    low, high = max(min(xs), min(ys)), min(max(xs), max(ys))
    ends = [(run.at(value), rise.at(value)) for value in (low, high)]
    paper.line(ends, paper.theme["axis"], width=1.2, dash=(4, 3), layer=1)
    (x0, y0), (x1, y1) = ends
    at = ((x0 + x1) / 2, (y0 + y1) / 2)
    text = chart.diagonal
    paper.text((at[0] + 14, at[1] + 16), text, colour=paper.theme["quiet"])


def _corner(
    paper: Paper, text: str, obstacles: Sequence[Box], left: float, bottom: float
) -> None:
    """Name the corner of little of both, as near to it as there is room."""
    for step in range(12):
        at = (left, bottom - 6 - 12 * step)
        if paper.free(paper.place(at, text), obstacles):
            paper.text(at, text, colour=paper.theme["quiet"])
            return
