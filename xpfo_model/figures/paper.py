# SPDX-License-Identifier: GPL-2.0-only
"""A sheet to draw on, in pixels of the page from the upper left corner.

Figures are laid out by hand: what a text needs is measured before it is placed, so that
labels can be kept apart, and one chart can be drawn for a wide page and for a narrow
one. Drawn by matplotlib.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import text_to_path

from xpfo_model.figures.themes import LIGHT, Dash, Theme

DPI: Final = 96
"""Pixels of CSS in an inch."""
POINTS: Final = 72
SMALL: Final = 11.0
"""Pixels: the least that a text may be high, on the page."""
_LINE: Final = 1.3
"""Distance of lines in heights of their font."""
_CAP: Final = 0.73
"""Height of a capital letter in the same, DejaVu Sans."""
_DESCENT: Final = 0.24
_GROW: Final = {"*": 1.5, "^": 1.15, "v": 1.15, "<": 1.15, ">": 1.15, "s": 0.92}
"""So that all markers look equally large."""
Point = tuple[float, float]


@dataclass(frozen=True)
class Page:
    """How wide a figure is, and how large its texts are."""

    name: str
    width: float
    """Of the column that a claim has on a page."""
    title: float
    body: float

    @property
    def narrow(self) -> bool:
        """Whether there is no room for labels beside the figure."""
        return self is NARROW


WIDE: Final = Page("wide", 620, 15, 12)
NARROW: Final = Page("narrow", 308, 13, 11)
"""The width that a window of 360 pixels leaves."""
PAGES: Final = (WIDE, NARROW)


@lru_cache(maxsize=4096)
def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a line of text is, in pixels."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def wrap(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """A text in lines of at most that width, broken between words.

    A word that is too long by itself stands in a line by itself.
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@dataclass(frozen=True)
class Box:
    """Where a text stands."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float

    def overlaps(self, other: "Box", slack: float = 0.5) -> bool:
        """Whether two texts cover each other by more than so many pixels."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > slack and down > slack


