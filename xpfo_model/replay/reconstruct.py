# SPDX-License-Identifier: GPL-2.0-only
"""Streams a trace through `steps`, a chunk at a time, and counts its totals."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model import gfp
from xpfo_model.constants import MAX_PAGE_ORDER, MAX_PFN, MIGRATE_MOVABLE, NR_CPUS
from xpfo_model.errors import TraceError
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    EVENT_NAMES,
    FAILED,
    IRQS_OFF,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    SCHED_SWITCH,
    Events,
)
from xpfo_model.jit import compiled
from xpfo_model.replay.calls import (
    ALLOC,
    BEFORE_BITS,
    FIRST_TOUCH_HELD,
    HELD,
    KERNEL,
    NOBODY,
    NOWHERE,
    NR_OWNERS,
    NR_TOTALS,
    REFILLS,
    REFILLS_MOVABLE,
    REFILLS_NO_WAIT,
    UNIT_ORDER,
    UNITS,
    UNNUMBERED,
    USER,
    Calls,
    Carry,
    Masks,
    close_all,
    walk,
)
from xpfo_model.replay.held import Held
from xpfo_model.replay.quarters import (
    NO_USER,
    SHIFT,
    USERS,
    make_room,
    quarters,
    tally,
)

OWNERS: Final = {"first_touch": NOBODY, "from_kernel": KERNEL, "from_user": USER}
"""Who had a frame of a user allocation before: names of the columns."""


NR_COLUMNS: Final = len(OWNERS) + 1


class Reconstruction:
    """Turns the chunks of one trace into steps, and counts its totals.

    Parameters
    ----------
    kernel : str
        GFP table of the trace's masks, one of `gfp.KERNELS`.
    everything : bool
        Whether to make steps of drains, context switches and the border of user
        space, too.
    held : Held, optional
        The frames that are not free as the trace begins.
    """

    def __init__(
        self, kernel: str, *, everything: bool = False, held: Held | None = None
    ) -> None:
        self.kernel = kernel
        self.everything = everything
        self.held = held
        self.owners: npt.NDArray[np.uint8] | None = None
        """Who has each frame as the trace begins, if that is known; see `Held`."""
        self.events = 0
        self.kinds = np.zeros(len(EVENT_NAMES), np.int64)
        """Events so far, by their number."""
        self.cpus = 0
        """The CPUs so far: those up to the highest number seen."""
        self.first_time: int | None = None
        """Time of the first event."""
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
        self._course = tally(NR_COLUMNS)
        self._waits = dict.fromkeys(("movable_no_reclaim", "movable_irqs_off"), 0)
        # untouched pages of zeros take no memory, wherever the pfns are
        self._units = np.zeros((MAX_PFN >> UNIT_ORDER) + 2, np.int32)
        tests = len(gfp.USER_TESTS)
        self._previous = np.zeros((tests, 0), np.uint8)
        self._owners = np.zeros((tests, NR_OWNERS), np.int64)
        self._totals = np.zeros(NR_TOTALS, np.int64)
        self._open = [np.full(NR_CPUS, NOWHERE, np.int64) for _ in range(3)]
        self._entries = [np.zeros(0, np.int64) for _ in range(2)]
        self._returned = np.zeros(NR_CPUS, np.uint8)
        self._time = 0

    @property
    def kmem_events(self) -> int:
        """Events so far that name pages."""
        return int(self.kinds[:SCHED_SWITCH].sum())

    @property
    def frames(self) -> int:
        """Frames that the machine needs so far."""
        return int(self._totals[UNITS]) << UNIT_ORDER

    @property
    def units_by_pfn(self) -> npt.NDArray[np.int64]:
        """Numbers of the units of frames so far, in the order of their pfns."""
        numbered = self._units[self._units != UNNUMBERED]
        numbers: npt.NDArray[np.int64] = numbered.astype(np.int64) - 1
        return numbers

    @property
    def totals(self) -> dict[str, int]:
        """Totals of the trace so far, whatever the strategy."""
        sums = self._sums
        head = ("user_allocations", "kernel_allocations", "user_zeroed")
        middle = ("user_not_movable", "kernel_movable")
        return {
            **{key: sums[key] for key in head + middle},
            "refills": int(self._totals[REFILLS]),
            "refills_movable": int(self._totals[REFILLS_MOVABLE]),
            "ownership_changes": sums["ownership_changes"],
            **self.owners_by(gfp.POSTED),
        }

    def owners_by(self, test: str) -> dict[str, int]:
        """User allocations so far by who had a frame before, by one of USER_TESTS."""
        found = self._owners[gfp.USER_TESTS.index(test)]
        return {name: int(found[who]) for name, who in OWNERS.items()}

    @property
    def waits(self) -> dict[str, int]:
        """How often the MOVABLE list is asked by somebody who may not wait.

        Allocations without __GFP_DIRECT_RECLAIM, those with interrupts off, and the
        refills that serve an allocation that can wait for no other CPU.
        """
        no_wait = int(self._totals[REFILLS_NO_WAIT])
        return {**self._waits, "movable_refills_no_wait": no_wait}

    @property
    def held_so_far(self) -> tuple[int, int]:
        """Frames that the trace first shows being freed, and first touches of those.

        Somebody had them before: initrd, init text.
        """
        return int(self._totals[HELD]), int(self._owners[0, FIRST_TOUCH_HELD])

    def calls(self, events: Events) -> Calls:
        """The steps of the next chunk of events.

        Raises `TraceError` for a page that is not aligned to its order: no
        kernel hands such a page out.
        """
        known = int(self._totals[UNITS])
        units = self._make_room(events)
        masks = self._account(events)
        refills = int(np.count_nonzero(events.kind == MM_PAGE_ALLOC_ZONE_LOCKED))
        used = len(self._entries[0])
        more = np.zeros(refills, np.int64)
        entries = [np.concatenate([old, more]) for old in self._entries]
        # every open refill and every event can make a step; two at most
        room = 2 * len(events.kind) + NR_CPUS
        orders = events.order[events.kind == MM_PAGE_ALLOC_ZONE_LOCKED]
        refilled = int(np.left_shift(1, orders, dtype=np.int64).sum())
        out = room_for(room, refilled + (used << MAX_PAGE_ORDER))
        carry = self._carry(entries)
        n, filled = compiled(walk)(
            events,
            masks,
            carry,
            out,
            used,
            self.everything,
        )
        self._keep_open(entries)
        self._know_owners(units, known)
        calls = self._trim(out, n, filled)
        self._note_course(calls)
        return calls

    def _note_course(self, calls: Calls) -> None:
        """Note user allocations by who had a frame before, and kernel allocations."""
        handed_out = calls.op == ALLOC
        user = calls.user[handed_out].astype(np.int64) & 1
        who = np.where(
            user, calls.before[handed_out] & ((1 << BEFORE_BITS) - 1), NO_USER
        )
        make_room(self._course, int(user.sum()))
        at = self._course.at
        place = at[USERS] + np.cumsum(user) - user
        cells = self._course.cells
        row = np.minimum(place >> at[SHIFT], len(cells) - 1)
        np.add.at(cells, (row, who), 1)
        at[USERS] += user.sum()

    @property
    def quarters(self) -> list[dict[str, int]]:
        """Allocations by quarter of the user allocations of the posted test."""
        columns = (*OWNERS, "kernel_allocations")
        return [
            {"user_allocations": int(row[:NO_USER].sum())}
            | dict(zip(columns, map(int, row), strict=True))
            for row in quarters(self._course)
        ]

    def _know_owners(self, units: npt.NDArray[np.int64], known: int) -> None:
        """Look up who has the frames of units that have a number above `known`."""
        if self.held is None:
            return
        numbers = self._units[units]
        fresh = units[numbers > known][np.argsort(numbers[numbers > known])]
        old = [] if self.owners is None else [self.owners]
        self.owners = np.concatenate([*old, self.held.owners(fresh)])

    def finish(self) -> Calls:
        """The steps of the refills that the end of the trace ends."""
        used = len(self._entries[0])
        out = room_for(NR_CPUS, used << MAX_PAGE_ORDER)
        n, filled = compiled(close_all)(self._carry(self._entries), out, self._time)
        self._entries = [np.zeros(0, np.int64) for _ in range(2)]
        return self._trim(out, n, filled)

    def _account(self, events: Events) -> Masks:
        handed_out = (events.kind == MM_PAGE_ALLOC) & (events.pfn != FAILED)
        passes = np.zeros(len(events.kind), np.uint8)
        for bit, test in enumerate(gfp.USER_TESTS):
            passed = handed_out & gfp.is_user(events.gfp, self.kernel, test)
            passes |= passed.astype(np.uint8) << bit
        user = passes & 1 != 0
        zeroed = handed_out & gfp.is_zeroed(events.gfp, self.kernel)
        kernel = handed_out & ~user
        movable = events.migratetype == MIGRATE_MOVABLE
        changes = (events.kind == MM_PAGE_ALLOC_EXTFRAG) & (
            events.flags & CHANGE_OWNERSHIP != 0
        )
        for key, rows in (
            ("user_allocations", user),
            ("kernel_allocations", kernel),
            ("user_zeroed", user & zeroed),
            ("user_not_movable", user & ~movable),
            ("kernel_movable", kernel & movable),
            ("ownership_changes", changes),
        ):
            self._sums[key] += int(np.count_nonzero(rows))
        blocks = gfp.may_wait(events.gfp, self.kernel)
        irqs_off = events.flags & IRQS_OFF != 0
        for key, rows in (
            ("movable_no_reclaim", handed_out & movable & ~blocks),
            ("movable_irqs_off", handed_out & movable & irqs_off),
        ):
            self._waits[key] += int(np.count_nonzero(rows))
        # a user's page is allocated by a task, which can wait whatever its mask says
        can_wait = ~irqs_off & (blocks | (passes != 0))
        self.events += len(events.kind)
        self.kinds += np.bincount(events.kind, minlength=len(EVENT_NAMES))
        if len(events.kind):
            self.cpus = max(self.cpus, int(events.cpu.max()) + 1)
            self._time = int(events.time[-1])
            if self.first_time is None:
                self.first_time = int(events.time[0])
        return Masks(passes, zeroed.astype(np.uint8), can_wait.astype(np.uint8))

    def _make_room(self, events: Events) -> npt.NDArray[np.int64]:
        """Make room for what the events name; the units that they can name."""
        if not len(events.pfn):
            return np.zeros(0, np.int64)
        may_fail = (events.kind == MM_PAGE_ALLOC) | (
            events.kind == MM_PAGE_ALLOC_ZONE_LOCKED
        )
        failed = may_fail & (events.pfn == FAILED)
        names_pages = (events.kind < SCHED_SWITCH) & ~failed
        orders = events.order.astype(np.int64)
        # the compiled loops index by these without a check of their own
        astray = (events.cpu >= NR_CPUS) | (events.kind >= len(EVENT_NAMES))
        astray |= names_pages & (
            (events.pfn < 0)
            | (events.pfn >= MAX_PFN)
            | (orders < 0)
            | (orders > MAX_PAGE_ORDER)
            | (events.fallback_order < 0)
            | (events.fallback_order > MAX_PAGE_ORDER)
            | (
                (events.pfn & ((1 << orders) - 1) != 0)
                & (events.kind != MM_PAGE_ALLOC_EXTFRAG)
            )
        )
        if astray.any():
            row = int(np.flatnonzero(astray)[0])
            raise TraceError(
                f"event {self.events + row}: pfn {int(events.pfn[row]):#x} of order "
                f"{int(orders[row])} on CPU {int(events.cpu[row])} is no page",
                remedy="the trace is damaged: record it again",
            )
        units = _units_of(events.pfn[names_pages])
        new = int(np.count_nonzero(self._units[units] == UNNUMBERED))
        room = self.frames + (new << UNIT_ORDER)
        tests, has = self._previous.shape
        if room > has:
            grown = np.zeros((tests, max(room, 2 * has)), np.uint8)
            grown[:, :has] = self._previous
            self._previous = grown
        return units

    def _carry(self, entries: list[npt.NDArray[np.int64]]) -> Carry:
        known = (self._units, self._previous, self._totals)
        return Carry(*known, self._owners, self._returned, *self._open, *entries)

    def _keep_open(self, entries: list[npt.NDArray[np.int64]]) -> None:
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
    def _trim(out: Calls, n: int, filled: int) -> Calls:
        frames = out.frames[:filled]
        rows = {f: getattr(out, f)[:n] for f in Calls._fields if f != "frames"}
        return Calls(frames=frames, **rows)


def _units_of(pfns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The units of pages, and the next ones: a change of two blocks can reach there."""
    units = pfns >> UNIT_ORDER
    first = int(units.min(initial=MAX_PFN))
    # pages of zeros take no memory; np.unique() would sort or hash all rows
    marks = np.zeros(max(0, int(units.max(initial=0)) - first + 2), np.bool_)
    marks[units - first] = True
    marks[units - first + 1] = True
    return np.flatnonzero(marks) + first


def room_for(steps: int, refilled: int) -> Calls:
    """Room for so many steps, and for the frames of their refills."""
    dtypes = (np.uint8, np.uint16, np.uint8, np.uint8, np.int8, np.int64, np.int64)
    columns: list[Any] = [np.empty(steps, dtype) for dtype in dtypes]
    columns += [np.empty(refilled, np.int64), np.empty(steps, np.int64)]
    columns += [np.zeros(steps, np.uint8), np.zeros(steps, np.int32)]
    return Calls(*columns)


def calls_of(
    chunks: Iterable[Events], reconstruction: Reconstruction
) -> Iterator[Calls]:
    """The steps of a whole trace, a chunk at a time."""
    for chunk in chunks:
        yield reconstruction.calls(chunk)
    yield reconstruction.finish()
