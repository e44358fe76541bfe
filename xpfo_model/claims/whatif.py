# SPDX-License-Identifier: GPL-2.0-only
"""Claims about machines that nobody recorded: the allocator's model, swept.

Rates are medians of twenty seeds on machines that have just booted, after a
warm-up. What is compared between points is the flushes for each frame that comes new
to a user, from nobody or from the kernel: it hardly depends on how long the run is.
No claim here ranks two strategies: generated demand misses the traces by factors.
"""

from collections.abc import Callable
from math import isnan
from typing import Any, Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import size_of, spread, two_digits
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.charts import Curves, Spot, short
from xpfo_model.figures.forms import Dots
from xpfo_model.history import mails
from xpfo_model.studies import store, whatif
from xpfo_model.studies.whatif import BUILD, NAMES, READING

SHOWN: Final = ("v6", "per_frame", "alternation", "pcp_batch", "pageblock")
RATE: Final = "flushes per 1,000 allocations (model)"

KERNELS_BATCHES: Final = (31, 63)
"""zone_batchsize() of a zone of 512 MiB, and of 1 GiB and more."""
MOST_BATCH: Final = 255
ENOUGH_BATCH: Final = 15
"""Where the curve flattens if a list serves users and the kernel."""
MODEST: Final = 1 << 21
"""Frames of 8 GiB."""
TWO_THIRDS: Final = 2 / 3
LITTLE: Final = 0.1
LEAST_SERVED: Final = 30
TWICE: Final = 2
THRICE: Final = 3
FEW: Final = 2.0

Row = dict[str, Any]


def rows(
    evidence: Inputs, study: store.Study, strategy: str, axis: str, **where: Any
) -> dict[Any, Row]:
    """Rows of a kept study for one strategy, by the value of `axis`."""
    columns = evidence.kept(study)
    found = {}
    for at, name in enumerate(columns["strategy"]):
        row = {key: values[at] for key, values in columns.items()}
        if name == strategy and all(row[key] == value for key, value in where.items()):
            found[row[axis]] = row
    return found


def share_of(workload: str) -> int:
    """Percent of the second workload of a mix of two."""
    return int(workload.rpartition(":")[2])


def curves(
    evidence: Inputs,
    study: store.Study,
    axis: str,
    title: str,
    along: str,
    tick: Callable[[Any], str] = str,
    **where: Any,
) -> tuple[Table, Curves, dict[str, Any]]:
    """A study's flushes as table, chart and values, a line a strategy.

    `along` names the axis; up to its comma it heads the column of the table.
    """
    found = {name: rows(evidence, study, name, axis, **where) for name in SHOWN}
    points = list(found[SHOWN[0]])
    values = {
        f"{name}.{tick(point)}": row["flushes"]
        for name, some in found.items()
        for point, row in some.items()
    }
    return (
        Table(
            (along.partition(",")[0], *SHOWN),
            tuple(
                (tick(point), *(round(found[n][point]["flushes"], 2) for n in SHOWN))
                for point in points
            ),
        ),
        Curves(
            title,
            [
                (
                    name,
                    [
                        Spot(tick(at), row["flushes"], row["low"], row["high"])
                        for at, row in some.items()
                    ],
                )
                for name, some in found.items()
            ],
            [tick(point) for point in points],
            along,
            RATE,
        ),
        values,
    )


def served(row: Row) -> float:
    """Frames that come new to a user, from nobody or the kernel, for each flush."""
    return 1 / row["each"] if row["each"] and not isnan(row["each"]) else float("inf")


@claim(
    "whatif-batch-divides",
    must="up to a batch of 255, one flush of pcp_batch serves at least two thirds of "
    "the batch in a build",
    instead="a build that reads its files from a disk",
    change={"workload": READING},
    downside="Made-up demand, from boot: nearly all of the frames had no owner before.",
    mails=(mails.HANSEN_2017_09_20_0848, mails.ANDERSEN_2017_09_20_1937),
    basis=Basis.DEMAND,
)
def batch_divides(evidence: Inputs, workload: str = BUILD) -> Finding:
    """Batching divides the flushes by nearly the batch."""
    found = rows(evidence, whatif.batch, "pcp_batch", "batch", workload=workload)
    table, chart, values = curves(
        evidence,
        whatif.batch,
        "batch",
        "Twice the batch, half the flushes, if a list serves users alone",
        "batch, frames",
        workload=workload,
    )
    shares = {b: served(row) / b for b, row in found.items() if b <= MOST_BATCH}
    values |= {f"served.{batch}": served(row) for batch, row in found.items()}
    values |= {"length": whatif.LENGTH, "per_cpu": whatif.PER_CPU}
    values["seeds"] = len(whatif.SEEDS)
    usual = KERNELS_BATCHES[-1]
    return Finding(
        holds=min(shares.values()) >= TWO_THIRDS,
        sentence=f"With a batch of {usual}, one flush of pcp_batch serves "
        f"{served(found[usual]):.0f} frames that no user had before; with batches of 1 "
        f"to {MOST_BATCH} it serves at least {min(shares.values()):.0%} of the batch.",
        values=values,
        table=table,
        chart=chart,
    )


