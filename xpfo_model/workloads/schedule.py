# SPDX-License-Identifier: GPL-2.0-only
"""From bursts and pages to the rows of a demand, in order.

A CPU does one burst after the other, in the order in which they want to begin, and
idles in between; the CPUs go on side by side. A free never comes before its
allocation, however late that was.
"""

from collections.abc import Sequence
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
from xpfo_model.workloads.activity import (
    NEVER,
    ONE_BY_ONE,
    Activity,
    Kind,
    Pages,
    in_order,
)

BUSY: Final = 0.5
"""Share of the time in which a CPU works: free choice. At 1 bursts would queue
without end, near 0 no two CPUs would work at the same time."""
TICKS: Final = 2
"""Ticks of an operation. A free in a list is two of them."""
OP_BITS: Final = 2
OPS: Final = np.array([ALLOC, FREE, FREE_PREPARE, FREE_COMMIT], np.uint8)
"""Operations by their number in a sort key."""
BIRTH: Final = 0
DEATH: Final = 1
PREPARE: Final = 2
COMMIT: Final = 3


class Schedule(NamedTuple):
    """A demand and what it does not say."""

    demand: Demand
    gfp: Any
    """Mask of each row, 0 of frees, uint64."""
    time: Any
    """Ticks of each row, int64; without the ballast, which comes first."""


class Ends(NamedTuple):
    """All pages of all kinds, in columns."""

    kind: Any
    """Place in the list of kinds, uint8."""
    born: Any
    born_at: Any
    died: Any
    died_at: Any


def within(a: Activity, allocations: float) -> list[Pages]:
    """The pages that are born during the run; those that outlive it die NEVER."""
    happens = (a.time >= 0) & (a.time < allocations)
    kept = []
    for pages in a.pages:
        born, born_at, died, died_at = pages.columns()
        lives = happens[born]
        if not lives.all():
            born, born_at, died, died_at = (
                column[lives] for column in (born, born_at, died, died_at)
            )
        outlives = (died == NEVER) | ~happens[died]
        if outlives.any():
            died = np.where(outlives, np.int32(NEVER), died)
        kept.append(Pages(pages.kind, born, born_at, died, died_at))
    return kept


def ends(pages: Sequence[Pages]) -> Ends:
    """The columns of all pages, one kind after the other."""
    lengths = [len(some.born) for some in pages]
    kind = np.repeat(np.arange(len(pages), dtype=np.uint8), lengths)
    return Ends(kind, *(np.concatenate(c) for c in list(zip(*pages, strict=True))[1:]))


def begin(length: Any, a: Activity, ticks: float, allocations: float) -> Any:
    """When each burst begins, in ticks: in its time, after the last of its CPU.

    Lindley's recursion as a running maximum, all CPUs in one array far apart.
    """
    apart = 2 * int(ticks + length.sum()) + 1
    wants = (np.clip(a.time, 0, allocations) * (ticks / allocations)).astype(np.int64)
    order, _ = in_order(a.cpu * apart + wants, np.arange(len(wants)))
    before = np.cumsum(length[order]) - length[order]
    far = a.cpu[order] * apart
    begins = np.empty(len(wants), np.int64)
    begins[order] = np.maximum.accumulate(wants[order] + far - before) + before - far
    return begins


def schedule(
    a: Activity, allocations: float, cpus: int, list_most: int, kernel: str
) -> Schedule:
    """The rows of an activity on a machine.

    `allocations` is the run's length in time, `list_most` how many pages one free
    of a list takes at most, `kernel` the GFP table of the masks.
    """
    some = within(a, allocations)
    kinds = [pages.kind for pages in some]
    e = ends(some)
    freed = np.flatnonzero(e.died != NEVER)
    died, place = e.died[freed], e.died_at[freed]
    listed = np.array([min(kind.listed, list_most) for kind in kinds], np.int32)
    listed = listed[e.kind[freed]]
    batched = np.flatnonzero(listed != ONE_BY_ONE)
    # a list's pages are prepared one after the other, then committed
    first = place * TICKS
    first[batched] -= place[batched] % listed[batched]
    second = first[batched] + listed[batched]
    length = np.zeros(len(a.time), np.int32)
    # NumPy is ten times slower with indices of another type than this
    for burst, until in (
        (e.born, TICKS * e.born_at + TICKS),
        (died, first + TICKS),
        (died[batched], second + 1),
    ):
        np.maximum.at(length, burst.astype(np.intp), until)
    ticks = length.sum() / cpus / BUSY
    begins = begin(length, a, ticks, allocations)
    birth = begins[e.born] + TICKS * e.born_at
    death = np.maximum(begins[died] + first, birth[freed] + 1)
    commit = np.maximum(begins[died[batched]] + second, death[batched] + 1)
    op = np.where(listed != ONE_BY_ONE, np.int64(PREPARE), np.int64(DEATH))
    key, time = in_order(
        np.concatenate([birth, death, commit]),
        np.concatenate(
            [
                np.arange(len(birth)) << OP_BITS | BIRTH,
                freed << OP_BITS | op,
                freed[batched] << OP_BITS | COMMIT,
            ]
        ),
    )
    cpu = a.cpu.astype(np.uint16)
    filled, masks = rows(key, e.kind, kinds, (cpu[e.born], cpu[e.died]), kernel)
    if a.ballast:
        head = np.arange(a.ballast) << OP_BITS | BIRTH
        zeros = np.zeros(a.ballast, np.uint8)
        # one CPU, as when huge pages are reserved: no pcp keeps any
        turns = np.zeros(a.ballast, np.uint16)
        first, more = rows(head, zeros, [a.ballast_kind], (turns, turns), kernel)
        filled.page[:] += a.ballast
        filled = first.before(filled)
        masks = np.concatenate([more, masks])
    return Schedule(filled, masks, time)


def rows(
    key: Any, kind: Any, kinds: Sequence[Kind], cpus: tuple[Any, Any], kernel: str
) -> tuple[Demand, Any]:
    """A demand, and the mask of each row, from keys: a page and what happens to it.

    `kind` and `cpus`, of birth and of death, are columns of the pages.
    """
    d = demand.empty(len(key))
    page = key >> OP_BITS
    op = (key & ((1 << OP_BITS) - 1)).astype(np.uint8)
    born = op == BIRTH
    number = np.empty(len(kind), np.int64)
    number[page[born]] = np.arange(np.count_nonzero(born))
    of_row = kind[page]
    masks = np.array([kind.mask for kind in kinds], np.uint64)
    orders = np.array([kind.order for kind in kinds], np.int8)
    d.op[:] = OPS[op]
    d.cpu[:] = np.where(born, cpus[0][page], cpus[1][page])
    d.order[:] = orders[of_row]
    d.page[:] = number[page]
    # what a request says, and one more kind: nothing is asked
    of_row[~born] = len(kinds)
    for column, values in (
        (d.migratetype, gfp.migratetype(masks)),
        (d.highest, highest_zone(masks, kernel)),
        (d.atomic, slow_flags(masks, orders, kernel)),
    ):
        column[:] = np.append(values, 0).astype(column.dtype)[of_row]
    return d, np.append(masks, np.uint64(0))[of_row]
