# SPDX-License-Identifier: GPL-2.0-only
"""XPFO v7 as posted, 10 January 2019: each task defers its own flush.

v6's rules, booted with xpfotlbflush, without which v7 flushes nothing. A CPU flushes
itself at once; for the others the task notes a flush that it does where it is
scheduled next, and no other task does. Mirrors v7 16/16, x86's
xpfo_flush_tlb_kernel_range and switch_mm_irqs_off,
c97fd93699adc018d666c3842ee973cb0acced2c.1547153058.git.khalid.aziz@oracle.com; the
lock-free kmap of 14/16 is one step here.

A fork copies the mask of the parent, which no event tells: tasks begin without one.
"""

from xpfo_model.machine import (
    XPFO_UNMAPPED,
    XPFO_USER,
    Frames,
    Machine,
    flush_local,
    set_kpte,
)
from xpfo_model.strategies import v5, v6
from xpfo_model.strategies.deferral import CLEAR, PENDING, flush_here
from xpfo_model.strategies.guarantee import (
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)


def post_flush(m: Machine, cpu: int) -> None:
    """Set all CPUs but this one in the task's pending_xpfo_flush."""
    for other in range(len(m.cpu_state)):
        m.task_state[m.settings.task, other] = PENDING
    m.task_state[m.settings.task, cpu] = CLEAR


def xpfo_flush_tlb_kernel_range(m: Machine, cpu: int, frames: Frames) -> None:
    """Flush frames here, and leave the rest to the task."""
    flush_here(m, cpu, frames)
    post_flush(m, cpu)


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


refill = ignore
drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen


def context_switch(m: Machine, cpu: int) -> None:
    """switch_mm_irqs_off(): flush if the task has left that for this CPU."""
    if m.task_state[m.settings.task, cpu] == PENDING:
        m.task_state[m.settings.task, cpu] = CLEAR
        flush_local(m, cpu)
