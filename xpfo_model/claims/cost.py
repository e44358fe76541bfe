# SPDX-License-Identifier: GPL-2.0-only
"""Claims about seconds that were not measured, with the interval they must lie in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from xpfo_model import cost
from xpfo_model.claims.access import BUILDS, at_allocation, kunmaps_of, tables
from xpfo_model.claims.bill import rates, told
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import two_digits
from xpfo_model.claims.published_tables import MACHINES, grid, parameters
from xpfo_model.cost import FULL, Interval, Kind, Kunmap, Rates, Values
from xpfo_model.figures.charts import Range, Ranges
from xpfo_model.figures.forms import Dot, Dots
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
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies.bill import Design

V8: Final = cost.SERIES
BATCH: Final = Design("pcp_batch")
REFILL_PAGES: Final = 63
"""Pages of a pcp refill of zones of 1 GiB and more, since commit d8a759b57035 of July
2018. mm/page_alloc.c: zone_batchsize, v6.1."""
FEWER: Final = 10


def _ratio(machine: Machine, configuration: str, series: str = V8) -> float:
    base = numbers.seconds(series, machine, BASE)
    return numbers.seconds(series, machine, configuration) / base


def _times(
    some: Sequence[Rates],
    machine: Machine,
    settings: Values,
    kind: Kind = Kind.INTERRUPT,
) -> Interval:
    """A build's system time in multiples of the base row."""
    base = numbers.seconds(V8, machine, BASE)
    low, high = cost.union(
        cost.interval(cost.seconds(one, machine, kind), settings) for one in some
    )
    return low / base, high / base


def _variants(evidence: Inputs, settings: Values) -> Table:
    """Batch alone and what would change it, beside the nearest published rows."""
    own = rates(evidence, RECOMMENDED)
    batch = rates(evidence, BATCH.strategy)
    two = tuple(MACHINES.values())

    def row(configuration: str, series: str) -> list[str]:
        return [two_digits(_ratio(machine, configuration, series)) for machine in two]

    def model(some: Sequence[Rates], kind: Kind = Kind.INTERRUPT) -> list[str]:
        return [told(_times(some, machine, settings, kind)) for machine in two]

    def large_only(kind: Kind) -> list[str]:
        return ["-", told(_times(batch, LARGE, settings, kind))]

    return Table(
        ("system time / base", *(f"{m.cpus} CPUs" for m in two)),
        (
            ("batch alone (model)", *model(batch)),
            ("… with INVLPGB in place of interrupts", *large_only(Kind.INVLPGB)),
            ("… with RAR, at best", *large_only(Kind.RAR)),
            ("… with kmap through a mapping of one CPU", *model(own)),
            ("v8 deferred, published", *row(DEFERRED, V8)),
            ("v8 deferred and batched, published", *row(DEFERRED_BATCH, V8)),
            ("v9, published", *row(DEFERRED_BATCH_FREE, "v9")),
        ),
    )


