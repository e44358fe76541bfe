# SPDX-License-Identifier: GPL-2.0-only
"""The checker's counterexamples as figures."""

from xpfo_model.checker import INVARIANTS, Report, Scope, Violation
from xpfo_model.checker.film import film
from xpfo_model.figures.forms import Film


def of(report: Report, violation: Violation) -> Film:
    """The way to a violation that a report has."""
    title = f"{report.strategy} violates {violation.invariant}"
    return told(title, report.strategy, report.scope, violation)


def told(
    title: str,
    strategy: str,
    scope: Scope,
    violation: Violation,
    *,
    listed_first: bool = False,
) -> Film:
    """The way to a violation, under a title of one's own."""
    scenes = film(strategy, scope, violation, listed_first=listed_first)
    return Film(title, scenes, f"Violated: {INVARIANTS[violation.invariant]}")
