# SPDX-License-Identifier: GPL-2.0-only
"""Run a strategy over the steps of a trace, on one machine, and count."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model import strategies
from xpfo_model.gfp import USER_TESTS
from xpfo_model.jit import Loop, compiled
from xpfo_model.machine import (
    CAUSES,
    KUNMAP,
    MAPPED,
    MIGRATE,
    USER,
    Owners,
    boot,
    grow,
    hold,
)
from xpfo_model.replay.calls import ALLOC, Calls
from xpfo_model.replay.loop import WHOLE, run_steps
from xpfo_model.replay.pieces import rows
from xpfo_model.replay.quarters import make_room, quarters, tally
from xpfo_model.replay.reconstruct import room_for
from xpfo_model.strategies.guarantee import go_on, leave

TAKERS: Final = ("first_touch", "from_kernel", "from_user", "for_kernel")
"""Allocations by who had a frame before, and those that are no user's."""
PERCENT: Final = 100
FREED: Final = "freed"
"""Of frames held at the start: a page was, if its first event is that it is freed."""


class Run:
    """A strategy on a machine, fed with steps.

    Parameters
    ----------
    strategy : str
        A key of `strategies.REGISTRY`.
    cpus : int
        CPUs of the machine; it gets more when a step names one.
    zeroing : bool
        Whether the kernel maps each zeroed user page to zero it, and so flushes
        a second time where kunmap does.
    copy_percent : float
        Of the user pages that are not zeroed: how many percent the kernel maps to
        copy into as they are handed out, to a hundredth. Only with `zeroing`.
    copies : float
        How often it maps each of these, 1 or more.
    start : str
        `machine.MAPPED` or `machine.UNMAPPED`: whether memory that nobody has had has
        an alias.
    held : array of uint8, or str, optional
        Per frame of the steps its owner as they begin: `machine.FREE`, KERNEL or
        ABSENT; or FREED: a page whose first event is that it is freed was the
        kernel's, and mapped. Without it all frames start free.
    **replaced
        Other functions in the place of hooks, for a what-if.

    Raises `UnknownStrategyError`, and `ValueError` for another `start` or `held`.
    """

    def __init__(
        self,
        strategy: str,
        *,
        cpus: int,
        zeroing: bool = False,
        copy_percent: float = 0,
        copies: float = 1,
        start: str = MAPPED,
        held: Owners | str | None = None,
        **replaced: Callable[..., Any],
    ) -> None:
        crossings = strategies.at_border(strategy)
        hooks = strategies.functions(strategy) | crossings | replaced
        self.strategy = strategy
        self._heeds_all = hooks["drain"] is not leave or (
            bool(crossings) or hooks["context_switch"] is not go_on
        )
        if isinstance(held, str) and held != FREED:
            raise ValueError(f"frames held at the start: {FREED!r}, not {held!r}")
        marks = strategies.REGISTRY[strategy].start_marks
        if strategy == strategies.BASELINE:
            start = MAPPED
        self.machine = boot(0, cpus=cpus, start=start, start_marks=marks)
        self.machine.settings.infers_held = isinstance(held, str)
        test = strategies.REGISTRY[strategy].user_test
        self.machine.settings.user_test = USER_TESTS.index(test)
        self._held: Owners = np.zeros(0, np.uint8)
        if held is not None and not isinstance(held, str):
            self._held = held
        self._placed = 0
        self._tasks: dict[int, int] | None = None
        """Numbers of the tasks, by pid, if the strategy keeps state for each."""
        if strategies.REGISTRY[strategy].by_task:
            self._tasks = {}
        self.machine.settings.zeroing = zeroing
        self.machine.settings.copied = round(copy_percent * WHOLE / PERCENT)
        self.machine.settings.again = round((copies - 1) * WHOLE)
        self._tally = tally(len(CAUSES))
        self._loop = compiled(run_steps, strategies.given(hooks))

    @property
    def heeds_all(self) -> bool:
        """Whether the strategy acts on drains, context switches or at the border."""
        return self._heeds_all

    @property
    def is_cold(self) -> bool:
        """Whether the loop is still to be compiled, and can be kept."""
        nothing = (self.machine, room_for(0, 0), self._tally, np.empty(0, np.int64))
        return isinstance(self._loop, Loop) and self._loop.is_cold(*nothing)

    def prepare(self) -> None:
        """Compile the loop now, so that the first steps need not wait for it."""
        self.feed(room_for(0, 0), 0)

    def feed(self, steps: Calls, frames: int, held: Owners | None = None) -> None:
        """Run the steps on a machine of at least `frames` frames.

        `held` takes the place of that of the constructor, once more frames have a
        number.
        """
        if held is not None:
            self._held = held
        self._feed(steps, frames, np.empty(0, np.int64))

    def history(self, steps: Calls, frames: int) -> npt.NDArray[np.int64]:
        """Run the steps; the flushes so far after each of them."""
        flushes = np.empty(len(steps.op), np.int64)
        self._feed(steps, frames, flushes)
        return flushes

    def _feed(self, steps: Calls, frames: int, history: npt.NDArray[np.int64]) -> None:
        # a CPU that the trace has not named before is there from its first step on
        highest = np.maximum.accumulate(steps.cpu)
        new = np.flatnonzero(highest >= len(self.machine.cpu_state))
        starts = new[np.flatnonzero(np.diff(highest[new], prepend=0))].tolist()
        for start, stop in pairwise([0, *starts, len(steps.op)]):
            part = self._numbered(rows(steps, slice(start, stop)))
            named = int(np.max(part.cpu, initial=0)) + 1
            self.machine = grow(self.machine, frames, named, len(self._tasks or ()))
            self._place(frames)
            users = int(np.count_nonzero((part.op == ALLOC) & (part.user & 1 != 0)))
            make_room(self._tally, users)
            self._loop(self.machine, part, self._tally, history[start:stop])

    def _numbered(self, steps: Calls) -> Calls:
        """The steps with tasks by their numbers, if the strategy heeds them."""
        if self._tasks is None:
            return steps
        pids, which = np.unique(steps.task, return_inverse=True)
        known = self._tasks
        numbers = [known.setdefault(pid, len(known)) for pid in pids.tolist()]
        return steps._replace(task=np.array(numbers, np.int32)[which])

    def _place(self, frames: int) -> None:
        """Let who holds frames at the start hold those that are new."""
        new = self._held[self._placed : frames]
        if len(new):
            hold(self.machine, self._placed, new)
            self._placed += len(new)

    @property
    def counts(self) -> "Counts":
        """The counts so far."""
        counts = self.machine.counts
        causes = dict(zip(CAUSES, map(int, counts.flushes_by_cause), strict=True))
        for cause in (KUNMAP, MIGRATE):
            if not causes[CAUSES[cause]]:
                del causes[CAUSES[cause]]
        full = dict(zip(CAUSES, map(int, counts.full_by_cause), strict=True))
        return Counts(
            flushes_by_cause=causes,
            frames_unmapped=int(counts.unmapped),
            frames_mapped=int(counts.mapped),
            frames_exposed=int(counts.exposed),
            frame_time_exposed=int(counts.exposed_time) + self._still_exposed(),
            local_flushes=int(counts.local_flushes),
            full_by_cause={cause: full[cause] for cause in causes},
            local_full=int(counts.local_full),
            splits=int(counts.splits),
            start_splits=int(counts.start_splits),
            faults=int(counts.faults),
            moved=int(counts.moved),
            moved_exposed=int(counts.moved_exposed),
            flushes_by_owner=dict(
                zip(TAKERS, map(int, self._tally.owners), strict=True)
            ),
            quarters=tuple(
                dict(zip(CAUSES, map(int, row), strict=True))
                for row in quarters(self._tally)
            ),
        )

    def _still_exposed(self) -> int:
        m = self.machine
        exposed = (m.owner == USER) & (m.alias != 0)
        return int((m.settings.now - m.since[exposed]).sum())


