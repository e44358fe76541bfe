# SPDX-License-Identifier: GPL-2.0-only
"""Studies of the checker: larger scopes, and how long it takes to each fault.

``xpfo-model data explorations`` explores what takes too long for a build.
``xpfo-model data timings`` measures both with a clock. A time is kept with the number
of states, which the build counts anew.
"""

import platform
import resource
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from xpfo_model import checker, strategies
from xpfo_model.checker import Report
from xpfo_model.history.faults import FAULTS
from xpfo_model.studies import store
from xpfo_model.studies.store import Columns, study

COMMAND: Final = "xpfo-model data timings"
"""Measures anew."""
WANTED: Final = (
    (strategies.RECOMMENDED, "large"),
    (strategies.RECOMMENDED, "wide"),
    ("pcp_batch", "large"),
)
"""Strategies, and the scopes in which they are explored."""
BOUND: Final = 100_000
"""States after which a strategy that is not said to be safe is left alone."""
COLUMNS: Final = (
    *("strategy", "scope", "invariant", "steps", "visited", "milliseconds"),
    *("megabytes", "machine", "python"),
)
"""Of the timings. The end of a scope is no invariant, and no steps away."""
_RUNS: Final = 5
"""The best of so many runs is the time."""
_MS: Final = 1000
_KB_IN_MB: Final = 1000
_DIGITS: Final = 2


@dataclass(frozen=True)
class Exploration:
    """The result of an exploration, and the time that it took."""

    strategy: str
    scope: str
    """A key of `explore.SCOPES`."""
    states: int
    exhaustive: bool
    violated: tuple[str, ...]
    """Invariants."""
    seconds: float
    megabytes: int
    """Of memory, at most, of the process."""


@dataclass(frozen=True)
class Timing:
    """How long the checker takes to a fault: one CPU, plain Python."""

    strategy: str
    invariant: str
    steps: int
    visited: int
    """States that were expanded until it was found."""
    milliseconds: float


@dataclass(frozen=True)
class Recorded:
    """Both studies."""

    machine: str
    """The CPU's name for itself."""
    python: str
    explorations: tuple[Exploration, ...]
    timings: tuple[Timing, ...]

    def exploration(self, strategy: str, scope: str) -> Exploration:
        """Of a strategy in a scope."""
        key = (strategy, scope)
        return next(e for e in self.explorations if (e.strategy, e.scope) == key)

    def timing(self, strategy: str, invariant: str) -> Timing | None:
        """Of a fault, if it was measured."""
        key = (strategy, invariant)
        found = (t for t in self.timings if (t.strategy, t.invariant) == key)
        return next(found, None)


def explored(strategy: str, scope: str) -> Report:
    """Explore a scope: to the end if the strategy is said to be safe."""
    where = checker.scope(scope)
    if not strategies.REGISTRY[strategy].safe:
        where = checker.limited(where, BOUND)
    return checker.check(strategy, where)


_LOOKED_UP: Final = {
    **{name: strategies.sources(name) for name, _ in WANTED},
    **{name: checker.scope(name) for _, name in WANTED},
}
"""The strategies and scopes that are wanted."""


@study(
    "explorations",
    what="What the checker finds in scopes that take too long for a build.",
    given=_LOOKED_UP,
    apart=(strategies.REGISTRY, checker.SCOPES),
)
def explorations(docs: Path) -> Columns:  # noqa: ARG001 - reads no file
    """Explore every scope that is wanted."""
    found = [explored(*each) for each in WANTED]
    return {
        "strategy": [report.strategy for report in found],
        "scope": [scope for _, scope in WANTED],
        "states": [report.states for report in found],
        "exhaustive": [int(report.exhaustive) for report in found],
        "violated": [" ".join(report.found) for report in found],
    }


@study(
    "timings",
    what="How long the checker takes: to a fault, or to the end of a scope.",
    measured=True,
)
def timings(docs: Path) -> Columns:  # noqa: ARG001 - reads no file
    """Measure every exploration, and the search for every fault."""
    versions = f"Python {platform.python_version()}, numba {version('numba')}"
    here = (_cpu(), versions)
    rows: list[tuple[Any, ...]] = []
    for strategy, scope in WANTED:
        report = explored(strategy, scope)
        milliseconds = round(report.seconds, 1) * _MS
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _KB_IN_MB
        times = (report.states, milliseconds, megabytes)
        rows.append((strategy, scope, "", 0, *times, *here))
    for fault in FAULTS:
        of = (fault.strategy, checker.scope("default"), fault.invariant)
        best = min(
            (checker.check(*of) for _ in range(_RUNS)),
            key=lambda report: report.seconds,
        )
        found = best.found[fault.invariant]
        milliseconds = float(f"{best.seconds * _MS:.{_DIGITS}g}")
        times = (found.visited, milliseconds, 0)
        steps = (fault.invariant, found.steps)
        rows.append((fault.strategy, "default", *steps, *times, *here))
    columns = zip(*rows, strict=True)
    return {name: list(column) for name, column in zip(COLUMNS, columns, strict=True)}


def read(docs: Path) -> Recorded:
    """The kept results of both studies. Raises `StaleDataError`."""
    times = _rows(store.load(timings, docs))
    took = {(t["strategy"], t["scope"]): t for t in times if not t["invariant"]}
    found = []
    for row in _rows(store.load(explorations, docs)):
        time = took[row["strategy"], row["scope"]]
        found.append(
            Exploration(
                row["strategy"],
                row["scope"],
                row["states"],
                bool(row["exhaustive"]),
                tuple(row["violated"].split()),
                time["milliseconds"] / _MS,
                time["megabytes"],
            )
        )
    fields = ("strategy", "invariant", "steps", "visited", "milliseconds")
    faults = [Timing(*(t[name] for name in fields)) for t in times if t["invariant"]]
    return Recorded(
        times[0]["machine"], times[0]["python"], tuple(found), tuple(faults)
    )


def _rows(columns: Columns) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return " ".join((names or [platform.machine()])[0].split())