@claim(
    "batch-alone",
    must="even at the low end of its interval a batch that is flushed once per refill, "
    "synchronously, costs more than v8's deferral without batch, on both machines",
    instead="kmap through a mapping of one CPU",
    change={"design": Design(RECOMMENDED)},
    downside="Not measured: scaled from the strict rows of single runs.",
    mails=(mails.AZIZ_2019_02_13, mails.AZIZ_2018_10_24),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def batch_alone(evidence: Inputs, design: Design = BATCH) -> Finding:
    """A batch whose refill flushes once, with v9's free."""
    items = parameters(evidence)
    settings = grid(evidence, items)
    some = rates(evidence, design.strategy)
    bars: list[Range] = []
    values: dict[str, int | float | str] = {}
    holds = True
    for size, machine in MACHINES.items():
        low, high = _times(some, machine, settings)
        base = numbers.seconds(V8, machine, BASE)
        holds = holds and low > _ratio(machine, DEFERRED)
        for configuration in (STRICT, design.name, DEFERRED, DEFERRED_BATCH):
            name = f"{machine.name} {configuration}"
            if configuration == design.name:
                bars.append(Range(name, low, high, f"{told((low, high))} times"))
            else:
                at = _ratio(machine, configuration)
                bars.append(Range(name, at, at, f"{two_digits(at)} times, published"))
        values |= {
            f"{size}.low": two_digits(low),
            f"{size}.high": two_digits(high),
            f"{size}.low_seconds": two_digits(low * base),
            f"{size}.high_seconds": two_digits(high * base),
        }
    own = cost.interval(partial(cost.local_cycles, 1), settings)
    values |= {"own.low": two_digits(own[0]), "own.high": two_digits(own[1])}
    least, most = kunmaps_of(items)
    values |= {"kunmaps_low": two_digits(least), "kunmaps_high": two_digits(most)}
    for size, machine in MACHINES.items():
        least, most = cost.interval(partial(cost.ipi_cycles, machine=machine), settings)
        values |= {
            f"{size}.ipi.low": two_digits(least),
            f"{size}.ipi.high": two_digits(most),
        }
    return Finding(
        holds=holds,
        sentence=f"With {design.name} a kernel build would take {values['small.low']} "
        f"to {values['small.high']} times the base system time on 4 CPUs, and "
        f"{values['large.low']} to {values['large.high']} times on 96.",
        values=values,
        table=Table(
            ("system time / base", "low", "high"),
            tuple((r.name, two_digits(r.low), two_digits(r.high)) for r in bars),
        ),
        more={"variants": _variants(evidence, settings), **tables(evidence)},
        chart=Ranges(
            "A batch with a synchronous flush, beside the published rows",
            bars,
            "system time, times that of the base row, log scale",
            line=1.0,
            line_name="base",
            log=True,
        ),
    )


def _apart(some: Sequence[Rates]) -> tuple[list[Rates], list[Rates]]:
    """The same work without kunmaps, and the kunmaps alone."""
    without = [replace(one, kunmap=Kunmap.NOTHING) for one in some]
    return without, [Rates(kunmap=Kunmap.ALL_CPUS)]


@claim(
    "refill-flush-is-cheap",
    must="in builds, at allocation and refill a batch flushes for at most a tenth of "
    "the time that its kunmaps flush for, in every setting, on both machines",
    instead="a flush at each user allocation",
    change={"strategy": "v6"},
    downside="The work is a build's; with reclaim or pipes a batch saves far less.",
    mails=(mails.AZIZ_2019_02_13, mails.AZIZ_2019_04_03),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def refill_flush(evidence: Inputs, strategy: str = "pcp_batch") -> Finding:
    """Of batch alone, the batch is the cheap part."""
    settings = grid(evidence, parameters(evidence))
    without, (kunmaps,) = _apart(rates(evidence, strategy))
    rows: list[tuple[Any, ...]] = []
    shares: list[float] = []
    bars: list[Range] = []
    values: dict[str, int | float | str] = {}
    for size, machine in MACHINES.items():
        base = numbers.seconds(V8, machine, BASE)
        rest = cost.flushing_seconds(kunmaps, machine)
        own = [cost.flushing_seconds(one, machine) for one in without]
        for name, answers in (("allocation and refill", own), ("kunmap", [rest])):
            found = cost.union(cost.interval(a, settings) for a in answers)
            ends = 100 * found[0] / base, 100 * found[1] / base
            text = f"at most {two_digits(ends[1])}%"
            bars.append(Range(f"{machine.cpus} CPUs, {name}", *ends, text))
            rows.append((machine.name, name, *map(two_digits, ends)))
        low, high = rows[-2][2:]
        values |= {f"{size}.low": low, f"{size}.high": high}
        shares += [100 * float(np.max(a(settings) / rest(settings))) for a in own]
    worst, factor = _worst(evidence)
    values |= {"most": two_digits(max(shares)), "worst": worst, "factor": factor}
    return Finding(
        holds=max(shares) <= 100 / FEWER,
        sentence=f"In a build, {strategy} flushes at allocation and refill for at most "
        f"{values['small.high']}% of the base system time on 4 CPUs and "
        f"{values['large.high']}% on 96: at most {values['most']}% of the time that "
        "its kunmaps flush for.",
        values=values,
        table=Table(("machine", "flush at", "low %", "high %"), tuple(rows)),
        chart=Ranges(
            "The flushes at allocation and refill are the small part",
            bars,
            "percent of the base system time, log scale",
            line=100.0,
            line_name="as much again",
            log=True,
        ),
    )


def _worst(evidence: Inputs) -> tuple[str, str]:
    """The trace on which a batch saves least, and how many times it divides."""
    factors = {
        name: at_allocation(evidence.counts(name, "per_frame"))
        / max(at_allocation(evidence.counts(name, "pcp_batch")), 1)
        for name in evidence.names
    }
    worst = min(factors, key=lambda name: factors[name])
    return worst, two_digits(factors[worst])


@claim(
    "one-refill-three-ways",
    must=f"for a refill of {REFILL_PAGES} scattered pages, one full flush costs less "
    "than a flush for each page, in every setting, on both machines",
    instead="a refill of one page",
    change={"pages": 1},
    downside="Cycles of 2015, on an idle CPU; what a full flush destroys is a range.",
    mails=(mails.HANSEN_2014_07_01, mails.MOLNAR_2015_06_08_2152),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def three_ways(evidence: Inputs, pages: int = REFILL_PAGES) -> Finding:
    """A full flush, a flush for each page, or one interrupt with a list of pages."""
    settings = grid(evidence, parameters(evidence))
    rows: list[tuple[Any, ...]] = []
    bars: list[Range] = []
    holds = True
    values: dict[str, int | float | str] = {}
    for size, machine in MACHINES.items():

        def flush(v: Values, number: int | None, machine: Machine = machine) -> Any:
            ipi = cost.ipi_cycles(v, machine)
            return cost.flush_cycles(Kind.INTERRUPT, number, 1, ipi, v)

        def one_by_one(v: Values) -> Any:
            return pages * flush(v, 1)

        def listed(v: Values) -> Any:
            return flush(v, 1) + (pages - 1) * v["invlpg"]

        ways = {
            "a full flush": lambda v: flush(v, FULL),
            "a flush for each": one_by_one,
            "one for a list": listed,
        }
        worse = cost.interval(lambda v: flush(v, FULL) / one_by_one(v), settings)
        against = cost.interval(lambda v: flush(v, FULL) / listed(v), settings)
        holds = holds and worse[1] < 1
        values |= {
            f"{size}.most": two_digits(100 * worse[1]),
            f"{size}.listed.low": two_digits(against[0]),
            f"{size}.listed.high": two_digits(against[1]),
        }
        for name, answer in ways.items():
            ends = cost.interval(answer, settings)
            rows.append((machine.name, name, *map(two_digits, ends)))
            bars.append(Range(f"{machine.cpus} CPUs, {name}", *ends, told(ends)))
    return Finding(
        holds=holds,
        sentence=f"For a refill of {pages} scattered pages, a full flush costs at most "
        f"{values['small.most']}% of a flush for each page on 4 CPUs and "
        f"{values['large.most']}% on 96; against one interrupt with a list of pages it "
        f"is {values['large.listed.low']} to {values['large.listed.high']} times as "
        "dear.",
        values=values,
        table=Table(("machine", "way", "low cycles", "high cycles"), tuple(rows)),
        chart=Ranges(
            "One full flush beats many small ones; a list might beat both",
            bars,
            f"cycles for each CPU, {pages} pages, log scale",
            log=True,
        ),
    )


def _ends(
    rows: Iterable[tuple[Any, ...]],
) -> Iterator[tuple[str, tuple[float, str, float, float]]]:
    """Of rows that end in an interval: a name, and the rest of a dot."""
    for name, *_, low, high in rows:
        yield name, (low, told((low, high)), low, high)


@claim(
    "ipi-arithmetic",
    must="the interrupts ask each CPU for more than all of its time, in every setting",
    instead="the flushes of pcp_batch in place of one for each allocation",
    change={"strategy": "pcp_batch"},
    downside="A million faults a second on every CPU is the mail's bound, not a load.",
    mails=(mails.HANSEN_2017_09_20_1621, mails.AZIZ_2019_02_13),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def ipi_arithmetic(evidence: Inputs, strategy: str = "v6") -> Finding:
    """Dave Hansen's 111 million interrupts a second, and what they would take."""
    settings = grid(evidence, parameters(evidence))
    trace = BUILDS[-1]
    users = evidence.totals(trace)["user_allocations"]
    rows: list[tuple[Any, ...]] = []
    for name in dict.fromkeys((strategy, "v6", "per_frame", "pcp_batch")):
        per_fault = at_allocation(evidence.counts(trace, name)) / users
        flushes = cost.FAULTS_PER_SECOND * per_fault
        interrupts = cost.received(cost.CPUS_OF_2017, flushes)
        ends = cost.interval(partial(cost.demanded_cpus, interrupts), settings)
        rows.append((name, interrupts / 1e6, *ends))
    name, million, least, most = rows[0]
    frame = next(row for row in rows if row[0] == "per_frame")
    return Finding(
        holds=least > 1,
        sentence=f"With {name}, each of {cost.CPUS_OF_2017} CPUs that take a million "
        f"faults a second receives {million:.3g} million interrupts a second: "
        f"{told((least, most))} CPUs' worth of time.",
        values={
            "million": round(million),
            "cpus": cost.CPUS_OF_2017,
            "least": two_digits(least),
            "most": two_digits(most),
            "per_frame.least": two_digits(frame[2]),
            "per_frame.most": two_digits(frame[3]),
        },
        table=Table(
            ("strategy", "million IPIs/s", "CPUs, least", "CPUs, most"),
            tuple((r[0], *map(two_digits, r[1:])) for r in rows),
        ),
        chart=Dots(
            "At a million faults a second, v6 takes each CPU many times over",
            [("", [Dot(n, *ends, bare=True) for n, ends in _ends(rows)])],
            "CPUs' worth of time that each CPU needs, log scale",
            log=True,
            line=1,
            line_name="all that there is",
        ),
    )


@claim(
    "cost-depends-on",
    must="no other number narrows the interval of batch alone on 96 CPUs as much as "
    "the kernel's accesses for each user allocation",
    instead="kmap through a mapping of one CPU",
    change={"design": Design(RECOMMENDED)},
    downside="Each number by itself, at the setting that leaves most.",
    mails=(mails.AZIZ_2018_10_24,),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def cost_depends_on(evidence: Inputs, design: Design = BATCH) -> Finding:
    """The part of the interval that is left if one number were known."""
    items = parameters(evidence)
    some = rates(evidence, design.strategy)[-1]
    found = cost.narrowings(cost.seconds(some, LARGE), items)
    first = found[0]
    return Finding(
        holds=first.parameter.name == "kunmaps",
        sentence=f"If {first.parameter.name} were known ({first.parameter.what}), at "
        f"most {100 * first.left:.0f}% of the interval of {design.name} on 96 CPUs "
        "would be left.",
        values={"first": first.parameter.name, "left": round(100 * first.left)},
        table=Table(
            ("if this were known", "low", "high", "of the interval left, %"),
            tuple(
                (
                    one.parameter.name,
                    f"{one.parameter.low:.3g}",
                    f"{one.parameter.high:.3g}",
                    round(100 * one.left),
                )
                for one in found
            ),
        ),
        chart=Dots.of(
            f"What would narrow the interval: {first.parameter.name}",
            [(one.parameter.name, 100 * one.left) for one in found],
            f"percent of the interval of {design.name} on 96 CPUs that is left if this "
            "were known",
            text="{1:.0f}% left",
            most=100,
        ),
    )
