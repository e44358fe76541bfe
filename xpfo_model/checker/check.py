# SPDX-License-Identifier: GPL-2.0-only
"""Check strategies: explore, and tell the shortest way to each violation."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model import strategies
from xpfo_model.checker.actions import Actions, describe, enumerate_actions
from xpfo_model.checker.invariants import CHECK_KMAP, CHECK_MARKS, INVARIANTS
from xpfo_model.checker.scope import ALONE, HAS_MODES, Scope
from xpfo_model.checker.search import EMPTY, bfs
from xpfo_model.checker.transition import (
    BLOCK_IRQS_OFF,
    LISTED_FIRST,
    REFILL_IRQS_OFF,
    TAKES_BLOCKS,
    act,
)
from xpfo_model.checker.world import (
    RUNS,
    World,
    canonical,
    create,
    pack,
    unpack,
    width,
)
from xpfo_model.errors import XpfoModelError
from xpfo_model.jit import Given, bound, compiled
from xpfo_model.machine import MAPPED, STARTS
from xpfo_model.strategies.kmaps import local_kmap

_MOST_BITS: Final = 62
FEW: Final = 8000
"""States that Python visits in less time than compilation takes."""
ENOUGH: Final = 3500
"""States after which a strategy that is not said to be safe can be left alone."""
WAITING: Final = ", waiting for its flush"
"""Said of an action that other CPUs may act after before it ends."""
_MS: Final = 1000


@dataclass(frozen=True)
class Violation:
    """The shortest way to a state that must never be."""

    invariant: str
    steps: int
    trace: tuple[str, ...]
    """An action a step, in words."""
    visited: int
    """States that were expanded until it was found."""
    start: str = MAPPED
    """Whether the memory that it begins with is mapped or unmapped."""


@dataclass(frozen=True)
class Report:
    """The result of exploring one strategy."""

    strategy: str
    scope: Scope
    states: int
    exhaustive: bool
    """Whether every reachable state was visited."""
    violations: tuple[Violation, ...]
    seconds: float
    """Of the exploration, without compilation."""
    starts: tuple[str, ...] = (MAPPED,)
    """How memory started: from each the exploration began."""

    @property
    def claims_safe(self) -> bool:
        """Whether this document says that the strategy is safe."""
        return strategies.REGISTRY[self.strategy].safe

    @property
    def found(self) -> dict[str, Violation]:
        """The violations by invariant."""
        return {violation.invariant: violation for violation in self.violations}

    def as_json(self) -> dict[str, Any]:
        """The object that ``check --json`` prints for the strategy."""
        return {
            "strategy": self.strategy,
            "states": self.states,
            "exhaustive": self.exhaustive,
            "claims_safe": self.claims_safe,
            "starts": list(self.starts),
            "scope": asdict(self.scope),
            "violations": [
                {**asdict(violation), "trace": list(violation.trace)}
                for violation in self.violations
            ],
        }


def how_of(
    entry: strategies.Entry,
    *,
    modes: bool = False,
    listed_first: bool = False,
    alone: bool = False,
) -> int:
    """The facts of a strategy's place in the kernel that `transition.act` heeds."""
    bits = {"refill": REFILL_IRQS_OFF, "change_block": BLOCK_IRQS_OFF}
    how = sum(bits[hook] for hook in entry.irqs_off)
    wanted = {
        TAKES_BLOCKS: entry.flips_free_blocks,
        HAS_MODES: modes or alone,
        LISTED_FIRST: listed_first,
        ALONE: alone,
    }
    return how | sum(bit for bit, is_wanted in wanted.items() if is_wanted)


def given_to(name: str, hooks: Mapping[str, Callable[..., Any]] | None = None) -> Given:
    """The functions of a strategy for `jit.bound`, those at the border included.

    `hooks` are others in the place of its own. Raises `UnknownStrategyError`.
    """
    own = strategies.at_border(name)
    return strategies.given({**own, **(hooks or strategies.functions(name))})


def check(
    name: str,
    scope: Scope,
    until: str = "",
    *,
    listed_first: bool = False,
    alone: bool = False,
    starts: Sequence[str] | None = None,
) -> Report:
    """Explore one strategy, to the end or `until` it violates an invariant.

    With `listed_first` a refill is on its list before its flush is answered. With
    `alone` a CPU enters the kernel only while all others are in user space. `starts`
    are those of memory, of `machine.STARTS`: without them both where the strategy is
    said to be safe, else as it was posted, mapped.

    Raises `UnknownStrategyError`, and `XpfoModelError` for a scope whose states need
    more than 62 bits.
    """
    at_border = strategies.at_border(name)
    hooks = strategies.functions(name)
    entry = strategies.REGISTRY[name]
    how = how_of(entry, modes=bool(at_border), listed_first=listed_first, alone=alone)
    bits = width(scope, marks=entry.marks, how=how)
    if bits > _MOST_BITS:
        raise XpfoModelError(
            f"a state of {name} in {scope} needs {bits} bits, not {_MOST_BITS}",
            remedy="take fewer CPUs or frames",
        )
    checks = CHECK_MARKS if entry.marks and entry.unmapped_mark else 0
    if hooks["kmap"] is not local_kmap:
        checks |= CHECK_KMAP
    stop = 1 << list(INVARIANTS).index(until) if until else 0
    starts = tuple(starts or (STARTS if entry.safe else (MAPPED,)))
    options = np.array([scope.nesting, how, checks, stop, len(starts)], np.int64)
    actions = enumerate_actions(scope, how)
    given = given_to(name)
    is_short = scope.most_states <= FEW
    search: Any = (bound if is_short else compiled)(bfs, given)

    def world(start: str = MAPPED) -> World:
        return create(
            scope,
            marks=entry.marks,
            start=start,
            start_marks=entry.start_marks,
            how=how,
        )

    roots = [bound(canonical)(world(start)) for start in starts]

    def explore(room: int) -> tuple[int, bool, _Tree]:
        worlds = [world() for _ in range(2)]
        tree = _Tree.of(room)
        tree.states[: len(roots)] = roots
        states, whole = search(*worlds, actions, options, _table(room), *tree)
        return int(states), bool(whole), tree

    explore(len(roots))  # compiled now, so that the time is the exploration's
    start = time.perf_counter()
    states, whole, tree = explore(scope.most_states)
    seconds = time.perf_counter() - start
    teller = _Teller(world(), actions, options, given, tree, starts)
    violations = tuple(
        teller.tell(invariant, int(state), int(action))
        for invariant, (state, action) in zip(INVARIANTS, tree.first, strict=True)
        if state != EMPTY
    )
    return Report(name, scope, states, whole, violations, seconds, starts)


