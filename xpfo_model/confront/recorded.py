# SPDX-License-Identifier: GPL-2.0-only
"""The events of a kernel that runs XPFO, from the moment that XPFO begins.

Whatever stands before xpfo_start is left out, but for the frames that were held.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from xpfo_model import gfp, strategies
from xpfo_model.constants import NR_CPUS, PAGEBLOCK_ORDER
from xpfo_model.errors import TraceError
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    SCHED_SWITCH,
    About,
    EventLog,
    Events,
)
from xpfo_model.machine import ABSENT, FREE, KERNEL, STARTS, Owners
from xpfo_model.strategies.guarantee import ignore
from xpfo_model.xpfo_events import (
    XPFO_FLUSH,
    XPFO_HELD,
    XPFO_MIGRATE,
    XPFO_SPLIT,
    XpfoEvents,
    XpfoStart,
)

MOST_FRAMES: Final = 1 << 28
"""Frames of the largest machine that is replayed, 1 TiB: a choice."""

Place = npt.NDArray[np.int64]
"""Numbers of events in a trace, from 0, kmem and xpfo counted together."""


@dataclass(frozen=True)
class Recorded:
    """The events of a kernel that runs XPFO, from xpfo_start on."""

    about: About
    start: XpfoStart
    events: Events
    """kmem events."""
    xpfo: XpfoEvents
    """Events of group xpfo; their `row` counts from the first of `events`."""
    owners: Owners
    """Per frame its owner at the start: FREE, KERNEL or ABSENT; whole pageblocks."""
    before: int
    """Events of the trace that stand before the first of these, xpfo_start too."""

    @classmethod
    def of_log(cls, log: EventLog) -> Self:
        """The part of a log from xpfo_start on.

        Raises `TraceError` for a trace of a stock kernel, of several boots, with lost
        events, or with events that such a machine cannot have.
        """
        start = _the_start(log.about)
        _refuse_losses(log.about)
        xpfo = log.xpfo.rows(slice(start.event, None))
        owners = _owners(log, start)
        found = cls(
            about=log.about,
            start=start,
            events=_failures(log.events.rows(slice(start.row, None)), owners),
            xpfo=xpfo._replace(row=xpfo.row - start.row),
            owners=owners,
            before=start.row + start.event + 1,
        )
        _check_kmem(found)
        _check_xpfo(found)
        return found

    @property
    def kmem_places(self) -> Place:
        """Per kmem event its number in the trace."""
        rows = np.arange(len(self.events.kind))
        xpfo_before = np.searchsorted(self.xpfo.row, rows, side="right")
        return self.before + rows + xpfo_before

    @property
    def xpfo_places(self) -> Place:
        """Per event of group xpfo its number in the trace."""
        places: Place = self.before + self.xpfo.row + np.arange(len(self.xpfo.row))
        return places

    def is_user(self, masks: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Whether masks pass the kernel's test of a user's page."""
        user = gfp.is_user(masks, self.about.kernel, self.start.test)
        return np.asarray(user, np.bool_)


def _the_start(about: About) -> XpfoStart:
    """The one start of a trace; refuses what confront has no use for."""

    def refused(what: str, remedy: str) -> TraceError:
        return TraceError(what, file=about.name, remedy=remedy)

    again = "record the kernel of docs/kernel from its boot: make kernel"
    if not about.xpfo:
        raise refused(
            "it has no xpfo_start: the kernel that was traced runs no XPFO, so that "
            "there is nothing to hold against the model",
            f"{again}; for a stock kernel: xpfo-model compare",
        )
    if len(about.xpfo) > 1:
        raise refused(f"XPFO starts {len(about.xpfo)} times in it", again)
    start = about.xpfo[0]
    if start.strategy not in strategies.REGISTRY:
        raise refused(
            f"the kernel ran the strategy {start.strategy}, which this model has not",
            f"its strategies are {', '.join(strategies.REGISTRY)}",
        )
    for wrong, what in (
        (start.start not in STARTS, f"start {start.start}"),
        (start.test not in gfp.USER_TESTS, f"test {start.test}"),
        (_flips_other_blocks(start), f"blocks of order {start.block_order}"),
    ):
        if wrong:
            raise refused(
                f"xpfo_start names {what}, which this model has not",
                f"start {' or '.join(STARTS)}, test {' or '.join(gfp.USER_TESTS)}, "
                f"blocks of order {PAGEBLOCK_ORDER} (CONFIG_HUGETLBFS)",
            )
    if not 0 < start.end_pfn <= MOST_FRAMES or not 0 < start.cpus <= NR_CPUS:
        raise refused(
            f"xpfo_start has end_pfn={start.end_pfn} cpus={start.cpus}: no machine",
            "the trace is damaged: record it again",
        )
    return start


