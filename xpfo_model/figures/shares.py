# SPDX-License-Identifier: GPL-2.0-only
"""Draw `charts.Shares`: lengths that mean something, since they add up."""

from typing import Final

from xpfo_model.figures import axes
from xpfo_model.figures.charts import Bar, Shares
from xpfo_model.figures.paper import Page, Paper, width_of
from xpfo_model.figures.scales import linear
from xpfo_model.figures.themes import CAUSE, LIGHT, colour_of, on

_ROW: Final = 21.0
_THICK: Final = 14.0
_TEXT_OFF: Final = 6.0
_SHARE: Final = 24.0


def _colour(name: str, number: int) -> str:
    return LIGHT[CAUSE[name]] if name in CAUSE else colour_of(name, number)


def shares(chart: Shares, page: Page) -> Paper:
    """Rows of the same length, divided; each part told inside it, or by the key.

    Raises `ValueError` for more names than there are colours.
    """
    paper = Paper(page)
    top = paper.title(chart.title)
    names = list(dict.fromkeys(bar.name for _, row in chart.rows for bar in row))
    colours = {n: _colour(n, at) for at, n in enumerate(names)}
    if len(set(colours.values())) < len(names):
        raise ValueError(f"{chart.title!r}: two of {names} have one colour")
    y = _key(paper, top, colours) + 6
    heads = max(width_of(heading, page.body, bold=True) for heading, _ in chart.rows)
    left = 0.0 if page.narrow else heads + 10
    scale = linear([100], left, page.width - 12, most=100)
    first = y
    for heading, row in chart.rows:
        if page.narrow:
            paper.text((0, y + 12), heading, bold=True)
            y += 17
        else:
            paper.text((0, y + _SHARE / 2), heading, bold=True, middle=True)
        whole = sum(bar.value for bar in row) or 1.0
        done = 0.0
        for bar in row:
            start, end = (scale.at(100 * n / whole) for n in (done, done + bar.value))
            done += bar.value
            colour = colours[bar.name]
            if end > start:
                paper.rectangle(start, y, end - start, _SHARE, fill=colour)
            text = _fitting(bar, whole, end - start - 6)
            paper.text(
                ((start + end) / 2, y + _SHARE / 2),
                text,
                align="center",
                middle=True,
                size=axes.TICK,
                colour=on(colour),
            )
        y += _SHARE + 8
    bottom = axes.along(paper, scale, first, y, chart.unit, start=left, end=page.width)
    return paper.finish(bottom)


def _fitting(bar: Bar, whole: float, room: float) -> str:
    """The longest of what a part can say of itself in its room."""
    for text in (bar.text, f"{100 * bar.value / whole:.0f}%"):
        if width_of(text, axes.TICK) <= room:
            return text
    return ""


def _key(paper: Paper, top: float, colours: dict[str, str]) -> float:
    x, y = 0.0, top + 8
    for name, colour in colours.items():
        width = 18 + width_of(name, paper.page.body)
        if x and x + width > paper.width:
            x, y = 0.0, y + 18
        paper.rectangle(x, y - 6, 12, 12, fill=colour)
        paper.text((x + 18, y), name, middle=True)
        x += width + 16
    return y + 12
