# SPDX-License-Identifier: GPL-2.0-only
"""The one rule under every safe strategy, and the hooks that do nothing.

Whoever hands a frame to user space makes sure that its alias is unmapped and
that no CPU can still translate it. A strategy only chooses when, and in what
unit, to unmap ahead of time, so that the rule finds nothing left to do.
"""

from typing import Any

from xpfo_model.machine import (
    ALLOC,
    USER,
    Frames,
    Machine,
    flush,
    map_back,
    set_kpte,
    unmap,
)
from xpfo_model.strategies.hooks import alloc


def guarantee(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Allocate: unmap for a user and flush if needed, map for the kernel."""
    if user:
        if unmap(m, frames):
            flush(m, ALLOC)
    else:
        map_back(m, frames)


def leave(m: Machine, cpu: int, frames: Frames) -> None:
    """Free or drain: leave the frames as they are, for whoever gets them next."""


def restore(m: Machine, cpu: int, frames: Frames) -> None:
    """Free: map a user's frames back, as v3 to v8 do."""
    for frame in frames:
        if m.owner[frame] == USER:
            set_kpte(m, frame, mapped=True)


def ignore(m: Machine, cpu: int, what: Any, migratetype: int) -> None:
    """Refill or change of a block: no business of this strategy."""


def isolate_for_kernel(m: Machine, cpu: int, frames: Frames) -> None:
    """Isolation, as posted: an allocation with a mask that is no user's."""
    alloc(m, cpu, frames, user=False, zeroed=False)


def move_unseen(m: Machine, cpu: int, src: int, dst: int) -> None:
    """Migration, as posted: nothing. A user's data is where the kernel maps it."""


def go_on(m: Machine, cpu: int) -> None:
    """Context switch: nothing was deferred."""
