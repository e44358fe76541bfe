# SPDX-License-Identifier: GPL-2.0-only
"""The whole bill of each strategy, and what its work costs a kernel build."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from xpfo_model import cost
from xpfo_model.checker import scope
from xpfo_model.claims.access import BUILDS, copied_percent, kunmaps_of
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.exposure import share
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import two_digits
from xpfo_model.claims.published_tables import MACHINES, parameters
from xpfo_model.cost import Interval, Kunmap, Rates, Values
from xpfo_model.figures.charts import Range, Ranges
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import BASE, DEFERRED_BATCH, DEFERRED_BATCH_FREE
from xpfo_model.machine import UNMAPPED
from xpfo_model.replay.run import Counts
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies.bill import Bill, Design, Part, part

DESIGNS: Final = (
    Design("v6"),
    Design("v8"),
    Design("v9"),
    Design("per_frame"),
    Design("per_frame_local"),
    Design("per_frame_local", UNMAPPED),
    Design("pcp_batch"),
    Design(RECOMMENDED),
    Design(RECOMMENDED, UNMAPPED),
    Design("pageblock"),
    Design("freetype"),
)
"""What is billed: strategies, and what a start and a kmap of their own change."""
PUBLISHED: Final = {
    "v8": ("v8", DEFERRED_BATCH),
    "v9": ("v9", DEFERRED_BATCH_FREE),
}
"""Series and configuration of strategies whose seconds were measured."""
SCOPE: Final = "default"
"""What the checker explored for the bill."""


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
    """What a design does over a trace in which every zeroed page is kmapped."""
    kunmap, boot, warm, counts = parts(evidence, trace, design)
    report = evidence.reports(scope(SCOPE))[design.strategy]
    return Bill(
        design=design,
        trace=trace,
        cpus=evidence.use(trace).cpus,
        kunmap=kunmap,
        boot=boot,
        warm=warm,
        start_splits=counts.start_splits,
        handed=counts.frames_exposed,
        exposed=share(evidence, trace, design.strategy, **design.how),
        violated=tuple(report.found),
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


def seconds(
    some: Sequence[Rates], machine: numbers.Machine, settings: Values
) -> Interval:
    """The interval of a build's system seconds on a machine, for any of the rates."""
    return cost.union(
        cost.interval(
            lambda v, one=one: cost.seconds(one.work(v["kunmaps"]), machine, v),
            settings,
        )
        for one in some
    )


def published(design: Design, machine: numbers.Machine) -> float | None:
    """A build's seconds as a mail gives them, scaled to v8's base row; None without."""
    if design.strategy not in PUBLISHED:
        return None
    series, configuration = PUBLISHED[design.strategy]
    own = numbers.seconds(series, machine, BASE)
    base = numbers.seconds(cost.SERIES, machine, BASE)
    return numbers.seconds(series, machine, configuration) * base / own


def _told(low: float, high: float) -> str:
    """An interval in two digits each."""
    return " to ".join(dict.fromkeys((two_digits(low), two_digits(high))))


def _seconds_cells(
    evidence: Inputs, designs: Sequence[Design], settings: Values
) -> list[tuple[str, ...]]:
    """Rows of seconds: for each machine, a cell for each design."""
    rows = []
    for machine in MACHINES.values():
        cells = []
        for design in designs:
            known = published(design, machine)
            if known is not None:
                cells.append(f"{two_digits(known)}, measured")
            else:
                ends = seconds(rates(evidence, design), machine, settings)
                cells.append(_told(*ends))
        rows.append((f"system s of a build, {machine.cpus} CPUs", *cells))
    return rows


def _kunmap_cell(one: Bill, kunmaps: Interval) -> str:
    """Flushes of all CPUs at kunmap for 1,000 user allocations."""
    if one.kunmap is not Kunmap.ALL_CPUS:
        return "0"
    spared = one.boot.zeroed - one.boot.at_kunmap
    ends = (1000 * k - one.per(spared) for k in kunmaps)
    return _told(*ends)


def _writes_cell(one: Bill, kunmaps: Interval) -> str:
    ends = [
        1000 * rate.work(k).writes
        for rate in (one.boot.rates(one.kunmap), one.warm.rates(one.kunmap))
        for k in kunmaps
    ]
    return _told(min(ends), max(ends))


