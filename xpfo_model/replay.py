# SPDX-License-Identifier: GPL-2.0-only
"""Replay: run strategies over the events of a trace, and count.

The loop is written once; it is bound to a strategy by replacing the hooks that
it calls, so that the code that is counted is the strategy's own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from xpfo_model import strategies
from xpfo_model.engine import compiled, view
from xpfo_model.events import About, EventLog, Events
from xpfo_model.machine import (
    CAUSES,
    EXPOSED,
    FLUSHES,
    FREE,
    KERNEL,
    MAPPED,
    UNMAPPED,
    USER,
    Machine,
    boot,
    hotplug,
    own,
    reachable,
)
from xpfo_model.stepper import Stepper, steps_of
from xpfo_model.steps import ALLOC, CHANGE_BLOCK, REFILL, Steps
from xpfo_model.strategies.none import alloc, change_block, free, refill


def run_steps(m: Machine, s: Steps, history: Any) -> None:
    """Call a strategy's hooks, step by step; bound with `engine.compiled`.

    `history`, unless empty, gets the flushes so far after each step.
    """
    for i in range(len(s.op)):
        op = s.op[i]
        cpu = s.cpu[i]
        if op == REFILL:
            refill(m, cpu, s.frames[s.start[i] : s.stop[i]], s.migratetype[i])
        elif op == CHANGE_BLOCK:
            change_block(m, cpu, s.start[i], s.migratetype[i])
        elif op == ALLOC:
            frames = range(s.start[i], s.stop[i])
            if s.user[i]:
                alloc(m, cpu, frames, True)
                own(m, frames, USER)
                m.counts[EXPOSED] += reachable(m, frames)
            else:
                alloc(m, cpu, frames, False)
                own(m, frames, KERNEL)
        else:
            frames = range(s.start[i], s.stop[i])
            free(m, cpu, frames)
            own(m, frames, FREE)
        if len(history):
            history[i] = m.counts[FLUSHES]


class Run:
    """One strategy on one machine, fed with steps.

    `replaced` puts another function in the place of a hook, for a what-if.
    Raises `UnknownStrategyError`.
    """

    def __init__(self, strategy: str, **replaced: Callable[..., Any]) -> None:
        module = strategies.load(strategy)
        hooks = {name: getattr(module, name) for name in strategies.HOOKS} | replaced
        self.strategy = strategy
        self.machine = boot(0)
        self._loop = compiled(run_steps, **hooks)

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
        return Counts(
            flushes_by_cause=dict(zip(CAUSES, counts, strict=False)),
            frames_unmapped=counts[UNMAPPED],
            frames_mapped=counts[MAPPED],
            frames_exposed=counts[EXPOSED],
        )


@dataclass(frozen=True)
class Counts:
    """What one strategy did over a trace."""

    flushes_by_cause: dict[str, int]
    """Synchronous shootdowns, by `machine.CAUSES`."""
    frames_unmapped: int
    """Direct-map entries cleared."""
    frames_mapped: int
    """Direct-map entries set again."""
    frames_exposed: int
    """Frames handed to users while the kernel could still reach them."""

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
    totals: dict[str, int]
    """What the trace holds, whatever the strategy."""
    strategies: dict[str, Counts] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The object that ``compare --json`` prints."""
        return {
            "trace": self.about.name,
            "sha256": self.about.sha256,
            "events": self.events,
            "lost": self.about.lost,
            "kernel": self.about.kernel,
            "warnings": {
                code: {"what": w.what, "count": w.count, "line": w.line}
                for code, w in self.about.warnings.items()
            },
            "skipped": self.about.skipped,
            "totals": self.totals,
            "strategies": {
                name: {
                    "flushes": counts.flushes,
                    "flushes_by_cause": counts.flushes_by_cause,
                    "frames_unmapped": counts.frames_unmapped,
                    "frames_mapped": counts.frames_mapped,
                    "frames_exposed": counts.frames_exposed,
                }
                for name, counts in self.strategies.items()
            },
        }


def replay(
    chunks: Iterable[Events], about: About, names: Sequence[str] | None = None
) -> Outcome:
    """Run strategies over a trace, chunk by chunk, in memory that does not grow.

    `names` are keys of `strategies.REGISTRY`, all of them by default. `about` is
    read after the last chunk. Raises `UnknownStrategyError`, `TraceError`.
    """
    runs = [Run(name) for name in (names or strategies.REGISTRY)]
    stepper = Stepper(about.kernel)
    for steps in steps_of(chunks, stepper):
        for run in runs:
            run.feed(steps, stepper.frames)
    return Outcome(
        about=about,
        events=stepper.kmem_events,
        totals=stepper.totals,
        strategies={run.strategy: run.counts for run in runs},
    )


def replay_log(log: EventLog, names: Sequence[str] | None = None) -> Outcome:
    """Run strategies over a log in memory; see `replay`."""
    return replay(log.chunks(), log.about, names)
