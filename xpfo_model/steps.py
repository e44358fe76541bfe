# SPDX-License-Identifier: GPL-2.0-only
"""From events to steps: the calls that a strategy's hooks would have seen.

A refill is one call of rmqueue_bulk() in the kernel but a run of events in a
trace; here the runs are put together again. Frames are renumbered densely, so
that the machine needs memory for the frames that the trace touches, not for the
physical address space.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from xpfo_model import gfp
from xpfo_model.constants import (
    MAX_PAGE_ORDER,
    MAX_PFN,
    MIGRATE_MOVABLE,
    NR_CPUS,
    PAGEBLOCK_ORDER,
)
from xpfo_model.engine import compiled, view
from xpfo_model.errors import TraceError
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    PERCPU_REFILL,
    SCHED_SWITCH,
    Events,
)

# Operations of a step, named after the hook that they call.
ALLOC: Final = 0
FREE: Final = 1
REFILL: Final = 2
CHANGE_BLOCK: Final = 3

# Frames are renumbered in units of the largest page, so that every page and
# every block keeps its frames side by side.
UNIT_ORDER: Final = MAX_PAGE_ORDER
UNIT_FRAMES: Final = 1 << UNIT_ORDER
NOWHERE: Final = -1

# Totals that the loop counts: their index in Carry.totals.
REFILLS: Final = 0
REFILLS_MOVABLE: Final = 1
UNITS: Final = 2
NR_TOTALS: Final = 3


class Steps(NamedTuple):
    """Columns, one row a step, in the order in which the kernel took them."""

    op: Any
    """ALLOC, FREE, REFILL or CHANGE_BLOCK, uint8."""
    cpu: Any
    user: Any
    """Of ALLOC: 1 if the mask passes the posted test, uint8."""
    migratetype: Any
    """Of ALLOC, REFILL and CHANGE_BLOCK, int8."""
    start: Any
    """First frame; of REFILL first index into `frames`; of CHANGE_BLOCK the
    block, int64."""
    stop: Any
    """One past the last frame or index, int64."""
    frames: Any
    """Frames of the refills, int64."""
    time: Any
    """Of the event that made the step, in the log's clock, int64."""


class Carry(NamedTuple):
    """What one chunk of a trace leaves for the next."""

    units: Any
    """Dense number of a unit of UNIT_FRAMES pfns, or NOWHERE, int32."""
    totals: Any
    """REFILLS, REFILLS_MOVABLE and the number of UNITS so far, int64."""
    head: Any
    """Per CPU: the first entry of its open refill, or NOWHERE, int64."""
    tail: Any
    """Per CPU: the last entry of its open refill, int64."""
    key: Any
    """Per CPU: order and migratetype of its open refill, int64."""
    entry_first: Any
    """Entries of open refills: first frame, int64."""
    entry_next: Any
    """Entries of open refills: next entry or NOWHERE, int64."""


KEY_ORDER_BITS: Final = 8
"""A key is migratetype << KEY_ORDER_BITS | order."""


def dense(c: Carry, pfn: int) -> int:
    """The frame of a pfn, with a new number if its unit is new."""
    unit = pfn >> UNIT_ORDER
    if c.units[unit] == NOWHERE:
        c.units[unit] = c.totals[UNITS]
        c.totals[UNITS] += 1
    return (c.units[unit] << UNIT_ORDER) | (pfn & (UNIT_FRAMES - 1))


def close_refill(c: Carry, s: Steps, n: int, filled: int, cpu: int, time: int) -> int:
    """Make step `n` of a CPU's open refill; the new fill of `s.frames`."""
    order = c.key[cpu] & ((1 << KEY_ORDER_BITS) - 1)
    migratetype = c.key[cpu] >> KEY_ORDER_BITS
    s.op[n] = REFILL
    s.cpu[n] = cpu
    s.migratetype[n] = migratetype
    s.time[n] = time
    s.start[n] = filled
    entry = c.head[cpu]
    while entry != NOWHERE:
        for offset in range(1 << order):
            s.frames[filled] = c.entry_first[entry] + offset
            filled += 1
        entry = c.entry_next[entry]
    s.stop[n] = filled
    c.head[cpu] = NOWHERE
    c.totals[REFILLS] += 1
    if migratetype == MIGRATE_MOVABLE:
        c.totals[REFILLS_MOVABLE] += 1
    return filled