class _Tree(NamedTuple):
    """The states in the order in which they were found; see `search.bfs`."""

    states: npt.NDArray[np.int64]
    parent: npt.NDArray[np.int32]
    via: npt.NDArray[np.int16]
    first: npt.NDArray[np.int64]

    @classmethod
    def of(cls, room: int) -> "_Tree":
        """A tree with room for so many states."""
        return cls(
            np.zeros(room, np.int64),
            np.zeros(room, np.int32),
            np.zeros(room, np.int16),
            np.full((len(INVARIANTS), 2), EMPTY, np.int64),
        )


def _table(room: int) -> npt.NDArray[np.int32]:
    """A hash table for so many states, at most half full."""
    return np.full(1 << max(4, (2 * room - 1).bit_length()), EMPTY, np.int32)


class _Teller:
    """Tells the way to a state, with the CPUs named as they were at the start."""

    def __init__(
        self,
        world: World,
        actions: Actions,
        options: npt.NDArray[np.int64],
        given: Given,
        tree: _Tree,
        starts: tuple[str, ...],
    ) -> None:
        self.world = world
        self.actions = actions
        self.nesting, self.how = map(int, options[:2])
        self.act = bound(act, given)
        self.pack, self.unpack = bound(pack), bound(unpack)
        self.tree = tree
        self.starts = starts

    def tell(self, invariant: str, state: int, action: int) -> Violation:
        """The violation of an invariant, by an action in a state."""
        way = [action]
        visited = state + 1
        while self.tree.parent[state] != EMPTY:
            way.append(int(self.tree.via[state]))
            state = int(self.tree.parent[state])
        lines = []
        # names[i] is who the canonical state's CPU i really is
        names = list(range(len(self.world.m.cpu_state)))
        self.unpack(self.world, int(self.tree.states[state]))
        start = self.starts[state]
        for number in reversed(way):
            here = int(self.actions.cpu[number])
            waited = self.world.waits[here]
            line = describe(self.actions, number, names[here])
            self.act(self.world, self.actions, number, self.nesting, self.how)
            waits = self.world.waits[here]
            lines.append(line + WAITING * (waits not in (RUNS, waited)))
            orders = self.world.orders_of_cpus
            keys = [self.pack(self.world, order) for order in range(len(orders))]
            names = [names[cpu] for cpu in orders[keys.index(min(keys))]]
            self.unpack(self.world, min(keys))
        return Violation(invariant, len(lines), tuple(lines), visited, start)


def check_all(
    names: Sequence[str],
    scope: Scope,
    executor: Executor | None = None,
    bound: int | None = None,
    starts: Sequence[str] | None = None,
) -> Iterable[Report]:
    """Explore strategies one after the other, or side by side in an executor.

    `bound` is how many states are enough for a strategy that is not said to be
    safe: its faults show in few. A strategy that is said to be safe is exhausted.
    `starts` as in `check`.
    """
    scopes = [
        scope
        if bound is None or strategies.REGISTRY[name].safe
        else limited(scope, min(bound, scope.most_states))
        for name in names
    ]
    explore = partial(check, starts=starts)
    if executor is None:
        return map(explore, names, scopes)
    return executor.map(explore, names, scopes)


def tell(report: Report) -> str:
    """A report as text: the verdict, then each violation with its steps."""
    whole = "all of them" if report.exhaustive else "not all: the bound was reached"
    lines = [
        f"{report.strategy}: {report.states:,} states, {whole}; "
        f"{report.seconds * _MS:,.0f} ms",
    ]
    if not report.violations:
        lines.append(f"  no invariant of {len(INVARIANTS)} violated")
    for violation in report.violations:
        lines.append(f"  {violation.invariant}: {INVARIANTS[violation.invariant]}")
        if violation.start != MAPPED:
            lines.append(f"    0. memory starts {violation.start}")
        lines += [
            f"    {number}. {action}"
            for number, action in enumerate(violation.trace, start=1)
        ]
    return "\n".join(lines) + "\n"


def limited(scope: Scope, states: int) -> Scope:
    """The scope with another bound on its states."""
    return replace(scope, most_states=states)
