# SPDX-License-Identifier: GPL-2.0-only
"""Claims that decide what to do first: the steps of a design, and their bills."""

from statistics import fmean
from typing import Any, Final

from xpfo_model.claims import bill
from xpfo_model.claims.access import BUILDS, kunmaps_of
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.gains import BATCH, EACH, PER, saved
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import spread, two_digits
from xpfo_model.claims.published_tables import MACHINES, grid, parameters
from xpfo_model.claims.recordings import (
    AHEAD,
    SHORT,
    WORKLOADS,
    grouped,
    matrix,
    mean_flushed,
)
from xpfo_model.claims.thread import SCARCE
from xpfo_model.cost import SERIES, Interval, Kunmap
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.charts import Range, Ranges
from xpfo_model.figures.forms import Dumbbells
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import BASE
from xpfo_model.machine import MAPPED, UNMAPPED
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies.bill import Bill, Design

POSTED: Final = Design("v6")
FIRST: Final = Design("per_frame_local")
"""v6 with the two steps that need no batch."""
STEPS: Final = {
    "v6 as posted": POSTED,
    "+ free changes nothing": Design("per_frame"),
    "+ a mapping of one CPU": FIRST,
    "+ memory starts unmapped": Design(FIRST.strategy, UNMAPPED),
    "+ the wider test": Design("per_frame_closed", UNMAPPED),
    "+ a batch at the refill": Design(RECOMMENDED, UNMAPPED),
}
"""Changes one after the other, each on top of those before."""
THREAD: Final = Design("pcp_batch")
"""The proposal of the thread: a batch, and kmap through the direct map."""
HALF: Final = 0.5
TWO: Final = 2
"""CPUs of the machine that every load was recorded on."""
MUCH_MORE: Final = 5
"""How many times the gain of any other trace is much more."""


def flushes(one: Bill, kunmaps: Interval) -> Interval:
    """Flushes of all CPUs for `PER` user allocations from boot, those at kunmap too."""
    ahead = one.per(sum(one.boot.flushes.values()))
    if one.kunmap is not Kunmap.ALL_CPUS:
        return ahead, ahead
    spared = one.boot.rates(one.kunmap).spared
    low, high = (ahead + PER * (number - spared) for number in kunmaps)
    return low, high


