# SPDX-License-Identifier: GPL-2.0-only
"""The whole bill of each strategy, and what its work costs a kernel build."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Final

from xpfo_model import cost
from xpfo_model.checker import scope
from xpfo_model.claims.access import BUILDS, copied, in_use, kunmaps_of
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.exposure import share
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import two_digits
from xpfo_model.claims.published_tables import MACHINES, grid, parameters
from xpfo_model.claims.recordings import rows
from xpfo_model.constants import PAGE_SIZE
from xpfo_model.cost import Interval, Kunmap, Rates, Values
from xpfo_model.figures.charts import Range
from xpfo_model.figures.forms import Dot, Dots
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import (
    BASE,
    DEFERRED_BATCH,
    DEFERRED_BATCH_FREE,
    Machine,
)
from xpfo_model.machine import UNMAPPED
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies.bill import AT_ALLOC, DESIGNS, PER, Bill, Design, Part, halves
from xpfo_model.studies.stock_bills import part_of, stock_bills

PUBLISHED: Final = {
    "v8": ("v8", DEFERRED_BATCH),
    "v9": ("v9", DEFERRED_BATCH_FREE),
}
"""Series and configuration of strategies whose seconds were measured."""
Ends = Mapping[Design, Interval]
"""Seconds by design."""
EACH: Final = "per_frame"
"""The strategy that flushes once for each page that changes sides."""
SCOPE: Final = "default"
"""The machine that the checker explored for the bill."""
SMALL_MEMORY: Final = 8 << 30
"""Bytes of memory of the 4-core machine, as its mail says."""
HEADS: Final = {
    Kunmap.OWN_MAPPING: "kunmap flushes one page of this CPU",
    Kunmap.NOTHING: "kunmap flushes nothing",
    Kunmap.DEFERRED: "kunmap flushes this CPU, the others later",
    Kunmap.ALL_CPUS: "kunmap flushes all CPUs",
}
"""What a kunmap does, as the figure says it, the cheapest first."""
WINDOWS: Final = {
    Kunmap.NOTHING: "all CPUs",
    Kunmap.ALL_CPUS: "all CPUs",
    Kunmap.DEFERRED: "all CPUs",
    Kunmap.OWN_MAPPING: "this CPU",
}
"""Who can reach a user's page while the kernel has it mapped."""


def bill(evidence: Inputs, trace: str, design: Design) -> Bill:
    """The bill of a design over a trace.

    Every zeroed page is kmapped; for what is reachable, so are as many others as in a
    build.
    """
    over = halves(evidence, trace, design)
    report = evidence.reports(scope(SCOPE))[design.strategy]
    used = {**copied(evidence).how, **design.how}
    reached = in_use(evidence, trace, design.strategy, **used).frames_exposed
    return Bill(
        design=design,
        trace=trace,
        cpus=evidence.use(trace).cpus,
        kunmap=over.kunmap,
        boot=over.boot,
        warm=over.warm,
        start_splits=over.counts.start_splits,
        handed=reached,
        exposed=share(evidence, trace, design.strategy, **used),
        violated=tuple(report.found),
        exhausted=report.exhaustive,
    )


def bills(
    evidence: Inputs, trace: str, designs: Iterable[Design] = DESIGNS
) -> list[Bill]:
    """A bill for each design over one trace, in their order."""
    return [bill(evidence, trace, design) for design in designs]


def recorded(evidence: Inputs, design: Design) -> list[Part]:
    """A design's work in the second half of each recording of a build that is kept.

    First the traces, then the recordings that are kept as counts.
    """
    whole = [halves(evidence, trace, design).warm for trace in BUILDS]
    return whole + [
        part_of(row)
        for row in rows(evidence, stock_bills)
        if (row["strategy"], row["start"]) == (design.strategy, design.start)
    ]


def rates(evidence: Inputs, strategy: str, start: str = UNMAPPED) -> list[Rates]:
    """The same for each user allocation, by default on a machine that has run.

    A page that nobody had needs no flush on memory that started unmapped, and a
    machine that has run for a while has no such page. From a mapped start the work is
    that of a machine that still hands them out, and splits entries for them. With
    refills as they were in the recordings, and longer than the ceiling.
    """
    design = Design(strategy, start)
    kunmap = halves(evidence, BUILDS[-1], design).kunmap
    return [
        part.rates(kunmap, long_refills=long, all_split=start == UNMAPPED)
        for part in recorded(evidence, design)
        for long in (False, True)
    ]


def seconds(some: Sequence[Rates], machine: Machine, settings: Values) -> Interval:
    """The interval of a build's system seconds on a machine, for any of the rates."""
    return cost.union(
        cost.interval(cost.seconds(one, machine), settings) for one in some
    )


