# SPDX-License-Identifier: GPL-2.0-only
"""The evidence that claims rest on: the project's traces, and runs over them."""

from collections.abc import Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from xpfo_model import gfp, strategies, traces, workloads
from xpfo_model.checker import ENOUGH, Report, Scope, check_all
from xpfo_model.errors import TraceError
from xpfo_model.events import SCHED_SWITCH, EventLog
from xpfo_model.replay.calls import ALLOC, CONTEXT_SWITCH, Calls
from xpfo_model.replay.outcome import Outcome, begins_of, replay
from xpfo_model.replay.pieces import rows, split_refills
from xpfo_model.replay.reconstruct import Reconstruction, calls_of
from xpfo_model.replay.run import Counts, Run
from xpfo_model.strategies.guarantee import restore
from xpfo_model.studies import provenance, store
from xpfo_model.studies.provenance import Provenance
from xpfo_model.studies.store import Columns, Study

Hooks = dict[str, Any]
"""Functions by the names of the hooks whose place they take."""

WHAT_IFS: Final[tuple[tuple[str, Hooks], ...]] = (
    ("per_frame", {"free": restore}),
    ("pcp_batch", {"free": restore}),
)
"""Strategies with other hooks, which claims look at beside the strategies."""
AS_POSTED: Final = 1 << gfp.USER_TESTS.index(gfp.POSTED)
"""Bit of `Calls.user` for the test for a user's page that was posted."""
FEW_FRAMES: Final = 1 << 14
"""Enough for a zone and its watermarks."""
FEW: Final = 100
"""Allocations, more or less."""


@dataclass(frozen=True)
class Half:
    """Counts up to a user allocation of a trace."""

    users: int
    """User allocations so far."""
    zeroed: int
    """Of these, zeroed."""
    counts: Counts


def prepare(strategy: str, replaced: Hooks) -> None:
    """Compile a replay loop and leave it in the cache, for other processes too."""
    Run(strategy, cpus=1, **replaced).prepare()


def prepare_allocator() -> int:
    """Compile the allocator model's loop as well, on a little demand; its events."""
    some = workloads.generate("forks", seed=1, cpus=1, frames=FEW_FRAMES, length=FEW)
    return len(workloads.events(some))


