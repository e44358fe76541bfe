# SPDX-License-Identifier: GPL-2.0-only
"""A machine that notes each flush, unmap, map and split, as the kernel traces them.

The functions of `machine` that change an entry or flush are wrapped, not written
again: a strategy runs as it is.
"""

from collections import namedtuple
from types import FunctionType
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model import machine
from xpfo_model.jit import Given, noinline

# Kinds of note.
FLUSH: Final = 0
UNMAP: Final = 1
MAP: Final = 2
SPLIT: Final = 3
KINDS: Final = ("flush", "unmap", "map", "split")
"""Names of the kinds, by number."""

CAUSES: Final = (
    "alloc",
    "refill",
    "block",
    "kunmap",
    "migrate",
    "free",
    "kmap",
    "fault",
    "alternation",
)
"""Causes of a note; all but the last are the kernel's. docs/kernel: enum xpfo_cause."""
FOR_ALLOC: Final = CAUSES.index("alloc")
FOR_REFILL: Final = CAUSES.index("refill")
FOR_BLOCK: Final = CAUSES.index("block")
FOR_KUNMAP: Final = CAUSES.index("kunmap")
FOR_MIGRATE: Final = CAUSES.index("migrate")
FOR_FREE: Final = CAUSES.index("free")
FOR_KMAP: Final = CAUSES.index("kmap")
FOR_FAULT: Final = CAUSES.index("fault")
NO_CAUSE: Final = -1
_OF_MACHINE: Final = tuple(map(CAUSES.index, machine.CAUSES))
"""The cause of a note by that of the machine's flush."""

# Slots of `at`: where the loop is.
COUNT: Final = 0
"""Notes so far, those beyond the room for them counted, too."""
STEP: Final = 1
CPU: Final = 2
CAUSE: Final = 3
FIRST: Final = 4
LAST: Final = 5
FRAMES: Final = 6
"""Frames unmapped since the last flush: their range, and how many."""
PAGE_FIRST: Final = 7
PAGE_LAST: Final = 8
"""The page or the block that a hook is about: the range of a flush for nothing."""
SLOTS: Final = 9


class Notes(NamedTuple):
    """Columns, one row a note, in the order in which the machine took them."""

    kind: npt.NDArray[np.uint8]
    cpu: npt.NDArray[np.uint16]
    cause: npt.NDArray[np.int8]
    """Index of CAUSES; of a split NO_CAUSE."""
    pfn: npt.NDArray[np.int64]
    """Frame; of a flush the lowest; of a split the block."""
    span: npt.NDArray[np.int64]
    """Of a flush: from the lowest frame to the highest, both counted; else 1."""
    frames: npt.NDArray[np.int64]
    """Of a flush: entries that were cleared for it; else 0."""
    step: npt.NDArray[np.int64]
    """Index of the step that gave it."""

    @classmethod
    def room(cls, length: int) -> "Notes":
        """Room for so many notes."""
        kinds = (np.uint8, np.uint16, np.int8, np.int64, np.int64, np.int64, np.int64)
        columns: list[Any] = [np.zeros(length, kind) for kind in kinds]
        return cls(*columns)


# a class statement would have to name the fields of a machine once more
_namedtuple: Any = namedtuple  # noqa: PYI024
Watched: Final[Any] = _namedtuple("Watched", (*machine.Machine._fields, "notes", "at"))
"""A machine with notes, and `at`, which says where the loop is."""


def watched(m: machine.Machine, notes: Notes) -> Any:
    """The machine with notes."""
    return Watched(*m, notes, np.zeros(SLOTS, np.int64))


@noinline
def begin(m: Any, step: int, cpu: int, cause: int, first: int, last: int) -> None:
    """Say which hook is called, and about which frames."""
    m.at[STEP] = step
    m.at[CPU] = cpu
    m.at[CAUSE] = cause
    m.at[PAGE_FIRST] = first
    m.at[PAGE_LAST] = last
    _no_frames(m)


def _no_frames(m: Any) -> None:
    m.at[FIRST] = len(m.alias)
    m.at[LAST] = -1
    m.at[FRAMES] = 0


