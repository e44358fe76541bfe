# SPDX-License-Identifier: GPL-2.0-only
"""Every claim of the document, evaluated from the evidence when asked."""

from xpfo_model.claims import checker, cost, safety, tables, thread, users
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
    "evaluate",
    "safety",
    "select",
    "tables",
    "thread",
    "users",
]
