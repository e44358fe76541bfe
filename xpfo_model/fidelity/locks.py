# SPDX-License-Identifier: GPL-2.0-only
"""The locks that the CPU of a row held, and what the CPU had done just before.

A trace says it by the depth of preemption disabling, by the task, and by what else
the CPU does before and after.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator.demand import DRAIN_CPU, FOREIGN, FREE_COMMIT, Demand
from xpfo_model.allocator.state import ZONE_DMA, ZONE_NORMAL, Records
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.events import MM_PAGE_FREE, MM_PAGE_FREE_BATCHED, UNKNOWN, Events

NONE: Final = -1
LOCKS_OF_COMMIT: Final = 1
"""Depth from the second event of a batched free to a drain: the zone's lock."""
LOCKS_OF_FREE: Final = 3
"""Depth from a single free to its drain: pin, pcp's lock, zone's lock."""
PINNED_AND_LOCKED: Final = 2
"""Depth from the first event of a batched free to the second."""

CPU: Final = np.dtype(
    [
        ("head", np.int64),  # first open row: no operation has it yet
        ("tail", np.int64),  # last open row
        ("push", np.int64),  # last operation that put a page on the pcp
        # last allocation of higher order, while only its tail has been freed since
        ("whole", np.int64),
        ("core", np.int64),  # last free of memory that is being initialised
        # last row under the pcp's lock, while the task that took it may hold it
        ("inside", np.int64),
        # last free of a batch that has not come to the pcp yet
        ("pending", np.int64),
    ]
)
"""State of a CPU during the walk: rows, or NONE."""


class Carry(NamedTuple):
    """State of the walk from row to row."""

    cpus: Records
    """CPU by number."""
    later: npt.NDArray[np.int64]
    """Per row: the next open row of its CPU."""
    owner: npt.NDArray[np.int32]
    """Per frame: the number of the allocation that holds it + 1, or 0."""
    start: npt.NDArray[np.int64]
    """Per allocation: its first frame."""
    order: npt.NDArray[np.int8]
    """Per frame: order of the page that is being freed there. The second event of a
    batched free says 0 for any."""
    of: npt.NDArray[np.int64]
    """Per row: the operation that it answers, or NONE."""
    zone_ends: npt.NDArray[np.int64]
    """First frame behind each zone."""
    fallback_frames: int
    """1: an extfrag event alone may hand out a page (from v6.10 on)."""


def direct(e: Events, i: int, refill: int) -> bool:
    """Whether a page came past the pcp: no pin and no pcp lock, one lock only."""
    if e.preempt[i] == UNKNOWN or e.preempt[refill] == UNKNOWN:
        return False
    return e.preempt[refill] == int(e.preempt[i]) + 1


def drains_for(
    e: Events, c: Carry, d: Demand, row: npt.NDArray[np.int64], push: int, i: int
) -> bool:
    """Whether a drained page was drained by the push to the pcp before it.

    What drains whole pcps holds one lock less.
    """
    if d.op[push] == DRAIN_CPU:
        # other CPUs go on with their lists between two chunks
        return bool(c.of[i - 1] == push)
    before = int(e.preempt[row[push]])
    if before == UNKNOWN or e.preempt[i] == UNKNOWN:
        return True
    locks = LOCKS_OF_COMMIT if d.op[push] == FREE_COMMIT else LOCKS_OF_FREE
    return e.preempt[i] == before + locks


def core_free(e: Events, c: Carry, d: Demand, n: int, i: int) -> bool:
    """Whether a free hands memory over as it is initialised: __free_pages_core().

    That is a free of a whole block without an allocation, or of a page behind the
    last of those by the same task.
    """
    if d.page[n] != FOREIGN:
        return False
    if e.order[i] >= PAGEBLOCK_ORDER:
        return True
    last = c.cpus[e.cpu[i]].core
    return last != NONE and e.pid[last] == e.pid[i] and e.pfn[last] < e.pfn[i]


def exact_tail(e: Events, c: Carry, d: Demand, n: int, i: int) -> bool:
    """Whether a free is of the tail that alloc_pages_exact() gives back at once."""
    whole = c.cpus[e.cpu[i]].whole
    if whole == NONE or e.order[i] or e.pid[i] != e.pid[whole]:
        return False
    return 0 < d.part[n] < 1 << int(e.order[whole]) and (
        e.pfn[i] - d.part[n] == e.pfn[whole]
    )


def zone_of(ends: npt.NDArray[np.int64], pfn: int) -> int:
    """The zone of a frame, from the first frame behind each zone."""
    zone = ZONE_DMA
    while zone < ZONE_NORMAL and pfn >= ends[zone]:
        zone += 1
    return zone


def interrupts(e: Events, c: Carry, i: int) -> bool:
    """Whether a row comes from an interrupt of what has locked the pcp of its CPU.

    Interrupts come in between two pages of a batch, and as the zone's lock is given
    back after a refill or a drain. Then the depth is at least that under the lock,
    and the interrupted task goes on.
    """
    cpu = c.cpus[e.cpu[i]]
    inside = cpu.inside
    if inside == NONE:
        # the lock was taken, and no page is through
        inside = cpu.pending
    if inside == NONE or e.pid[inside] != e.pid[i]:
        return False
    if e.preempt[i] == UNKNOWN or e.preempt[inside] == UNKNOWN:
        return False
    if e.kind[inside] == MM_PAGE_FREE_BATCHED:
        return cpu.pending != NONE and e.preempt[i] >= e.preempt[inside]
    if e.kind[inside] == MM_PAGE_FREE:
        return bool(e.preempt[i] > int(e.preempt[inside]) + PINNED_AND_LOCKED)
    return bool(int(e.preempt[i]) + LOCKS_OF_COMMIT >= e.preempt[inside])


def held(e: Events, c: Carry, i: int) -> bool:
    """Whether a single free finds the lock of its pcp taken. free_unref_page(), v6.1.

    Every zone has a pcp of its own.
    """
    if not interrupts(e, c, i):
        return False
    cpu = c.cpus[e.cpu[i]]
    inside = cpu.inside
    if inside == NONE:
        inside = cpu.pending
    return zone_of(c.zone_ends, e.pfn[i]) == zone_of(c.zone_ends, e.pfn[inside])
