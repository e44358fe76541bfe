# SPDX-License-Identifier: GPL-2.0-only
"""The evidence that claims rest on: the project's traces, and runs over them."""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from xpfo_model import traces
from xpfo_model.errors import TraceError
from xpfo_model.events import EventLog
from xpfo_model.replay import Counts, Outcome, Run, replay_log
from xpfo_model.stepper import Stepper, steps_of
from xpfo_model.steps import Steps, split_refills


@dataclass(frozen=True)
class Provenance:
    """Where a trace comes from, as its TOML file beside it says."""

    name: str
    short: str
    """Name in figures and values, such as ``cc-4cpu``."""
    title: str
    cpus: int
    memory: str
    kernel: str
    """As ``uname -r`` printed it, with the package's version."""
    machine: str
    command_line: str
    workload: str
    """The script, beside the traces."""
    workload_title: str
    date: str
    sha256: str
    """Of the raw text."""
    events: str
    """Tracepoints that were recorded."""
    removed: str
    """What the stored form leaves out."""


class Evidence:
    """The traces of a directory, loaded when first asked for.

    Remembers which traces were used, so that a claim can name its inputs.

    Parameters
    ----------
    directory : path
        Holds NAME.npz and NAME.toml for each trace.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self.used: set[str] = set()
        self._logs: dict[str, EventLog] = {}
        self._steps: dict[str, tuple[list[Steps], Stepper]] = {}
        self._counts: dict[tuple[Any, ...], Counts] = {}
        self._outcomes: dict[str, Outcome] = {}

    @cached_property
    def provenance(self) -> dict[str, Provenance]:
        """Every trace of the directory by its short name, in reading order.

        Raises `TraceError` if there is none, or one without provenance.
        """
        found = {}
        for path in sorted(self.directory.glob("*.npz")):
            beside = path.with_suffix(".toml")
            if not beside.exists():
                raise TraceError(
                    "a trace without provenance",
                    file=str(path),
                    remedy=f"write {beside.name}: see the other traces'",
                )
            with beside.open("rb") as file:
                facts = Provenance(name=path.stem, **tomllib.load(file))
            found[facts.short] = facts
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

    def log(self, name: str) -> EventLog:
        """A trace's events. Raises `TraceError`."""
        self.used.add(name)
        if name not in self._logs:
            path = self.directory / f"{self.provenance[name].name}.npz"
            log = traces.read(path)
            stated = self.provenance[name].sha256
            if log.about.sha256 != stated:
                raise TraceError(
                    f"holds a trace with sha256 {log.about.sha256}, "
                    f"but its provenance says {stated}",
                    file=str(path),
                    remedy="import the trace and its provenance again",
                )
            self._logs[name] = log
        return self._logs[name]

    def steps(self, name: str) -> tuple[list[Steps], Stepper]:
        """A trace's steps, and the stepper with its totals."""
        log = self.log(name)
        if name not in self._steps:
            stepper = Stepper(log.about.kernel)
            self._steps[name] = (list(steps_of(log.chunks(), stepper)), stepper)
        return self._steps[name]

    def totals(self, name: str) -> dict[str, int]:
        """What a trace holds, whatever the strategy."""
        return self.steps(name)[1].totals

    def counts(
        self, name: str, strategy: str, *, batch: int | None = None, **replaced: Any
    ) -> Counts:
        """What a strategy does over a trace.

        `batch` splits refills into at most so many frames; `replaced` puts other
        functions in the place of hooks.
        """
        key = (name, strategy, batch, tuple(sorted(replaced.items())))
        steps, stepper = self.steps(name)
        if key not in self._counts:
            run = Run(strategy, **replaced)
            for some in steps:
                part = some if batch is None else split_refills(some, batch)
                run.feed(part, stepper.frames)
            self._counts[key] = run.counts
        return self._counts[key]

    def outcome(self, name: str) -> Outcome:
        """All strategies over a trace."""
        log = self.log(name)
        if name not in self._outcomes:
            self._outcomes[name] = replay_log(log)
        return self._outcomes[name]
