# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.Matrix` and `charts.Grid`: cells of text, those that matter filled."""

from typing import Final

from xpfo_model.figures import axes
from xpfo_model.figures.charts import Grid
from xpfo_model.figures.forms import Matrix
from xpfo_model.figures.paper import Page, Paper, width_of, wrap
from xpfo_model.figures.themes import colour_of, look_of, on

_CELL: Final = 24.0
_LINE: Final = 14.0


def matrix(chart: Matrix, page: Page) -> Paper:
    """A row a name, a column a question; a cell is filled where something is wrong."""
    paper = Paper(page)
    y = paper.title(chart.title)
    left = max(width_of(name, page.body, bold=True) for name, _ in chart.rows) + 10
    count = len(chart.columns)
    notes = [chart.open.get(name, "") for name, _ in chart.rows]
    beyond = 0.0 if page.narrow else max(width_of(n, axes.TICK) for n in notes) + 8
    width = (page.width - left - beyond) / count
    numbered = any(width_of(name, axes.TICK) > width - 2 for name in chart.columns)
    for at, name in enumerate(chart.columns, start=1):
        if numbered:
            paper.text((0, y + 10), f"{at}  {name}", size=axes.TICK)
            y += _LINE
    y += 8
    for at, name in enumerate(chart.columns, start=1):
        paper.text(
            (left + (at - 0.5) * width, y + 10), str(at) if numbered else name,
            size=axes.TICK, align="center", bold=True,
        )  # fmt: skip
    y += 17
    for (name, cells), note in zip(chart.rows, notes, strict=True):
        clean = not any(cells) and not note
        paper.text(
            (left - 10, y + _CELL / 2), name, align="right", middle=True, bold=clean
        )
        for at, text in enumerate(cells):
            x = left + at * width
            colour = paper.theme["exposed"] if text else paper.theme["unmapped"]
            paper.rectangle(x + 1, y + 1, width - 2, _CELL - 3, fill=colour)
            paper.text(
                (x + width / 2, y + _CELL / 2 - 0.5), text, size=axes.TICK,
                align="center", middle=True, colour=on(colour),
            )  # fmt: skip
        if not page.narrow:
            paper.text(
                (left + count * width + 8, y + _CELL / 2), note, size=axes.TICK,
                middle=True, colour=paper.theme["quiet"],
            )  # fmt: skip
        y += _CELL
    y += 8
    for colour, text in (
        (paper.theme["exposed"], chart.bad),
        (paper.theme["unmapped"], chart.good),
    ):
        lines = wrap(text, axes.TICK, paper.width - 20)
        paper.rectangle(0, y + 2, 12, 12, fill=colour)
        for line in lines:
            paper.text((18, y + 12), line, size=axes.TICK)
            y += _LINE
        y += 4
    return paper.finish(y + 2)


def grid(chart: Grid, page: Page) -> Paper:
    """Calls from left to right, a row a strategy; narrow, its name is above it."""
    paper = Paper(page)
    y = paper.title(chart.title)
    left = (
        0.0 if page.narrow else max(width_of(n, page.body) for n, _ in chart.rows) + 10
    )
    width = (page.width - left) / len(chart.steps)
    heads = [wrap(step, axes.TICK, width - 4) for step in chart.steps]
    tall = max(len(lines) for lines in heads) * _LINE + 6

    for column, lines in enumerate(heads):
        for at, line in enumerate(lines):
            x = left + (column + 0.5) * width
            paper.text((x, y + 11 + _LINE * at), line, size=axes.TICK, align="center")
    y += tall
    for number, (name, cells) in enumerate(chart.rows):
        if page.narrow:
            paper.text((0, y + 12), name, bold=True)
            y += 17
        told = [[*cell.split("\n")] if cell else [] for cell in cells]
        told = [
            [w for t in some for w in wrap(t, axes.TICK, width - 6)] for some in told
        ]
        high = max(30.0, max(len(some) for some in told) * _LINE + 10)
        if not page.narrow:
            paper.text((left - 10, y + high / 2), name, align="right", middle=True)
        colour = colour_of(name, number) if look_of(name) else paper.theme["first"]
        for column, (cell, lines) in enumerate(zip(cells, told, strict=True)):
            x = left + column * width
            loud = cell.startswith(chart.loud)
            paper.rectangle(
                x + 2, y + 1, width - 4, high - 4,
                fill=colour if loud else "none", edge=paper.theme["rule"],
            )  # fmt: skip
            base = y + high / 2 - _LINE * len(lines) / 2 + 9
            for at, line in enumerate(lines):
                paper.text(
                    (x + width / 2, base + _LINE * at), line, size=axes.TICK,
                    align="center", colour=on(colour) if loud else paper.theme.ink,
                )  # fmt: skip
        y += high + 2
    return paper.finish(y + 2)
