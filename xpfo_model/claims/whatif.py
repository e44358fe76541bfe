# SPDX-License-Identifier: GPL-2.0-only
"""Claims about machines that nobody recorded: the allocator's model, swept.

Rates are medians of twenty seeds on machines that have just booted, after a
warm-up. What is compared between points is the flushes for each frame that goes
from the kernel to a user: it hardly depends on how long the run is.
"""

from collections.abc import Callable
from math import isnan
from typing import Any, Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import size_of, spread
from xpfo_model.figures.charts import Curves, Spot, short
from xpfo_model.figures.forms import Dot, Dots
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
TWO_THIRDS: Final = 2 / 3
LITTLE: Final = 0.1
FOURTH: Final = 0.25
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
    """Frames that go from the kernel to a user, for each flush."""
    return 1 / row["each"] if row["each"] and not isnan(row["each"]) else float("inf")


@claim(
    "whatif-batch-divides",
    must="up to a batch of 255, one flush of pcp_batch serves at least two thirds of "
    "the batch in a build",
    instead="a build that reads its files from a disk",
    change={"workload": READING},
    downside="Refills only grow that large where all that a list holds goes to users.",
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
        "Twice the batch, half the flushes; a block needs no batch",
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
        f"{served(found[usual]):.0f} frames that go from the kernel to a user; from 1 "
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
        sentence=f"In a {NAMES[workload]}, pcp_batch flushes {single:.1f} times per "
        f"1,000 allocations with a batch of 1, {some:.1f} times with {ENOUGH_BATCH} "
        f"and still {most:.1f} times with {MOST_BATCH}: {saved:.0%} less for a batch "
        f"{MOST_BATCH // ENOUGH_BATCH} times as large.",
        values=values | {"saved": saved},
        table=table,
        chart=chart,
    )


@claim(
    "whatif-blocks-beat-batches",
    must="at the kernel's batch sizes, pageblock flushes at most a fourth as often as "
    "pcp_batch in a build",
    instead="a build that reads its files from a disk",
    change={"workload": READING},
    downside="A block flip walks 512 entries with the zone's lock held.",
    mails=(mails.HANSEN_2017_09_20_1727,),
    basis=Basis.DEMAND,
)
def blocks_beat_batches(evidence: Inputs, workload: str = BUILD) -> Finding:
    """Where a block has one owner, it is the better unit."""
    where = {"workload": workload}
    batches = rows(evidence, whatif.batch, "pcp_batch", "batch", **where)
    blocks = rows(evidence, whatif.batch, "pageblock", "batch", **where)
    ratios = {
        batch: blocks[batch]["flushes"] / batches[batch]["flushes"] for batch in batches
    }
    usual = [ratios[batch] for batch in KERNELS_BATCHES]
    even = [batch for batch, ratio in ratios.items() if ratio >= 1 / TWICE]
    crossing = (
        f"at least half as often from a batch of {min(even)} on"
        if even
        else f"less than half as often up to {max(ratios)}"
    )
    return Finding(
        holds=max(usual) <= FOURTH,
        sentence=f"With batches of {KERNELS_BATCHES[0]} and {KERNELS_BATCHES[1]}, "
        f"pageblock flushes {spread(usual, '.0%')} as often as pcp_batch, and "
        f"{crossing}.",
        values={f"ratio.{batch}": ratio for batch, ratio in ratios.items()},
        table=Table(
            ("batch", "pcp_batch", "pageblock"),
            tuple(
                (b, round(batches[b]["flushes"], 3), round(blocks[b]["flushes"], 3))
                for b in ratios
            ),
        ),
        chart=Dots(
            "In a build whole blocks flush less than the kernel's batches",
            [
                (
                    f"batch {batch}",
                    [
                        Dot(
                            name,
                            row["flushes"],
                            short(row["flushes"]),
                            row["low"],
                            row["high"],
                        )
                        for name, row in (
                            ("pcp_batch", batches[batch]),
                            ("pageblock", blocks[batch]),
                        )
                    ],
                )
                for batch in (*KERNELS_BATCHES, MOST_BATCH, max(ratios))
            ],
            f"{RATE}, median and 95% interval",
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
        f"CPU and {serves[most]:.0f} on {most} CPUs. Flushes per allocation grow "
        f"{found[most]['flushes'] / found[one]['flushes']:.1f} times, since users take "
        "more frames that were the kernel's.",
        values=values,
        table=table,
        chart=chart,
    )


@claim(
    "whatif-more-memory",
    must="with 1 TiB, users take more frames from the kernel than with 2 GiB, for the "
    "same demand: the 95% intervals do not overlap",
    instead="alternation, which does not look at frames",
    change={"strategy": "alternation"},
    downside="The machine has just booted: its free memory is the kernel's.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    basis=Basis.DEMAND,
)
def more_memory(evidence: Inputs, strategy: str = "per_frame") -> Finding:
    """In more memory there is more that users never had."""
    found = rows(evidence, whatif.memory, strategy, "frames")
    batches = rows(evidence, whatif.memory, "pcp_batch", "frames")
    table, chart, values = curves(
        evidence,
        whatif.memory,
        "frames",
        "The more memory, the more frames that users never had",
        "memory",
        size_of,
    )
    sizes = list(found)
    small, large = sizes[1], sizes[-1]
    growth = found[large]["flushes"] / found[small]["flushes"]
    serves = [served(batches[size]) for size in sizes]
    return Finding(
        holds=found[large]["low"] > found[small]["high"],
        sentence=f"From {size_of(small)} to {size_of(large)}, {strategy} flushes "
        f"{growth:.1f} times as often; pcp_batch serves {serves[0]:.0f} frames a flush "
        f"in {size_of(sizes[0])}, {serves[1]:.0f} in {size_of(small)} and "
        f"{serves[-1]:.0f} in {size_of(large)}.",
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
    downside="Slabs have lists of their own; what shares a list is another matter.",
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
    downside="Pipes whose readers keep up use few pages, again and again.",
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
        f"half of the allocations for them, pcp_batch flushes {growth:.1f} times as "
        f"often ({by_share[0]:.1f} to {by_share[50]:.1f} per 1,000), pageblock "
        f"{of_blocks[0]:.1f} to {of_blocks[50]:.1f}.",
        values=values | {"growth": growth},
        table=table,
        chart=chart,
    )