@claim(
    "two-steps-before-the-batch",
    must="on both machines a free that changes nothing and a mapping of one CPU, at "
    "their dearest, take away at least half of what v6 at its cheapest adds to a build",
    instead="the thread's batch, with kmap through the direct map, in place of both",
    change={"first": THREAD},
    downside="Scaled from published rows of 2019 by a model; no machine has run it.",
    mails=(mails.HANSEN_2017_09_20_0848, mails.AZIZ_2019_02_13),
    basis=Basis.TABLES_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def two_steps(evidence: Inputs, first: Design = FIRST) -> Finding:
    """The seconds of a build as a design takes one step after the other."""
    items = parameters(evidence)
    settings = grid(evidence, items)
    steps = STEPS if first == FIRST else {"v6 as posted": POSTED, first.name: first}
    found = bill.bills(evidence, BUILDS[-1], steps.values())
    kunmaps = kunmaps_of(items)
    rows: list[list[str]] = [
        [name, bill.told(flushes(one, kunmaps))]
        for name, one in zip(steps, found, strict=True)
    ]
    bars: list[Range] = []
    left: list[float] = []
    values: dict[str, int | float | str] = {}
    for size, machine in MACHINES.items():
        base = numbers.seconds(SERIES, machine, BASE)
        ends: dict[Design, Interval] = {}
        for row, (name, design) in zip(rows, steps.items(), strict=True):
            low, high = bill.seconds(
                bill.rates(evidence, design.strategy), machine, settings
            )
            ends[design] = 100 * (low / base - 1), 100 * (high / base - 1)
            row += [bill.told((low - base, high - base)), bill.told(ends[design])]
            text = f"{bill.told(ends[design])}%"
            bars.append(Range(f"{machine.cpus} CPUs, {name}", *ends[design], text))
        left.append(ends[first][1] / ends[POSTED][0])
        values |= {
            f"{size}.v6": two_digits(ends[POSTED][0]),
            f"{size}.low": two_digits(ends[first][0]),
            f"{size}.high": two_digits(ends[first][1]),
        }
    steps_of = {
        size: f"{values[f'{size}.v6']}% to at most {values[f'{size}.high']}%"
        for size in MACHINES
    }
    return Finding(
        holds=max(left) <= HALF,
        sentence=f"{first.name} takes what XPFO adds to the system time of a kernel "
        f"build from {steps_of['small']} on 4 CPUs, and from {steps_of['large']} on "
        "96.",
        values=values,
        table=Table(
            ("step", "flushes", *(f"{m.cpus} CPUs, %" for m in MACHINES.values())),
            tuple((row[0], row[1], row[3], row[5]) for row in rows),
        ),
        more={
            "steps": Table(
                ("step", "flushes", *(f"{m.cpus} CPUs" for m in MACHINES.values())),
                tuple(
                    (
                        row[0],
                        row[1],
                        f"+{row[2]} s, {row[3]}%",
                        f"+{row[4]} s, {row[5]}%",
                    )
                    for row in rows
                ),
            )
        },
        chart=Ranges(
            "Two steps take away most of the cost of a build",
            bars,
            "percent more system time of a kernel build than without XPFO, log scale",
            line=100.0,
            line_name="twice the time",
            log=True,
        ),
    )


@claim(
    "batch-pays-where-memory-is-short",
    must="where memory is short a batch, as the last step, saves more than "
    f"{MUCH_MORE} times as many flushes as on any other trace",
    instead="memory that starts mapped, where the batch also serves first touches",
    change={"batch": "batch first"},
    downside="A single recording under reclaim, of a machine with 224 MiB.",
    mails=(mails.HANSEN_2017_09_20_1621, mails.HANSEN_2017_09_20_1727),
    basis=Basis.KERNEL_AND_TRACES,
    needs=("user_allocations", "refills_movable"),
)
def batch_pays(evidence: Inputs, batch: str = "a batch after it") -> Finding:
    """The batch as the last step: what it saves, by trace."""
    evidence.use(SCARCE)
    others = evidence.all_but(SCARCE)
    gains = {name: saved(evidence, name) for name in (SCARCE, *others)}
    elsewhere = [gains[name][batch] for name in others]
    rows: list[tuple[Any, ...]] = [
        (name, round(of["left"] + of["a batch after it"]), round(of["left"]))
        for name, of in gains.items()
    ]
    return Finding(
        holds=gains[SCARCE][batch] > MUCH_MORE * max(elsewhere),
        sentence=f"For 1,000 user pages a batch saves {gains[SCARCE][batch]:,.0f} "
        f"flushes on {SCARCE}, and {spread(elsewhere, ',.0f')} on the other traces, on "
        + (
            "memory that starts mapped."
            if batch == "batch first"
            else "top of the rest."
        ),
        values={"scarce": gains[SCARCE][batch], "most": max(elsewhere)},
        table=Table(("trace", f"{EACH}, unmapped", f"{BATCH}, unmapped"), tuple(rows)),
        chart=Dumbbells.by_trace(
            "A batch pays where memory is short",
            rows,
            (f"{EACH}, starts unmapped", f"{BATCH}, starts unmapped"),
            "flushes at allocation and refill for 1,000 user pages",
        ),
    )


@claim(
    "wider-test-where-memory-is-short",
    must="where memory is short, a kernel whose test takes readahead and huge pages "
    "for users' pages flushes at most half as often ahead of users, with the same "
    "batch and mapping",
    instead="a load that has memory to spare",
    change={"workload": "mix"},
    downside="Few recordings on two emulated CPUs; the two strategies differ in the "
    "hook at migration as well.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.ANDERSEN_2017_11_09),
    basis=Basis.KERNEL,
)
def wider_test(evidence: Inputs, workload: str = SHORT) -> Finding:
    """The posted test and the wider one, counted by kernels that run them."""
    found = grouped(
        matrix(evidence, lambda row: row["start"] == MAPPED and row["cpus"] == TWO),
        "workload",
        "strategy",
    )
    rows: list[tuple[Any, ...]] = []
    factors: dict[str, float] = {}
    pages: dict[str, float] = {}
    accesses: list[float] = []
    for load in WORKLOADS:
        sides = [found.get((load, name), []) for name in (BATCH, RECOMMENDED)]
        if not all(sides):
            continue
        posted, wider = (mean_flushed(some, AHEAD) for some in sides)
        users = [fmean(row["user"] for row in some) for some in sides]
        factors[load] = ratio(wider, posted, load, f"no flush of {BATCH}")
        pages[load] = users[1] / users[0]
        kmaps = [fmean(row["kmap_local"] for row in some) for some in sides]
        accesses.append(ratio(kmaps[1], kmaps[0], load, f"no kmap under {BATCH}"))
        rows.append((load, *(round(n) for n in users), posted, wider))
    if workload not in factors:
        raise CannotJudgeError(f"no recording of {workload} under both tests", [])
    others = [times for load, times in factors.items() if load != workload]
    return Finding(
        holds=factors[workload] <= HALF,
        sentence=f"Under {workload}, {RECOMMENDED} flushes "
        f"{two_digits(factors[workload])} times as often ahead of users as {BATCH}, "
        f"for {two_digits(pages[workload])} times as many users' pages; under the "
        f"other loads {spread(others, two_digits)} times as often.",
        values={
            "factor": factors[workload],
            "least": min(others),
            "most": max(others),
            "pages.least": min(pages.values()),
            "pages.most": max(pages.values()),
            "accesses.least": min(accesses),
            "accesses.most": max(accesses),
        },
        table=Table(
            ("load", "users' pages", "wider", "flushes", "wider"),
            tuple(rows),
        ),
        chart=Dumbbells.by_trace(
            "Where memory is short, the wider test saves most",
            [(row[0], *row[3:]) for row in rows],
            (BATCH, RECOMMENDED),
            "flushes ahead of users, 2 CPUs, memory starts mapped",
        ),
    )
