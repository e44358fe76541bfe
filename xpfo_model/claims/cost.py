# SPDX-License-Identifier: GPL-2.0-only
"""Claims about seconds: what nobody measured, with the interval it must lie in."""

from dataclasses import replace
from typing import Any, Final

from xpfo_model import cost
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.published_tables import (
    BUILDS,
    MACHINES,
    at_allocation,
    parameters,
)
from xpfo_model.cost import DESIGNS, Parameter, Values
from xpfo_model.figures.charts import Bars, Range, Ranges
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import (
    BASE,
    DEFERRED,
    DEFERRED_BATCH,
    DEFERRED_BATCH_FREE,
    LARGE,
    STRICT,
    Machine,
)

UNKNOWN: Final = ("kunmap_share", "batch_factor", "overhead")
"""Parameters whose ranges make the intervals."""
ALL_UNKNOWN: Final = (*UNKNOWN, "mapped_back_factor", "invlpgb_gain")
VARIANTS: Final = {
    "… with v6's free, which maps back": "batch, maps back",
    "… with INVLPGB in place of interrupts": "batch, INVLPGB",
    "… with kmap through a mapping of one CPU": "batch, local kunmap",
}
"""Designs beside batch alone, in words."""
V8: Final = "v8"
TWO: Final = tuple(MACHINES.values())


def _ratio(machine: Machine, configuration: str, series: str = V8) -> float:
    base = numbers.seconds(series, machine, BASE)
    return numbers.seconds(series, machine, configuration) / base


def _answer(design: str, machine: Machine) -> cost.Answer:
    """A build's system time in multiples of the base row."""

    def answer(v: Values) -> float:
        base = numbers.seconds(V8, machine, BASE)
        return cost.anchored_seconds(DESIGNS[design], machine, v) / base

    return answer


