# SPDX-License-Identifier: GPL-2.0-only
"""The whole bill of each strategy, and what its work costs a kernel build."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
from xpfo_model.replay.run import Counts
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies.bill import PER, Bill, Design, Part, part

DESIGNS: Final = (
    Design("v6"),
    Design("v8"),
    Design("v9"),
    Design("per_frame"),
    Design("per_frame_local"),
    Design("per_frame_local", UNMAPPED),
    Design("pcp_batch"),
    Design("pcp_batch_local"),
    Design(RECOMMENDED),
    Design(RECOMMENDED, UNMAPPED),
    Design("pageblock"),
    Design("freetype"),
)
"""The strategies that are billed, some from both starts."""
PUBLISHED: Final = {
    "v8": ("v8", DEFERRED_BATCH),
    "v9": ("v9", DEFERRED_BATCH_FREE),
}
"""Series and configuration of strategies whose seconds were measured."""
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


def parts(
    evidence: Inputs, trace: str, design: Design
) -> tuple[Kunmap, Part, Part, Counts]:
    """A design's work over a trace from boot, and over its second half; its counts."""
    how = {"zeroing": True, **design.how}
    half, whole = evidence.halves(trace, design.strategy, **how)
    kunmap = design.kunmap(whole.counts)
    later = whole.users - half.users, whole.zeroed - half.zeroed
    return (
        kunmap,
        part(kunmap, whole.users, whole.zeroed, whole.counts),
        part(kunmap, *later, whole.counts, half.counts),
        whole.counts,
    )


def bill(evidence: Inputs, trace: str, design: Design) -> Bill:
    """The bill of a design over a trace.

    Every zeroed page is kmapped; for what is reachable, so are as many others as in a
    build.
    """
    kunmap, boot, warm, counts = parts(evidence, trace, design)
    report = evidence.reports(scope(SCOPE))[design.strategy]
    used = {**copied(evidence).how, **design.how}
    reached = in_use(evidence, trace, design.strategy, **used).frames_exposed
    return Bill(
        design=design,
        trace=trace,
        cpus=evidence.use(trace).cpus,
        kunmap=kunmap,
        boot=boot,
        warm=warm,
        start_splits=counts.start_splits,
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


def rates(evidence: Inputs, design: Design) -> list[Rates]:
    """A design's work in the second half of the traces of builds.

    With refills as they were on those machines, and longer than the ceiling.
    """
    found = []
    for trace in BUILDS:
        kunmap, _, warm, _ = parts(evidence, trace, design)
        found += [warm.rates(kunmap, long_refills=long) for long in (False, True)]
    return found


def seconds(some: Sequence[Rates], machine: Machine, settings: Values) -> Interval:
    """The interval of a build's system seconds on a machine, for any of the rates."""
    return cost.union(
        cost.interval(cost.seconds(one, machine), settings) for one in some
    )


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


def _seconds_row(
    machine: Machine, found: Sequence[Bill], ends: Mapping[str, Interval]
) -> tuple[str, ...]:
    """System seconds of a build, for each bill: an interval, or as measured."""
    base = numbers.seconds(cost.SERIES, machine, BASE)
    cells = []
    for one in found:
        known = published(one.design, machine)
        if known is None:
            cells.append(told(ends[one.design.name]))
        else:
            cells.append(f"{two_digits(known * base)}, measured")
    return (f"system s of a build, {machine.cpus} CPUs", *cells)


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


def _dot(one: Bill, ends: Mapping[str, Interval], machine: Machine) -> Dot:
    """The system time that a design adds to a build, with what stays reachable."""
    known = published(one.design, machine)
    left = (
        f"reachable {two_digits(one.exposed)}%" if one.exposed else "nothing reachable"
    )
    if known is not None:
        more = 100 * (known - 1)
        return Dot(one.design.name, more, f"{two_digits(more)}% measured, {left}")
    base = numbers.seconds(cost.SERIES, machine, BASE)
    low, high = (100 * (end / base - 1) for end in ends[one.design.name])
    text = f"{told((low, high))}%, {left}"
    return Dot(one.design.name, sqrt(low * high), text, low, high, bare=True)


def _groups(
    found: Sequence[Bill], ends: Mapping[str, Interval], machine: Machine
) -> list[tuple[str, list[Dot]]]:
    """What each adds to a build, by what its kunmap does: least first in each group."""
    return [
        (
            head,
            sorted(
                (_dot(one, ends, machine) for one in found if one.kunmap is kunmap),
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
    ours = Design(strategy)
    flushing = [b.design.name for b in found if b.kunmap is Kunmap.ALL_CPUS]
    bars: list[Range] = []
    rows: list[tuple[str, ...]] = []
    dear: list[str] = []
    values: dict[str, int | float | str] = {"scope": str(scope(SCOPE))}
    holds = True
    for size, machine in MACHINES.items():
        base = numbers.seconds(cost.SERIES, machine, BASE)
        ends: dict[str, Interval] = {}
        for design in dict.fromkeys((ours, *(b.design for b in found))):
            known = published(design, machine)
            if known is not None:
                values[f"{size}.{design.name}"] = two_digits(100 * (known - 1))
                continue
            ends[design.name] = seconds(rates(evidence, design), machine, settings)
            low, high = (100 * (end / base - 1) for end in ends[design.name])
            values[f"{size}.{design.name}.low"] = two_digits(low)
            values[f"{size}.{design.name}.high"] = two_digits(high)
            name = f"{machine.cpus} CPUs, {design.name}"
            bars.append(Range(name, low, high, f"{told((low, high))}% more"))
        cheapest = min(ends[name][0] for name in flushing)
        dear.append(two_digits(100 * (cheapest / base - 1)))
        holds = holds and ends[ours.name][1] < cheapest
        rows.append(_seconds_row(machine, found, ends))
    for one in found:
        values[f"{one.design.name}.flushes"] = two_digits(
            one.per(sum(one.boot.flushes.values()))
        )
    most = 100 * SMALL_MEMORY / PAGE_SIZE / cost.interval(cost.users, settings)[0]
    values["first_touches"] = two_digits(most)
    small, large = (
        " to ".join(str(values[f"{size}.{ours.name}.{e}"]) for e in ("low", "high"))
        for size in MACHINES
    )
    return Finding(
        holds=holds,
        sentence=f"{ours.name} adds {small}% to the base system time of a kernel build "
        f"on 4 CPUs and {large}% on 96; strategies whose kunmap flushes all CPUs add "
        f"at least {dear[0]}% and {dear[1]}%.",
        values=values,
        table=Table(
            ("system time over base", "low %", "high %"),
            tuple((b.name, two_digits(b.low), two_digits(b.high)) for b in bars),
        ),
        more={"bill": whole(found, kunmaps_of(items), rows)},
        chart=Dots(
            "What a build costs is decided at kunmap",
            _groups(found, ends, machine),
            f"percent more system time of a build on {machine.cpus} CPUs than without "
            "XPFO, log scale; reachable: of users' frame-time",
            log=True,
        ),
    )