def _unowned(mapped: Part, unmapped: Part) -> float:
    """Percent of the user pages that had no owner before.

    `EACH` flushes for these from a mapped start, and not from an unmapped one.
    """
    spared = mapped.flushes[AT_ALLOC] - unmapped.flushes[AT_ALLOC]
    return 100 * spared / (mapped.users or 1)


def published(design: Design, machine: Machine) -> float | None:
    """A build's system time over base as a mail gives it; None without."""
    if design.strategy not in PUBLISHED:
        return None
    series, configuration = PUBLISHED[design.strategy]
    base = numbers.seconds(series, machine, BASE)
    return numbers.seconds(series, machine, configuration) / base


def told(ends: Interval) -> str:
    """An interval in two digits each."""
    return " to ".join(dict.fromkeys(map(two_digits, ends)))


def _seconds_rows(
    machine: Machine, found: Sequence[Bill], ends: Ends, fresh: Ends
) -> Iterator[tuple[str, ...]]:
    """System seconds of a build, for each bill: an interval, or as measured."""
    base = numbers.seconds(cost.SERIES, machine, BASE)

    def cell(one: Bill, some: Ends) -> str:
        known = published(one.design, machine)
        if known is not None:
            return f"{two_digits(known * base)}, measured"
        return told(some[one.design])

    yield (
        f"system s of a build, {machine.cpus} CPUs",
        *(cell(one, ends) for one in found),
    )
    yield (
        "… where some memory has had no owner yet",
        *(cell(one, fresh) for one in found),
    )


def whole(
    found: Sequence[Bill], kunmaps: Interval, more: Iterable[tuple[str, ...]] = ()
) -> Table:
    """The whole bill as a table: a column for each design, counts for 1,000.

    `kunmaps`: accesses of the kernel for each user allocation, least and most; `more`:
    rows of seconds.
    """

    def row(name: str, count: Callable[[Bill], float]) -> tuple[str, ...]:
        return name, *(two_digits(count(one)) for one in found)

    def words(name: str, cell: Callable[[Bill], str]) -> tuple[str, ...]:
        return name, *map(cell, found)

    def at_kunmap(one: Bill) -> str:
        if one.kunmap is not Kunmap.ALL_CPUS:
            return "0"
        spared = one.boot.rates(one.kunmap).spared
        return told((PER * (kunmaps[0] - spared), PER * (kunmaps[1] - spared)))

    def writes(one: Bill) -> str:
        some = one.boot.rates(one.kunmap)
        low, high = (PER * some.work(k).writes for k in kunmaps)
        return told((low, high))

    def late(one: Bill) -> float:
        return float(PER * one.warm.rates(one.kunmap).work(0.0).flushes)

    def violations(one: Bill) -> str:
        more = "" if one.exhausted else " or more"
        return f"{len(one.violated)}{more}"

    return Table(
        (f"for {PER:,} user allocations", *(one.design.name for one in found)),
        (
            row(
                "flushes of all CPUs at allocation",
                lambda b: b.per(b.boot.flushes["alloc"]),
            ),
            row("… at a refill", lambda b: b.per(b.boot.flushes["refill"])),
            row("… at a change of a block", lambda b: b.per(b.boot.flushes["block"])),
            row("… of these, in full", lambda b: b.per(sum(b.boot.full.values()))),
            row("… of all three, in the second half", late),
            words("… at the last kunmap, each of a page", at_kunmap),
            row("interrupts received, without kunmaps", lambda b: b.per(b.interrupts)),
            row("flushes of one CPU, without kunmaps", lambda b: b.per(b.boot.local)),
            words("PTEs written", writes),
            row("2M entries split, in all", lambda b: b.boot.splits + b.start_splits),
            row("pages zeroed", lambda b: b.per(b.boot.zeroed)),
            *more,
            row("% handed out reachable", lambda b: b.per(b.handed) / 10),
            row("% of users' frame-time reachable", lambda b: b.exposed),
            words("reachable while kmapped", lambda b: WINDOWS[b.kunmap]),
            words("invariants violated", violations),
        ),
    )


def _dot(one: Bill, ends: Ends, machine: Machine) -> Dot:
    """The system time that a design adds to a build, with what stays reachable."""
    known = published(one.design, machine)
    left = (
        f"reachable {two_digits(one.exposed)}%" if one.exposed else "nothing reachable"
    )
    if known is not None:
        more = 100 * (known - 1)
        return Dot(one.design.strategy, more, f"{two_digits(more)}% measured, {left}")
    base = numbers.seconds(cost.SERIES, machine, BASE)
    low, high = (100 * (end / base - 1) for end in ends[one.design])
    text = f"{told((low, high))}%, {left}"
    return Dot(one.design.strategy, sqrt(low * high), text, low, high, bare=True)