class Paper:
    """A sheet of a page's width that is cut to its height in the end.

    Parameters
    ----------
    page
        WIDE or NARROW.
    """

    theme: Theme = LIGHT
    """Whose colours are used; `svg` puts others in their place."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.width = page.width
        self.boxes: list[Box] = []
        """Of all texts so far."""
        self.figure = Figure(figsize=(1, 1), dpi=DPI)
        self._axes: Any = self.figure.add_axes((0, 0, 1, 1))
        self._axes.axis("off")
        self.height = 0.0

    def finish(self, height: float) -> "Paper":
        """Cut the sheet to a height."""
        self.height = float(round(height))
        self.figure.set_size_inches(self.width / DPI, self.height / DPI)
        self._axes.set_xlim(0, self.width)
        self._axes.set_ylim(self.height, 0)
        return self

    def title(self, text: str) -> float:
        """Write the title in as many lines as it takes; where the rest begins."""
        size = self.page.title
        bottom = 0.0
        for line in wrap(text, size, self.width - 2, bold=True):
            self.text((1, bottom + 0.95 * size), line, size=size, bold=True)
            bottom += _LINE * size
        return bottom + 0.6 * size

    def paragraph(self, at: Point, text: str, width: float, **how: Any) -> float:
        """Write lines of at most that width from a base line down; the next one."""
        size = how.setdefault("size", self.page.body)
        x, y = at
        for line in wrap(text, size, width, bold=how.get("bold", False)):
            self.text((x, y), line, **how)
            y += _LINE * size
        return y

    def text(
        self,
        at: Point,
        text: str,
        *,
        size: float = 0,
        align: str = "left",
        middle: bool = False,
        bold: bool = False,
        colour: str = "",
    ) -> Box:
        """Write a line; `at` is its base line, or its middle if that is said.

        `align` says which end of it is there: left, center, right. Where nothing is
        said the size is that of the page's body and the colour ink.
        """
        size = size or self.page.body
        x, y = at
        if middle:
            y += 0.5 * _CAP * size
        box = self.place((x, y), text, size=size, align=align, bold=bold)
        if text:
            self.boxes.append(box)
            self._axes.text(
                x,
                y,
                text,
                fontsize=size * POINTS / DPI,
                ha=align,
                va="baseline",
                color=colour or self.theme.ink,
                weight="bold" if bold else "normal",
            )
        return box

    def place(
        self,
        at: Point,
        text: str,
        *,
        size: float = 0,
        align: str = "left",
        bold: bool = False,
    ) -> Box:
        """Where a text would stand; see `text`."""
        size = size or self.page.body
        x, y = at
        width = width_of(text, size, bold=bold)
        left = x - {"left": 0.0, "center": 0.5, "right": 1.0}[align] * width
        return Box(text, left, y - _CAP * size, left + width, y + _DESCENT * size, size)

    def line(
        self,
        points: Sequence[Point],
        colour: str,
        *,
        width: float = 1.0,
        dash: Dash = (),
        layer: float = 2,
    ) -> None:
        """Draw a line through points."""
        x, y = zip(*points, strict=True)
        self._axes.plot(
            x,
            y,
            color=colour,
            linewidth=width * POINTS / DPI,
            linestyle=(0, tuple(n / width for n in dash)) if dash else "-",
            solid_capstyle="butt",
            dash_capstyle="butt",
            solid_joinstyle="round",
            zorder=layer,
        )

    def rectangle(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        edge: str = "none",
        dash: Dash = (),
        thick: float = 1.0,
        layer: float = 1,
    ) -> None:
        """Draw a rectangle."""
        patch = Rectangle(
            (left, top),
            width,
            height,
            facecolor=fill,
            edgecolor=edge,
            linewidth=thick * POINTS / DPI if edge != "none" else 0,
            linestyle=(0, dash) if dash else "-",
            zorder=layer,
        )
        self._axes.add_patch(patch)

    def lines(
        self, pieces: Sequence[Sequence[Point]], colour: str, *, width: float = 1.0
    ) -> None:
        """Draw many lines as one."""
        corners = [point for piece in pieces for point in piece]
        codes = [
            c for p in pieces for c in (Path.MOVETO, *[Path.LINETO] * (len(p) - 1))
        ]
        if corners:
            self._axes.add_patch(
                PathPatch(
                    Path(corners, codes),
                    facecolor="none",
                    edgecolor=colour,
                    linewidth=width * POINTS / DPI,
                    zorder=2,
                )
            )

    def band(self, one: Point, other: Point, thick: float, fill: str) -> None:
        """Fill a band of a thickness that is level at both of its ends."""
        (x0, y0), (x1, y1) = one, other
        middle = (x0 + x1) / 2
        corners = [
            (x0, y0),
            *[(middle, y0), (middle, y1), (x1, y1)],
            (x1, y1 + thick),
            *[(middle, y1 + thick), (middle, y0 + thick), (x0, y0 + thick)],
            (x0, y0),
        ]
        curve = [Path.CURVE4] * 3
        codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
        shape = Path(corners, codes)
        self._axes.add_patch(PathPatch(shape, facecolor=fill, linewidth=0, zorder=1))

    def dots(
        self,
        points: Sequence[Point],
        colour: str,
        marker: str = "o",
        *,
        size: float = 8.0,
        hollow: bool = False,
        layer: float = 3,
    ) -> None:
        """Draw a marker at each point, on a rim of the page's colour."""
        x, y = zip(*points, strict=True)
        grow = _GROW.get(marker, 1.0)
        self._axes.plot(
            x,
            y,
            linestyle="none",
            marker=marker,
            markersize=grow * size * POINTS / DPI,
            markerfacecolor=self.theme["paper"] if hollow else colour,
            markeredgecolor=colour if hollow else self.theme["paper"],
            markeredgewidth=(1.6 if hollow else 1.0) * POINTS / DPI,
            zorder=layer,
        )

    def image(
        self, pixels: npt.NDArray[np.uint8], left: float, top: float, right: float,
        bottom: float,
    ) -> None:  # fmt: skip
        """Draw pixels of shape (rows, columns, 4), as they are."""
        self._axes.imshow(
            pixels,
            extent=(left, right, bottom, top),
            interpolation="none",
            aspect="auto",
            zorder=1,
        )

    def free(self, box: Box, others: Sequence[Box] = ()) -> bool:
        """Whether a text could stand there: on the sheet, and on no other."""
        inside = box.left >= 0 and box.right <= self.width and box.top >= 0
        return inside and not any(map(box.overlaps, (*self.boxes, *others)))

    def faults(self) -> list[str]:
        """Texts that cover each other, are cut off, or are too small to be read."""
        found = []
        for at, box in enumerate(self.boxes):
            if box.size < SMALL:
                found.append(f"{box.text!r} is {box.size:g} pixels high, not {SMALL:g}")
            edges = (box.left, box.top, self.width - box.right)
            if min(*edges, self.height - box.bottom) < -0.5:  # noqa: PLR2004
                found.append(f"{box.text!r} is cut off")
            found += [
                f"{box.text!r} and {other.text!r} cover each other"
                for other in self.boxes[at + 1 :]
                if box.overlaps(other)
            ]
        return found
