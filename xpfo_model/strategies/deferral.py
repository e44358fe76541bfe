# SPDX-License-Identifier: GPL-2.0-only
"""The deferred flush of v8 and v9: this CPU now, the others when they switch.

Mirrors arch/x86/mm/tlb.c: xpfo_flush_tlb_kernel_range and switch_mm_irqs_off, v8.
"""

from typing import Final

from xpfo_model.constants import TLB_SINGLE_PAGE_FLUSH_CEILING
from xpfo_model.machine import Frames, Machine, flush_local, invlpg

# cpu_state: whether the CPU's bit in pending_xpfo_flush is set
CLEAR: Final = 0
PENDING: Final = 1


def post_flush(m: Machine, cpu: int) -> None:
    """Set every other CPU's bit in pending_xpfo_flush."""
    for other in range(len(m.cpu_state)):
        if other != cpu:
            m.cpu_state[other] = PENDING


def flush_here(m: Machine, cpu: int, frames: Frames) -> None:
    """Flush frames on this CPU, page by page up to the ceiling."""
    if len(frames) > TLB_SINGLE_PAGE_FLUSH_CEILING:
        flush_local(m, cpu)
    else:
        invlpg(m, cpu, frames)


def xpfo_flush_tlb_kernel_range(m: Machine, cpu: int, frames: Frames) -> None:
    """Flush frames here, and post the rest."""
    flush_here(m, cpu, frames)
    post_flush(m, cpu)


def xpfo_flush_tlb_all(m: Machine, cpu: int) -> None:
    """Flush everything here, and post the rest."""
    flush_local(m, cpu)
    post_flush(m, cpu)


def switch_mm_irqs_off(m: Machine, cpu: int) -> None:
    """A context switch: flush if this CPU's bit is set."""
    if m.cpu_state[cpu] == PENDING:
        m.cpu_state[cpu] = CLEAR
        flush_local(m, cpu)
