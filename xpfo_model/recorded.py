# SPDX-License-Identifier: GPL-2.0-only
"""What takes too long for the build, or a clock: recorded once, with its sources.

``make recorded`` explores the large scopes and times the checker, and writes
recorded.json beside this file. An exploration is recorded with a digest of the
functions that it ran: when one of them changes it counts no more. A time is
recorded with the number of states, which the build counts anew.
"""

import ast
import hashlib
import inspect
import json
import platform
import resource
import textwrap
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any, Final, TypeGuard, cast

from xpfo_model import engine, explore, strategies
from xpfo_model.explore.actions import enumerate_actions
from xpfo_model.explore.search import bfs
from xpfo_model.explore.world import create
from xpfo_model.faults import FAULTS

FILE: Final = Path(__file__).with_name("recorded.json")
COMMAND: Final = "make recorded"
WANTED: Final = (
    ("pcp_batch_local", "large"),
    ("pcp_batch_local", "wide"),
    ("pcp_batch", "large"),
)
"""Strategies, and the scopes in which they are explored."""
BOUND: Final = 100_000
"""States after which a strategy that is not said to be safe is left alone."""
_RUNS: Final = 5
"""The best of so many runs is the time."""
_MS: Final = 1000
_KB_IN_MB: Final = 1000
_DIGITS: Final = 2


@dataclass(frozen=True)
class Exploration:
    """What an exploration found, and of which functions."""

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
    sources: str
    """See `sources`."""

    @property
    def holds_still(self) -> bool:
        """Whether the functions are those that were explored."""
        return self.sources == sources(self.strategy, self.scope)


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
    """The file."""

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
        """Of a fault, if it was recorded."""
        key = (strategy, invariant)
        found = (t for t in self.timings if (t.strategy, t.invariant) == key)
        return next(found, None)


def read(path: Path = FILE) -> Recorded:
    """What was recorded."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    return Recorded(
        stored["machine"],
        stored["python"],
        tuple(
            Exploration(**each | {"violated": tuple(each["violated"])})
            for each in stored["explorations"]
        ),
        tuple(Timing(**each) for each in stored["timings"]),
    )


def sources(strategy: str, scope: str) -> str:
    """SHA-256 of all that an exploration depends on, as hex.

    The scope, the search with the strategy's hooks, the functions of this package
    that they call, and the constants that those name; not the engine, which changes
    no result.
    """
    hooks = strategies.functions(strategy)
    entry = strategies.REGISTRY[strategy]
    how = (entry.marks, entry.unmapped_mark, entry.irqs_off, entry.safe)
    parts = [repr(explore.scope(scope)), repr(how), inspect.getsource(explore.check)]
    waiting: list[Any] = [bfs, create, enumerate_actions, *hooks.values()]
    seen: set[Any] = set(waiting)
    while waiting:
        function = waiting.pop()
        text = textwrap.dedent(inspect.getsource(function))
        parts.append(text)
        known = {**cast("FunctionType", function).__globals__, **hooks}
        for name in sorted({n.id for n in ast.walk(ast.parse(text)) if _reads(n)}):
            value = known.get(name)
            if isinstance(value, int | str | tuple):
                parts.append(f"{name} = {value!r}")
            elif _is_ours(value):
                parts.append(f"{name} = {value.__module__}.{value.__qualname__}")
                waiting += {value} - seen
                seen.add(value)
    return hashlib.sha256("\0".join(sorted(parts)).encode()).hexdigest()


def _reads(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _is_ours(value: Any) -> TypeGuard[FunctionType]:
    if not isinstance(value, FunctionType) or value.__module__ == engine.__name__:
        return False
    return value.__module__.partition(".")[0] == engine.__name__.partition(".")[0]


def record_exploration(strategy: str, scope: str) -> Exploration:
    """Explore: to the end if the strategy is said to be safe."""
    where = explore.scope(scope)
    if not strategies.REGISTRY[strategy].safe:
        where = explore.limited(where, BOUND)
    report = explore.check(strategy, where)
    return Exploration(
        strategy,
        scope,
        report.states,
        report.exhaustive,
        tuple(report.found),
        round(report.seconds, 1),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _KB_IN_MB,
        sources(strategy, scope),
    )


def record_timing(strategy: str, invariant: str) -> Timing:
    """Search until the fault is found, several times."""
    where = explore.scope("default")
    runs = [explore.check(strategy, where, invariant) for _ in range(_RUNS)]
    best = min(runs, key=lambda report: report.seconds)
    found = best.found[invariant]
    shown = float(f"{best.seconds * _MS:.{_DIGITS}g}")
    return Timing(strategy, invariant, found.steps, found.visited, shown)


def record() -> Recorded:
    """Explore and time all; minutes."""
    numba = f", numba {version('numba')}" if engine.FAST else ""
    return Recorded(
        _cpu(),
        f"Python {platform.python_version()}{numba}",
        tuple(record_exploration(*each) for each in WANTED),
        tuple(record_timing(f.strategy, f.invariant) for f in FAULTS),
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return " ".join((names or [platform.machine()])[0].split())


def main() -> None:
    """Record, into the file."""
    FILE.write_text(json.dumps(asdict(record()), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