def whole(
    found: Sequence[Bill], kunmaps: Interval, more: Iterable[tuple[str, ...]] = ()
) -> Table:
    """The whole bill as a table: a column for each design, counts for 1,000.

    `kunmaps`: accesses of the kernel for each user allocation, least and most; `more`:
    rows of seconds.
    """

    def counts(cause: str) -> list[str]:
        return [two_digits(b.per(b.boot.flushes[cause])) for b in found]

    def each(cell: Any) -> list[str]:
        return [str(cell(one)) for one in found]

    rows = [
        ("flushes of all CPUs at allocation", *counts("alloc")),
        ("… at a refill", *counts("refill")),
        ("… at a change of a block", *counts("block")),
        ("… of these, in full", *each(lambda b: two_digits(b.per(sum(b.boot.full.values()))))),
        (
            "… in the second half, all three",
            *each(lambda b: two_digits(1000 * b.warm.rates(b.kunmap).work(0.0).flushes)),
        ),
        ("… at the last kunmap, one page each", *each(lambda b: _kunmap_cell(b, kunmaps))),
        ("interrupts received, kunmaps left out", *each(lambda b: two_digits(b.per(b.interrupts)))),
        ("flushes of one CPU, kunmaps left out", *each(lambda b: two_digits(b.per(b.boot.local)))),
        ("PTEs written", *each(lambda b: _writes_cell(b, kunmaps))),
        ("2M entries split, in all", *each(lambda b: b.boot.splits)),
        ("… split at the start", *each(lambda b: b.start_splits)),
        ("pages zeroed through kmap", *each(lambda b: two_digits(b.per(b.boot.zeroed)))),
        *more,
        ("handed out reachable, %", *each(lambda b: two_digits(100 * b.handed / (b.boot.users or 1)))),
        ("reachable, % of users' time", *each(lambda b: two_digits(b.exposed))),
        ("while kmapped, reachable by", *each(lambda b: "this CPU" if b.kunmap is Kunmap.OWN_MAPPING else "all CPUs")),
        ("invariants violated", *each(lambda b: len(b.violated) or "none")),
    ]
    return Table(("for 1,000 user allocations", *(b.design.name for b in found)), tuple(rows))


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
    settings = cost.grid(items)
    found = bills(evidence, BUILDS[-1])
    ours = Design(strategy)
    flushing = [b.design for b in found if b.kunmap is Kunmap.ALL_CPUS]
    bars: list[Range] = []
    values: dict[str, int | float | str] = {}
    holds = True
    for size, machine in MACHINES.items():
        base = numbers.seconds(cost.SERIES, machine, BASE)
        ends = {
            design.name: seconds(rates(evidence, design), machine, settings)
            for design in dict.fromkeys((ours, *(b.design for b in found)))
            if published(design, machine) is None
        }
        most = ends[ours.name][1]
        holds = holds and all(most < ends[d.name][0] for d in flushing)
        for name, (low, high) in ends.items():
            text = f"{_told(low / base, high / base)} times base"
            bars.append(Range(f"{machine.cpus} CPUs, {name}", low / base, high / base, text))
            values |= {
                f"{size}.{name}.low": float(two_digits(low / base).replace(",", "")),
                f"{size}.{name}.high": float(two_digits(high / base).replace(",", "")),
            }
    for one in found:
        name = one.design.name
        values[f"{name}.flushes"] = one.per(sum(one.boot.flushes.values()))
        values[f"{name}.warm"] = 1000 * one.warm.rates(one.kunmap).work(0.0).flushes
    kunmaps = kunmaps_of(items)
    few = min((f"small.{d.name}.low" for d in flushing), key=lambda k: values[k])
    many = few.replace("small.", "large.")
    return Finding(
        holds=holds,
        sentence=f"{ours.name} takes a kernel build {values[f'small.{ours.name}.low']:g} "
        f"to {values[f'small.{ours.name}.high']:g} times the base system time on 4 "
        f"CPUs and {values[f'large.{ours.name}.low']:g} to "
        f"{values[f'large.{ours.name}.high']:g} times on 96; strategies whose kunmap "
        f"flushes all CPUs take at least {values[few]:g} and {values[many]:g} times.",
        values=values,
        table=Table(
            ("system time / base", "low", "high"),
            tuple((b.name, two_digits(b.low), two_digits(b.high)) for b in bars),
        ),
        more={
            "bill": whole(
                found,
                kunmaps,
                _seconds_cells(evidence, [b.design for b in found], settings),
            )
        },
        chart=Ranges(
            "What a build costs: the kunmap decides",
            bars,
            "system time, times that of the base row, log scale",
            line=1.0,
            log=True,
        ),
    )
