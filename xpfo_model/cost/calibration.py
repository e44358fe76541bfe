# SPDX-License-Identifier: GPL-2.0-only
"""The parameters that no source gives: fitted to the 4-core rows of v8.

No primary source gives the cost of an interrupt, or what a full flush costs later,
in TLB misses. Two rows fix them: the strict row the interrupt, the deferred row the
full flush. Both hang on the number of flushes in a build, an order of magnitude:
the cycles scale with it, the seconds of a build do not.
"""

from typing import Final

from xpfo_model.cost.flush import FULL, Kind, flush_cycles, local_cycles
from xpfo_model.cost.parameters import (
    CALIBRATED,
    FACTOR_OF_AN_ORDER,
    PARAMETERS,
    Parameter,
    Values,
    values,
)
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import BASE, DEFERRED, DESKTOP, LARGE, STRICT, Machine

SERIES: Final = "v8"
FITTED: Final = f"fitted to the 4-core rows of {mails.AZIZ_2019_02_13}"


def flush_seconds(
    v: Values, machine: Machine, configuration: str, series: str = SERIES
) -> float:
    """System seconds of a published row that flushes must account for."""
    base = numbers.seconds(series, machine, BASE)
    return numbers.excess(series, machine, configuration) - v["overhead"] * base


def switch_share(v: Values) -> float:
    """Flushes at a context switch for each one deferred, per CPU that is told.

    What the 96-core deferred row has over the 4-core one, put on its CPUs.
    """
    small, large = (flush_seconds(v, m, DEFERRED) for m in (DESKTOP, LARGE))
    return (large - small) / small / ((LARGE.cpus or 0) - 1)


def calibrated(v: Values) -> dict[str, float]:
    """The values with ``residue`` and ``ipi`` such that the 4-core rows are met."""
    cpus, hertz = DESKTOP.cpus or 0, DESKTOP.hertz or 0.0
    per_second = hertz / v["flushes"]
    fitted = {"switch": 0.0, **v, "residue": 0.0, "ipi": 0.0}
    later = (cpus - 1) * fitted["switch"]
    deferred = flush_seconds(v, DESKTOP, DEFERRED) * per_second / (1 + later)
    fitted["residue"] = deferred - local_cycles(FULL, fitted)
    strict = flush_seconds(v, DESKTOP, STRICT) * per_second
    without = flush_cycles(Kind.BROADCAST, FULL, cpus, fitted)
    fitted["ipi"] = (strict - without) / (cpus - 1 + v["initiator"])
    return fitted


def _calibrated_parameters() -> tuple[Parameter, ...]:
    plain = values(PARAMETERS)
    flushes = plain["flushes"]
    fits = [
        calibrated(plain | {"flushes": flushes * factor})
        for factor in (1, FACTOR_OF_AN_ORDER, 1 / FACTOR_OF_AN_ORDER)
    ]
    measured = [
        Parameter(
            name=name,
            value=fits[0][name],
            low=fits[1][name],
            high=fits[2][name],
            unit="cycles",
            what=what,
            source=f"{FITTED}; range: that of flushes",
            confidence=CALIBRATED,
        )
        for name, what in (
            ("residue", "what a full flush costs beyond itself: TLB misses"),
            ("ipi", "an interrupt, for the CPU that receives it"),
        )
    ]
    switch = Parameter(
        name="switch",
        value=0.0,
        low=0.0,
        high=switch_share(plain),
        unit="flushes",
        what="at context switches, per deferred flush and other CPU",
        source="an assumption; high: the 96-core deferred row of "
        f"{mails.AZIZ_2019_02_13}",
        confidence=CALIBRATED,
    )
    return (*measured, switch)


CALIBRATED_PARAMETERS: Final = _calibrated_parameters()
"""What no source gives."""
