# SPDX-License-Identifier: GPL-2.0-only
"""A violation once more, scene by scene: what the machine is like after each step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from xpfo_model import strategies
from xpfo_model.checker.actions import Actions, describe, enumerate_actions
from xpfo_model.checker.check import WAITING, Violation, given_to, how_of
from xpfo_model.checker.invariants import (
    CHECK_KMAP,
    CHECK_MARKS,
    INVARIANTS,
    violated_by,
)
from xpfo_model.checker.scope import Scope
from xpfo_model.checker.transition import act
from xpfo_model.checker.world import (
    BUDDY,
    KERNEL_HAS,
    MOVABLE_LIST,
    OTHER_LIST,
    RUNS,
    USER_HAS,
    World,
    create,
)
from xpfo_model.errors import XpfoModelError
from xpfo_model.jit import bound
from xpfo_model.machine import IS_MAPPED

PLACES: Final = {
    BUDDY: "buddy",
    MOVABLE_LIST: "MOVABLE",
    OTHER_LIST: "UNMOVABLE",
    KERNEL_HAS: "kernel",
    USER_HAS: "user",
}
FLYING: Final = "in flight"
"""Taken from its list, and not handed out yet."""


class NotPossibleError(XpfoModelError):
    """An action that the tiny machine does not allow in its state."""


@dataclass(frozen=True)
class FrameState:
    """A frame of the tiny machine."""

    place: str
    """A place of `PLACES`, or FLYING."""
    mapped: bool
    """Whether the direct map holds its alias."""
    kmapped: int
    """How often the kernel has it kmapped."""


@dataclass(frozen=True)
class Scene:
    """A step, and how the machine is after it."""

    cpu: int
    action: str
    """The action of the CPU, in words."""
    frames: tuple[FrameState, ...]
    tlbs: tuple[tuple[int, ...], ...]
    """Per CPU: unmapped frames that its TLB may still translate."""
    waits: tuple[bool, ...]
    """Per CPU: whether it waits for its flush."""
    flushes: int
    """Flushes of all CPUs that the step asked for."""
    wrong: tuple[int, ...] = ()
    """Frames that violate an invariant that was asked for."""


class Stage:
    """The tiny machine under one strategy, played by the words of its actions.

    Parameters
    ----------
    strategy : str
        A key of `strategies.REGISTRY`.
    scope : Scope
        Its CPUs and frames.
    listed_first : bool
        As in `check`.
    hooks : mapping, optional
        Functions in the place of the strategy's own.

    Raises `UnknownStrategyError`.
    """

    def __init__(
        self,
        strategy: str,
        scope: Scope,
        *,
        listed_first: bool = False,
        hooks: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        entry = strategies.REGISTRY[strategy]
        self.strategy = strategy
        self._nesting = scope.nesting
        modes = bool(strategies.at_border(strategy))
        self._how = how_of(entry, modes=modes, listed_first=listed_first)
        self.world: World = create(scope, marks=entry.marks, how=self._how)
        self._act = bound(act, given_to(strategy, hooks))
        self._actions: Actions = enumerate_actions(scope, self._how)
        self._numbers = {
            describe(self._actions, number, int(cpu)): number
            for number, cpu in enumerate(self._actions.cpu)
        }

    def number_of(self, line: str) -> int:
        """The action that a line of a violation's trace tells of.

        Raises `XpfoModelError` for a line that tells of none.
        """
        number = self._numbers.get(line.removesuffix(WAITING))
        if number is None:
            raise XpfoModelError(
                f"{self.strategy}: {line!r} is no action of the tiny machine",
                remedy="take the lines of a violation that `check` found today",
            )
        return number

    def play(self, line: str, invariant: str = "") -> Scene:
        """Do what a line of a violation's trace says.

        Raises `XpfoModelError` for a line that is not possible now.
        """
        number = self.number_of(line)
        if not self._act(self.world, self._actions, number, self._nesting, self._how):
            raise NotPossibleError(
                f"{self.strategy}: {line!r} is not possible here",
                remedy="take the lines of a violation that `check` found today",
            )
        _, cpu, action = line.split(" ", 2)
        return self.scene(int(cpu), action, invariant)

    def scene(self, cpu: int = 0, action: str = "", invariant: str = "") -> Scene:
        """The machine as it is now, after an action of a CPU."""
        w, m = self.world, self.world.m
        frames = range(len(w.place))
        bit = 1 << list(INVARIANTS).index(invariant) if invariant else 0
        checks = CHECK_MARKS | CHECK_KMAP
        return Scene(
            cpu,
            action,
            tuple(
                FrameState(
                    PLACES.get(int(w.place[f]), FLYING),
                    bool(m.alias[f] & IS_MAPPED),
                    int(w.held[f]),
                )
                for f in frames
            ),
            tuple(
                tuple(f for f in frames if m.stale[f, 0] >> number & 1)
                for number in range(len(w.waits))
            ),
            tuple(int(wait) != RUNS for wait in w.waits),
            int(m.counts.flushes),
            tuple(f for f in frames if violated_by(w, f, checks) & bit),
        )


def film(
    strategy: str,
    scope: Scope,
    violation: Violation,
    *,
    listed_first: bool = False,
) -> tuple[Scene, ...]:
    """The scenes of a violation. Raises `XpfoModelError` if it is not possible."""
    stage = Stage(strategy, scope, listed_first=listed_first)
    return tuple(_scenes(stage, violation.trace, violation.invariant))


def _scenes(stage: Stage, lines: Sequence[str], invariant: str) -> Iterator[Scene]:
    for number, line in enumerate(lines, start=1):
        yield stage.play(line, invariant if number == len(lines) else "")
