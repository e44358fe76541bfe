# SPDX-License-Identifier: GPL-2.0-only
"""The runs that the stepper of the site shows, as data."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from xpfo_model import strategies
from xpfo_model.checker import Report, Scope, scope
from xpfo_model.checker.film import FLYING, PLACES
from xpfo_model.checker.steps import TOUR, Step, answered, violation_of

SCOPE: Final = "default"
"""The machine of the checker's reports."""
LETTERS: Final = {
    place: letter for letter, place in zip("bmnku", PLACES.values(), strict=True)
} | {FLYING: "f"}
"""In the data, of where a frame is."""
TOURS: Final = "tour"
"""Name of the run that shows a page's life."""

Run = dict[str, Any]
"""``strategy``, ``name``, ``steps``; of a violation also ``beside``, the same actions
under the recommended strategy."""


def brief(step: Step) -> dict[str, Any]:
    """A step as the data have it; what is empty is left out.

    A frame is a letter of `LETTERS`, ``+`` or ``-`` for its PTE, and its kmaps.
    """
    scene = step.scene
    full = {
        "line": step.line,
        "cpu": scene.cpu,
        "action": scene.action,
        "hooks": step.hooks,
        "frames": " ".join(
            f"{LETTERS[f.place]}{'+' if f.mapped else '-'}{f.kmapped}"
            for f in scene.frames
        ),
        "tlbs": scene.tlbs if any(scene.tlbs) else (),
        "waits": [cpu for cpu, waits in enumerate(scene.waits) if waits],
        "flushes": scene.flushes,
        "wrong": scene.wrong,
        "impossible": int(not step.done),
    }
    return {name: value for name, value in full.items() if value or name == "frames"}


def runs(reports: Mapping[str, Report], where: Scope | None = None) -> list[Run]:
    """A tour of every strategy, and each violation with the same actions made safe."""
    where = where or scope(SCOPE)
    safe = strategies.RECOMMENDED
    found = [
        _run(name, TOURS, answered(name, where, TOUR)) for name in strategies.REGISTRY
    ]
    found += [
        _run(
            report.strategy,
            one.invariant,
            violation_of(report.strategy, where, one),
            beside=[*map(brief, answered(safe, where, one.trace))],
        )
        for report in reports.values()
        for one in report.violations
    ]
    return found


def _run(strategy: str, name: str, steps: Iterable[Step], **more: Any) -> Run:
    return {"strategy": strategy, "name": name, "steps": [*map(brief, steps)], **more}