def once(found: Iterable[Bill]) -> Iterable[Bill]:
    """A bill of each strategy: a machine that has run does not know how it started."""
    return {one.design.strategy: one for one in found}.values()


def _groups(
    found: Sequence[Bill], ends: Ends, machine: Machine
) -> list[tuple[str, list[Dot]]]:
    """What each adds to a build, by what its kunmap does: least first in each group."""
    return [
        (
            head,
            sorted(
                (
                    _dot(one, ends, machine)
                    for one in once(found)
                    if one.kunmap is kunmap
                ),
                key=lambda dot: dot.value,
            ),
        )
        for kunmap, head in HEADS.items()
        if any(one.kunmap is kunmap for one in found)
    ]


@claim(
    "whole-bill",
    must="on both machines, the recommended strategy at its dearest costs a build less "
    "than each strategy whose kunmap flushes all CPUs at its cheapest",
    instead="kmap through the direct map, with the same batch",
    change={"strategy": "pcp_batch"},
    downside="Scaled from published rows of 2019; the work is that of small machines.",
    mails=(mails.AZIZ_2019_02_13, mails.AZIZ_2019_04_03),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def whole_bill(evidence: Inputs, strategy: str = RECOMMENDED) -> Finding:
    """All that a strategy costs, and what it leaves open, side by side."""
    items = parameters(evidence)
    settings = grid(evidence, items)
    found = bills(evidence, BUILDS[-1])
    flushing = [b.design for b in found if b.kunmap is Kunmap.ALL_CPUS]
    bars: list[Range] = []
    lines: list[tuple[str, ...]] = []
    dear: list[str] = []
    values: dict[str, int | float | str] = {"scope": str(scope(SCOPE))}
    builds = recorded(evidence, Design(EACH))
    unowned = [
        _unowned(*pair)
        for pair in zip(builds, recorded(evidence, Design(EACH, UNMAPPED)), strict=True)
    ]
    values |= {
        "builds": len(builds),
        "fresh.least": min(unowned),
        "fresh.most": max(unowned),
    }
    holds = True
    for size, machine in MACHINES.items():
        base = numbers.seconds(cost.SERIES, machine, BASE)
        ends: dict[Design, Interval] = {}
        fresh: dict[Design, Interval] = {}
        for design in dict.fromkeys((Design(strategy), *(b.design for b in found))):
            known = published(design, machine)
            if known is not None:
                values[f"{size}.{design.name}"] = two_digits(100 * (known - 1))
                continue
            for some, start in ((ends, UNMAPPED), (fresh, design.start)):
                at = rates(evidence, design.strategy, start)
                some[design] = seconds(at, machine, settings)
            for name, found_ends in (("", ends[design]), (".fresh", fresh[design])):
                low, high = (100 * (end / base - 1) for end in found_ends)
                values[f"{size}.{design.name}{name}.low"] = two_digits(low)
                values[f"{size}.{design.name}{name}.high"] = two_digits(high)
            name = f"{machine.cpus} CPUs, {design.strategy}"
            if name not in [bar.name for bar in bars]:
                low, high = (100 * (end / base - 1) for end in ends[design])
                bars.append(Range(name, low, high, f"{told((low, high))}% more"))
        cheapest = min(ends[name][0] for name in flushing)
        dear.append(two_digits(100 * (cheapest / base - 1)))
        holds = holds and ends[Design(strategy)][1] < cheapest
        lines += _seconds_rows(machine, found, ends, fresh)
    for one in found:
        values[f"{one.design.name}.flushes"] = two_digits(
            one.per(sum(one.boot.flushes.values()))
        )
    most = 100 * SMALL_MEMORY / PAGE_SIZE / cost.interval(cost.users, settings)[0]
    values["first_touches"] = two_digits(most)
    small, large = (
        " to ".join(str(values[f"{size}.{strategy}.{e}"]) for e in ("low", "high"))
        for size in MACHINES
    )
    return Finding(
        holds=holds,
        sentence=f"On a machine that has run for a while, {strategy} adds {small}% to "
        f"the base system time of a kernel build on 4 CPUs and {large}% on 96; "
        "strategies whose kunmap flushes all CPUs add at least "
        f"{dear[0]}% and {dear[1]}%.",
        values=values,
        table=Table(
            ("system time over base", "low %", "high %"),
            tuple((b.name, two_digits(b.low), two_digits(b.high)) for b in bars),
        ),
        more={"bill": whole(found, kunmaps_of(items), lines)},
        chart=Dots(
            "What a build costs is decided at kunmap",
            _groups(found, ends, machine),
            f"percent more system time of a build on {machine.cpus} CPUs than without "
            "XPFO, log scale; reachable: of users' frame-time",
            log=True,
        ),
    )
