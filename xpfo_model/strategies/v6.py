# SPDX-License-Identifier: GPL-2.0-only
"""XPFO v6 as posted, 7 September 2017: flush for every user allocation.

Allocation marks the frames and flushes, but clears no PTE: that is left to the
first kunmap. Free forgets the mark and maps the frame back, so the next user of
the same frame pays again. Mirrors mm/xpfo.c, v6: xpfo_alloc_pages,
xpfo_free_pages, xpfo_kmap, xpfo_kunmap.
"""

from xpfo_model.machine import (
    ALLOC,
    KUNMAP,
    XPFO_UNMAPPED,
    XPFO_USER,
    Frames,
    Machine,
    flush,
    flush_mapping,
    set_kpte,
)
from xpfo_model.strategies import v5
from xpfo_model.strategies.guarantee import (
    go_on,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Mark and flush for a user, whatever the order: no frame is marked already."""
    for frame in frames:
        if user:
            m.marks[frame] |= XPFO_USER
        else:
            m.marks[frame] &= ~XPFO_USER
    if user:
        flush_mapping(m, ALLOC, frames)


def free(m: Machine, cpu: int, frames: Frames) -> None:
    """Forget the marks and map a user's frames back."""
    for frame in frames:
        if m.marks[frame] & XPFO_USER:
            m.marks[frame] = 0
            set_kpte(m, frame, mapped=True)


kmap = v5.kmap


def kunmap(m: Machine, cpu: int, frame: int) -> None:
    """Unmap a user's frame at its last kunmap, and flush all CPUs."""
    if m.marks[frame] & XPFO_USER:
        m.mapcount[frame] -= 1
        if m.mapcount[frame] == 0:
            m.marks[frame] |= XPFO_UNMAPPED
            set_kpte(m, frame, mapped=False)
            flush(m, KUNMAP)


refill = ignore
drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
