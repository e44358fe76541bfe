# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.Plane`: two quantities against each other, every point told by name."""

from collections.abc import Iterator, Mapping, Sequence
from math import cos, dist, hypot, pi, sin
from statistics import fmean
from typing import Final, NamedTuple

from xpfo_model.figures import axes
from xpfo_model.figures.forms import Place, Plane
from xpfo_model.figures.paper import Box, Page, Paper, Point, width_of
from xpfo_model.figures.scales import Scale, linear, log

_HEIGHT: Final = {"wide": 360.0, "narrow": 380.0}
_GAP: Final = 24.0
_GAP_UP: Final = {"wide": 70.0, "narrow": 130.0}
"""Between 0 and the least value above it: room for the names of dots at 0."""
_DOT: Final = 10.0
_RINGS: Final = (10.0, 18.0, 28.0, 40.0, 54.0, 70.0)
"""Distances at which the place of a name is looked for."""
_FAR: Final = tuple(70.0 + 22.0 * n for n in range(1, 24))
"""Those beyond, to the edges of the sheet, of a name that must not be left out."""
_DIRECTIONS: Final = (0, 4, 1, 15, 3, 5, 12, 8, 2, 14, 6, 10, 7, 9, 11, 13)
"""Sixteenths of a turn, those that read best first."""
_STEEP: Final = 0.3
"""Below this cosine a name is above or below its point, not beside it."""
_MOST: Final = 0.9
"""Of the width of the plane: the names of dots that are told together."""
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
    rise = _scale(
        [s.y for s in chart.places],
        bottom,
        top,
        -_GAP_UP[page.name],
        is_log=chart.log_up,
    )
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
    # those that have least room choose first
    told = sorted(
        _together(at, paper, _MOST * (right - left)),
        key=lambda group: _crowd(group.point, list(at.values())),
        reverse=True,
    )
    for group in told:
        if not _named(paper, group, obstacles, (left, top, bottom), chart):
            for one in group.each:
                _named(paper, one, obstacles, (left, top, bottom), chart)
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


class Group(NamedTuple):
    """Dots that lie upon one another, told by one text."""

    text: str
    point: Point
    """Their middle."""
    each: "Sequence[Group]" = ()
    """The dots by themselves, where there is no room for all names in one place."""


def _together(at: Mapping[Place, Point], paper: Paper, room: float) -> list[Group]:
    """Dots by themselves; those that overlap as one, named from left to right.

    Not those whose names fill more than `room`, or that say more than their names.
    """
    groups: list[list[Place]] = []
    for place, point in sorted(at.items(), key=lambda item: item[1]):
        near = [
            group
            for group in groups
            if not (place.text or group[0].text)
            and any(dist(point, at[other]) < _DOT for other in group)
        ]
        for group in near:
            groups.remove(group)
        groups.append([other for group in near for other in group] + [place])
    told = []
    for group in groups:
        each = [Group(place.text or place.name, at[place]) for place in group]
        text = ", ".join(one.text for one in each)
        if len(group) == 1 or width_of(text, paper.page.body) > room:
            told += each
        else:
            xs, ys = zip(*(one.point for one in each), strict=True)
            told.append(Group(text, (fmean(xs), fmean(ys)), each))
    return told


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


def _named(
    paper: Paper, group: Group, obstacles: Sequence[Box],
    room: tuple[float, float, float], chart: Plane,
) -> bool:  # fmt: skip
    """Tell a group where there is room, best without a leader over other dots.

    False if its dots have to be told one by one.
    """
    rings = _RINGS if chart.crowded else (*_RINGS, *_FAR)
    for over in (obstacles, ()):
        for x, y, end, ring in _free(paper, group, obstacles, room, rings):
            if _crosses(group.point, end, over):
                continue
            if ring >= _LEADER:
                paper.line([group.point, end], paper.theme["axis"], width=0.8, layer=2)
            paper.text((x, y), group.text, middle=True)
            return True
    if not group.each and not chart.crowded:
        x, y = group.point
        paper.text((x, y - 12), group.text, align="center")
    return not group.each


def _free(
    paper: Paper, group: Group, obstacles: Sequence[Box],
    room: tuple[float, float, float], rings: Sequence[float],
) -> Iterator[tuple[float, float, Point, float]]:  # fmt: skip
    """Places of a text that cover nothing, and the end of its leader, nearest first."""
    left, top, bottom = room
    point, body = group.point, paper.page.body
    most = paper.page.width - width_of(group.text, body)
    for wished, y, ring in _places(group.text, point, paper, rings):
        x = max(left + 2, min(wished, most))
        # a space apart from the next name
        box = paper.place((x, y + 0.365 * body), f"{group.text} ")
        inside = box.left >= left and box.top >= top - 6 and box.bottom <= bottom + 8
        if inside and paper.free(box, obstacles):
            end = (
                min(max(point[0], box.left), box.right),
                min(max(point[1], box.top), box.bottom),
            )
            yield x, y, end, ring


def _crosses(point: Point, end: Point, obstacles: Sequence[Box]) -> bool:
    """Whether a leader from a dot runs over what is not at the dot itself."""
    long = hypot(end[0] - point[0], end[1] - point[1])
    for step in range(int(_DOT), int(long), 2):
        x, y = (a + (b - a) * step / long for a, b in zip(point, end, strict=True))
        if any(o.left <= x <= o.right and o.top <= y <= o.bottom for o in obstacles):
            return True
    return False


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