def walk(e: Events, user: Any, c: Carry, s: Steps, used: int) -> tuple[int, int]:
    """Turn a chunk of events into steps; how many steps and refilled frames.

    `used` is the number of entries of refills left open by earlier chunks.
    """
    n = 0
    filled = 0
    for i in range(len(e.kind)):
        kind = e.kind[i]
        cpu = e.cpu[i]
        if kind == MM_PAGE_ALLOC:
            if e.pfn[i] == FAILED:
                continue
            if c.head[cpu] != NOWHERE:
                filled = close_refill(c, s, n, filled, cpu, e.time[i])
                n += 1
            s.op[n] = ALLOC
            s.user[n] = user[i]
            s.migratetype[n] = e.migratetype[i]
        elif kind == MM_PAGE_FREE:
            s.op[n] = FREE
        elif kind == MM_PAGE_ALLOC_ZONE_LOCKED:
            if e.flags[i] & PERCPU_REFILL:
                key = (e.migratetype[i] << KEY_ORDER_BITS) | e.order[i]
                if c.head[cpu] != NOWHERE and c.key[cpu] != key:
                    filled = close_refill(c, s, n, filled, cpu, e.time[i])
                    n += 1
                c.entry_first[used] = dense(c, e.pfn[i])
                c.entry_next[used] = NOWHERE
                if c.head[cpu] == NOWHERE:
                    c.head[cpu] = used
                    c.key[cpu] = key
                else:
                    c.entry_next[c.tail[cpu]] = used
                c.tail[cpu] = used
                used += 1
            continue
        elif kind == MM_PAGE_ALLOC_EXTFRAG:
            if e.flags[i] & CHANGE_OWNERSHIP:
                blocks = 1
                if e.fallback_order[i] > PAGEBLOCK_ORDER:
                    blocks = 1 << (e.fallback_order[i] - PAGEBLOCK_ORDER)
                for k in range(blocks):
                    pfn = e.pfn[i] + (k << PAGEBLOCK_ORDER)
                    s.op[n] = CHANGE_BLOCK
                    s.cpu[n] = cpu
                    s.migratetype[n] = e.migratetype[i]
                    s.start[n] = dense(c, pfn) >> PAGEBLOCK_ORDER
                    s.stop[n] = s.start[n] + 1
                    s.time[n] = e.time[i]
                    n += 1
            continue
        else:
            continue
        s.cpu[n] = cpu
        s.start[n] = dense(c, e.pfn[i])
        s.stop[n] = s.start[n] + (1 << e.order[i])
        s.time[n] = e.time[i]
        n += 1
    return n, filled


def close_all(c: Carry, s: Steps, time: int) -> tuple[int, int]:
    """End of the trace: the refills that are still open take effect."""
    n = 0
    filled = 0
    for cpu in range(len(c.head)):
        if c.head[cpu] != NOWHERE:
            filled = close_refill(c, s, n, filled, cpu, time)
            n += 1
    return n, filled


