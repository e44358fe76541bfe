# SPDX-License-Identifier: GPL-2.0-only
"""Every claim of the document, evaluated from the evidence when asked."""

# Claims are listed in the order of these imports.
# isort: off
from xpfo_model.claims import thread
from xpfo_model.claims import blocks
from xpfo_model.claims import checker
from xpfo_model.claims import published_tables
from xpfo_model.claims import cost
from xpfo_model.claims import safety
from xpfo_model.claims import exposure
from xpfo_model.claims import whatif
from xpfo_model.claims import explorer
from xpfo_model.claims import directmap
from xpfo_model.claims import fidelity
from xpfo_model.claims import drift
from xpfo_model.claims import kunmap
from xpfo_model.claims import users
from xpfo_model.claims import contexts
from xpfo_model.claims import versions
from xpfo_model.claims import kernel
from xpfo_model.claims import unmapped
from xpfo_model.claims import prediction
from xpfo_model.claims import stock
from xpfo_model.claims import aged
from xpfo_model.claims import gains
from xpfo_model.claims import decision
from xpfo_model.claims import batch_last
from xpfo_model.claims import reach
from xpfo_model.claims import said
from xpfo_model.claims import crossings

# isort: on
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
    "aged",
    "batch_last",
    "blocks",
    "checker",
    "contexts",
    "cost",
    "crossings",
    "decision",
    "directmap",
    "drift",
    "evaluate",
    "explorer",
    "exposure",
    "fidelity",
    "gains",
    "kernel",
    "kunmap",
    "prediction",
    "published_tables",
    "reach",
    "safety",
    "said",
    "select",
    "stock",
    "thread",
    "unmapped",
    "users",
    "versions",
    "whatif",
]
