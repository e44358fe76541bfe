# SPDX-License-Identifier: GPL-2.0-only
"""Runs to step through: actions on the tiny machine, and the hooks that each calls.

The functions that act are the checker's own. A run is the shortest way to a violation,
the same actions under another strategy, or a tour of a page's life.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import CodeType, FunctionType
from typing import Any, Final

from xpfo_model import strategies
from xpfo_model.checker.check import WAITING, Violation
from xpfo_model.checker.film import NotPossibleError, Scene, Stage
from xpfo_model.checker.scope import Scope

TOUR: Final = (
    "CPU 0 makes block 0 MOVABLE",
    "CPU 0 refills the MOVABLE list with frames 0 and 1",
    "CPU 0 allocates frame 0 zeroed for a user",
    "CPU 1 kmaps frame 0",
    "CPU 1 kunmaps frame 0",
    "CPU 1 frees frame 0 to the MOVABLE list",
    "CPU 1 allocates frame 0 for a user",
    "CPU 0 moves the page of frame 0 to frame 2",
    "CPU 1 frees frame 2 to the MOVABLE list",
    "CPU 0 allocates frame 2 for the kernel",
    "CPU 0 switches context",
    "CPU 0 frees frame 2 to the UNMOVABLE list",
    "CPU 0 drains frame 2 to the buddy allocator",
)
"""A page's life, in which every hook is called."""
ANSWERED: Final = "has its flush answered"


@dataclass(frozen=True)
class Step:
    """An action of a run, and how the machine is after it."""

    scene: Scene
    hooks: tuple[str, ...]
    """Those that the action called, in order."""
    line: int
    """Which of the run's lines it belongs to, from 1; an answer belongs to the line
    before it or that it makes room for."""
    done: bool = True
    """Whether the action was possible; if not, nothing changed."""


class Watched:
    """A strategy's hooks under names of their own, and a note of each call.

    Two hooks may be one function; here each has its own code, so that a call tells
    which it is.
    """

    def __init__(self, hooks: dict[str, Callable[..., Any]]) -> None:
        self.hooks = {name: _named(hook, name) for name, hook in hooks.items()}
        self._codes: dict[CodeType, str] = {
            hook.__code__: name for name, hook in self.hooks.items()
        }

    def during(self, action: Callable[[], Scene]) -> tuple[Scene, tuple[str, ...]]:
        """Do an action; what it returns, and the hooks that no other hook called."""
        calls: list[str] = []
        depth = 0

        def note(frame: Any, event: str, _: Any) -> None:
            nonlocal depth
            name = self._codes.get(frame.f_code)
            if name is None or event not in {"call", "return"}:
                return
            if event == "call" and not depth:
                calls.append(name)
            depth += 1 if event == "call" else -1

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            scene = action()
        finally:
            sys.setprofile(before)
        return scene, tuple(calls)


def _named(hook: Any, name: str) -> FunctionType:
    copy = FunctionType(
        hook.__code__.replace(co_name=name), hook.__globals__, name, hook.__defaults__
    )
    copy.__module__ = hook.__module__
    return copy


class _Player:
    """Plays lines under a strategy, and notes each as a step."""

    def __init__(self, strategy: str, scope: Scope) -> None:
        self._watched = Watched(strategies.functions(strategy))
        self._stage = Stage(strategy, scope, hooks=self._watched.hooks)
        self.steps = [Step(self._stage.scene(), (), 0)]
        self.line = 0

    def play(self, line: str, invariant: str = "") -> None:
        """Do what a line says; a CPU that waits has its flush answered before.

        Unless the action is what an interrupt does, or a free. What is not possible
        even so is noted, and changes nothing.
        """
        self.line += 1
        _, cpu, action = line.split(" ", 2)
        if self._does(line, invariant):
            return
        if self.answer(int(cpu)) and self._does(line, invariant):
            return
        same = replace(self.steps[-1].scene, cpu=int(cpu), action=action, flushes=0)
        self.steps.append(Step(same, (), self.line, done=False))

    def answer(self, cpu: int) -> bool:
        """Have the flush answered that a CPU waits for; whether it waits."""
        return self._does(f"CPU {cpu} {ANSWERED}", "")

    def _does(self, line: str, invariant: str) -> bool:
        try:
            scene, hooks = self._watched.during(
                lambda: self._stage.play(line, invariant)
            )
        except NotPossibleError:
            return False
        self.steps.append(Step(scene, hooks, self.line))
        return True


def violation_of(strategy: str, scope: Scope, violation: Violation) -> tuple[Step, ...]:
    """The shortest way to a violation. Raises `XpfoModelError` for another's."""
    player = _Player(strategy, scope)
    for number, line in enumerate(violation.trace, start=1):
        is_last = number == len(violation.trace)
        player.play(line.removesuffix(WAITING), violation.invariant if is_last else "")
    return tuple(player.steps)


def answered(strategy: str, scope: Scope, lines: Iterable[str]) -> tuple[Step, ...]:
    """Actions under a strategy, every flush answered before the next action.

    The first step is the machine as it begins. Raises `UnknownStrategyError`, and
    `XpfoModelError` for a line that is no action.
    """
    player = _Player(strategy, scope)
    for line in lines:
        player.play(line.removesuffix(WAITING))
        while player.answer(player.steps[-1].scene.cpu):
            pass
    return tuple(player.steps)
