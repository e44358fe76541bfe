# SPDX-License-Identifier: GPL-2.0-only
"""Every claim of the document, evaluated from the evidence when asked."""

from xpfo_model.claims import (
    checker,
    cost,
    damage,
    exposure,
    fidelity,
    kunmap,
    safety,
    tables,
    thread,
    users,
    versions,
    whatif,
)
from xpfo_model.claims.claim import (
    REGISTRY,
    Claim,
    Finding,
    Table,
    Verdict,
    evaluate,
    select,
)

__all__ = [
    "REGISTRY",
    "Claim",
    "Finding",
    "Table",
    "Verdict",
    "checker",
    "cost",
    "damage",
    "evaluate",
    "exposure",
    "fidelity",
    "kunmap",
    "safety",
    "select",
    "tables",
    "thread",
    "users",
    "versions",
    "whatif",
]
