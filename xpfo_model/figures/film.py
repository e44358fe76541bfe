# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.Film` and `charts.Calls`: what CPUs do, step by step."""

from collections.abc import Sequence
from typing import Final

from xpfo_model.figures import axes
from xpfo_model.figures.charts import Calls
from xpfo_model.figures.forms import Film, Scene
from xpfo_model.figures.paper import Page, Paper, width_of, wrap
from xpfo_model.figures.themes import Theme, on

_LETTER: Final = {
    "user": "U",
    "kernel": "K",
    "buddy": "",
    "MOVABLE": "M",
    "UNMOVABLE": "N",
    "in flight": "…",
}
_CELL: Final = 24.0
_BETWEEN: Final = 5.0
_LINE: Final = 14.5


def calls(chart: Calls, page: Page, theme: Theme) -> Paper:
    """A numbered line for each step, in the lane of its CPU, and the end."""
    paper = Paper(page, theme)
    y = paper.title(chart.title)
    lanes = len(chart.lanes)
    width = page.width / lanes
    for lane, name in enumerate(chart.lanes):
        paper.text((lane * width + 2, y + 12), name, bold=True)
    y += 20
    for number, (lane, text) in enumerate(chart.steps, start=1):
        lines = wrap(f"{number}. {text}", page.body, width - 22)
        height = _LINE * len(lines) + 8
        left = lane * width + 2
        paper.rectangle(left, y, width - 8, height, fill=theme["unmapped"])
        for at, line in enumerate(lines):
            paper.text((left + 7, y + 15 + _LINE * at), line)
        y += height + 5
    return paper.finish(_end(paper, chart.end, y) + 4)


def _end(paper: Paper, text: str, y: float) -> float:
    """The last line, on the colour of what must not be; where it ends."""
    colour = paper.theme["exposed"]
    lines = wrap(text, paper.page.body, paper.width - 20)
    height = _LINE * len(lines) + 9
    paper.rectangle(0, y, paper.width, height, fill=colour)
    for at, line in enumerate(lines):
        paper.text((9, y + 15.5 + _LINE * at), line, colour=on(colour), bold=False)
    return y + height


def film(chart: Film, page: Page, theme: Theme) -> Paper:
    """Scenes from top to bottom: what a CPU does, then the frames and the TLBs."""
    paper = Paper(page, theme)
    y = paper.title(chart.title)
    frames = len(chart.scenes[0].frames)
    cpus = len(chart.scenes[0].tlbs)
    tableau = frames * (_CELL + _BETWEEN) + 16
    tlb = max(width_of("TLB of CPU 0", axes.TICK), 3 * 14) + 10
    state = tableau + cpus * (34 if page.narrow else tlb)
    words = page.width - state - 8
    stacked = page.narrow
    if stacked:
        words = page.width
    left = 0.0 if stacked else words + 8
    y = _key(paper, y)
    _heads(paper, left, y, frames, cpus, tableau, tlb)
    y += 20
    for number, scene in enumerate(chart.scenes, start=1):
        last = number == len(chart.scenes)
        y = _scene(
            paper, scene, number, y, left, words, tableau, tlb,
            wrong=chart.wrong if last else (), stacked=stacked,
        )  # fmt: skip
    return paper.finish(_end(paper, chart.end, y + 2) + 4)


def _key(paper: Paper, y: float) -> float:
    """What a frame looks like."""
    theme = paper.theme
    x, y = 0.0, y + 8
    for name, fill, letter in (
        ("mapped", theme["kernel"], ""),
        ("not mapped", "none", ""),
        ("user", "none", "U"),
        ("kernel", "none", "K"),
        ("on the MOVABLE list", "none", "M"),
        ("on another list", "none", "N"),
        ("not listed yet", "none", "…"),
    ):
        width = 20 + width_of(name, axes.TICK)
        if x and x + width > paper.width:
            x, y = 0.0, y + 18
        if letter:
            paper.text((x + 7, y), letter, bold=True, align="center", middle=True)
        else:
            paper.rectangle(x, y - 6, 13, 12, fill=fill, edge=theme["axis"])
        paper.text((x + 18, y), name, size=axes.TICK, middle=True)
        x += width + 12
    return y + 18


def _heads(
    paper: Paper, left: float, y: float, frames: int, cpus: int, tableau: float, tlb: float
) -> None:  # fmt: skip
    for frame in range(frames):
        x = left + frame * (_CELL + _BETWEEN) + _CELL / 2
        paper.text((x, y + 10), str(frame), size=axes.TICK, align="center")
    for cpu in range(cpus):
        step = (paper.width - left - tableau) / cpus if paper.page.narrow else tlb
        name = f"TLB of CPU {cpu}"
        paper.text((left + tableau + cpu * step, y + 10), name, size=axes.TICK)


def _scene(
    paper: Paper, scene: Scene, number: int, y: float, left: float, words: float,
    tableau: float, tlb: float, *, wrong: Sequence[int], stacked: bool,
) -> float:  # fmt: skip
    theme = paper.theme
    text = f"{number}. CPU {scene.cpu} {scene.action}"
    lines = wrap(text, paper.page.body, words - 10)
    for at, line in enumerate(lines):
        paper.text((0, y + 16 + _LINE * at), line)
    high = _LINE * len(lines) + 8
    top = y + high - 2 if stacked else y + 2
    for frame, state in enumerate(scene.frames):
        x = left + frame * (_CELL + _BETWEEN)
        bad = frame in wrong
        fill = theme["kernel"] if state.mapped else theme["paper"]
        if bad and state.mapped:
            fill = theme["exposed"]
        paper.rectangle(
            x, top, _CELL, _CELL - 2, fill=fill,
            edge=theme["exposed"] if bad else theme["axis"], thick=2 if bad else 1,
            dash=() if state.mapped else (2, 2),
        )  # fmt: skip
        colour = on(fill) if state.mapped else theme.ink
        paper.text(
            (x + _CELL / 2, top + _CELL / 2 - 1), _LETTER[state.place],
            align="center", middle=True, bold=True, colour=colour,
        )  # fmt: skip
    cpus = len(scene.tlbs)
    step = (paper.width - left - tableau) / cpus if stacked else tlb
    for cpu, held in enumerate(scene.tlbs):
        x = left + tableau + cpu * step
        for at, frame in enumerate(held):
            bad = frame in wrong
            edge = theme["exposed"] if bad else theme["axis"]
            paper.rectangle(x + at * 20, top + 2, 17, 17, edge=edge, thick=2 if bad else 1)
            paper.text(
                (x + at * 20 + 8.5, top + 10.5), str(frame), size=axes.TICK,
                align="center", middle=True,
            )  # fmt: skip
        if not held:
            paper.text((x + 4, top + 10.5), "–", size=axes.TICK, middle=True)
    bottom = max(y + high, top + _CELL + 4)
    paper.line([(0, bottom), (paper.width, bottom)], theme["rule"])
    return bottom + 2
