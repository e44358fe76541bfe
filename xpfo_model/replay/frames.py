# SPDX-License-Identifier: GPL-2.0-only
"""The direct map while a trace is replayed: who has each frame, and is it mapped."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from xpfo_model.constants import PAGEBLOCK_NR_PAGES
from xpfo_model.machine import IS_MAPPED, KERNEL, USER, Machine
from xpfo_model.replay.calls import UNIT_FRAMES, Calls
from xpfo_model.replay.pieces import rows
from xpfo_model.replay.reconstruct import Reconstruction
from xpfo_model.replay.run import Run

STATES: Final = ("kernel", "free", "unmapped", "user", "exposed")
"""The kernel's; free, its alias mapped or not; a user's, out of the kernel's reach or
not. Their numbers are those of `states`."""
FREE_MAPPED: Final = STATES.index("free")
FREE_UNMAPPED: Final = STATES.index("unmapped")
USER_SAFE: Final = STATES.index("user")
USER_EXPOSED: Final = STATES.index("exposed")
_WHOLE: Final = 255
"""A share of all frames of a block, as a byte."""

Shares = npt.NDArray[np.uint8]
"""Of shape (blocks, moments, states)."""


def states(m: Machine, frames: int) -> npt.NDArray[np.uint8]:
    """The state of each of the first `frames` frames."""
    owner, alias = m.owner[:frames], m.alias[:frames]
    found = np.where(alias & IS_MAPPED, FREE_MAPPED, FREE_UNMAPPED).astype(np.uint8)
    found[owner == USER] = USER_SAFE
    found[(owner == USER) & (alias != 0)] = USER_EXPOSED
    found[owner == KERNEL] = STATES.index("kernel")
    return found


def by_block(found: npt.NDArray[np.uint8]) -> Shares:
    """How much of each pageblock is in each state, of 255; shape (blocks, states)."""
    blocks = found.reshape(-1, PAGEBLOCK_NR_PAGES)
    counts = np.stack([(blocks == n).sum(axis=1) for n in range(len(STATES))], axis=1)
    shares: Shares = np.rint(counts * _WHOLE / PAGEBLOCK_NR_PAGES).astype(np.uint8)
    return shares


def over_time(run: Run, steps: Sequence[Calls], frames: int, moments: int) -> Shares:
    """Replay all steps, and look at every pageblock so many times, at equal steps.

    Parameters
    ----------
    run
        A strategy that has seen no step yet.
    frames : int
        Of the machine, whole pageblocks.
    """
    length = -(-sum(len(some.op) for some in steps) // moments)
    seen = []
    done = 0
    for some in steps:
        start = 0
        while start < len(some.op):
            stop = min(len(some.op), start + length - done % length)
            run.feed(rows(some, slice(start, stop)), frames)
            done += stop - start
            start = stop
            if done % length == 0:
                seen.append(by_block(states(run.machine, frames)))
    if done % length:
        seen.append(by_block(states(run.machine, frames)))
    return np.stack(seen, axis=1)


def at_end(run: Run, steps: Sequence[Calls], frames: int, columns: int) -> Shares:
    """Replay all steps; every pageblock then, in so many columns of frames.

    `columns` divides the frames of a block.
    """
    for some in steps:
        run.feed(some, frames)
    found = states(run.machine, frames).reshape(
        -1, columns, PAGEBLOCK_NR_PAGES // columns
    )
    counts = np.stack([(found == n).mean(axis=2) for n in range(len(STATES))], axis=2)
    shares: Shares = np.rint(counts * _WHOLE).astype(np.uint8)
    return shares


def touched(*shares: Shares) -> npt.NDArray[np.bool_]:
    """Which blocks were ever anything but free and mapped, in any of the pictures.

    The first block where none was: a picture has at least one.
    """
    seen = [(some[..., FREE_MAPPED] < _WHOLE).any(axis=1) for some in shares]
    anywhere: npt.NDArray[np.bool_] = np.any(seen, axis=0)
    if not anywhere.any():  # a byte does not show one frame of a block
        anywhere[:1] = True
    return anywhere


def blocks_by_address(reconstruction: Reconstruction) -> npt.NDArray[np.int64]:
    """Numbers of the pageblocks of the machine, in the order of their addresses."""
    each = UNIT_FRAMES // PAGEBLOCK_NR_PAGES
    units = reconstruction.units_by_pfn[:, None]
    return (units * each + np.arange(each)).ravel()
