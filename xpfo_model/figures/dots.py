# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.Dots` and `forms.Dumbbells`: readings as places on an axis.

Length means nothing here, so that a logarithmic axis is honest.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Final

from xpfo_model.figures import axes
from xpfo_model.figures.forms import Dot, Dots, Dumbbells
from xpfo_model.figures.paper import Page, Paper, width_of, wrap
from xpfo_model.figures.scales import Scale, apart, linear, log

_ROW: Final = 21.0
_LINE: Final = 15.0
_MOST_NAMES: Final = 0.36
"""Of the width: longer names stand above their dots, as do longer texts."""
_MOST_TEXT: Final = 0.34
_HEAD: Final = 22.0
_SMALL_DOT: Final = 4.5
_DOT: Final = 9.0
_TEXT_OFF: Final = 9.0
_BARE: Final = 8.0
_SHORTEST: Final = 4.0
"""Of an interval without a dot, so that a narrow one is seen."""
_APART: Final = 6.0
"""Pixels between two readings of a line."""
_GAP: Final = 26.0
"""From zero to the first value of a logarithmic axis."""


def _values(some: Sequence[Dot]) -> Iterator[float]:
    for dot in some:
        if not dot.bare:
            yield dot.value
        yield from dot.all
        yield from (end for end in (dot.low, dot.high) if end is not None)


def _scale(
    chart: Dots | Dumbbells, some: Sequence[Dot], start: float, end: float
) -> Scale:
    seen = [*_values(some), *([] if chart.line is None else [chart.line])]
    if chart.log:
        return log(seen, start, end, gap=_GAP)
    return linear(seen, start, end, most=chart.most)


def _end_of(dot: Dot) -> float:
    return max(_values([dot]))


def dots(chart: Dots, page: Page) -> Paper:
    """A row for each dot, its name before it or above it, its text behind it."""
    paper = Paper(page)
    top = paper.title(chart.title) + (16 if chart.line is not None else 0)
    some = [dot for _, group in chart.groups for dot in group]
    names = max((width_of(dot.name, page.body) for dot in some), default=0)
    texts = max((width_of(dot.text, page.body) for dot in some), default=0)
    inside = texts > page.width * _MOST_TEXT
    above = inside or names > page.width * _MOST_NAMES
    left = 8.0 if above else names + 15
    end = page.width - 8 - (0 if inside else texts + _TEXT_OFF)
    scale = _scale(chart, some, left, max(end, left + 60))
    first = y = top
    for heading, group in chart.groups:
        if heading:
            y += _HEAD - 4
            paper.text((0, y - 5), heading, bold=True)
        for dot in group:
            lines = _said(dot, page, above=above, inside=inside)
            for at, line in enumerate(lines):
                paper.text((0, y + 12 + _LINE * at), line)
            y += _LINE * len(lines) + (4 if lines else 0)
            _row(paper, scale, dot, y + _ROW / 2, left, above=above, inside=inside)
            y += _ROW
        y += 4
    bottom = axes.along(
        paper, scale, first, y, chart.unit, start=left, end=page.width - 8
    )
    axes.across(paper, scale, chart.line, first, y, chart.line_name)
    return paper.finish(bottom)


def _said(dot: Dot, page: Page, *, above: bool, inside: bool) -> list[str]:
    """Lines that stand above a dot."""
    parts = [dot.name] * above + [dot.text] * inside
    return wrap(": ".join(parts), page.body, page.width)


def _row(
    paper: Paper, scale: Scale, dot: Dot, y: float, left: float,
    *, above: bool, inside: bool,
) -> None:  # fmt: skip
    sign = axes.sign_of(dot.name, dot.kind)
    if not above:
        paper.text((left - 12, y), dot.name, align="right", middle=True)
    _mark(paper, scale, dot, sign, y)
    if not inside:
        x = scale.at(_end_of(dot)) + _TEXT_OFF
        paper.text((x, y), dot.text, middle=True)


