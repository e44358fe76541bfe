# SPDX-License-Identifier: GPL-2.0-only
"""Workloads: seeded demand for the situations that the thread argues about.

`generate` makes a `Load`, `events` runs it through the allocator: a strategy cannot
tell the result from a trace.
"""

from xpfo_model.workloads.likeness import LIKE, Likeness
from xpfo_model.workloads.load import Load
from xpfo_model.workloads.mix import generate
from xpfo_model.workloads.registry import REGISTRY, Workload
from xpfo_model.workloads.rescale import rescaled
from xpfo_model.workloads.run import chunks, events
from xpfo_model.workloads.seed import SEED_SEQUENCE, seed_sequence
from xpfo_model.workloads.statistics import Statistics, statistics

__all__ = [
    "LIKE",
    "REGISTRY",
    "SEED_SEQUENCE",
    "Likeness",
    "Load",
    "Statistics",
    "Workload",
    "chunks",
    "events",
    "generate",
    "rescaled",
    "seed_sequence",
    "statistics",
]
