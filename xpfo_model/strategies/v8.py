# SPDX-License-Identifier: GPL-2.0-only
"""XPFO v8 as posted, 13 February 2019: deferred flush, and a batch that unmaps not.

v6's rules, with each flush deferred for other CPUs. The refill of the MOVABLE list
marks its frames as unmapped and flushes once, but clears no PTE. Mirrors v8 14/14,
6a92971cd9b360ec1b0ae75887f33f67774d681a.1550088114.git.khalid.aziz@oracle.com.
"""

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import XPFO_UNMAPPED, XPFO_USER, Frames, Machine, set_kpte
from xpfo_model.strategies import v5, v6
from xpfo_model.strategies.deferral import (
    switch_mm_irqs_off,
    xpfo_flush_tlb_all,
    xpfo_flush_tlb_kernel_range,
)
from xpfo_model.strategies.guarantee import (
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
        xpfo_flush_tlb_kernel_range(m, cpu, frames)


free = v6.free
kmap = v5.kmap


def kunmap(m: Machine, cpu: int, frame: int) -> None:
    """Unmap a user's frame at its last kunmap; flush here now, elsewhere later."""
    if m.marks[frame] & XPFO_USER:
        m.mapcount[frame] -= 1
        if m.mapcount[frame] == 0:
            m.marks[frame] |= XPFO_UNMAPPED
            set_kpte(m, frame, mapped=False)
            xpfo_flush_tlb_kernel_range(m, cpu, range(frame, frame + 1))


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """rmqueue_bulk(): mark a MOVABLE batch, flush once; clear no PTE."""
    first_time = 0
    for frame in frames:
        if migratetype == MIGRATE_MOVABLE:
            if not m.marks[frame] & XPFO_UNMAPPED:
                first_time = 1
            m.marks[frame] = XPFO_USER | XPFO_UNMAPPED
        else:
            m.marks[frame] &= ~XPFO_USER
    if first_time:
        xpfo_flush_tlb_all(m, cpu)


drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = switch_mm_irqs_off
