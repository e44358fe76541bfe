# SPDX-License-Identifier: GPL-2.0-only
"""From bursts and pages to the rows of a demand, in order.

A CPU does one burst after the other, in the order in which they want to begin, and
idles in between; the CPUs go on side by side. A free never comes before its
allocation, however late that was.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from xpfo_model import gfp
from xpfo_model.allocator import demand
from xpfo_model.allocator.demand import (
    ALLOC,
    FREE,
    FREE_COMMIT,
    FREE_PREPARE,
    Demand,
)
from xpfo_model.allocator.masks import highest_zone, slow_flags
from xpfo_model.workloads.activity import NEVER, ONE_BY_ONE, Activity

BUSY: Final = 0.5
"""Share of the time in which a CPU works: free choice. At 1 bursts would queue
without end, near 0 no two CPUs would work at the same time."""
TICKS: Final = 2
"""Ticks of an operation. A free in a list is two of them."""


class Schedule(NamedTuple):
    """A demand and what it does not say."""

    demand: Demand
    gfp: Any
    """Mask of each row, 0 of frees, uint64."""
    time: Any
    """Ticks of each row, int64."""
    ticks: float
    """Ticks of the whole run, about."""


def when(length: Any, a: Activity, ticks: float, allocations: float) -> Any:
    """When each burst begins, in ticks: in its time, after the last of its CPU.

    Lindley's recursion as a running maximum, all CPUs in one array far apart.
    """
    apart = 2 * int(ticks + length.sum()) + 1
    wants = (a.time * (ticks / allocations)).astype(np.int64)
    order = np.lexsort((wants, a.cpu))
    before = np.cumsum(length[order]) - length[order]
    free_from = wants[order] + a.cpu[order] * apart - before
    begins = np.empty(len(wants), np.int64)
    begins[order] = np.maximum.accumulate(free_from) + before - a.cpu[order] * apart
    return begins


def within(a: Activity, allocations: float) -> Activity:
    """Only the pages that are born during the run; those that outlive it die NEVER."""
    happens = (a.time >= 0) & (a.time < allocations)
    pages = happens[a.born]
    columns = {
        name: getattr(a, name)[pages]
        for name in ("born", "born_at", "died", "died_at", "order", "gfp", "listed")
    }
    died = columns["died"]
    columns["died"] = np.where((died != NEVER) & happens[died], died, NEVER)
    return a._replace(time=np.clip(a.time, 0, None), **columns)


def schedule(
    a: Activity, allocations: float, cpus: int, list_most: int, kernel: str
) -> Schedule:
    """The rows of an activity on a machine.

    `allocations` is the run's length in time, `list_most` how many pages one free
    of a list takes at most, `kernel` the GFP table of the masks.
    """
    a = within(a, allocations)
    freed = np.flatnonzero(a.died != NEVER)
    listed = np.minimum(a.listed, list_most)[freed]
    batched = listed != ONE_BY_ONE
    place = a.died_at[freed]
    # a list's pages are prepared one after the other, then committed
    first = place + np.where(batched, place - place % np.maximum(listed, 1), place)
    second = (first + listed)[batched]
    length = np.zeros(len(a.time), np.int64)
    np.maximum.at(length, a.born, TICKS * a.born_at + TICKS)
    np.maximum.at(length, a.died[freed], first + TICKS)
    np.maximum.at(length, a.died[freed][batched], second + 1)
    ticks = length.sum() / cpus / BUSY
    begins = when(length, a, ticks, allocations)
    birth = begins[a.born] + TICKS * a.born_at
    death = np.maximum(begins[a.died[freed]] + first, birth[freed] + 1)
    commit = np.maximum(begins[a.died[freed]][batched] + second, death[batched] + 1)
    time = np.concatenate([birth, death, commit])
    page = np.concatenate([np.arange(len(birth)), freed, freed[batched]])
    op = np.zeros(len(time), np.uint8)
    op[: len(birth)] = ALLOC
    op[len(birth) : len(birth) + len(freed)] = np.where(batched, FREE_PREPARE, FREE)
    op[len(birth) + len(freed) :] = FREE_COMMIT
    order, time = in_order(time)
    return rows(a, op[order], page[order], time, ticks, kernel)


def in_order(time: Any) -> tuple[Any, Any]:
    """The order of non-negative times, equal ones as they stand, and the times.

    Time and place in one number: sorting values is several times faster than
    sorting indices, and no two are equal.
    """
    bits = max(len(time).bit_length(), 1)
    both = np.sort(time << bits | np.arange(len(time)))
    return both & ((1 << bits) - 1), both >> bits


def rows(
    a: Activity, op: Any, page: Any, time: Any, ticks: float, kernel: str
) -> Schedule:
    """The columns of a demand whose operations and pages are in order."""
    out = demand.empty(len(op))
    allocates = op == ALLOC
    number = np.empty(len(a.born), np.int64)
    number[page[allocates]] = np.arange(len(a.born))
    burst = np.where(allocates, a.born[page], a.died[page])
    masks = np.where(allocates, a.gfp[page], np.uint64(0))
    out.op[:] = op
    out.cpu[:] = a.cpu[burst]
    out.order[:] = a.order[page]
    out.page[:] = number[page]
    asked = masks[allocates]
    out.migratetype[allocates] = gfp.migratetype(asked)
    out.highest[allocates] = highest_zone(asked, kernel)
    out.atomic[allocates] = slow_flags(asked, out.order[allocates], kernel)
    return Schedule(out, masks, time, ticks)
