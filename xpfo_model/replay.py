# SPDX-License-Identifier: GPL-2.0-only
"""Replay: run strategies over the events of a trace, and count.

The loop is written once; it is bound to a strategy by replacing the hooks that
it calls, so that the code that is counted is the strategy's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model import strategies
from xpfo_model.engine import compiled, view
from xpfo_model.events import (
    EVENT_NAMES,
    MM_PAGE_ALLOC_EXTFRAG,
    MODEL,
    NANOSECONDS,
    About,
    Recording,
)
from xpfo_model.machine import (
    CAUSES,
    COPY_DUE,
    COPY_PERCENT,
    EXPOSED,
    EXPOSED_TIME,
    FLUSHES,
    FREE,
    KERNEL,
    KUNMAP,
    LOCAL_FLUSHES,
    MAPPED,
    NOW,
    SPLITS,
    UNMAPPED,
    USER,
    ZEROING,
    Machine,
    boot,
    give,
    hotplug,
    reachable,
    take,
)
from xpfo_model.stepper import Stepper, room_for
from xpfo_model.steps import ALLOC as ALLOC_PAGES
from xpfo_model.steps import CHANGE_BLOCK, CONTEXT_SWITCH, REFILL, Steps
from xpfo_model.steps import FREE as FREE_PAGES
from xpfo_model.strategies.guarantee import go_on, leave
from xpfo_model.strategies.none import (
    alloc,
    change_block,
    context_switch,
    drain,
    free,
    kmap,
    kunmap,
    refill,
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


def use(m: Machine, cpu: int, frame: int) -> None:
    """The kernel maps a user's frame for a moment, to zero it or to copy."""
    kmap(m, cpu, frame)
    kunmap(m, cpu, frame)


def use_new(m: Machine, cpu: int, frames: Any, zeroed: bool) -> int:
    """The kernel's own use of new user pages; how many it can still reach."""
    often = zeroed
    if not zeroed:
        m.settings[COPY_DUE] += m.settings[COPY_PERCENT]
        if m.settings[COPY_DUE] >= PERCENT:
            m.settings[COPY_DUE] -= PERCENT
            often = True
    if often:
        for frame in frames:
            use(m, cpu, frame)
    return reachable(m, frames)


def run_steps(m: Machine, s: Steps, history: Any) -> None:
    """Call a strategy's hooks, step by step; bound with `engine.compiled`.

    `history`, unless empty, gets the flushes so far after each step.
    """
    for i in range(len(s.op)):
        op = s.op[i]
        cpu = s.cpu[i]
        m.settings[NOW] = s.time[i]
        if op == ALLOC_PAGES:
            frames = range(s.start[i], s.stop[i])
            zeroed = s.zeroed[i] != 0
            if s.user[i]:
                alloc(m, cpu, frames, True, zeroed)
                reached = give(m, frames)
                if m.settings[ZEROING]:
                    reached = use_new(m, cpu, frames, zeroed)
                m.counts[EXPOSED] += reached
            else:
                alloc(m, cpu, frames, False, zeroed)
                take(m, frames, KERNEL)
        elif op == FREE_PAGES:
            frames = range(s.start[i], s.stop[i])
            free(m, cpu, frames)
            take(m, frames, FREE)
        elif op == REFILL:
            refill(m, cpu, s.frames[s.start[i] : s.stop[i]], s.migratetype[i])
        elif op == CHANGE_BLOCK:
            change_block(m, cpu, s.start[i], s.migratetype[i])
        elif op == CONTEXT_SWITCH:
            context_switch(m, cpu)
        else:
            drain(m, cpu, range(s.start[i], s.stop[i]))
        if len(history):
            history[i] = m.counts[FLUSHES]


class Run:
    """One strategy on one machine, fed with steps.

    Parameters
    ----------
    strategy : str
        A key of `strategies.REGISTRY`.
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
        zeroing: bool = False,
        copy_percent: int = 0,
        **replaced: Callable[..., Any],
    ) -> None:
        hooks = strategies.hooks(strategy) | replaced
        self.strategy = strategy
        self._heeds_all = hooks["drain"] is not leave or (
            hooks["context_switch"] is not go_on
        )
        self.machine = boot(0)
        self.machine.settings[ZEROING] = zeroing
        self.machine.settings[COPY_PERCENT] = copy_percent
        self._loop = compiled(run_steps, **hooks)

    @property
    def heeds_all(self) -> bool:
        """Whether the strategy acts on drains or context switches."""
        return self._heeds_all

    def prepare(self) -> None:
        """Compile the loop now, so that the first steps need not wait for it."""
        self.feed(room_for(0, 0), 0)

    def feed(self, steps: Steps, frames: int) -> None:
        """Run the steps on a machine of at least `frames` frames."""
        self._feed(steps, frames, np.empty(0, np.int64))

    def history(self, steps: Steps, frames: int) -> npt.NDArray[np.int64]:
        """Run the steps; the flushes so far after each of them."""
        flushes = np.empty(len(steps.op), np.int64)
        self._feed(steps, frames, flushes)
        return flushes

    def _feed(self, steps: Steps, frames: int, history: npt.NDArray[np.int64]) -> None:
        self.machine = hotplug(self.machine, frames)
        columns = Steps(*(view(column) for column in steps))
        self._loop(self.machine, columns, view(history))

    @property
    def counts(self) -> "Counts":
        """What was counted so far."""
        counts = [int(count) for count in self.machine.counts]
        causes = dict(zip(CAUSES, counts, strict=False))
        if not counts[KUNMAP]:
            del causes[CAUSES[KUNMAP]]
        return Counts(
            flushes_by_cause=causes,
            frames_unmapped=counts[UNMAPPED],
            frames_mapped=counts[MAPPED],
            frames_exposed=counts[EXPOSED],
            frame_time_exposed=counts[EXPOSED_TIME] + self._still_exposed(),
            local_flushes=counts[LOCAL_FLUSHES],
            splits=counts[SPLITS],
        )

    def _still_exposed(self) -> int:
        m = self.machine
        exposed = (np.asarray(m.owner) == USER) & (np.asarray(m.alias) != 0)
        return int((m.settings[NOW] - np.asarray(m.since)[exposed]).sum())


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
    runs = [Run(name) for name in (names or strategies.SHOWN)]
    heeds = any(run.heeds_all for run in runs)
    stepper = Stepper(trace.kernel, everything=heeds)

    def feed(steps: Steps) -> None:
        for run in runs:
            run.feed(steps, stepper.frames)

    about = trace.stream(lambda events: feed(stepper.steps(events)))
    feed(stepper.finish())
    kinds = dict(zip(EVENT_NAMES, stepper.kinds.tolist(), strict=True))
    lacking = {run.strategy: _lacking(run.strategy, about, kinds) for run in runs}
    return Outcome(
        about=about,
        events=stepper.kmem_events,
        begins=_begins(about, stepper.first_time),
        kinds=kinds,
        totals=stepper.totals,
        strategies={r.strategy: r.counts for r in runs if not lacking[r.strategy]},
        not_counted={
            name: f"the trace holds no {' and no '.join(events)}"
            for name, events in lacking.items()
            if events
        },
    )


def _lacking(strategy: str, about: About, kinds: dict[str, int]) -> list[str]:
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
