# SPDX-License-Identifier: GPL-2.0-only
"""XPFO v5 as posted, 9 August 2017: kunmap flushes its own CPU only.

A frame keeps its user mark when it is freed, so that user, free, user costs no
flush. No PTE is cleared before the first kunmap. Mirrors mm/xpfo.c, v5:
xpfo_alloc_pages, xpfo_free_pages, xpfo_kmap, xpfo_kunmap.
"""

from xpfo_model.machine import (
    ALLOC,
    XPFO_UNMAPPED,
    XPFO_USER,
    Frames,
    Machine,
    flush_mapping,
    invlpg,
    set_kpte,
)
from xpfo_model.strategies.guarantee import (
    go_on,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Mark for a user, and flush if a frame was not marked before."""
    first_time = 0
    for frame in frames:
        if user:
            if not m.marks[frame] & XPFO_USER:
                first_time = 1
            m.marks[frame] |= XPFO_USER
        else:
            m.marks[frame] &= ~XPFO_USER
    if first_time:
        flush_mapping(m, ALLOC, frames)


def free(m: Machine, cpu: int, frames: Frames) -> None:
    """Map back what is unmapped; the user mark stays."""
    for frame in frames:
        if m.marks[frame] & XPFO_UNMAPPED:
            m.marks[frame] &= ~XPFO_UNMAPPED
            set_kpte(m, frame, mapped=True)


def kmap(m: Machine, cpu: int, frame: int) -> None:
    """Map a user's frame at its first kmap."""
    if m.marks[frame] & XPFO_USER:
        m.mapcount[frame] += 1
        if m.marks[frame] & XPFO_UNMAPPED:
            m.marks[frame] &= ~XPFO_UNMAPPED
            set_kpte(m, frame, mapped=True)


def kunmap(m: Machine, cpu: int, frame: int) -> None:
    """Unmap a user's frame at its last kunmap; flush it on this CPU."""
    if m.marks[frame] & XPFO_USER:
        m.mapcount[frame] -= 1
        if m.mapcount[frame] == 0:
            m.marks[frame] |= XPFO_UNMAPPED
            set_kpte(m, frame, mapped=False)
            invlpg(m, cpu, range(frame, frame + 1))


refill = ignore
drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
