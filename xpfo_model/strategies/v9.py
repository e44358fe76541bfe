# SPDX-License-Identifier: GPL-2.0-only
"""XPFO v9 as posted, 3 April 2019: deferred flush and a batch that does unmap.

Free leaves the frame unmapped, and a kernel allocation maps it back. An
allocation of several frames clears one PTE and marks them all. Mirrors v9 03/13
and 13/13,
be3868d4514e969f22d37d76a591683be9f6b3ee.1554248002.git.khalid.aziz@oracle.com.
"""

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import (
    XPFO_UNMAPPED,
    XPFO_USER,
    Frames,
    Machine,
    set_kpte,
)
from xpfo_model.strategies import v5, v8
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
    """Mark all frames for a user and clear the first one's PTE; map for the kernel."""
    changed = 0
    for frame in frames:
        was_user = m.marks[frame] & XPFO_USER
        if user:
            m.marks[frame] |= XPFO_USER
            if not was_user or not zeroed:
                if not m.marks[frame] & XPFO_UNMAPPED:
                    changed = 1
                m.marks[frame] |= XPFO_UNMAPPED
        else:
            m.marks[frame] &= ~XPFO_USER
            if m.marks[frame] & XPFO_UNMAPPED:
                m.marks[frame] &= ~XPFO_UNMAPPED
                set_kpte(m, frame, mapped=True)
    if changed:
        for head in frames:
            set_kpte(m, head, mapped=False)  # numpages = 1
            break
        xpfo_flush_tlb_kernel_range(m, cpu, frames)


def free(m: Machine, cpu: int, frames: Frames) -> None:
    """Mark a user's frames as unmapped, whatever their PTE."""
    for frame in frames:
        if m.marks[frame] & XPFO_USER:
            m.marks[frame] |= XPFO_UNMAPPED


kmap = v5.kmap
kunmap = v8.kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """__rmqueue_pcplist(): unmap a MOVABLE batch page by page, flush once."""
    changed = 0
    for frame in frames:
        if migratetype == MIGRATE_MOVABLE:
            if not m.marks[frame] & XPFO_UNMAPPED:
                set_kpte(m, frame, mapped=False)
                changed = 1
            m.marks[frame] = XPFO_USER | XPFO_UNMAPPED
        else:
            m.marks[frame] &= ~XPFO_USER
    if changed:
        xpfo_flush_tlb_all(m, cpu)


drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = switch_mm_irqs_off
