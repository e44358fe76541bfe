# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
"""What the CPU of a row was at: which lock it held, what it had just done.

A trace says it by the depth of preemption disabling, by the task, and by what else
the CPU does before and after.
"""

from typing import Any, Final, NamedTuple

from xpfo_model.allocator.demand import DRAIN_CPU, FOREIGN, FREE_COMMIT, Demand
from xpfo_model.allocator.state import ZONE_DMA, ZONE_NORMAL
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.events import MM_PAGE_FREE, MM_PAGE_FREE_BATCHED, UNKNOWN, Events

NONE: Final = -1
LOCKS_OF_COMMIT: Final = 1
"""Depth from the second event of a batched free to a drain: the zone's lock."""
LOCKS_OF_FREE: Final = 3
"""Depth from a single free to its drain: pin, pcp's lock, zone's lock."""
PINNED_AND_LOCKED: Final = 2
"""Depth from the first event of a batched free to the second."""

# What the walk carries per CPU: columns of `Carry.cpu`.
HEAD: Final = 0
TAIL: Final = 1
PUSH: Final = 2
WHOLE: Final = 3
CORE: Final = 4
INSIDE: Final = 5
PENDING: Final = 6
CPU_FIELDS: Final = 7


class Carry(NamedTuple):
    """Scratch of the walk."""

    cpu: Any
    """Per CPU: first and last open row, last push to the pcp, row of the last
    allocation of higher order if only its tail has been freed since, row of the
    last free of memory that is being initialised, last row under the pcp's lock if
    the task that had it may have it still, row of the last free of a batch that has
    not come to the pcp yet; int64."""
    later: Any
    """Per row: the next open row of its CPU, int64."""
    owner: Any
    """Per frame: allocation that holds it, or NONE, int32."""
    start: Any
    """Per allocation: its first frame, int64."""
    order: Any
    """Per frame: order of the page that is being freed there, int8. The second
    event of a batched free says 0 for any."""
    of: Any
    """Per row: the operation that it answers, or NONE, int64."""
    zone_ends: Any
    """First frame behind each zone, int64."""
    fallback_frames: int
    """1: an extfrag event alone may hand out a page (from v6.10 on)."""


def direct(e: Events, i: int, refill: int) -> bool:
    """Whether a page came past the pcp: no pin and no pcp lock, one lock only."""
    if e.preempt[i] == UNKNOWN or e.preempt[refill] == UNKNOWN:
        return False
    return e.preempt[refill] == e.preempt[i] + 1


def drains_for(e: Events, c: Carry, d: Demand, row: Any, push: int, i: int) -> bool:
    """Whether a drained page was drained by the push to the pcp before it.

    What drains whole pcps holds one lock less.
    """
    if d.op[push] == DRAIN_CPU:
        # other CPUs go on with their lists between two chunks
        return bool(c.of[i - 1] == push)
    before = e.preempt[row[push]]
    if before == UNKNOWN or e.preempt[i] == UNKNOWN:
        return True
    locks = LOCKS_OF_COMMIT if d.op[push] == FREE_COMMIT else LOCKS_OF_FREE
    return e.preempt[i] == before + locks


def core_free(e: Events, c: Carry, d: Demand, n: int, i: int) -> bool:
    """Whether a free hands memory over as it is initialised: __free_pages_core().

    Whole blocks that nobody allocated, and what the same task frees next to them.
    """
    if d.page[n] != FOREIGN:
        return False
    if e.order[i] >= PAGEBLOCK_ORDER:
        return True
    last = c.cpu[e.cpu[i] * CPU_FIELDS + CORE]
    return last != NONE and e.pid[last] == e.pid[i] and e.pfn[last] < e.pfn[i]


def exact_tail(e: Events, c: Carry, d: Demand, n: int, i: int) -> bool:
    """Whether a free is of the tail that alloc_pages_exact() gives back at once."""
    whole = c.cpu[e.cpu[i] * CPU_FIELDS + WHOLE]
    if whole == NONE or e.order[i] or e.pid[i] != e.pid[whole]:
        return False
    return 0 < d.part[n] < 1 << e.order[whole] and (
        e.pfn[i] - d.part[n] == e.pfn[whole]
    )


def zone_of(ends: Any, pfn: int) -> int:
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
    at = e.cpu[i] * CPU_FIELDS
    inside = c.cpu[at + INSIDE]
    if inside == NONE:
        # the lock was taken, and no page is through
        inside = c.cpu[at + PENDING]
    if inside == NONE or e.pid[inside] != e.pid[i]:
        return False
    if e.preempt[i] == UNKNOWN or e.preempt[inside] == UNKNOWN:
        return False
    if e.kind[inside] == MM_PAGE_FREE_BATCHED:
        return c.cpu[at + PENDING] != NONE and e.preempt[i] >= e.preempt[inside]
    if e.kind[inside] == MM_PAGE_FREE:
        return bool(e.preempt[i] > e.preempt[inside] + PINNED_AND_LOCKED)
    return bool(e.preempt[i] + LOCKS_OF_COMMIT >= e.preempt[inside])


def held(e: Events, c: Carry, i: int) -> bool:
    """Whether a single free finds the lock of its pcp taken. free_unref_page(), v6.1.

    Every zone has a pcp of its own.
    """
    if not interrupts(e, c, i):
        return False
    at = e.cpu[i] * CPU_FIELDS
    inside = c.cpu[at + INSIDE]
    if inside == NONE:
        inside = c.cpu[at + PENDING]
    return zone_of(c.zone_ends, e.pfn[i]) == zone_of(c.zone_ends, e.pfn[inside])
