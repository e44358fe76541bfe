# SPDX-License-Identifier: GPL-2.0-only
"""Statistics of a stream of events, the same for traces and for workloads."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from xpfo_model import gfp
from xpfo_model.constants import MIGRATETYPES
from xpfo_model.events import (
    MM_PAGE_ALLOC_ZONE_LOCKED,
    PERCPU_REFILL,
    EventLog,
    Events,
)
from xpfo_model.workloads.lifetimes import NONE, Lifetimes, lifetimes

QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of `Statistics.life`."""
QUARTILE: Final = 1
MEDIAN: Final = 2
THIRD_QUARTILE: Final = 3
PER: Final = 1000


@dataclass(frozen=True)
class Statistics:
    """A stream in numbers. Shares are of allocations, from 0 to 1."""

    allocations: int
    user: float
    """By the posted test."""
    zeroed: float
    orders: dict[int, float]
    migratetypes: dict[str, float]
    """By the migratetype that the mask asks for."""
    refills: float
    """Refill batches per 1000 allocations."""
    run: float
    """Allocations of one kind, user or kernel, in a row on a CPU, mean."""
    freed: float
    """Of the allocations: freed before the stream ends."""
    batched: float
    """Of those: through a list, free_unref_page_list()."""
    elsewhere: float
    """Of those: on another CPU than allocated."""
    life: tuple[float, ...]
    """Allocations of the machine from birth to free, at `QUANTILES`; empty if no
    page was freed."""
    working_set: int
    """Most frames held at one time, of those that were allocated here."""
    to_user: float
    """Share of the allocated frames that the kernel had before: K→U."""
    to_kernel: float
    """Share of the allocated frames that a user had before: U→K."""


def statistics(log: EventLog, *, first: int = 0) -> Statistics:
    """The statistics of a log.

    Parameters
    ----------
    log : EventLog
        Of a trace or of a workload.
    first : int
        Row of the first event that counts. Rows before it say only which frames
        were whose.
    """
    events, masks = log.events, log.about.kernel
    found = lifetimes(events)
    user = gfp.is_user(events.gfp[found.born], masks)
    counts = found.born >= first
    some = Lifetimes(*(column[counts] for column in found))
    born = some.born
    freed = np.flatnonzero(some.freed != NONE)
    ends = some.freed[freed]
    # allocations up to each row
    ages = np.searchsorted(found.born, ends) - 1
    ages -= np.searchsorted(found.born, born[freed])
    changed_to_user, changed_to_kernel, frames = changes(
        events, found.born, user, first
    )
    orders = np.bincount(events.order[born]).tolist()
    types = np.bincount(gfp.migratetype(events.gfp[born]).astype(np.int64)).tolist()
    return Statistics(
        allocations=len(born),
        user=_mean(user[counts]),
        zeroed=_mean(gfp.is_zeroed(events.gfp[born], masks)),
        orders={order: n / len(born) for order, n in enumerate(orders) if n},
        migratetypes={
            MIGRATETYPES[number]: n / len(born) for number, n in enumerate(types) if n
        },
        refills=refills(events, born, first) * PER / max(len(born), 1),
        run=run_length(events.cpu[born], user[counts]),
        freed=len(freed) / max(len(born), 1),
        batched=_mean(some.committed[freed] != NONE),
        elsewhere=_mean(events.cpu[born[freed]] != events.cpu[ends]),
        life=tuple(np.quantile(ages, QUANTILES).tolist()) if len(ages) else (),
        working_set=working_set(events, some),
        to_user=changed_to_user / frames,
        to_kernel=changed_to_kernel / frames,
    )


def _mean(values: Any) -> float:
    return float(values.mean()) if len(values) else 0.0


def run_length(cpu: Any, user: Any) -> float:
    """Mean length of the runs of one kind on each CPU."""
    order = np.argsort(cpu, kind="stable")
    key = cpu[order].astype(np.int64) * 2 + user[order]
    runs = np.count_nonzero(np.diff(key)) + (len(key) > 0)
    return len(key) / max(int(runs), 1)


def refills(events: Events, born: Any, first: int) -> int:
    """Refill batches: runs on a CPU that an allocation, or another kind, ends."""
    is_refill = (events.kind == MM_PAGE_ALLOC_ZONE_LOCKED) & (
        events.flags & PERCPU_REFILL != 0
    )
    is_refill[:first] = False
    rows = np.union1d(np.flatnonzero(is_refill), born)
    rows = rows[np.argsort(events.cpu[rows], kind="stable")]
    refill = is_refill[rows]
    key = np.stack([events.cpu[rows], events.order[rows], events.migratetype[rows]])
    goes_on = np.zeros(len(rows), np.bool_)
    goes_on[1:] = refill[:-1] & (key[:, 1:] == key[:, :-1]).all(axis=0)
    return int(np.count_nonzero(refill & ~goes_on))


def working_set(events: Events, some: Lifetimes) -> int:
    """Most frames that these pages hold at one time."""
    frames = np.int64(1) << events.order[some.born].astype(np.int64)
    change = np.zeros(len(events.kind), np.int64)
    change[some.born] = frames
    gone = some.freed != NONE
    change[some.freed[gone]] = -frames[gone]
    return int(np.cumsum(change).max(initial=0))


def changes(events: Events, born: Any, user: Any, first: int) -> tuple[int, int, int]:
    """Frames allocated from `first` on that went K→U, that went U→K, and all."""
    size = np.int64(1) << events.order[born].astype(np.int64)
    page = np.repeat(np.arange(len(born)), size)
    offset = np.arange(len(page)) - np.repeat(np.cumsum(size) - size, size)
    pfn = events.pfn[born][page] + offset
    order = np.argsort(pfn, kind="stable")
    pfn, page = pfn[order], page[order]
    counts = (pfn[1:] == pfn[:-1]) & (born[page[1:]] >= first)
    now, before = user[page[1:]][counts], user[page[:-1]][counts]
    allocated = int(size[born >= first].sum())
    return (
        int(np.count_nonzero(now & ~before)),
        int(np.count_nonzero(~now & before)),
        max(allocated, 1),
    )
