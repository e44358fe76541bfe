# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.Flow`: who had a frame before, as bands that run together."""

from collections.abc import Mapping
from typing import Final

from xpfo_model.figures import axes
from xpfo_model.figures.forms import Flow
from xpfo_model.figures.paper import Page, Paper, width_of
from xpfo_model.figures.scales import apart

SOURCES: Final = ("nobody", "kernel", "user")
"""From top to bottom; roles of colours, too."""
_BAND: Final = 46.0
"""Pixels: the height of the whole."""
_SPREAD: Final = 9.0
"""Between the sources."""
_THIN: Final = 0.8
"""No band is thinner than can be seen."""
_LABEL: Final = 14.5


def flow(chart: Flow, page: Page) -> Paper:
    """A row a trace: bands as thick as their share run from sources to the target."""
    paper = Paper(page)
    y = paper.title(chart.title)
    words = {source: chart.words.get(source, source) for source in SOURCES}
    told = [
        _told(words[source], row.get(source, 0), sum(row.values()), short=page.narrow)
        for _, row in chart.rows
        for source in SOURCES
    ]
    heads = max(width_of(heading, page.body, bold=True) for heading, _ in chart.rows)
    left = (0 if page.narrow else heads + 14) + max(
        width_of(t, axes.TICK) for t in told
    )
    totals = [f"{sum(row.values()):,}" for _, row in chart.rows]
    right = (
        paper.width - max(width_of(text, page.body, bold=True) for text in totals) - 8
    )
    paper.text((paper.width, y + 9), chart.target, align="right", size=axes.TICK)
    y += 20
    for (heading, row), total in zip(chart.rows, totals, strict=True):
        top = y + (22 if page.narrow else 0)
        middle = top + _BAND / 2 + _SPREAD
        if page.narrow:
            paper.text((0, y + 12), heading, bold=True)
        else:
            paper.text((0, middle), heading, bold=True, middle=True)
        _row(paper, words, row, left + 8, right - 8, top)
        paper.text((right, middle), total, bold=True, middle=True)
        y = top + _BAND + 2 * _SPREAD + 16
    return paper.finish(y - 6)


def _told(word: str, count: int, whole: int, *, short: bool) -> str:
    share = 100 * count / whole if whole else 0.0
    percent = f"{share:.0f}%" if share >= 10 or not count else f"{share:.2g}%"  # noqa: PLR2004
    return f"{word} {percent}" if short else f"{word} {percent}, {count:,}"


def _row(
    paper: Paper, words: Mapping[str, str], row: Mapping[str, int],
    left: float, right: float, top: float,
) -> None:  # fmt: skip
    whole = sum(row.values()) or 1
    start, end = top, top + _SPREAD
    middles = []
    for source in SOURCES:
        thick = _BAND * row.get(source, 0) / whole
        if thick:
            seen = max(thick, _THIN)
            paper.band((left, start), (right, end), seen, paper.theme[source])
        middles.append(start + thick / 2)
        start += thick + _SPREAD
        end += thick
    paper.rectangle(right, top + _SPREAD, 4, _BAND, fill=paper.theme.ink)
    places = apart(
        middles,
        _LABEL,
        top - 2 - _LABEL / 2,
        top + _BAND + 2 * _SPREAD + 2 + _LABEL / 2,
    )
    for source, y in zip(SOURCES, places, strict=True):
        text = _told(words[source], row.get(source, 0), whole, short=paper.page.narrow)
        paper.text((left - 6, y), text, align="right", middle=True, size=axes.TICK)
