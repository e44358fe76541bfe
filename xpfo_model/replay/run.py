# SPDX-License-Identifier: GPL-2.0-only
"""Replay: run strategies over the events of a trace, and count.

The loop is written once; it is bound to a strategy by replacing the hooks that
it calls, so that the code that is counted is the strategy's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model import strategies
from xpfo_model.events import (
    EVENT_NAMES,
    MM_PAGE_ALLOC_EXTFRAG,
    MODEL,
    NANOSECONDS,
    About,
    Recording,
)
from xpfo_model.jit import Loop, compiled
from xpfo_model.machine import (
    CAUSES,
    FREE,
    KERNEL,
    KUNMAP,
    USER,
    Frames,
    Machine,
    boot,
    grow,
    hand_to_user,
    reachable,
    take_back,
)
from xpfo_model.replay.calls import ALLOC as ALLOC_PAGES
from xpfo_model.replay.calls import CHANGE_BLOCK, CONTEXT_SWITCH, REFILL, Calls, rows
from xpfo_model.replay.calls import FREE as FREE_PAGES
from xpfo_model.replay.reconstruct import Reconstruction, room_for
from xpfo_model.strategies.guarantee import go_on, leave
from xpfo_model.strategies.hooks import (
    alloc,
    change_block,
    context_switch,
    drain,
    free,
    refill,
    use,
)

PERCENT: Final = 100

BOOT: Final = "boot"
LATER: Final = "later"
UNCLEAR: Final = "unclear"
BOOT_NS: Final = 1_000_000_000
"""A trace whose first event is in the first second of its clock begins with the boot:
nobody starts a recording by hand as early as that. A choice."""

SELDOM: Final = (EVENT_NAMES[MM_PAGE_ALLOC_EXTFRAG],)
"""Events that a trace may lack although they were recorded: fallbacks are rare."""


def use_new(m: Machine, cpu: int, frames: Frames, zeroed: bool) -> None:
    """Let the kernel use new user pages: to zero them, or to copy into some."""
    used = zeroed
    if not zeroed:
        m.settings.copy_due += m.settings.copy_percent
        if m.settings.copy_due >= PERCENT:
            m.settings.copy_due -= PERCENT
            used = True
    if used:
        for frame in frames:
            use(m, cpu, frame)


def hand_out(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Allocate a page, and let its new owner have it."""
    alloc(m, cpu, frames, user, zeroed)
    if user:
        reached = hand_to_user(m, frames)
        if m.settings.zeroing:
            use_new(m, cpu, frames, zeroed)
            reached = reachable(m, frames)
        m.counts.exposed += reached
    else:
        take_back(m, frames, KERNEL)


def run_steps(m: Machine, s: Calls, history: npt.NDArray[np.int64]) -> None:
    """Call a strategy's hooks, step by step; bound with `jit.compiled`.

    `history`, unless empty, gets the flushes so far after each step.
    """
    for i in range(len(s.op)):
        op = s.op[i]
        cpu = s.cpu[i]
        start, stop = s.start[i], s.stop[i]
        m.settings.now = s.time[i]
        if op == ALLOC_PAGES:
            hand_out(m, cpu, range(start, stop), s.user[i] != 0, s.zeroed[i] != 0)
        elif op == FREE_PAGES:
            free(m, cpu, range(start, stop))
            take_back(m, range(start, stop), FREE)
        elif op == REFILL:
            refill(m, cpu, s.frames[start:stop], s.migratetype[i])
        elif op == CHANGE_BLOCK:
            change_block(m, cpu, start, s.migratetype[i])
        elif op == CONTEXT_SWITCH:
            context_switch(m, cpu)
        else:
            drain(m, cpu, range(start, stop))
        if len(history):
            history[i] = m.counts.flushes


class Run:
    """One strategy on one machine, fed with steps.

    Parameters
    ----------
    strategy : str
        A key of `strategies.REGISTRY`.
    cpus : int
        CPUs of the machine; it gets more when a step names one.
    zeroing : bool
        Whether the kernel maps each zeroed user page to zero it, and so flushes
        a second time where kunmap does.
    copy_percent : int
        Of the user pages that are not zeroed: how many percent the kernel maps
        once to copy into. Only with `zeroing`.
    **replaced
        Other functions in the place of hooks, for a what-if.

    Raises `UnknownStrategyError`.
    """

    def __init__(
        self,
        strategy: str,
        *,
        cpus: int,
        zeroing: bool = False,
        copy_percent: int = 0,
        **replaced: Callable[..., Any],
    ) -> None:
        hooks = strategies.functions(strategy) | replaced
        self.strategy = strategy
        self._heeds_all = hooks["drain"] is not leave or (
            hooks["context_switch"] is not go_on
        )
        self.machine = boot(0, cpus=cpus)
        self.machine.settings.zeroing = zeroing
        self.machine.settings.copy_percent = copy_percent
        self._loop = compiled(run_steps, strategies.given(hooks))

    @property
    def heeds_all(self) -> bool:
        """Whether the strategy acts on drains or context switches."""
        return self._heeds_all

    @property
    def is_cold(self) -> bool:
        """Whether the loop is still to be compiled, and can be kept."""
        nothing = (self.machine, room_for(0, 0), np.empty(0, np.int64))
        return isinstance(self._loop, Loop) and self._loop.is_cold(*nothing)

    def prepare(self) -> None:
        """Compile the loop now, so that the first steps need not wait for it."""
        self.feed(room_for(0, 0), 0)

    def feed(self, steps: Calls, frames: int) -> None:
        """Run the steps on a machine of at least `frames` frames."""
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
            part = rows(steps, slice(start, stop))
            named = int(np.max(part.cpu, initial=0)) + 1
            self.machine = grow(self.machine, frames, named)
            self._loop(self.machine, part, history[start:stop])

    @property
    def counts(self) -> "Counts":
        """What was counted so far."""
        counts = self.machine.counts
        causes = dict(zip(CAUSES, map(int, counts.flushes_by_cause), strict=True))
        if not causes[CAUSES[KUNMAP]]:
            del causes[CAUSES[KUNMAP]]
        return Counts(
            flushes_by_cause=causes,
            frames_unmapped=int(counts.unmapped),
            frames_mapped=int(counts.mapped),
            frames_exposed=int(counts.exposed),
            frame_time_exposed=int(counts.exposed_time) + self._still_exposed(),
            local_flushes=int(counts.local_flushes),
            splits=int(counts.splits),
        )

    def _still_exposed(self) -> int:
        m = self.machine
        exposed = (m.owner == USER) & (m.alias != 0)
        return int((m.settings.now - m.since[exposed]).sum())


