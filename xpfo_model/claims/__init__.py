# SPDX-License-Identifier: GPL-2.0-only
"""Every claim of the document, evaluated from the evidence when asked."""

from xpfo_model.claims import (
    checker,
    cost,
    directmap,
    exposure,
    fidelity,
    kunmap,
    published_tables,
    safety,
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
    select,
)
from xpfo_model.claims.verdict import CannotJudge, Standing, Verdict, evaluate

__all__ = [
    "REGISTRY",
    "CannotJudge",
    "Claim",
    "Finding",
    "Standing",
    "Table",
    "Verdict",
    "checker",
    "cost",
    "directmap",
    "evaluate",
    "exposure",
    "fidelity",
    "kunmap",
    "published_tables",
    "safety",
    "select",
    "thread",
    "users",
    "versions",
    "whatif",
]