def _mark(paper: Paper, scale: Scale, dot: Dot, sign: axes.Sign, y: float) -> None:
    if dot.low is not None and dot.high is not None:
        start, end = scale.at(dot.low), scale.at(dot.high)
        if dot.bare:
            more = max(0.0, _SHORTEST - (end - start)) / 2
            paper.line([(start - more, y), (end + more, y)], sign.colour, width=_BARE)
            return
        paper.line([(start, y), (end, y)], sign.colour, width=2.2)
        for x in (start, end):
            paper.line([(x, y - 4), (x, y + 4)], sign.colour, width=1.4)
    if dot.all:
        paper.dots(
            [(scale.at(value), y) for value in dot.all],
            sign.colour,
            size=_SMALL_DOT,
            hollow=True,
        )
    at = [(scale.at(dot.value), y)]
    paper.dots(at, sign.colour, sign.marker, size=_DOT, hollow=sign.hollow)


def dumbbells(chart: Dumbbells, page: Page) -> Paper:
    """A row for each heading with its readings, each told above or below its dot."""
    paper = Paper(page)
    top = paper.title(chart.title)
    some = [dot for _, row in chart.rows for dot in row]
    names = list(dict.fromkeys(dot.name for dot in some))
    signs = {n: axes.sign_of(n, at) for at, n in enumerate(names)}
    top = axes.key(paper, top, list(signs.values()))
    top += 14 if chart.line is not None else 0
    heads = max(width_of(heading, page.body, bold=True) for heading, _ in chart.rows)
    gains = max(
        (width_of(gain, page.body, bold=True) for gain in chart.gains), default=0
    )
    edge = max(width_of(dot.text, axes.TICK) for dot in some) / 2
    left = (0 if page.narrow else heads + 10) + edge
    end = page.width - edge - (gains + 8 if gains and not page.narrow else 0)
    scale = _scale(chart, some, left, end)
    deep = len(names) > 2  # noqa: PLR2004 - the third reading is told below
    height = (44 if deep else 34) + (16 if page.narrow else 0)
    y = top
    for at, (heading, row) in enumerate(chart.rows):
        middle = y + height / 2 + (8 if page.narrow else 0) + (0 if deep else 6)
        gain = chart.gains[at] if chart.gains else ""
        if page.narrow:
            paper.text((0, y + 13), heading, bold=True)
            paper.text((page.width, y + 13), gain, bold=True, align="right")
        else:
            paper.text((0, middle), heading, bold=True, middle=True)
            paper.text(
                (page.width, middle), gain, bold=True, align="right", middle=True
            )
        _bell(paper, scale, row, signs, middle, (left - edge, end + edge))
        y += height
    bottom = axes.along(paper, scale, top, y + 4, chart.unit, start=left, end=end)
    axes.across(paper, scale, chart.line, top, y + 4, chart.line_name)
    return paper.finish(bottom)


def _bell(
    paper: Paper,
    scale: Scale,
    row: Sequence[Dot],
    signs: dict[str, axes.Sign],
    y: float,
    room: tuple[float, float],
) -> None:
    """Draw a row; its readings stay within the room that they have along the page."""
    places = [scale.at(dot.value) for dot in row]
    if places:
        ends = [(min(places), y), (max(places), y)]
        paper.line(ends, paper.theme["axis"], width=2)
    for dot in row:
        _mark(paper, scale, dot, signs[dot.name], y)
    for base, texts in zip((y - 8, y + 17), _lines(row, places), strict=True):
        sizes = [width_of(text, axes.TICK) + _APART for text in texts]
        spread = apart([*texts.values()], sizes, *room)
        for text, x in zip(texts, spread, strict=True):
            paper.text((x, base), text, size=axes.TICK, align="center")


def _lines(
    row: Sequence[Dot], places: Sequence[float]
) -> tuple[dict[str, float], dict[str, float]]:
    """Readings above and below their dots, with the middles that they would have.

    All stand above if none covers another there. A third reading, or one that would,
    stands below; equal ones are told once.
    """
    above: dict[str, float] = {}
    below: dict[str, float] = {}
    told = sorted(
        {dot.text: x for dot, x in zip(row, places, strict=True)}.items(),
        key=itemgetter(1),
    )
    covered = [
        (width_of(a, axes.TICK) + width_of(b, axes.TICK)) / 2 + _APART > y - x
        for (a, x), (b, y) in pairwise(told)
    ]
    deep = len(row) > 2 and any(covered)  # noqa: PLR2004 - see `dumbbells`
    for at, (text, x) in enumerate(told):
        (below if deep and at % 2 else above)[text] = x
    return above, below