@dataclass(frozen=True)
class Counts:
    """What one strategy did over a trace."""

    flushes_by_cause: dict[str, int]
    """Synchronous shootdowns, by `machine.CAUSES`; kunmap only if it flushed."""
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

    @property
    def flushes(self) -> int:
        """Synchronous shootdowns of all causes."""
        return sum(self.flushes_by_cause.values())


@dataclass(frozen=True)
class Outcome:
    """What all strategies did over one trace."""

    about: About
    events: int
    """kmem events in the trace, sched_switch not counted."""
    begins: str
    """BOOT, LATER or UNCLEAR: whether a first touch is the first since boot."""
    kinds: dict[str, int]
    """Events of each kind that the trace holds, by name."""
    totals: dict[str, int]
    """Allocations, refills, changes of ownership, whatever the strategy."""
    strategies: dict[str, Counts] = field(default_factory=dict)
    """What each strategy did that could be counted."""
    not_counted: dict[str, str] = field(default_factory=dict)
    """Why a strategy could not be counted, by its name."""

    @property
    def notes(self) -> list[str]:
        """What a reader of the counts has to know, a sentence each."""
        reasons = dict.fromkeys(self.not_counted.values())
        notes = [
            ", ".join(name for name, why in self.not_counted.items() if why == reason)
            + f": not counted, {reason}"
            for reason in reasons
        ]
        if not self.totals["refills"] and self.strategies:
            notes.append("no refill is in the trace: it cannot show what a batch saves")
        return notes

    def as_json(self) -> dict[str, Any]:
        """The object that ``compare --json`` prints."""
        return {
            **self.about.as_json(),
            "events": self.events,
            "begins": self.begins,
            "kinds": self.kinds,
            "notes": self.notes,
            "totals": self.totals,
            "not_counted": self.not_counted,
            "strategies": {
                name: {
                    "flushes": counts.flushes,
                    "flushes_by_cause": counts.flushes_by_cause,
                    "frames_unmapped": counts.frames_unmapped,
                    "frames_mapped": counts.frames_mapped,
                    "frames_exposed": counts.frames_exposed,
                    "local_flushes": counts.local_flushes,
                    "splits": counts.splits,
                }
                for name, counts in self.strategies.items()
            },
        }


def replay(trace: Recording, names: Sequence[str] | None = None) -> Outcome:
    """Run strategies over a trace, chunk by chunk, in memory that does not grow.

    `names` are keys of `strategies.REGISTRY`, `strategies.SHOWN` by default. A
    strategy that needs a kind of event that the trace does not hold is not counted.
    Raises `UnknownStrategyError`, `TraceError`.
    """
    from xpfo_model.replay.helper import helped  # noqa: PLC0415 - it makes runs

    runs = [Run(name, cpus=trace.cpus or 1) for name in (names or strategies.SHOWN)]
    heeds = any(run.heeds_all for run in runs)
    reconstruction = Reconstruction(trace.kernel, everything=heeds)

    def feed(steps: Calls) -> None:
        for run in runs:
            run.feed(steps, reconstruction.frames)

    with helped(runs):
        about = trace.stream(lambda events: feed(reconstruction.calls(events)))
        feed(reconstruction.finish())
    kinds = dict(zip(EVENT_NAMES, reconstruction.kinds.tolist(), strict=True))
    missing = {run.strategy: lacking(run.strategy, about, kinds) for run in runs}
    return Outcome(
        about=about,
        events=reconstruction.kmem_events,
        begins=_begins(about, reconstruction.first_time),
        kinds=kinds,
        totals=reconstruction.totals,
        strategies={r.strategy: r.counts for r in runs if not missing[r.strategy]},
        not_counted={
            name: f"the trace holds no {' and no '.join(events)}"
            for name, events in missing.items()
            if events
        },
    )


def lacking(strategy: str, about: About, kinds: dict[str, int]) -> list[str]:
    """Kinds of event that a strategy needs and that were not recorded.

    Where the trace does not say what was recorded, a kind of which it holds nothing
    was not, unless kernels fire it so seldom that a trace may well hold none.
    """
    if about.recorded is not None:
        return [k for k in strategies.needs(strategy) if k not in about.recorded]
    return [
        kind
        for kind in strategies.needs(strategy)
        if not kinds[kind] and kind not in SELDOM
    ]


def _begins(about: About, first: int | None) -> str:
    """Whether a trace begins with its machine: by its clock, which starts at boot."""
    if about.format == MODEL:
        return BOOT
    if about.clock != NANOSECONDS or first is None:
        return UNCLEAR
    return BOOT if first < BOOT_NS else LATER