def split_refills(steps: Steps, batch: int) -> Steps:
    """The same steps with refills of at most `batch` frames each.

    What a kernel with a smaller pcp batch would have done for the same demand.
    Raises `ValueError` if `batch` is below 1.
    """
    if batch < 1:
        raise ValueError(f"a refill of {batch} frames")
    op = np.asarray(steps.op)
    length = np.asarray(steps.stop) - np.asarray(steps.start)
    pieces = np.where(op == REFILL, -(-length // batch), 1)
    source = np.repeat(np.arange(len(op)), pieces)
    piece = np.arange(len(source)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    columns = {
        f: getattr(steps, f)[source] for f in Steps._fields if f != "frames"
    }
    refill = columns["op"] == REFILL
    columns["start"] = columns["start"] + np.where(refill, piece * batch, 0)
    columns["stop"] = np.where(
        refill, np.minimum(columns["start"] + batch, columns["stop"]), columns["stop"]
    )
    return Steps(frames=steps.frames, **columns)


class Stepper:
    """Turns the chunks of one trace into steps, and counts its totals.

    Parameters
    ----------
    kernel : str
        GFP table of the trace's masks, one of `gfp.KERNELS`.
    """

    def __init__(self, kernel: str) -> None:
        self.kernel = kernel
        self.kmem_events = 0
        self.events = 0
        self._sums = dict.fromkeys(
            (
                "user_allocations",
                "kernel_allocations",
                "user_zeroed",
                "user_not_movable",
                "kernel_movable",
                "ownership_changes",
            ),
            0,
        )
        self._units = np.full(1 << 10, NOWHERE, np.int32)
        self._totals = np.zeros(NR_TOTALS, np.int64)
        self._open = [np.full(NR_CPUS, NOWHERE, np.int64) for _ in range(3)]
        self._entries = [np.zeros(0, np.int64) for _ in range(2)]
        self._time = 0

    @property
    def frames(self) -> int:
        """Frames that the machine needs so far."""
        return int(self._totals[UNITS]) << UNIT_ORDER

    @property
    def totals(self) -> dict[str, int]:
        """What the trace holds so far, whatever the strategy."""
        sums = self._sums
        head = ("user_allocations", "kernel_allocations", "user_zeroed")
        middle = ("user_not_movable", "kernel_movable")
        return {
            **{key: sums[key] for key in head + middle},
            "refills": int(self._totals[REFILLS]),
            "refills_movable": int(self._totals[REFILLS_MOVABLE]),
            "ownership_changes": sums["ownership_changes"],
        }

    def steps(self, events: Events) -> Steps:
        """The steps of the next chunk of events.

        Raises `TraceError` for a page that is not aligned to its order: no
        kernel hands such a page out.
        """
        user = self._account(events)
        self._make_room(events)
        refills = int(np.count_nonzero(events.kind == MM_PAGE_ALLOC_ZONE_LOCKED))
        used = len(self._entries[0])
        entries = [np.concatenate([e, np.zeros(refills, np.int64)]) for e in self._entries]
        # every open refill and every event can make a step; extfrag two at most
        room = 2 * len(events.kind) + NR_CPUS
        refilled = np.where(
            events.kind == MM_PAGE_ALLOC_ZONE_LOCKED, np.left_shift(1, events.order, dtype=np.int64), 0
        )
        carried = used << MAX_PAGE_ORDER
        out = self._columns(room, int(refilled.sum()) + carried)
        carry = self._carry(entries)
        n, filled = compiled(walk)(
            Events(*(view(column) for column in events)),
            view(user),
            carry,
            Steps(*(view(column) for column in out)),
            used,
        )
        self._keep_open(entries)
        if len(events.time):
            self._time = int(events.time[-1])
        return self._trim(out, n, filled)

    def finish(self) -> Steps:
        """The steps of the refills that the end of the trace ends."""
        used = len(self._entries[0])
        out = self._columns(NR_CPUS, used << MAX_PAGE_ORDER)
        n, filled = compiled(close_all)(
            self._carry(self._entries),
            Steps(*(view(column) for column in out)),
            self._time,
        )
        self._entries = [np.zeros(0, np.int64) for _ in range(2)]
        return self._trim(out, n, filled)

    def _account(self, events: Events) -> np.ndarray[Any, np.dtype[np.uint8]]:
        handed_out = (events.kind == MM_PAGE_ALLOC) & (events.pfn != FAILED)
        user = handed_out & gfp.is_user(events.gfp, self.kernel)
        kernel = handed_out & ~user
        movable = events.migratetype == MIGRATE_MOVABLE
        changes = (events.kind == MM_PAGE_ALLOC_EXTFRAG) & (
            events.flags & CHANGE_OWNERSHIP != 0
        )
        for key, rows in (
            ("user_allocations", user),
            ("kernel_allocations", kernel),
            ("user_zeroed", user & gfp.is_zeroed(events.gfp, self.kernel)),
            ("user_not_movable", user & ~movable),
            ("kernel_movable", kernel & movable),
            ("ownership_changes", changes),
        ):
            self._sums[key] += int(np.count_nonzero(rows))
        self.events += len(events.kind)
        self.kmem_events += int(np.count_nonzero(events.kind != SCHED_SWITCH))
        return user.view(np.uint8)

    def _make_room(self, events: Events) -> None:
        if not len(events.pfn):
            return
        names_pages = (events.kind != SCHED_SWITCH) & (events.pfn != FAILED)
        orders = events.order.astype(np.int64)
        astray = names_pages & (
            (events.pfn < 0)
            | (events.pfn >= MAX_PFN)
            | (orders > MAX_PAGE_ORDER)
            | (
                (events.pfn & ((1 << orders) - 1) != 0)
                & (events.kind != MM_PAGE_ALLOC_EXTFRAG)
            )
        )
        if astray.any():
            row = int(np.flatnonzero(astray)[0])
            raise TraceError(
                f"event {self.events - len(events.pfn) + row}: pfn "
                f"{int(events.pfn[row]):#x} of order {int(orders[row])} is no page",
                remedy="the trace is damaged: record it again",
            )
        last = int(events.pfn[names_pages].max(initial=0)) + UNIT_FRAMES
        if (last >> UNIT_ORDER) >= len(self._units):
            more = (last >> UNIT_ORDER) + 1 - len(self._units)
            grown = np.full(len(self._units) + more, NOWHERE, np.int32)
            grown[: len(self._units)] = self._units
            self._units = grown

    def _carry(self, entries: list[np.ndarray[Any, np.dtype[np.int64]]]) -> Carry:
        arrays = (self._units, self._totals, *self._open, *entries)
        return Carry(*(view(array) for array in arrays))

    def _keep_open(self, entries: list[np.ndarray[Any, np.dtype[np.int64]]]) -> None:
        head, tail, _ = self._open
        first: list[int] = []
        follow: list[int] = []
        for cpu in np.flatnonzero(head != NOWHERE):
            entry = int(head[cpu])
            head[cpu] = len(first)
            while entry != NOWHERE:
                first.append(int(entries[0][entry]))
                entry = int(entries[1][entry])
                follow.append(len(first) if entry != NOWHERE else NOWHERE)
            tail[cpu] = len(first) - 1
        self._entries = [np.array(first, np.int64), np.array(follow, np.int64)]

    @staticmethod
    def _columns(room: int, refilled: int) -> Steps:
        dtypes = (np.uint8, np.uint16, np.uint8, np.int8, np.int64, np.int64)
        columns = [np.empty(room, dtype) for dtype in dtypes]
        return Steps(*columns, np.empty(refilled, np.int64), np.empty(room, np.int64))

    @staticmethod
    def _trim(out: Steps, n: int, filled: int) -> Steps:
        frames = out.frames[:filled]
        rows = {f: getattr(out, f)[:n] for f in Steps._fields if f != "frames"}
        return Steps(frames=frames, **rows)