def _without_kunmaps(items: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """The same parameters, but with no flush at the last kunmap."""
    return tuple(
        replace(item, value=0.0, low=0.0, high=0.0)
        if item.name == "kunmap_share"
        else item
        for item in items
    )


def _variants(items: tuple[Parameter, ...]) -> Table:
    """Batch alone and what would change it, beside the nearest published rows."""

    def interval(design: str, unknown: tuple[str, ...]) -> list[str]:
        ends = [cost.interval(_answer(design, m), items, unknown) for m in TWO]
        return [f"{low:.2f} to {high:.2f}" for low, high in ends]

    def row(configuration: str, series: str) -> list[str]:
        return [f"{_ratio(machine, configuration, series):.2f}" for machine in TWO]

    return Table(
        ("system time / base", *(f"{m.cpus} CPUs" for m in TWO)),
        (
            ("batch alone (model)", *interval("batch", UNKNOWN)),
            *((n, *interval(d, ALL_UNKNOWN)) for n, d in VARIANTS.items()),
            ("v8 deferred, published", *row(DEFERRED, V8)),
            ("v9, published", *row(DEFERRED_BATCH_FREE, "v9")),
        ),
    )


@claim(
    "batch-alone",
    must="even at the low end of its interval a batch that is flushed once per refill, "
    "synchronously, costs more than v8's deferral without batch, on both machines",
    instead="no flush at the last kunmap",
    change={"kunmaps": False},
    downside="Never measured: scaled from the strict rows; kunmaps are bounded, not "
    "counted.",
    mails=(mails.AZIZ_2019_02_13, mails.AZIZ_2018_10_24),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def batch_alone(evidence: Inputs, *, kunmaps: bool = True) -> Finding:
    """The number that nobody published."""
    items = parameters(evidence)
    items = items if kunmaps else _without_kunmaps(items)
    bars: list[Range] = []
    values: dict[str, int | float | str] = {}
    holds = True
    for size, machine in MACHINES.items():
        answer = _answer("batch", machine)
        low, high = cost.interval(answer, items, UNKNOWN)
        base = numbers.seconds(V8, machine, BASE)
        holds = holds and low > _ratio(machine, DEFERRED)
        for configuration in (STRICT, "batch alone", DEFERRED, DEFERRED_BATCH):
            name = f"{machine.name} {configuration}"
            if configuration == "batch alone":
                bars.append(Range(name, low, high, f"{low:.2g}x to {high:.2g}x"))
            else:
                at = _ratio(machine, configuration)
                bars.append(Range(name, at, at, f"{at:.2g}x, published"))
        values |= {
            f"{size}.low": round(low, 2),
            f"{size}.high": round(high, 2),
            f"{size}.value": round(cost.value_of(answer, items), 2),
            f"{size}.low_seconds": round(low * base),
            f"{size}.high_seconds": round(high * base),
        }
    share = next(item for item in items if item.name == "kunmap_share")
    values |= {
        "share_low": round(100 * share.low, 1),
        "share_high": round(100 * share.high, 1),
    }
    return Finding(
        holds=holds,
        sentence="Batch alone, flushed once per refill, would cost a kernel build "
        f"{values['small.low']:.2g} to {values['small.high']:.2g} times the base "
        f"system time on 4 CPUs, and {values['large.low']:.2g} to "
        f"{values['large.high']:.2g} times on 96.",
        values=values,
        table=Table(
            ("system time / base", "low", "high"),
            tuple((r.name, f"{r.low:.2g}x", f"{r.high:.2g}x") for r in bars),
        ),
        more={"variants": _variants(items)},
        chart=Ranges(
            "Batch alone: the row that no table has",
            bars,
            "system time, times that of the base row, log scale",
            line=1.0,
            log=True,
        ),
    )


def _worst(evidence: Inputs) -> tuple[str, float]:
    """The trace on which a batch saves least, and how many times it divides."""
    factors = {
        name: evidence.totals(name)["user_allocations"]
        / at_allocation(evidence.counts(name, "pcp_batch"))
        for name in evidence.names
    }
    worst = min(factors, key=lambda name: factors[name])
    return worst, factors[worst]


@claim(
    "refill-flush-is-cheap",
    must="at the high end, the synchronous flush at each refill adds less than v9 "
    "still adds in all, on both machines",
    instead="a flush at each user allocation",
    change={"batch": False},
    downside="The factor is a build's; with reclaim or pipes a batch saves far less.",
    mails=(mails.AZIZ_2019_02_13, mails.AZIZ_2019_04_03),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def refill_flush(evidence: Inputs, *, batch: bool = True) -> Finding:
    """Of batch alone, the batch is the cheap part."""
    design = DESIGNS["batch" if batch else STRICT]
    items = _without_kunmaps(parameters(evidence))
    whole = {item.name: item for item in parameters(evidence)}["kunmap_share"]
    rows: list[tuple[Any, ...]] = []
    values: dict[str, int | float | str] = {}
    for size, machine in MACHINES.items():
        base = numbers.seconds(V8, machine, BASE)

        def added(v: Values, machine: Machine = machine, base: float = base) -> float:
            seconds = cost.anchored_seconds(design, machine, v)
            at_alloc = (1 - whole.low) * (seconds - base * (1 + v["overhead"]))
            return 100 * at_alloc / base

        _, high = cost.interval(added, items, UNKNOWN)
        left = 100 * (_ratio(machine, DEFERRED_BATCH_FREE, "v9") - 1)
        rows.append((machine.name, round(high, 1), round(left, 1)))
        values |= {f"{size}.high": rows[-1][1], f"{size}.v9": rows[-1][2]}
    worst, factor = _worst(evidence)
    few = numbers.excess(V8, LARGE) / numbers.seconds(V8, LARGE, BASE)
    values |= {
        "worst": worst,
        "worst.factor": round(factor, 1),
        "worst.large": round(100 * (1 - whole.low) * few / factor),
    }
    return Finding(
        holds=all(row[1] < row[2] for row in rows),
        sentence=f"A synchronous flush at each {'refill' if batch else 'allocation'} "
        f"adds at most {rows[0][1]:,.1f}% to the base system time on 4 CPUs and "
        f"{rows[1][1]:,.1f}% on 96; v9 adds {rows[0][2]:.0f} and {rows[1][2]:.0f}% "
        "in all.",
        values=values,
        table=Table(("machine", "flush at refill %", "v9, all of it %"), tuple(rows)),
        chart=Bars.by_trace(
            "The flush at the refill is the cheap part",
            rows,
            (
                ("flush at refill", "at most {1:,.1f}%"),
                ("v9, all of it", "{2:,.1f}%, published"),
            ),
            "percent of the base system time",
            log=False,
        ),
    )


@claim(
    "ipi-arithmetic",
    must="the interrupts ask each CPU for more than all of its time, at the cheapest "
    "end of what one costs",
    instead="the flushes of pcp_batch in place of one for each allocation",
    change={"strategy": "pcp_batch"},
    downside="A million faults a second on every CPU is the mail's bound, not a load.",
    mails=(mails.HANSEN_2017_09_20_1621, mails.AZIZ_2019_02_13),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def ipi_arithmetic(evidence: Inputs, strategy: str = "v6") -> Finding:
    """Dave Hansen's 111 million interrupts a second, and what they would take."""
    items = parameters(evidence)
    most = next(item for item in items if item.name == "flushes").high
    trace = BUILDS[-1]
    users = evidence.totals(trace)["user_allocations"]
    rows: list[tuple[Any, ...]] = []
    for name in dict.fromkeys((strategy, "v6", "per_frame", "pcp_batch")):
        per_fault = at_allocation(evidence.counts(trace, name)) / users
        flushes = cost.FAULTS_PER_SECOND * per_fault
        interrupts = cost.received(cost.CPUS_OF_2017, flushes)

        def cpus(v: Values, interrupts: float = interrupts) -> float:
            return cost.demanded_cpus(interrupts, v)

        cheapest = cost.value_of(cpus, items, flushes=most)
        usual = cost.value_of(cpus, items)
        rows.append((name, interrupts / 1e6, cheapest, usual))
    name, million, cheapest, usual = rows[0]
    return Finding(
        holds=cheapest > 1,
        sentence=f"With {name}, each of {cost.CPUS_OF_2017} CPUs that take a million "
        f"faults a second receives {million:,.1f} million interrupts a second: "
        f"{cheapest:.2g} CPUs' worth of time at the least.",
        values={
            "million": round(million, 1),
            "cpus": cost.CPUS_OF_2017,
            "cheapest": round(cheapest, 1),
            "usual": round(usual, 1),
            "per_frame.cheapest": round(
                next(row[2] for row in rows if row[0] == "per_frame"), 1
            ),
        },
        table=Table(
            ("strategy", "million IPIs/s", "CPUs, cheapest", "CPUs, usual"),
            tuple((r[0], round(r[1], 1), f"{r[2]:.2g}", f"{r[3]:.2g}") for r in rows),
        ),
        chart=Bars.in_one(
            "At a million faults a second, v6 takes each CPU many times over",
            "CPUs' worth of time, at the cheapest end",
            [(row[0], row[2]) for row in rows],
            "CPUs; one is all there is",
            text="{1:.2g}",
            log=False,
        ),
    )


@claim(
    "cost-depends-on",
    must="the share of the flushes at kunmap moves the answer more than any other "
    "parameter",
    instead="kmap through a mapping of one CPU, which needs no interrupt",
    change={"design": "batch, local kunmap"},
    downside="One at a time: what two wrong parameters do together is not shown.",
    mails=(mails.AZIZ_2018_10_24,),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def cost_depends_on(evidence: Inputs, design: str = "batch") -> Finding:
    """One parameter at a time, low and high."""
    items = parameters(evidence)
    answer = _answer(design, LARGE)
    centre = cost.value_of(answer, items)
    swings = cost.tornado(answer, items)
    first, second = swings[:2]
    moved = [swing for swing in swings if round(swing.width, 2)]
    return Finding(
        holds=first.parameter.name == "kunmap_share",
        sentence=f"On 96 CPUs, what '{design}' costs depends most on "
        f"{first.parameter.name}: its range is worth {first.width:.2g} times the base "
        f"system time, that of the next, {second.parameter.name}, {second.width:.2g}.",
        values={
            "first": first.parameter.name,
            "first_width": round(first.width, 2),
            "second": second.parameter.name,
            "second_width": round(second.width, 2),
            "moved": len(moved),
            "all": len(swings),
        },
        table=Table(
            ("parameter", "low", "high", "at low", "at high"),
            tuple(
                (
                    s.parameter.name,
                    f"{s.parameter.low:.3g}",
                    f"{s.parameter.high:.3g}",
                    f"{s.at_low:.2f}x",
                    f"{s.at_high:.2f}x",
                )
                for s in swings
            ),
        ),
        chart=Ranges(
            f"96-core, {design}: the answer depends on {first.parameter.name}",
            [
                Range(
                    s.parameter.name,
                    min(s.at_low, s.at_high),
                    max(s.at_low, s.at_high),
                    f"{s.parameter.low:.3g} to {s.parameter.high:.3g} "
                    f"{s.parameter.unit}",
                )
                for s in (moved or swings)
            ],
            "system time, times that of the base row",
            line=centre,
        ),
    )
