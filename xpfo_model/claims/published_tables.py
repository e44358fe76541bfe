# SPDX-License-Identifier: GPL-2.0-only
"""Claims about seconds: the cost model held against the published tables."""

from collections.abc import Sequence
from typing import Any, Final

from xpfo_model import cost
from xpfo_model.claims.access import BUILDS, kunmaps_parameter, october_kunmaps
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.cost import DERIVED, PARAMETERS, Parameter
from xpfo_model.errors import CannotJudgeError, XpfoModelError
from xpfo_model.figures.forms import Dots
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import (
    BASE,
    DEFERRED,
    DESKTOP,
    DUAL,
    LARGE,
    STRICT,
    TWO_8160,
)

CLOSE: Final = 0.05
"""How near a reading of the tables must come."""
MACHINES: Final = {"small": DESKTOP, "large": LARGE}
TABLES: Final = (mails.AZIZ_2019_01_10, mails.AZIZ_2019_02_13)


def parameters(evidence: Inputs) -> tuple[Parameter, ...]:
    """All parameters of the cost model: from sources, from kernels, from traces."""
    least: dict[str, list[float]] = {"v8_one": [], "v8_full": []}
    for trace in BUILDS:
        users = evidence.totals(trace)["user_allocations"]
        counts = evidence.counts(trace, "v8")
        least["v8_full"].append(counts.local_full / users)
        least["v8_one"].append((counts.local_flushes - counts.local_full) / users)
    rows = tuple(
        Parameter(
            name=name,
            value=min(found),
            low=min(found),
            high=min(found),
            unit="per user allocation",
            what=f"v8's flushes {what}; only to hold its rows against",
            source=f"model over {' and '.join(BUILDS)}, the fewer",
            confidence=DERIVED,
        )
        for (name, found), what in zip(
            least.items(), ("of a page at allocation", "in full"), strict=True
        )
    )
    return (*PARAMETERS, kunmaps_parameter(evidence), *rows)


def grid(evidence: Inputs, items: Sequence[Parameter]) -> cost.Values:
    """All settings of the parameters that no published row contradicts."""
    try:
        return cost.grid(items)
    except XpfoModelError as error:
        raise CannotJudgeError(error.what, evidence.names) from None


def _error(predicted: float, measured: float) -> float:
    """Percent, rounded as the sentences say it."""
    return round(100 * (predicted / measured - 1), 1) + 0.0  # no -0.0


def _told_in_2017() -> dict[str, float]:
    """Tycho Andersen's two ratios, and the larger from the smaller one."""
    few, many = numbers.TYCHO_SMALL, numbers.TYCHO_LARGE
    small, large = (numbers.find("2017", m, STRICT).ratio or 0 for m in (few, many))
    predicted = 1 + (small - 1) * (many.cpus or 0) / (few.cpus or 1)
    return {
        "tycho.small": small,
        "tycho.large": large,
        "tycho.predicted": round(predicted, 1),
    }


def _large_over_small(series: str, configuration: str) -> float:
    """The large machine's seconds over the small one's: of base, or of an excess."""
    take = numbers.seconds if configuration == BASE else numbers.excess
    small, large = (take(series, m, configuration) for m in (DESKTOP, LARGE))
    return large / small


@claim(
    "two-readings-fit",
    basis=Basis.TABLES,
    must=f"all CPUs at equal seconds, and only the build's jobs at equal cycles, both "
    f"meet v7's 96-core strict row within {CLOSE:.0%}",
    instead="the two halves of the readings exchanged",
    change={"same_cycles": True},
    downside="One free constant and one independent row; clocks are those of the model "
    "names.",
    mails=TABLES,
)
def two_readings(evidence: Inputs, *, same_cycles: bool = False) -> Finding:
    """Proportional to the CPUs, or to the jobs and the clock: the tables fit both."""
    del evidence  # published tables: no trace is used
    row = numbers.find("v7", LARGE, STRICT)
    values = cost.values(PARAMETERS)
    readings = (
        ("all CPUs", LARGE.cpus or 0, same_cycles),
        ("the jobs", row.jobs or 0, not same_cycles),
    )

    def seconds(charged: float, cycles: bool) -> float:  # noqa: FBT001 - a half of a reading
        return cost.read_strict(LARGE, values, charged, "v7", same_cycles=cycles)

    rows: list[tuple[Any, ...]] = []
    for who, charged, cycles in readings:
        predicted = seconds(charged, cycles)
        unit = "cycles" if cycles else "seconds"
        error = _error(predicted, row.seconds or 0)
        rows.append((f"{who}, equal {unit}", charged, round(predicted), error))
    few = DESKTOP.cpus or 0
    each = {
        f"{size}.per_cpu": round(numbers.excess("v7", machine) / (machine.cpus or 1))
        for size, machine in MACHINES.items()
    }
    return Finding(
        holds=all(abs(item[3]) <= 100 * CLOSE for item in rows),
        sentence="From the 4-core rows, v7's 96-core strict row is met with an error "
        f"of {rows[0][3]:+.1f}% if time is counted on {rows[0][0]}, and of "
        f"{rows[1][3]:+.1f}% if it is counted on {rows[1][0]}.",
        values={
            "all.error": rows[0][3],
            "jobs.error": rows[1][3],
            "clocks": round((DESKTOP.hertz or 0) / (LARGE.hertz or 1), 2),
            "base": round(_large_over_small("v7", BASE), 2),
            "deferred": round(_large_over_small("v7", DEFERRED), 2),
            "j4.all": round(seconds(LARGE.cpus or 0, cycles=False), -2),
            "j4.jobs": round(seconds(few, cycles=True), -2),
            "october_cpus": round(
                numbers.excess("2018-10", DUAL) * (few / numbers.excess("v7", DESKTOP))
            ),
            **each,
            "october.kunmaps": round(october_kunmaps(), 2),
            "september.excess": round(numbers.excess("2018-09", TWO_8160), -2),
            "v7.excess": round(numbers.excess("v7", LARGE), -2),
            **_told_in_2017(),
        },
        table=Table(("who is charged", "CPUs", "model s", "error %"), tuple(rows)),
        chart=Dots.of(
            "Two readings meet the same row",
            [(r[0], r[2], r[3]) for r in rows],
            "system seconds of v7's strict row on 96 CPUs",
            text="{1:,.0f} s, {2:+.1f}%",
            line=row.seconds,
            line_name=f"published: {row.seconds:,.0f} s",
        ),
    )