@claim(
    "whatif-mixed-lists-saturate",
    must="where a list serves users and the kernel, pcp_batch flushes at most half as "
    "often with a batch of 15 as with 1, and with 255 less than a tenth fewer again",
    instead="a build without files from a disk",
    change={"workload": BUILD},
    downside="The kernel's share of the MOVABLE lists is that of the posted test.",
    mails=(mails.ANDERSEN_2017_09_20_1809, mails.HANSEN_2017_09_20_1727),
    basis=Basis.DEMAND,
)
def mixed_lists(evidence: Inputs, workload: str = READING) -> Finding:
    """Where one list serves both, batches do not help."""
    found = rows(evidence, whatif.batch, "pcp_batch", "batch", workload=workload)
    single, some, most = (
        found[batch]["flushes"] for batch in (1, ENOUGH_BATCH, MOST_BATCH)
    )
    table, chart, values = curves(
        evidence,
        whatif.batch,
        "batch",
        "Where users and kernel share a list, batching saturates",
        "batch, frames",
        workload=workload,
    )
    saved = 1 - most / some
    return Finding(
        holds=some <= single / TWICE and saved < LITTLE,
        sentence=f"In a {NAMES[workload]}, pcp_batch flushes {two_digits(single)} "
        f"times per 1,000 allocations with a batch of 1, {two_digits(some)} times with "
        f"{ENOUGH_BATCH} and still {two_digits(most)} times with {MOST_BATCH}: "
        f"{saved:.0%} less for a batch "
        f"{MOST_BATCH // ENOUGH_BATCH} times as large.",
        values=values | {"saved": saved},
        table=table,
        chart=chart,
    )


@claim(
    "blocks-or-batches-is-open",
    must="neither pageblock nor pcp_batch flushes less often than the other on all "
    "recorded traces",
    instead="made-up builds, at the kernel's two batches, in place of the recordings",
    change={"made_up": True},
    downside="One recording each, from boot; each of the two builds prefers another.",
    mails=(mails.HANSEN_2017_09_20_1727,),
    needs=("user_allocations", "refills_movable"),
)
def blocks_or_batches(evidence: Inputs, *, made_up: bool = False) -> Finding:
    """The recordings do not rank blocks and batches, and the generator would."""
    units = ("pcp_batch", "pageblock")
    if len(evidence.names) == 1:
        raise CannotJudgeError(
            "needs a trace beside it, since several disagree", evidence.names
        )
    recorded = [
        (name, *(evidence.counts(name, unit).flushes for unit in units))
        for name in evidence.names
    ]
    swept = [
        rows(evidence, whatif.batch, unit, "batch", workload=BUILD) for unit in units
    ]
    generated = [
        (f"made-up build, batch {batch}", *(some[batch]["flushes"] for some in swept))
        for batch in KERNELS_BATCHES
    ]
    ratios = {
        name: ratio(blocks, batches, name, "no flush of pcp_batch")
        for name, batches, blocks in (*recorded, *generated)
    }
    seen = [ratios[row[0]] for row in recorded]
    guessed = [ratios[row[0]] for row in generated]
    held = guessed if made_up else seen
    return Finding(
        holds=min(held) < 1 < max(held),
        sentence=f"On made-up builds pageblock flushes {spread(guessed, two_digits)} "
        "times as often as pcp_batch."
        if made_up
        else f"On the recorded traces pageblock flushes {spread(seen, two_digits)} "
        "times as often as pcp_batch; on made-up builds "
        f"{spread(guessed, two_digits)} times.",
        values={
            "least": min(seen),
            "most": max(seen),
            "made_up.least": min(guessed),
            "made_up.most": max(guessed),
        },
        table=Table(
            ("flushes", *units, "ratio"),
            tuple(
                (name, *(short(n) for n in counts), two_digits(ratios[name]))
                for name, *counts in (*recorded, *generated)
            ),
        ),
        chart=Dots.of(
            "Recordings do not say that blocks beat batches",
            [(name, times, two_digits(times)) for name, times in ratios.items()],
            "flushes of pageblock for each of pcp_batch, log scale",
            text="{2} times",
            log=True,
            line=1,
            line_name="as often",
        ),
    )


@claim(
    "whatif-many-cpus",
    must=f"from 1 CPU to 256, one flush of pcp_batch serves at least {LEAST_SERVED} "
    "frames",
    instead="alternation in place of pcp_batch",
    change={"strategy": "alternation"},
    downside="A flush costs more on more CPUs; how often is all that is counted here.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    basis=Basis.DEMAND,
)
def many_cpus(evidence: Inputs, strategy: str = "pcp_batch") -> Finding:
    """Batching serves many CPUs as it serves one."""
    found = rows(evidence, whatif.cpus, strategy, "cpus")
    table, chart, values = curves(
        evidence,
        whatif.cpus,
        "cpus",
        "On many CPUs a batch saves nearly what it saves on one",
        "CPUs, each with as much to do",
    )
    serves = {count: served(row) for count, row in found.items()}
    values |= {f"served.{count}": value for count, value in serves.items()}
    one, most = min(found), max(found)
    return Finding(
        holds=min(serves.values()) >= LEAST_SERVED,
        sentence=f"One flush of {strategy} serves {serves[one]:.0f} frames on {one} "
        f"CPU and {serves[most]:.0f} on {most} CPUs, with as much to do for each.",
        values=values,
        table=table,
        chart=chart,
    )


