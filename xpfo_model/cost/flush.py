# SPDX-License-Identifier: GPL-2.0-only
"""Cycles of one TLB flush, by its range, and by how other CPUs come to do it."""

from enum import Enum
from typing import Final

from xpfo_model.cost.parameters import MILAN_CPUS, Number, Values

FULL: Final = None
"""In place of a number of pages: the whole TLB."""


class Kind(Enum):
    """How the CPUs of a machine come to flush."""

    LOCAL = "this CPU alone"
    """Enough for a mapping that no other CPU can see."""
    INTERRUPT = "interrupts"
    """An interrupt to all CPUs, and a wait: flush_tlb_kernel_range()."""
    INVLPGB = "INVLPGB"
    """An instruction of AMD that reaches all CPUs, and a wait."""
    RAR = "RAR, at best"
    """Remote action requests of Intel: taken to cost the receiver no interrupt."""


def local_cycles(pages: int | None, v: Values) -> Number:
    """Cycles that a flush costs the CPU that executes it.

    Above the ceiling a range is flushed in full, and entries that are used again are
    missed. Mirrors arch/x86/mm/tlb.c: flush_tlb_kernel_range, v4.14 to v6.1.
    """
    if pages is FULL or pages > v["ceiling"]:
        return v["full"] + v["refill"]
    return v["call"] + v["invlpg"] * pages


def flush_cycles(
    kind: Kind, pages: int | None, cpus: Number, ipi: Number, v: Values
) -> Number:
    """Cycles that one flush costs all CPUs together.

    Parameters
    ----------
    cpus : float or array
        CPUs whose time is counted.
    ipi : float or array
        Cycles of an interrupt for each CPU that receives it, or of the wait for it.
    """
    local = local_cycles(pages, v)
    missed = v["refill"] if pages is FULL or pages > v["ceiling"] else 0.0
    match kind:
        case Kind.LOCAL:
            return local
        case Kind.INTERRUPT:
            return cpus * (ipi + local)
        case Kind.INVLPGB:
            one = v["call"] + v["invlpg"]
            return MILAN_CPUS * (ipi + one) / v["invlpgb_gain"] + cpus * missed
        case Kind.RAR:
            return ipi + cpus * local