@noinline
def _note(m: Any, kind: int, cause: int, pfn: int, span: int, frames: int) -> None:
    row = m.at[COUNT]
    m.at[COUNT] = row + 1
    if row < len(m.notes.kind):
        m.notes.kind[row] = kind
        m.notes.cpu[row] = m.at[CPU]
        m.notes.cause[row] = cause
        m.notes.pfn[row] = pfn
        m.notes.span[row] = span
        m.notes.frames[row] = frames
        m.notes.step[row] = m.at[STEP]


def _original(function: Any) -> Any:
    """A function under another identity, which `jit.compiled` leaves in its place."""
    return FunctionType(
        function.__code__, function.__globals__, function.__name__, None, None
    )


_shoot_down: Final = _original(machine.shoot_down)
_clear_pte: Final = _original(machine.clear_pte)
_set_pte: Final = _original(machine.set_pte)
_split_entry: Final = _original(machine.split_entry)
_unmap_block: Final = _original(machine.unmap_block)
_map_block: Final = _original(machine.map_block)


@noinline
def shoot_down(m: Any, cause: int) -> None:
    """As `machine.shoot_down`, with a note of what was unmapped since the last."""
    _shoot_down(m, cause)
    first, last = m.at[FIRST], m.at[LAST]
    if last < first or _OF_MACHINE[cause] == FOR_BLOCK:
        # v6 flushes a page that stays mapped; a block is flushed whole
        first, last = m.at[PAGE_FIRST], m.at[PAGE_LAST]
    span = last - first + 1
    _note(m, FLUSH, _OF_MACHINE[cause], first, span, m.at[FRAMES])
    _no_frames(m)


@noinline
def clear_pte(m: Any, frame: int, splits: bool) -> int:  # noqa: FBT001
    """As `machine.clear_pte`, with a note if the frame was mapped."""
    cleared = _clear_pte(m, frame, splits)
    if cleared:
        _note(m, UNMAP, m.at[CAUSE], frame, 1, 0)
        m.at[FIRST] = min(m.at[FIRST], frame)
        m.at[LAST] = max(m.at[LAST], frame)
        m.at[FRAMES] += 1
    return int(cleared)


@noinline
def set_pte(m: Any, frame: int, splits: bool) -> int:  # noqa: FBT001
    """As `machine.set_pte`, with a note if the frame was unmapped."""
    mapped = _set_pte(m, frame, splits)
    if mapped:
        _note(m, MAP, m.at[CAUSE], frame, 1, 0)
    return int(mapped)


@noinline
def split_entry(m: Any, frame: int) -> None:
    """As `machine.split_entry`, with a note if the block was whole."""
    before = m.counts.splits
    _split_entry(m, frame)
    if m.counts.splits != before:
        _note(m, SPLIT, NO_CAUSE, frame >> m.settings.block_order, 1, 0)


def _about_block(m: Any, block: int) -> None:
    """Say that the entries of a block are changed, for its own sake."""
    m.at[CAUSE] = FOR_BLOCK
    first = block << m.settings.block_order
    last = first + (1 << m.settings.block_order) - 1
    while last > first and m.owner[last] == machine.ABSENT:
        last -= 1
    m.at[PAGE_FIRST] = first
    m.at[PAGE_LAST] = last
    _no_frames(m)


@noinline
def unmap_block(m: Any, block: int, spared: int) -> int:
    """As `machine.unmap_block`, whatever hook flips the block."""
    _about_block(m, block)
    return int(_unmap_block(m, block, spared))


@noinline
def map_block(m: Any, block: int, spared: int) -> int:
    """As `machine.map_block`, whatever hook flips the block."""
    _about_block(m, block)
    return int(_map_block(m, block, spared))


GIVEN: Final[Given] = {
    machine.shoot_down: shoot_down,
    machine.clear_pte: clear_pte,
    machine.set_pte: set_pte,
    machine.split_entry: split_entry,
    machine.unmap_block: unmap_block,
    machine.map_block: map_block,
}
"""The functions that note, by those whose place they take."""
