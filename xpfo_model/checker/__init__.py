# SPDX-License-Identifier: GPL-2.0-only
"""The checker: a strategy's own functions in every interleaving of a tiny machine.

Prose about it is on the site's page *The checker*; `check` is the entry.
"""

from xpfo_model.checker.check import (
    ENOUGH,
    Report,
    Violation,
    check,
    check_all,
    limited,
    tell,
)
from xpfo_model.checker.invariants import INVARIANTS
from xpfo_model.checker.scope import SCOPES, Scope, scope

__all__ = [
    "ENOUGH",
    "INVARIANTS",
    "SCOPES",
    "Report",
    "Scope",
    "Violation",
    "check",
    "check_all",
    "limited",
    "scope",
    "tell",
]
