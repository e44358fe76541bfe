# SPDX-License-Identifier: GPL-2.0-only
"""Parts that figures share: an axis, a key of names, a line to compare with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from xpfo_model.figures.paper import Box, Paper, width_of, wrap
from xpfo_model.figures.scales import Scale
from xpfo_model.figures.themes import Dash, colour_of, look_of

TICK: Final = 11.0
"""Pixels: of the numbers of an axis."""
ROW: Final = 14.5
"""Pixels: a line of such texts."""
_TICK_ROOM: Final = 78.0
"""Pixels that a tick along the page has to itself."""
_SWATCH: Final = 16.0
_BETWEEN: Final = 14.0
HOLLOW: Final = "unmapped"
"""A name that says so is drawn hollow: memory starts unmapped."""


@dataclass(frozen=True)
class Sign:
    """How a name is drawn in one figure."""

    name: str
    colour: str
    marker: str
    dash: Dash
    hollow: bool


_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")


def sign_of(name: str, number: int) -> Sign:
    """A strategy's sign; of anything else the one of its number."""
    look = look_of(name)
    colour = colour_of(name, number)
    if look:
        return Sign(name, colour, look.marker, look.dash, HOLLOW in name)
    marker = _MARKERS[number % len(_MARKERS)]
    return Sign(name, colour, marker, (), HOLLOW in name)


def key(
    paper: Paper, top: float, signs: Sequence[Sign], *, lines: bool = False
) -> float:
    """Name the signs in a row, or some; where the rest begins."""
    x, y = 0.0, top + 9
    for sign in signs:
        width = _SWATCH + width_of(sign.name, paper.page.body)
        if x and x + width > paper.width:
            x, y = 0.0, y + 18
        if lines:
            paper.line([(x, y), (x + 13, y)], sign.colour, width=2.2, dash=sign.dash)
        else:
            paper.dots(
                [(x + 6, y)], sign.colour, sign.marker, size=9, hollow=sign.hollow
            )
        paper.text((x + _SWATCH, y), sign.name, middle=True)
        x += width + _BETWEEN
    return y + 14


def along(
    paper: Paper,
    scale: Scale,
    top: float,
    bottom: float,
    unit: str,
    *,
    start: float,
    end: float,
) -> float:
    """The horizontal axis: lines from top to bottom, numbers and unit below."""
    most = max(2, int((end - start) / _TICK_ROOM) + 1)
    last: Box | None = None
    for value, label in scale.ticks(most):
        x = scale.at(value)
        paper.line([(x, top), (x, bottom)], paper.theme["rule"], layer=0)
        width = width_of(label, TICK)
        at = min(max(x, width / 2), paper.width - width / 2)
        box = paper.place((at, bottom + 13), label, size=TICK, align="center")
        if last is None or not box.overlaps(last, -4):
            paper.text(
                (at, bottom + 13),
                label,
                size=TICK,
                align="center",
                colour=paper.theme["quiet"],
            )
            last = box
    return below(paper, bottom + 29, unit)


def below(paper: Paper, y: float, unit: str) -> float:
    """The words under an axis; where the figure ends."""
    for line in wrap(unit, TICK, paper.width):
        paper.text(
            (paper.width, y),
            line,
            size=TICK,
            align="right",
            colour=paper.theme["quiet"],
        )
        y += ROW
    return y - 4


def up(paper: Paper, scale: Scale, left: float, right: float, *, most: int = 4) -> None:
    """The vertical axis: lines from left to right, numbers to the left of them."""
    for value, label in scale.ticks(most):
        y = scale.at(value)
        paper.line([(left, y), (right, y)], paper.theme["rule"], layer=0)
        paper.text(
            (left - 5, y),
            label,
            size=TICK,
            align="right",
            middle=True,
            colour=paper.theme["quiet"],
        )


def room_up(scale: Scale, most: int = 4) -> float:
    """How wide the numbers of a vertical axis are, with the distance to it."""
    return 7 + max((width_of(label, TICK) for _, label in scale.ticks(most)), default=0)


def across(
    paper: Paper,
    scale: Scale,
    value: float | None,
    top: float,
    bottom: float,
    name: str,
) -> None:
    """A vertical line at a value, named above it, which leaves out what is told."""
    if value is None:
        return
    x, above = scale.at(value), top - 4
    told = [box for box in paper.boxes if box.left - 3 < x < box.right + 3]
    for box in [*sorted(told, key=lambda box: box.top), None]:
        end = bottom if box is None else min(box.top - 1, bottom)
        if end > top:
            paper.line([(x, top), (x, end)], paper.theme.ink, width=1.2, layer=1.5)
        if box is not None:
            top = max(top, box.bottom + 1)
    half = width_of(name, TICK) / 2
    at = min(max(x, half + 1), paper.width - half - 1)
    paper.text((at, above), name, size=TICK, align="center")


def heading(paper: Paper, y: float, unit: str) -> float:
    """The words over a vertical axis; where the rest begins."""
    for line in wrap(unit, TICK, paper.width):
        paper.text((0, y + 9), line, size=TICK, colour=paper.theme["quiet"])
        y += ROW
    return y + 2


def names_along(paper: Paper, place: dict[str, float], y: float) -> None:
    """Names along the page, each at its place; those without room are left out."""
    last: Box | None = None
    for name, x in place.items():
        box = paper.place((x, y), name, size=TICK, align="center")
        if last is None or not box.overlaps(last, -4):
            paper.text(
                (x, y), name, size=TICK, align="center", colour=paper.theme["quiet"]
            )
            last = box
