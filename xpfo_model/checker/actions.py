# SPDX-License-Identifier: GPL-2.0-only
"""Everything that can happen next: who allocates, frees, maps and switches."""

from itertools import combinations, permutations
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model.checker.scope import HAS_MODES, Scope
from xpfo_model.constants import MIGRATE_MOVABLE, MIGRATE_UNMOVABLE

ALLOC_USER: Final = 0
ALLOC_ZEROED: Final = 1
ALLOC_KERNEL: Final = 2
ALLOC_ATOMIC: Final = 3
FREE_PAGE: Final = 4
REFILL: Final = 5
DRAIN: Final = 6
KMAP: Final = 7
KUNMAP: Final = 8
BOUNCE: Final = 9
CHANGE_BLOCK: Final = 10
SWITCH: Final = 11
ANSWER: Final = 12
REFILL_ATOMIC: Final = 13
MOVE_PAGE: Final = 14
RETURN: Final = 15
ENTER: Final = 16

_TEXT: Final = {
    ALLOC_USER: "allocates {frames} for a user",
    ALLOC_ZEROED: "allocates {frames} zeroed for a user",
    ALLOC_KERNEL: "allocates {frames} for the kernel",
    ALLOC_ATOMIC: "allocates {frames} for the kernel, interrupts off",
    FREE_PAGE: "frees {frames} to the {list} list",
    REFILL: "refills the {list} list with {frames}",
    DRAIN: "drains {frames} to the buddy allocator",
    KMAP: "kmaps {frames}",
    KUNMAP: "kunmaps {frames}",
    BOUNCE: "kmaps and kunmaps {frames} in an interrupt",
    CHANGE_BLOCK: "makes block {block} {list}",
    SWITCH: "switches context",
    RETURN: "returns to user space",
    ENTER: "enters the kernel",
    ANSWER: "has its flush answered",
    REFILL_ATOMIC: "refills the {list} list with {frames}, interrupts off",
    MOVE_PAGE: "moves the page of {frames}",
}


class Actions(NamedTuple):
    """Columns, one row an action."""

    op: npt.NDArray[np.int64]
    cpu: npt.NDArray[np.int64]
    migratetype: npt.NDArray[np.int64]
    """Of FREE_PAGE, refills and CHANGE_BLOCK."""
    start: npt.NDArray[np.int64]
    """First index into `frames`; of CHANGE_BLOCK the block."""
    stop: npt.NDArray[np.int64]
    frames: npt.NDArray[np.int64]
    """The frames of all actions, one after the other; of MOVE_PAGE from and to."""


def enumerate_actions(scope: Scope, how: int = 0) -> Actions:
    """Every action that a scope knows, whether or not it is possible now.

    `how` has HAS_MODES of `scope`, for strategies that heed modes.
    """
    rows: list[tuple[int, int, int, tuple[int, ...]]] = []
    singles = [(frame,) for frame in range(scope.frames)]
    pages = [
        tuple(range(first, first + (1 << order)))
        for order in range(scope.orders)
        for first in range(0, scope.frames - (1 << order) + 1, 1 << order)
    ]
    batches = [some for n in (1, 2) for some in combinations(range(scope.frames), n)]
    moves = list(permutations(range(scope.frames), 2))
    lists = (MIGRATE_MOVABLE, MIGRATE_UNMOVABLE)
    modes = (RETURN, ENTER) if how & HAS_MODES else ()
    for cpu in range(scope.cpus):
        for page in pages:
            rows += [(op, cpu, 0, page) for op in (ALLOC_USER, ALLOC_ZEROED)]
            rows += [(op, cpu, 0, page) for op in (ALLOC_KERNEL, ALLOC_ATOMIC)]
        for migratetype in lists:
            rows += [(FREE_PAGE, cpu, migratetype, one) for one in singles]
            for op in (REFILL, REFILL_ATOMIC):
                rows += [(op, cpu, migratetype, some) for some in batches]
            rows += [
                (CHANGE_BLOCK, cpu, migratetype, (block,))
                for block in range(scope.blocks)
            ]
        for op in (DRAIN, KMAP, KUNMAP, BOUNCE):
            rows += [(op, cpu, 0, one) for one in singles]
        rows += [(MOVE_PAGE, cpu, 0, two) for two in moves]
        rows += [(op, cpu, 0, ()) for op in (SWITCH, ANSWER, *modes)]
    frames: list[int] = []
    start, stop = [], []
    for op, _, _, some in rows:
        if op == CHANGE_BLOCK:
            start.append(some[0])
            stop.append(some[0] + 1)
        else:
            start.append(len(frames))
            frames += some
            stop.append(len(frames))
    columns = ([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    return Actions(*(np.array(c, np.int64) for c in (*columns, start, stop, frames)))


def describe(a: Actions, action: int, cpu: int) -> str:
    """An action in words, done by a CPU."""
    op = int(a.op[action])
    first, last = int(a.start[action]), int(a.stop[action])
    frames = "" if op == CHANGE_BLOCK else [int(f) for f in a.frames[first:last]]
    told = "frame " if len(frames) == 1 or op == MOVE_PAGE else "frames "
    link = " to frame " if op == MOVE_PAGE else " and "
    return f"CPU {cpu} " + _TEXT[op].format(
        frames=told + link.join(map(str, frames)),
        list="MOVABLE" if a.migratetype[action] == MIGRATE_MOVABLE else "UNMOVABLE",
        block=first,
    )
