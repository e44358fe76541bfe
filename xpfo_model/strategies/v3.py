# SPDX-License-Identifier: GPL-2.0-only
"""XPFO v3 as posted, 4 November 2016: marks the kernel's frames, not the users'.

A frame that the kernel had costs its next user a flush; one that nobody had costs
none. No PTE is cleared before the first kunmap, which flushes its own CPU only. The
second patch of v3 puts a freed kernel frame at the cold end of its pcp list, so that
users get users' frames again: that steers the allocator, and a recorded trace cannot
show it. Mirrors mm/xpfo.c, v3: xpfo_alloc_page, xpfo_free_page, xpfo_kmap,
xpfo_kunmap.
"""

from typing import Final

from xpfo_model.machine import (
    ALLOC,
    KERNEL,
    XPFO_UNMAPPED,
    Frames,
    Machine,
    flush,
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

# marks, beside XPFO_UNMAPPED: the kernel had the frame last
XPFO_KERNEL: Final = 1


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Mark for the kernel; for a user flush if a frame had that mark."""
    was_kernel = 0
    for frame in frames:
        if user:
            if m.marks[frame] & XPFO_KERNEL:
                was_kernel = 1
            m.marks[frame] &= ~XPFO_KERNEL
        else:
            m.marks[frame] |= XPFO_KERNEL
    if was_kernel:
        flush(m, ALLOC)


def free(m: Machine, cpu: int, frames: Frames) -> None:
    """Map back what is unmapped; the mark stays.

    A frame that the kernel had before XPFO began gets its mark here.
    """
    for frame in frames:
        if m.owner[frame] == KERNEL:
            m.marks[frame] |= XPFO_KERNEL
        if m.marks[frame] & XPFO_UNMAPPED:
            m.marks[frame] &= ~XPFO_UNMAPPED
            set_kpte(m, frame, mapped=True)


def kmap(m: Machine, cpu: int, frame: int) -> None:
    """Map a frame that is not the kernel's at its first kmap."""
    if not m.marks[frame] & XPFO_KERNEL:
        m.mapcount[frame] += 1
        if m.marks[frame] & XPFO_UNMAPPED:
            m.marks[frame] &= ~XPFO_UNMAPPED
            set_kpte(m, frame, mapped=True)


def kunmap(m: Machine, cpu: int, frame: int) -> None:
    """Unmap a frame that is not the kernel's at its last kunmap; flush this CPU."""
    if not m.marks[frame] & XPFO_KERNEL:
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
