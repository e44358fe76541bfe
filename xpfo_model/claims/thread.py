# SPDX-License-Identifier: GPL-2.0-only
"""Claims about cost: what the September 2017 thread argued from experience."""

from collections.abc import Callable
from typing import Any, Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, spread
from xpfo_model.constants import PAGEBLOCK_NR_PAGES, PCP_BATCH_2017
from xpfo_model.figures.charts import Bars, Grid
from xpfo_model.history import mails
from xpfo_model.replay.calls import ALLOC, Calls, split_refills
from xpfo_model.replay.reconstruct import Reconstruction, calls_of
from xpfo_model.replay.run import Counts, Run
from xpfo_model.strategies.guarantee import restore
from xpfo_model.workloads import SEED_SEQUENCE, seed_sequence

SCARCE: Final = "reclaim-2cpu"
"""The trace of a machine with less memory than its workload needs."""

SMALL_SHARE: Final = 0.25
"""A part of the user allocations that is still called small."""
MUCH_MORE_RARE: Final = 1000
"""How many allocations a change of ownership must stand against."""
WORTH_BATCHING: Final = 5
"""How many times fewer flushes than v6 make a batch worth its code."""
WORTH_A_BLOCK: Final = 10
"""How many refills of a MOVABLE list a block must serve to be the better unit."""


@claim(
    "v6-flushes-per-user-allocation",
    must="flushes equal user allocations on every trace",
    instead="per_frame in place of v6",
    change={"strategy": "per_frame"},
    downside="A trace has no kunmap: v6 flushes once more at the last one.",
    mails=(mails.ANDERSEN_2017_09_07, mails.HANSEN_2017_09_20_0848),
    needs=("user_allocations",),
)
def v6_flushes(evidence: Inputs, strategy: str = "v6") -> Finding:
    """v6 pays one flush for each user allocation."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        users = evidence.totals(name)["user_allocations"]
        rows.append((name, users, evidence.counts(name, strategy).flushes))
    flushes = sum(row[2] for row in rows)
    users = sum(row[1] for row in rows)
    return Finding(
        holds=all(row[1] == row[2] for row in rows),
        sentence=f"{strategy} flushes the TLB {flushes:,} times for {users:,} user "
        f"allocations on {count(len(rows), 'trace')}.",
        values={"flushes": flushes, "user_allocations": users},
        table=Table(("trace", "user allocations", f"{strategy} flushes"), tuple(rows)),
        chart=Bars.by_trace(
            f"{strategy} flushes once for every user allocation",
            rows,
            ("user allocations", strategy),
            "allocations, and flushes",
            log=False,
        ),
    )


def _transitions(
    evidence: Inputs, names: list[str], title: str, **replaced: Any
) -> tuple[list[float], str, dict[str, Any], Table, Bars]:
    rows: list[tuple[Any, ...]] = []
    for name in names:
        users = evidence.totals(name)["user_allocations"]
        moved = evidence.counts(name, "per_frame", **replaced).flushes
        rows.append((name, users, moved, round(100 * moved / users, 1)))
    shares = [row[3] for row in rows]
    values: dict[str, Any] = {"smallest": min(shares), "largest": max(shares)}
    values |= {f"{row[0]}.share": row[3] for row in rows}
    values |= {f"{row[0]}.transitions": row[2] for row in rows}
    table = Table(("trace", "user allocations", "K to U", "percent"), tuple(rows))
    chart = Bars.by_trace(
        title,
        rows,
        ("user allocations", ("per_frame", "{2:,} ({3:.1f}%)")),
        "allocations, and flushes of per_frame: one for each transition",
        log=False,
    )
    return shares, spread(shares, ".1f"), values, table, chart


@claim(
    "few-transitions",
    must=f"at most {SMALL_SHARE:.0%} of the user allocations take a frame from the "
    "kernel, on each trace of a machine with memory to spare",
    instead="v6's free, which maps the frame back, in place of a free that does not",
    change={"free": restore},
    downside="Not so where memory is short: see under-pressure-frames-alternate.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    needs=("user_allocations",),
)
def few_transitions(
    evidence: Inputs, free: Callable[..., Any] | None = None
) -> Finding:
    """Most user allocations reuse a frame that users had before."""
    names = evidence.all_but(SCARCE)
    replaced: dict[str, Any] = {} if free is None else {"free": free}
    shares, words, values, table, chart = _transitions(
        evidence,
        names,
        "Few user allocations take a frame from the kernel",
        **replaced,
    )
    return Finding(
        holds=all(share <= 100 * SMALL_SHARE for share in shares),
        sentence=f"{words}% of the user allocations take a frame from the kernel; "
        "the others get one that users had before.",
        values=values,
        table=table,
        chart=chart,
    )


@claim(
    "under-pressure-frames-alternate",
    must=f"more than {SMALL_SHARE:.0%} of the user allocations take a frame from the "
    "kernel where page cache and slab compete for memory",
    instead="sockets and mappings on a machine with memory to spare",
    change={"trace": "netmap-3cpu"},
    downside="Made to be hard: 224 MiB for what needs more.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    needs=("user_allocations",),
)
def under_pressure(evidence: Inputs, trace: str = SCARCE) -> Finding:
    """Reclaim gives frames of one kind to the other, again and again."""
    shares, words, values, table, chart = _transitions(
        evidence, [trace], "Where memory is short, frames change sides"
    )
    return Finding(
        holds=all(share > 100 * SMALL_SHARE for share in shares),
        sentence=f"On {trace}, {words}% of the user allocations take a frame from "
        "the kernel: each is a flush that no safe strategy can avoid, only share.",
        values=values,
        table=table,
        chart=chart,
    )


@claim(
    "pcp-batch-divides",
    must=f"at least {WORTH_BATCHING} times fewer flushes than v6 on every trace",
    instead="refills of one frame (batch = 1)",
    change={"batch": 1},
    downside="What v6 flushes at kunmap is not in these numbers, and stays.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.ANDERSEN_2017_09_20_1937),
    needs=("user_allocations", "refills_movable"),
)
def pcp_batch_divides(evidence: Inputs, batch: int | None = None) -> Finding:
    """Batching at refill divides the flushes."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        posted = evidence.counts(name, "v6").flushes
        fixed = evidence.counts(name, "per_frame").flushes
        flushes = evidence.counts(name, "pcp_batch", batch=batch).flushes
        rows.append((name, posted, fixed, flushes, round(posted / flushes, 1)))
    times = [row[4] for row in rows]
    return Finding(
        holds=all(factor >= WORTH_BATCHING for factor in times),
        sentence="Unmapping a whole refill with one flush divides the flushes of v6 "
        f"by {spread(times, ',.1f')}.",
        values={
            "smallest": min(times),
            "largest": max(times),
            **{f"{row[0]}.factor": row[4] for row in rows},
            **{f"{row[0]}.factor_per_frame": round(row[2] / row[3], 1) for row in rows},
        },
        table=Table(("trace", "v6", "per_frame", "pcp_batch", "v6/pcp"), tuple(rows)),
        chart=Bars.by_trace(
            "Batching at the refill leaves a fraction of the flushes",
            rows,
            ("v6", "per_frame", "pcp_batch"),
            "TLB flushes, log scale",
        ),
    )