def _flips_other_blocks(start: XpfoStart) -> bool:
    """Whether a strategy flips pageblocks that are no 2M entries of the direct map."""
    is_idle = strategies.functions(start.strategy)["change_block"] is ignore
    return start.block_order != PAGEBLOCK_ORDER and not is_idle


def _refuse_losses(about: About) -> None:
    if about.lost != 0:
        raise TraceError(
            f"{about.fate()}: the model would not see all that the kernel saw",
            file=about.name,
            remedy="record it again with a larger buffer: trace_buf_size=",
        )


def _owners(log: EventLog, start: XpfoStart) -> Owners:
    """Who has each frame at the start, from xpfo_held and end_pfn."""
    blocks = -(-start.end_pfn >> PAGEBLOCK_ORDER)
    owners = np.full(blocks << PAGEBLOCK_ORDER, ABSENT, np.uint8)
    owners[: start.end_pfn] = FREE
    held = log.xpfo.rows(slice(0, start.event))
    held = held.rows(held.kind == XPFO_HELD)
    for pfn, number in zip(held.pfn.tolist(), held.extent.tolist(), strict=True):
        if pfn + number > start.end_pfn:
            raise TraceError(
                f"xpfo_held pfn={pfn} nr={number} is behind end_pfn={start.end_pfn}",
                file=log.about.name,
                remedy="the trace is damaged: record it again",
            )
        owners[pfn : pfn + number] = KERNEL
    return owners


def _failures(events: Events, owners: Owners) -> Events:
    """Mark failed allocations where a text has lost that its page is (null).

    Frame 0 is never handed out. arch/x86/kernel/setup.c: trim_bios_range, v6.1.
    """
    if owners[0] == FREE:
        return events
    failed = (events.kind == MM_PAGE_ALLOC) & (events.pfn == 0)
    return events._replace(pfn=np.where(failed, FAILED, events.pfn))


def _check_kmem(found: Recorded) -> None:
    events = found.events
    may_fail = np.isin(events.kind, (MM_PAGE_ALLOC, MM_PAGE_ALLOC_ZONE_LOCKED))
    there = (events.kind < SCHED_SWITCH) & ~(may_fail & (events.pfn == FAILED))
    size = np.int64(1) << np.maximum(events.order, 0).astype(np.int64)
    astray = there & ((events.pfn < 0) | (events.pfn + size > found.start.end_pfn))
    _refuse(found, astray | (events.cpu >= found.start.cpus), found.kmem_places)


def _check_xpfo(found: Recorded) -> None:
    xpfo = found.xpfo
    last = np.where(xpfo.kind == XPFO_SPLIT, xpfo.pfn << PAGEBLOCK_ORDER, 0)
    last = np.where(last == 0, xpfo.pfn, last)
    last += (np.int64(1) << xpfo.order.astype(np.int64)) - 1
    last = np.where(xpfo.kind == XPFO_FLUSH, xpfo.pfn + xpfo.extent - 1, last)
    moved = np.maximum(xpfo.pfn, xpfo.extent) + xpfo.frames - 1
    last = np.where(xpfo.kind == XPFO_MIGRATE, moved, last)
    astray = (last >= found.start.end_pfn) | (xpfo.cpu >= found.start.cpus)
    _refuse(found, astray, found.xpfo_places)


def _refuse(found: Recorded, astray: npt.NDArray[np.bool_], places: Place) -> None:
    if astray.any():
        place = int(places[np.flatnonzero(astray)[0]])
        raise TraceError(
            f"event {place + 1} names a page or a CPU that this machine of "
            f"{found.start.end_pfn} frames and {found.start.cpus} CPUs has not",
            file=found.about.name,
            remedy="the trace is damaged: record it again",
        )