class Evidence:
    """The traces of a directory, loaded when first asked for.

    Parameters
    ----------
    directory : path
        Holds NAME.npz and NAME.toml for each trace.
    executor
        Where `start` computes ahead what takes long; without one, `start` does
        nothing and all is computed when asked for.
    docs : path, optional
        The folder docs/ whose kept studies are used; by default the one that the
        traces are in.
    """

    def __init__(
        self,
        directory: str | Path,
        executor: Executor | None = None,
        docs: Path | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.docs = docs or self.directory.parent
        self.executor = executor
        self._prepared: dict[tuple[Any, ...], Future[None]] = {}
        self._reports: dict[Scope, Iterable[Report]] = {}
        self._logs: dict[str, EventLog] = {}
        self._steps: dict[str, tuple[list[Calls], Reconstruction]] = {}
        self._counts: dict[tuple[Any, ...], Counts] = {}
        self._halves: dict[tuple[Any, ...], tuple[Half, Half]] = {}
        self._courses: dict[tuple[Any, ...], list[tuple[int, Counts]]] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._kept: dict[str, Columns] = {}
        self._apart: dict[str, dict[str, Provenance]] = {}

    @cached_property
    def provenance(self) -> dict[str, Provenance]:
        """Every trace of the directory by its short name, in reading order.

        Raises `TraceError` if there is none, as `provenance.found_in` does.
        """
        found = provenance.found_in(self.directory)
        if not found:
            raise TraceError(
                "no traces here",
                file=str(self.directory),
                remedy="name the docs/traces of a clone with --traces",
            )
        return found

    @property
    def names(self) -> list[str]:
        """Short names of all traces."""
        return list(self.provenance)

    def apart(self, question: str) -> dict[str, Provenance]:
        """The traces for one question alone, in a folder of its name, by short name.

        None of them is among `names`. Raises `TraceError` as `provenance.found_in`.
        """
        if question not in self._apart:
            self._apart[question] = provenance.found_in(self.directory, question)
        return self._apart[question]

    def asked(self, question: str) -> list[str]:
        """Short names of the traces for one question, or of all if none is for it."""
        return list(self.apart(question)) or self.names

    def known(self) -> dict[str, Provenance]:
        """All traces that somebody has asked for, those of `apart` too."""
        found = dict(self.provenance)
        for some in self._apart.values():
            for facts in some.values():
                provenance.add(found, facts, self.directory)
        return found

    @cached_property
    def studied(self) -> dict[str, str]:
        """SHA-256 of the traces that the kept studies were made of, by file name."""
        theirs = Evidence(self.docs / "traces").provenance.values()
        return {facts.name: facts.sha256 for facts in theirs}

    def start(self, scopes: Iterable[Scope]) -> None:
        """Explore these scopes and compile all large loops, in the executor."""
        if self.executor is None:
            return
        # no claim waits for it, but pages do; what takes longest goes first
        self.executor.submit(prepare_allocator)
        for where in scopes:
            self._reports[where] = self._explore(where)
        for name, hooks in (*((n, {}) for n in strategies.REGISTRY), *WHAT_IFS):
            future = self.executor.submit(prepare, name, hooks)
            self._prepared[name, *sorted(hooks.items())] = future

    def reports(self, where: Scope) -> dict[str, Report]:
        """The checker's reports on all strategies but the baseline, by strategy.

        Strategies that are not said to be safe are explored up to `ENOUGH` states:
        their faults show in far fewer.
        """
        found = self._reports.get(where)
        if not isinstance(found, tuple):
            found = tuple(found or self._explore(where))
            self._reports[where] = found
        return {report.strategy: report for report in found}

    def _explore(self, where: Scope) -> Iterable[Report]:
        names = [name for name in strategies.REGISTRY if name != "none"]
        return check_all(names, where, self.executor, ENOUGH)

    def log(self, name: str) -> EventLog:
        """A trace's events. Raises `TraceError`."""
        if name not in self._logs:
            facts = self.known()[name]
            path = self.directory / f"{facts.name}.npz"
            log = traces.read(path)
            provenance.check(facts, log, self.directory)
            self._logs[name] = log
        return self._logs[name]

    def steps(self, name: str) -> tuple[list[Calls], Reconstruction]:
        """The calls of a trace, with drains and context switches, and who made them."""
        log = self.log(name)
        if name not in self._steps:
            reconstruction = Reconstruction(log.about.kernel, everything=True)
            self._steps[name] = (
                list(calls_of(log.chunks(), reconstruction)),
                reconstruction,
            )
        return self._steps[name]

    def begins(self, name: str) -> str:
        """Whether a trace begins with its machine: as `Outcome.begins` says it."""
        return begins_of(self.log(name).about, self.steps(name)[1].first_time)

    def totals(self, name: str) -> dict[str, int]:
        """Totals of a trace, whatever the strategy."""
        return self.steps(name)[1].totals

    def counts(
        self,
        name: str,
        strategy: str,
        *,
        batch: int | None = None,
        zeroing: bool = False,
        copy_percent: float = 0,
        copies: float = 1,
        idle_flushes: bool = True,
        **replaced: Any,
    ) -> Counts:
        """The counts of a strategy over a trace.

        `batch` splits refills into at most so many frames; `zeroing`, `copy_percent`
        and `copies` are those of `Run`; `replaced` puts other functions in the place
        of hooks. Without `idle_flushes` a switch to the idle task flushes
        nothing that was deferred: it keeps the address space (enter_lazy_tlb).
        """
        how = (batch, zeroing, copy_percent, copies, idle_flushes)
        key = (name, strategy, *how, tuple(sorted(replaced.items())))
        steps, reconstruction = self.steps(name)
        if key not in self._counts:
            used: dict[str, Any] = {"copy_percent": copy_percent, "copies": copies}
            run = self._run(name, strategy, zeroing, used, replaced)
            if not idle_flushes:
                steps = self._without_idle(name)
            for some in steps:
                part = some if batch is None else split_refills(some, batch)
                run.feed(part, reconstruction.frames)
            self._counts[key] = run.counts
        return self._counts[key]

    def course(
        self, name: str, strategy: str, *, pieces: int, **replaced: Any
    ) -> list[tuple[int, Counts]]:
        """Allocations so far and counts so far, after each of so many pieces."""
        key = (name, strategy, pieces, tuple(sorted(replaced.items())))
        steps, reconstruction = self.steps(name)
        if key not in self._courses:
            run = self._run(name, strategy, False, {}, replaced)  # noqa: FBT003
            length = -(-sum(len(some.op) for some in steps) // pieces)
            allocations = 0
            course = []
            for some in steps:
                for start in range(0, len(some.op), length):
                    part = rows(some, slice(start, start + length))
                    run.feed(part, reconstruction.frames)
                    allocations += int(np.count_nonzero(part.op == ALLOC))
                    course.append((allocations, run.counts))
            self._courses[key] = course
        return self._courses[key]

    def halves(self, name: str, strategy: str, /, **how: Any) -> tuple[Half, Half]:
        """Counts of a strategy over the first half of the user allocations, and in all.

        `how` as in `counts`, without `batch` and `idle_flushes`.
        """
        key = (name, strategy, tuple(sorted(how.items())))
        if key not in self._halves:
            steps, reconstruction = self.steps(name)
            half = reconstruction.totals["user_allocations"] // 2
            self._await(strategy, how)
            run = Run(strategy, cpus=self.known()[name].cpus, **how)
            users = zeroed = 0
            found: list[Half] = []
            for some in steps:
                asked = (some.op == ALLOC) & (some.user & AS_POSTED != 0)
                so_far = users + np.cumsum(asked)
                cut = int(np.searchsorted(so_far, half)) + 1 if not found else 0
                for which in (slice(0, cut), slice(cut, None)):
                    part = rows(some, which)
                    run.feed(part, reconstruction.frames)
                    users += int(np.count_nonzero(asked[which]))
                    zeroed += int(np.count_nonzero(asked[which] & (part.zeroed != 0)))
                    if not found and users >= half:
                        found.append(Half(users, zeroed, run.counts))
            whole = Half(users, zeroed, run.counts)
            self._halves[key] = (found[0] if found else whole, whole)
        return self._halves[key]

    def _run(
        self,
        name: str,
        strategy: str,
        zeroing: bool,  # noqa: FBT001 - the options of counts()
        used: dict[str, Any],
        replaced: dict[str, Any],
    ) -> Run:
        self._await(strategy, replaced)
        return Run(
            strategy,
            cpus=self.known()[name].cpus,
            zeroing=zeroing,
            **used,
            **replaced,
        )

    def _await(self, strategy: str, how: dict[str, Any]) -> None:
        """Wait for a loop that is being compiled ahead."""
        hooks = {name: hook for name, hook in how.items() if callable(hook)}
        prepared = self._prepared.get((strategy, *sorted(hooks.items())))
        if prepared is not None:
            prepared.result()

    def _without_idle(self, name: str) -> list[Calls]:
        events = self.log(name).events
        to_idle = events.next_pid[events.kind == SCHED_SWITCH] == 0
        store = []
        switches = 0
        for some in self.steps(name)[0]:
            keep = np.ones(len(some.op), np.bool_)
            places = np.flatnonzero(some.op == CONTEXT_SWITCH)
            keep[places] = ~to_idle[switches : switches + len(places)]
            switches += len(places)
            store.append(rows(some, keep))
        return store

    def kept(self, study: Study) -> Columns:
        """The kept results of a study. Raises `StaleDataError`."""
        if study.name not in self._kept:
            self._kept[study.name] = store.load(study, self.docs)
        return self._kept[study.name]

    def outcome(self, name: str) -> Outcome:
        """All strategies over a trace."""
        log = self.log(name)
        if name not in self._outcomes:
            self._outcomes[name] = replay(log, strategies.COUNTED)
        return self._outcomes[name]