@claim(
    "ownership-changes-rare",
    must=f"at least {MUCH_MORE_RARE:,} page allocations for each event, every trace",
    instead="refills of a pcp list in place of changes of ownership",
    change={"event": "refills"},
    downside="Small machines, from boot; a fuller one has more fallbacks.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.ANDERSEN_2017_09_20_1937),
    needs=("user_allocations", "refills_movable"),
)
def ownership_changes_rare(
    evidence: Inputs, event: str = "ownership_changes"
) -> Finding:
    """A pageblock changes hands far more rarely than a page is allocated."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        evidence.can_count(name, "pageblock")
        totals = evidence.totals(name)
        pages = totals["user_allocations"] + totals["kernel_allocations"]
        times = pages / totals[event] if totals[event] else float(pages)
        rows.append((name, pages, totals[event], round(times)))
    factors = [row[3] for row in rows]
    words = event.replace("_", " ")
    return Finding(
        holds=all(factor >= MUCH_MORE_RARE for factor in factors),
        sentence=f"{words.capitalize()} come once in {spread(factors, ',')} page "
        "allocations.",
        values={"smallest": min(factors), "largest": max(factors)},
        table=Table(("trace", "allocations", words, "ratio"), tuple(rows)),
        chart=Bars.by_trace(
            "Ownership changes are thousands of times rarer than allocations",
            rows,
            ("page allocations", ("pageblock", f"{{2:,}} {words}")),
            "events, log scale",
        ),
    )


@claim(
    "block-flips-rarest",
    must=f"at least {WORTH_A_BLOCK} MOVABLE refills for each block flip, on the traces "
    "together",
    instead="pcp_batch's flushed refills in place of block flips",
    change={"strategy": "pcp_batch", "cause": "refill"},
    downside="What remains for pageblock is flushed at allocation, frame by frame.",
    mails=(mails.HANSEN_2017_09_20_1727,),
    needs=("user_allocations", "refills_movable"),
)
def block_flips_rarest(
    evidence: Inputs, strategy: str = "pageblock", cause: str = "block"
) -> Finding:
    """A block flip serves many refills."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        refills = evidence.totals(name)["refills_movable"]
        counts = evidence.counts(name, strategy)
        flips = counts.flushes_by_cause[cause]
        rows.append((name, refills, flips, counts.flushes - flips))
    refills, flips, rest = (sum(row[i] for row in rows) for i in (1, 2, 3))
    return Finding(
        holds=refills >= WORTH_A_BLOCK * flips,
        sentence=f"{strategy} flushes {flips:,} times ahead of time for {refills:,} "
        f"MOVABLE refills, and {rest:,} times at allocation for what it missed.",
        values={"flips": flips, "refills": refills, "rest": rest},
        table=Table(
            ("trace", "MOVABLE refills", f"{cause} flushes", "alloc flushes"),
            tuple(rows),
        ),
        chart=Bars.by_trace(
            "A block flip serves many refills; the exceptions cost more than the flips",
            rows,
            (
                "MOVABLE refills",
                (strategy, f"{{2:,}} at a {cause}"),
                (strategy, "{3:,} at allocation"),
            ),
            "refills and flushes, log scale",
        ),
    )