@dataclass(frozen=True)
class Counts:
    """The counts of one strategy over a trace."""

    flushes_by_cause: dict[str, int]
    """Synchronous shootdowns, by `machine.CAUSES`; the last two only if any."""
    frames_unmapped: int
    """Direct-map entries cleared."""
    frames_mapped: int
    """Direct-map entries set again."""
    frames_exposed: int
    """Frames handed to users while the kernel could still reach them."""
    frame_time_exposed: int = 0
    """Sum over users' frames of the time that the kernel could reach them, in the
    trace's clock."""
    local_flushes: int = 0
    """Flushes of one CPU's TLB, by itself, without waiting for others."""
    splits: int = 0
    """2M entries of the direct map that were split."""
    start_splits: int = 0
    """2M entries that were split before the first event, as memory started."""
    faults: int = 0
    """Frames handed to the kernel without an alias: it faults at its first access."""
    moved: int = 0
    """Users' frames whose contents were moved to other frames."""
    moved_exposed: int = 0
    """Of these, frames that the kernel could still reach afterwards."""
    full_by_cause: dict[str, int] = field(default_factory=dict)
    """Of the synchronous shootdowns, those of the whole TLB, by cause."""
    local_full: int = 0
    """Of the local flushes, those of the whole TLB."""
    flushes_by_owner: dict[str, int] = field(default_factory=dict)
    """Flushes of allocations but for kunmap, by TAKERS: who had a frame before, by
    the strategy's own test; or that the allocation is no user's."""
    quarters: tuple[dict[str, int], ...] = ()
    """Flushes by cause, by quarter of the user allocations of the posted test."""

    @property
    def flushes_warm(self) -> int:
        """Synchronous shootdowns after the first quarter, all causes."""
        return sum(sum(quarter.values()) for quarter in self.quarters[1:])

    @property
    def flushes(self) -> int:
        """Synchronous shootdowns of all causes."""
        return sum(self.flushes_by_cause.values())
