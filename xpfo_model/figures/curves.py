# SPDX-License-Identifier: GPL-2.0-only
"""Draw `charts.Curves` and `forms.Slopes`: what depends on one number, or changes."""

from collections.abc import Iterator, Sequence
from typing import Final

from xpfo_model.figures import axes
from xpfo_model.figures.charts import Curves, Spot, short
from xpfo_model.figures.forms import Slopes
from xpfo_model.figures.paper import Page, Paper, width_of
from xpfo_model.figures.scales import Scale, apart, linear, log

_HEIGHT: Final = 250.0
_GAP: Final = 22.0
_LABEL: Final = 15.0
_TICKS_UP: Final = 6
_PANEL: Final = 210.0
"""Pixels that a panel of slopes is at least wide."""
_SLOPE: Final = 120.0


def curves(chart: Curves, page: Page) -> Paper:
    """Each line through its points with their intervals, labelled at its end."""
    paper = Paper(page)
    y = paper.title(chart.title)
    y = axes.heading(paper, y, chart.unit)
    signs = [axes.sign_of(n, at) for at, (n, _) in enumerate(chart.lines)]
    if page.narrow:
        y = axes.key(paper, y, signs)
    top, bottom = y + 8, y + _HEIGHT
    values = [v for _, spots in chart.lines for v in _extent(spots)]
    scale: Scale = (
        log(values, bottom, top, gap=-_GAP)
        if chart.log
        else linear(values, bottom, top)
    )
    left = axes.room_up(scale, _TICKS_UP)
    told = [
        f"{'' if page.narrow else name + ' '}{short(spots[-1].value)}"
        for name, spots in chart.lines
    ]
    right = page.width - max(width_of(text, page.body) for text in told) - 12
    axes.up(paper, scale, left, right, most=_TICKS_UP)
    steps = max(len(chart.ticks) - 1, 1)
    place = {
        tick: left + 8 + (right - left - 16) * at / steps
        for at, tick in enumerate(chart.ticks)
    }
    for sign, (_, spots) in zip(signs, chart.lines, strict=True):
        points = [(place[spot.tick], scale.at(spot.value)) for spot in spots]
        for spot in spots:
            if spot.low < spot.high:
                x, ends = place[spot.tick], [scale.at(spot.low), scale.at(spot.high)]
                paper.line([(x, end) for end in ends], sign.colour, width=1.2)
        paper.line(points, sign.colour, width=1.8, dash=sign.dash)
        paper.dots(points, sign.colour, sign.marker, size=7.5, hollow=sign.hollow)
    ends = [scale.at(spots[-1].value) for _, spots in chart.lines]
    _tell(paper, told, ends, right, top, bottom)
    axes.names_along(paper, place, bottom + 16)
    return paper.finish(axes.below(paper, bottom + 33, chart.along))


def _extent(spots: Sequence[Spot]) -> Iterator[float]:
    for spot in spots:
        yield from (spot.low, spot.value, spot.high)


def _tell(
    paper: Paper, told: Sequence[str], ends: Sequence[float], right: float,
    top: float, bottom: float,
) -> None:  # fmt: skip
    """The name of each line, beside its end and apart from the others."""
    half = _LABEL / 2
    places = apart(ends, _LABEL, top - half, bottom + half)
    for text, end, y in zip(told, ends, places, strict=True):
        if abs(y - end) > 1:
            paper.line(
                [(right + 1, end), (right + 9, y)], paper.theme["axis"], width=0.8
            )
        paper.text((right + 11, y), text, middle=True)


def slopes(chart: Slopes, page: Page) -> Paper:
    """A panel for each heading; in it a line a name, told at its end."""
    paper = Paper(page)
    top = paper.title(chart.title)
    top = axes.heading(paper, top, chart.unit)
    across = max(1, min(len(chart.panels), int(page.width // _PANEL)))
    names = list(dict.fromkeys(name for _, lines in chart.panels for name, _ in lines))
    signs = {n: axes.sign_of(n, at) for at, n in enumerate(names)}
    keyed = across > 1 or page.narrow
    if keyed:
        top = axes.key(paper, top, list(signs.values()))
    values = [v for _, lines in chart.panels for _, some in lines for v in some]
    values += [] if chart.line is None else [chart.line]
    width = page.width / across
    y = top
    for first in range(0, len(chart.panels), across):
        row = chart.panels[first : first + across]
        head, foot = y + 30, y + 30 + _SLOPE
        scale: Scale = (
            log(values, foot, head, gap=-_GAP)
            if chart.log
            else linear(values, foot, head)
        )
        for column, (heading, lines) in enumerate(row):
            _panel(
                paper, chart, scale, heading, lines, signs, column * width,
                width - (18 if across > 1 else 0), y, keyed=keyed,
            )  # fmt: skip
        y = foot + 26
    return paper.finish(y)


def _panel(
    paper: Paper, chart: Slopes, scale: Scale, heading: str,
    lines: Sequence[tuple[str, Sequence[float]]], signs: dict[str, axes.Sign],
    start: float, width: float, y: float, *, keyed: bool,
) -> None:  # fmt: skip
    size = axes.TICK
    paper.text((start, y + 14), heading, bold=True)
    firsts = [short(some[0]) for _, some in lines]
    lasts = [short(s[-1]) + ("" if keyed else f" {name}") for name, s in lines]
    left = start + max(width_of(text, size) for text in firsts) + 10
    right = start + width - max(width_of(text, size) for text in lasts) - 12
    steps = len(chart.ticks) - 1
    place = {
        tick: left + (right - left) * at / steps for at, tick in enumerate(chart.ticks)
    }
    head, foot = y + 30, y + 30 + _SLOPE
    for x in place.values():
        paper.line([(x, head - 4), (x, foot + 4)], paper.theme["rule"], layer=0)
    if chart.line is not None:
        at = scale.at(chart.line)
        paper.line([(left, at), (right, at)], paper.theme.ink, dash=(2, 2))
        # on the side on which fewer readings are
        over = sum(scale.at(v) < at for _, some in lines for v in some)
        under = sum(scale.at(v) > at for _, some in lines for v in some)
        base = at + _LABEL - 1 if over > under else at - 4
        paper.text((left + 3, base), chart.line_name, size=size)
    for name, some in lines:
        points = [(x, scale.at(v)) for x, v in zip(place.values(), some, strict=True)]
        sign = signs[name]
        paper.line(points, sign.colour, width=2, dash=sign.dash)
        paper.dots(points, sign.colour, sign.marker, hollow=sign.hollow)
    for texts, at, x, align in (
        (firsts, 0, left - 8, "right"),
        (lasts, -1, right + 8, "left"),
    ):
        ends = [scale.at(some[at]) for _, some in lines]
        high = _LABEL - 2
        spread = apart(ends, high, head - high / 2, foot + high / 2)
        for text, place_ in zip(texts, spread, strict=True):
            paper.text((x, place_), text, size=size, align=align, middle=True)
    axes.names_along(paper, place, foot + 19)