@claim(
    "seed-sequence",
    must="alternation flushes twice for kernel, kernel, user, kernel, every other "
    "strategy once, and batching flushes no more for the rest of the refill",
    instead="refills of one frame (batch = 1)",
    change={"batch": 1},
    downside="Made up: four allocations on cold lists, not a workload.",
    basis=Basis.SEQUENCE,
    mails=(
        mails.ANDERSEN_2017_09_20_1809,
        mails.HANSEN_2017_09_20_1727,
        mails.ANDERSEN_2017_09_20_1937,
    ),
)
def seed(evidence: Inputs, batch: int = PCP_BATCH_2017) -> Finding:
    """The seed mail's own sequence, step by step."""
    del evidence  # made up: no trace is used
    more = PCP_BATCH_2017 - 1
    log = seed_sequence(more_users=more)
    reconstruction = Reconstruction(log.about.kernel)
    parts = [split_refills(s, batch) for s in calls_of(log.chunks(), reconstruction)]
    shown = ("v6", "per_frame", "alternation", "pcp_batch", "pageblock")
    first: dict[str, int] = {}
    rest: dict[str, int] = {}
    cells: dict[str, list[str]] = {}
    unmapped: dict[str, int] = {}
    for strategy in shown:
        after = _after_allocations(Run(strategy, cpus=1), parts, reconstruction.frames)
        flushes = [counts.flushes for counts in after]
        frames = [counts.frames_unmapped for counts in after]
        first[strategy] = flushes[len(SEED_SEQUENCE) - 1]
        rest[strategy] = flushes[-1] - first[strategy]
        unmapped[strategy] = frames[-1]
        ends = [*range(len(SEED_SEQUENCE)), len(after) - 1]
        cells[strategy] = [
            _cell(b - a, d - c)
            for a, b, c, d in zip(
                [0, *(flushes[i] for i in ends)],
                [flushes[i] for i in ends],
                [0, *(frames[i] for i in ends)],
                [frames[i] for i in ends],
                strict=False,
            )
        ]
    batched = ("pcp_batch", "pageblock")
    holds = all(n == (2 if s == "alternation" else 1) for s, n in first.items())
    holds = holds and not any(rest[s] for s in batched)
    return Finding(
        holds=holds and rest["v6"] == more and rest["per_frame"] == more,
        sentence="For kernel, kernel, user, kernel, alternation flushes "
        f"{first['alternation']} times and pcp_batch {first['pcp_batch']}; for {more} "
        f"more user pages v6 flushes {rest['v6']} times and pcp_batch "
        f"{rest['pcp_batch']}.",
        values={
            "more": more,
            "batch": batch,
            "block": PAGEBLOCK_NR_PAGES,
            **{f"{s}.first": n for s, n in first.items()},
            **{f"{s}.rest": n for s, n in rest.items()},
            **{f"{s}.unmapped": n for s, n in unmapped.items()},
        },
        table=Table(
            ("strategy", "K K U K", f"+{more} users", "frames unmapped"),
            tuple((s, first[s], rest[s], unmapped[s]) for s in shown),
        ),
        chart=Grid(
            "The seed mail's sequence: one flush covers the whole refill",
            ("kmalloc", "kmalloc", "user page", "kmalloc", f"{more} user pages"),
            [(s, cells[s]) for s in shown],
            loud="flush",
        ),
    )


def _after_allocations(run: Run, parts: list[Calls], frames: int) -> list[Counts]:
    """The counts after each allocation, one step at a time."""
    after = []
    for steps in parts:
        for i, op in enumerate(steps.op):
            row = {f: getattr(steps, f)[i : i + 1] for f in Calls._fields}
            run.feed(Calls(**(row | {"frames": steps.frames})), frames)
            if op == ALLOC:
                after.append(run.counts)
    return after


def _cell(flushes: int, frames: int) -> str:
    times = "flush" if flushes == 1 else f"flush x{flushes}"
    unmaps = f"unmap {frames}" if frames else ""
    return "\n".join(part for part in (times if flushes else "", unmaps) if part)
