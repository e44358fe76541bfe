# SPDX-License-Identifier: GPL-2.0-only
"""What a flush costs, and what a kernel build with XPFO costs in all.

Cycles of one flush (`flush`) from parameters with sources and ranges
(`parameters`), those that no source gives fitted to two published rows
(`calibration`); flush counts from traces (`shares`); system time of a build by
design (`build`); and how far an answer moves within the ranges (`ranges`).
"""

from xpfo_model.cost.build import (
    DESIGNS,
    Design,
    anchored_seconds,
    build_cycles,
    fitted_excess,
    local_at_its_clock,
    predicted_seconds,
    read_strict,
)
from xpfo_model.cost.calibration import (
    CALIBRATED_PARAMETERS,
    calibrated,
    flush_seconds,
    switch_share,
)
from xpfo_model.cost.flush import FULL, Kind, flush_cycles, local_cycles
from xpfo_model.cost.ipis import (
    CPUS_OF_2017,
    FAULTS_PER_SECOND,
    demanded_cpus,
    received,
)
from xpfo_model.cost.parameters import PARAMETERS, Parameter, Values, values
from xpfo_model.cost.ranges import (
    Answer,
    Swing,
    fitted_values,
    interval,
    tornado,
    value_of,
)
from xpfo_model.cost.shares import (
    BuildCounts,
    october_share,
    share_parameters,
    zeroing_share,
)

__all__ = [
    "CALIBRATED_PARAMETERS",
    "CPUS_OF_2017",
    "DESIGNS",
    "FAULTS_PER_SECOND",
    "FULL",
    "PARAMETERS",
    "Answer",
    "BuildCounts",
    "Design",
    "Kind",
    "Parameter",
    "Swing",
    "Values",
    "anchored_seconds",
    "build_cycles",
    "calibrated",
    "demanded_cpus",
    "fitted_excess",
    "fitted_values",
    "flush_cycles",
    "flush_seconds",
    "interval",
    "local_at_its_clock",
    "local_cycles",
    "october_share",
    "predicted_seconds",
    "read_strict",
    "received",
    "share_parameters",
    "switch_share",
    "tornado",
    "value_of",
    "values",
    "zeroing_share",
]
