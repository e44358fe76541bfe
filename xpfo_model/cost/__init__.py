# SPDX-License-Identifier: GPL-2.0-only
"""The cost of a flush, and of a kernel build with XPFO in all.

The work that a strategy makes for each user allocation (`work`), from traces, and from
how often a kernel that runs XPFO maps users' pages (`kmaps`); cycles of one flush
(`flush`) from parameters with sources and ranges (`parameters`); an interrupt from a
machine's published row (`calibration`); seconds of its build (`build`); and the
interval that an answer must lie in (`ranges`).
"""

from xpfo_model.cost import kmaps
from xpfo_model.cost.build import (
    cycles,
    flushing_seconds,
    overhead_seconds,
    seconds,
)
from xpfo_model.cost.calibration import (
    SERIES,
    asid_seconds,
    charged,
    consistent,
    flush_seconds,
    ipi_cycles,
    read_strict,
    users,
)
from xpfo_model.cost.flush import FULL, Kind, flush_cycles, local_cycles
from xpfo_model.cost.ipis import (
    CPUS_OF_2017,
    FAULTS_PER_SECOND,
    demanded_cpus,
    received,
)
from xpfo_model.cost.kmaps import ZEROING, Kmaps, like
from xpfo_model.cost.parameters import (
    DERIVED,
    PARAMETERS,
    Answer,
    Number,
    Parameter,
    Values,
    values,
)
from xpfo_model.cost.ranges import (
    Interval,
    Narrowing,
    grid,
    interval,
    narrowings,
    union,
    value_of,
)
from xpfo_model.cost.work import V6, Kunmap, Rates, Work

__all__ = [
    "CPUS_OF_2017",
    "DERIVED",
    "FAULTS_PER_SECOND",
    "FULL",
    "PARAMETERS",
    "SERIES",
    "V6",
    "ZEROING",
    "Answer",
    "Interval",
    "Kind",
    "Kmaps",
    "Kunmap",
    "Narrowing",
    "Number",
    "Parameter",
    "Rates",
    "Values",
    "Work",
    "asid_seconds",
    "charged",
    "consistent",
    "cycles",
    "demanded_cpus",
    "flush_cycles",
    "flush_seconds",
    "flushing_seconds",
    "grid",
    "interval",
    "ipi_cycles",
    "kmaps",
    "like",
    "local_cycles",
    "narrowings",
    "overhead_seconds",
    "read_strict",
    "received",
    "seconds",
    "union",
    "users",
    "value_of",
    "values",
]
