# SPDX-License-Identifier: GPL-2.0-only
"""Draw `forms.Film`: what CPUs do, step by step, and what the machine is like then."""

from dataclasses import dataclass
from typing import Final

from xpfo_model.checker.film import FLYING, FrameState, Scene
from xpfo_model.figures import axes
from xpfo_model.figures.forms import Film
from xpfo_model.figures.paper import Page, Paper, width_of, wrap
from xpfo_model.figures.themes import on

LETTERS: Final = {
    "user": "U",
    "kernel": "K",
    "buddy": "",
    "MOVABLE": "M",
    "UNMOVABLE": "N",
    FLYING: "…",
}
_KEY: Final = (
    ("U", "a user has it"),
    ("K", "the kernel has it"),
    ("M", "on a MOVABLE list"),
    ("N", "on another list"),
    ("…", "taken, not handed out"),
)
_CELL: Final = 24.0
_BETWEEN: Final = 5.0
_ENTRY: Final = 20.0
"""Pixels of an entry of a TLB."""
_LINE: Final = 14.5
_DASH: Final = (2.0, 2.0)
_NOTHING: Final = "-"


@dataclass(frozen=True)
class _Columns:
    """Where the parts of a scene are."""

    words: float
    """Pixels that what happens may be wide."""
    frames: float
    tlbs: tuple[float, ...]
    below: bool
    """Whether the machine stands under the words."""


def _end(paper: Paper, text: str, y: float, role: str) -> float:
    """The last line, on a colour; where it ends."""
    colour = paper.theme[role]
    lines = wrap(text, paper.page.body, paper.width - 20)
    height = _LINE * len(lines) + 9
    paper.rectangle(0, y, paper.width, height, fill=colour)
    for at, line in enumerate(lines):
        paper.text((9, y + 15.5 + _LINE * at), line, colour=on(colour))
    return y + height


def film(chart: Film, page: Page) -> Paper:
    """Scenes from top to bottom: what a CPU does, then the frames and the TLBs."""
    paper = Paper(page)
    y = _key(paper, paper.title(chart.title))
    columns = _columns(chart, page)
    _heads(paper, columns, chart.scenes[0], y)
    y += 20
    for number, scene in enumerate(chart.scenes, start=1):
        y = _scene(paper, columns, scene, number, y)
    role = "user" if chart.well else "exposed"
    return paper.finish(_end(paper, chart.end, y + 2, role) + 4)


def _columns(chart: Film, page: Page) -> _Columns:
    scene = chart.scenes[0]
    frames, cpus = len(scene.frames), len(scene.tlbs)
    tableau = frames * (_CELL + _BETWEEN) + 14
    most = max(len(tlb) for some in chart.scenes for tlb in some.tlbs)
    tlb = max(width_of("TLB of CPU 0", axes.TICK), most * _ENTRY) + 10
    if page.narrow:
        tlb = (page.width - tableau) / cpus
        return _Columns(
            page.width, 0, tuple(tableau + cpu * tlb for cpu in range(cpus)), below=True
        )
    left = page.width - tableau - cpus * tlb
    tlbs = tuple(left + tableau + cpu * tlb for cpu in range(cpus))
    return _Columns(left - 12, left, tlbs, below=False)


def _key(paper: Paper, y: float) -> float:
    """The look of a frame."""
    x, y = 0.0, y + 8
    axis = paper.theme["axis"]
    for letter, name in (("mapped", ""), ("not mapped", ""), *_KEY):
        said = name or letter
        width = 20 + width_of(said, axes.TICK)
        if x and x + width > paper.width:
            x, y = 0.0, y + 18
        if name:
            paper.text((x + 7, y), letter, bold=True, align="center", middle=True)
        else:
            fill = paper.theme["kernel"] if letter == "mapped" else "none"
            dash = () if letter == "mapped" else _DASH
            paper.rectangle(x, y - 6, 13, 12, fill=fill, edge=axis, dash=dash)
        paper.text((x + 18, y), said, size=axes.TICK, middle=True)
        x += width + 12
    return y + 18


def _heads(paper: Paper, columns: _Columns, scene: Scene, y: float) -> None:
    for frame in range(len(scene.frames)):
        x = columns.frames + frame * (_CELL + _BETWEEN) + _CELL / 2
        paper.text((x, y + 10), str(frame), size=axes.TICK, align="center")
    for cpu, x in enumerate(columns.tlbs):
        paper.text((x, y + 10), f"TLB of CPU {cpu}", size=axes.TICK)


def _scene(
    paper: Paper, columns: _Columns, scene: Scene, number: int, y: float
) -> float:
    text = f"{number}. CPU {scene.cpu} {scene.action}"
    lines = wrap(text, paper.page.body, columns.words - 10)
    for at, line in enumerate(lines):
        paper.text((0, y + 16 + _LINE * at), line)
    high = _LINE * len(lines) + 8
    top = y + high - 2 if columns.below else y + 2
    for frame, state in enumerate(scene.frames):
        x = columns.frames + frame * (_CELL + _BETWEEN)
        _frame(paper, state, x, top, wrong=frame in scene.wrong)
    for x, held in zip(columns.tlbs, scene.tlbs, strict=True):
        for at, frame in enumerate(held):
            _entry(paper, frame, x + at * _ENTRY, top + 2, scene)
        if not held:
            paper.text((x + 4, top + 10.5), _NOTHING, size=axes.TICK, middle=True)
    bottom = max(y + high, top + _CELL + 4)
    paper.line([(0, bottom), (paper.width, bottom)], paper.theme["rule"])
    return bottom + 2


def _frame(paper: Paper, state: FrameState, x: float, y: float, *, wrong: bool) -> None:
    """A frame: filled if it is mapped, with the letter of who has it."""
    role = "exposed" if wrong else "kernel"
    fill = paper.theme[role] if state.mapped else paper.theme["paper"]
    paper.rectangle(
        x,
        y,
        _CELL,
        _CELL - 2,
        fill=fill,
        edge=paper.theme["exposed" if wrong else "axis"],
        thick=2 if wrong else 1,
        dash=() if state.mapped else _DASH,
    )
    paper.text(
        (x + _CELL / 2, y + _CELL / 2 - 1),
        LETTERS[state.place],
        align="center",
        middle=True,
        bold=True,
        colour=on(fill) if state.mapped else paper.theme.ink,
    )


def _entry(paper: Paper, frame: int, x: float, y: float, scene: Scene) -> None:
    """A translation that a TLB may still have."""
    wrong = frame in scene.wrong and not scene.frames[frame].mapped
    edge = paper.theme["exposed" if wrong else "axis"]
    paper.rectangle(x, y, _ENTRY - 3, 17, edge=edge, thick=2 if wrong else 1)
    middle = (x + (_ENTRY - 3) / 2, y + 8.5)
    paper.text(middle, str(frame), size=axes.TICK, align="center", middle=True)