@claim(
    "whatif-more-memory",
    must="with 1 TiB per_frame flushes more often than with 2 GiB, for the same "
    "demand: the 95% intervals do not overlap",
    instead="8 GiB in place of 1 TiB",
    change={"most": MODEST},
    downside="A machine that has just booted hands out memory that nobody had; in time "
    "that ends.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    basis=Basis.DEMAND,
)
def more_memory(evidence: Inputs, most: int = whatif.MEMORY[-1]) -> Finding:
    """In more memory there is more that nobody had yet."""
    found = rows(evidence, whatif.memory, "per_frame", "frames")
    batches = rows(evidence, whatif.memory, "pcp_batch", "frames")
    table, chart, values = curves(
        evidence,
        whatif.memory,
        "frames",
        "In much memory more frames are handed out for the first time",
        "memory",
        size_of,
    )
    sizes = list(found)
    small, large = sizes[1], most
    growth = found[large]["flushes"] / found[small]["flushes"]
    serves = {size: served(batches[size]) for size in sizes}
    return Finding(
        holds=found[large]["low"] > found[small]["high"],
        sentence=f"With {size_of(large)} per_frame flushes {two_digits(growth)} times "
        f"as often as with {size_of(small)}. One flush of pcp_batch serves "
        f"{serves[sizes[0]]:.0f} frames in {size_of(sizes[0])}, {serves[small]:.0f} in "
        f"{size_of(small)} and {serves[large]:.0f} in {size_of(large)}.",
        values=values | {"growth": growth},
        table=table,
        chart=chart,
    )


@claim(
    "whatif-kernel-share",
    must="whatever the share of slabs, pcp_batch flushes at most twice per 1,000 "
    "allocations",
    instead="alternation in place of pcp_batch",
    change={"strategy": "alternation"},
    downside="Slabs have lists of their own; readahead, which shares one, is not here.",
    mails=(mails.ANDERSEN_2017_09_20_1809, mails.HANSEN_2017_09_20_1727),
    basis=Basis.DEMAND,
)
def kernel_share_matters_little(
    evidence: Inputs, strategy: str = "pcp_batch"
) -> Finding:
    """The share of the kernel's allocations does not matter to batches."""
    found = rows(evidence, whatif.kernel_share, strategy, "workload")
    rates = [row["flushes"] for row in found.values()]
    table, chart, values = curves(
        evidence,
        whatif.kernel_share,
        "workload",
        "How much the kernel allocates does not matter to batches",
        "% slabs, of all allocations",
        lambda mix: str(share_of(mix)),
    )
    return Finding(
        holds=max(rates) <= FEW,
        sentence=f"With {min(map(share_of, found))} to {max(map(share_of, found))}% "
        f"of the allocations for slabs, {strategy} flushes {spread(rates, '.1f')} "
        "times per 1,000 allocations.",
        values=values | {"smallest": min(rates), "largest": max(rates)},
        table=table,
        chart=chart,
    )


@claim(
    "whatif-pipe-pages",
    must="with half of the allocations for pipes, pcp_batch flushes at least three "
    "times as often as with none",
    instead="slabs in place of pipes",
    change={"beside": "kernel_share"},
    downside="A pipe whose reader keeps up uses the same pages again: fewer flushes.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    basis=Basis.DEMAND,
)
def pipe_pages(evidence: Inputs, beside: str = "pipe_share") -> Finding:
    """Users' pages from the kernel's lists defeat batches and blocks."""
    study: store.Study = getattr(whatif, beside)
    found = rows(evidence, study, "pcp_batch", "workload")
    by_share = {share_of(mix): row["flushes"] for mix, row in found.items()}
    blocks = rows(evidence, study, "pageblock", "workload")
    of_blocks = {share_of(mix): row["flushes"] for mix, row in blocks.items()}
    table, chart, values = curves(
        evidence,
        study,
        "workload",
        "Users' pages from the kernel's lists defeat batches and blocks",
        "% pipes, of all allocations",
        lambda mix: str(share_of(mix)),
    )
    growth = by_share[50] / by_share[0]
    return Finding(
        holds=growth >= THRICE,
        sentence=f"Pipe pages pass the posted test but come from UNMOVABLE lists. With "
        f"half of the allocations for them, pcp_batch flushes {two_digits(growth)} "
        f"times as often as with none: {two_digits(by_share[50])} times per 1,000 "
        f"allocations. pageblock flushes {two_digits(of_blocks[50])} times.",
        values=values | {"growth": growth},
        table=table,
        chart=chart,
    )
