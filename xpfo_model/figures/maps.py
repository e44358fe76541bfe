# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.DirectMap`: every pageblock of a machine, and who has its frames."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model.figures import axes
from xpfo_model.figures.forms import DirectMap
from xpfo_model.figures.paper import Page, Paper, width_of
from xpfo_model.figures.themes import LIGHT

Pixels = npt.NDArray[np.uint8]
_HEIGHT: Final = 190.0
_ACROSS: Final = 180.0
"""Pixels that a panel is at least wide where several stand side by side."""
_BETWEEN: Final = 12.0
_OPAQUE: Final = 255
_COARSE: Final = 8
"""Levels of a colour that are told apart in a blend."""
_SEE_THROUGH: Final = {
    "free": (137, 143, 152, 117),
    "unmapped": (127, 135, 140, 38),
    "paper": (0, 0, 0, 0),
}
"""Colours that the page shines through: on either they look like those of the role."""


def maps(chart: DirectMap, page: Page) -> Paper:
    """Panels side by side, each a picture; the key names the states."""
    paper = Paper(page)
    y = paper.title(chart.title)
    x, y = 0.0, y + 7
    for role, name in chart.states:
        width = 17 + width_of(name, page.body)
        if x and x + width > paper.width:
            x, y = 0.0, y + 18
        paper.rectangle(
            x,
            y - 6,
            12,
            12,
            fill=paper.theme[role],
            edge=paper.theme["axis"],
            thick=0.7,
        )
        paper.text((x + 17, y), name, middle=True)
        x += width + 14
    y += 16
    across = max(1, min(len(chart.panels), int(page.width // _ACROSS)))
    across = -(-len(chart.panels) // -(-len(chart.panels) // across))
    width = (page.width + _BETWEEN) / across
    for first in range(0, len(chart.panels), across):
        row = chart.panels[first : first + across]
        for column, (heading, cells) in enumerate(row):
            left = column * width
            right = left + width - _BETWEEN
            paper.text((left, y + 12), heading, bold=True)
            top, bottom = y + 19, y + 19 + _HEIGHT
            paper.image(pixels(cells, chart), left, top, right, bottom)
            paper.rectangle(
                left, top, right - left, _HEIGHT, edge=paper.theme["axis"], thick=0.8
            )
            for text, at, align in zip(
                chart.ends, (left, right), ("left", "right"), strict=True
            ):
                paper.text(
                    (at, bottom + 13), text, size=axes.TICK, align=align,
                    colour=paper.theme["quiet"],
                )  # fmt: skip
        y += 19 + _HEIGHT + 18
    foot = axes.below(paper, y + 10, f"{chart.along}; {chart.down}")
    return paper.finish(foot)


def pixels(cells: Any, chart: DirectMap) -> Pixels:
    """The colour of each cell, blended where a cell holds several states."""
    colours = np.array([_rgba(role) for role, _ in chart.states], np.float64)
    cells = np.asarray(cells)
    if cells.ndim == 3 and cells.dtype == np.uint8:  # noqa: PLR2004 - shares of 255
        cells = cells / _OPAQUE
    if cells.ndim == 2:  # noqa: PLR2004 - an index for each pixel
        indexed: Pixels = colours[cells].astype(np.uint8)
        return indexed
    weight = colours[:, 3:] / _OPAQUE
    alpha = cells @ weight
    blended = (cells @ (colours[:, :3] * weight)) / np.maximum(alpha, 1e-9)
    mixed = np.concatenate([blended, alpha * _OPAQUE], axis=2)
    coarse = np.rint(mixed / _COARSE) * _COARSE  # much smaller as PNG
    blend: Pixels = np.clip(coarse, 0, _OPAQUE).astype(np.uint8)
    return blend


def _rgba(role: str) -> tuple[int, int, int, int]:
    """A colour that suits both pages."""
    if role in _SEE_THROUGH:
        return _SEE_THROUGH[role]
    colour = LIGHT[role]
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue, _OPAQUE
