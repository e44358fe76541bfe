# SPDX-License-Identifier: GPL-2.0-only
"""Cycles of one TLB flush, by its kind, its range and the machine's CPUs."""

from enum import Enum
from typing import Final

from xpfo_model.cost.parameters import MILAN_CPUS, Values

FULL: Final = None
"""In place of a number of pages: the whole TLB."""


class Kind(Enum):
    """How the CPUs of a machine come to flush."""

    LOCAL = "local"
    """This CPU only: enough for a mapping that no other CPU can see."""
    BROADCAST = "broadcast"
    """An interrupt to all CPUs, and a wait: v6."""
    DEFERRED = "deferred"
    """This CPU now, the others at their next context switch: v7 to v9."""
    INVLPGB = "INVLPGB"
    """One instruction that reaches all CPUs, and a wait: AMD."""


def local_cycles(pages: int | None, v: Values) -> float:
    """Cycles that a flush costs the CPU that executes it.

    Above the ceiling a range is flushed in full, as in ``flush_tlb_kernel_range()``
    (arch/x86/mm/tlb.c).
    """
    if pages is FULL or pages > v["ceiling"]:
        return v["call"] + v["full"] + v["residue"]
    return v["call"] + v["invlpg"] * pages


def flush_cycles(kind: Kind, pages: int | None, cpus: int, v: Values) -> float:
    """Cycles that one flush costs all CPUs of a machine together."""
    local = local_cycles(pages, v)
    match kind:
        case Kind.LOCAL:
            return local
        case Kind.BROADCAST:
            others = cpus - 1
            interrupts = others + v["initiator"] if others else 0
            return cpus * local + interrupts * v["ipi"]
        case Kind.DEFERRED:
            later = (cpus - 1) * v["switch"]
            return local + later * local_cycles(FULL, v)
        case Kind.INVLPGB:
            measured = flush_cycles(Kind.BROADCAST, FULL, MILAN_CPUS, v)
            return measured / v["invlpgb_gain"]
