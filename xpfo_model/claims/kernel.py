# SPDX-License-Identifier: GPL-2.0-only
"""Claims about kernels that run the strategies: they flush as the model says.

All rest on recordings of the kernel of docs/kernel. What each showed is a kept study;
some recordings are kept whole, and are confronted with the model when a claim is
evaluated.
"""

from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any, Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, listing, spread
from xpfo_model.claims.recordings import (
    AHEAD,
    PERCENT,
    STOCK,
    Row,
    flushed,
    grouped,
    label,
    matrix,
    mean_flushed,
    rows,
    runs,
)
from xpfo_model.confront import Confrontation, confront
from xpfo_model.confront.sides import Side
from xpfo_model.confront.watch import CAUSES as NAMES
from xpfo_model.confront.watch import FLUSH
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dot, Dots, Dumbbells, Streams, Tick
from xpfo_model.strategies.guarantee import restore
from xpfo_model.studies.kernel_runs import (
    CAUSES,
    kernel_callers,
    whole,
)

MIX: Final = "mix"
WAYS: Final = {"direct": "the direct map", "local": "a mapping of one CPU"}
"""Of the kernel to a user's page, in words."""
ALWAYS: Final = "v6"
"""The strategy that flushes at every user allocation, whether or not a PTE changes."""
MOST_LOCAL: Final = 0.01
"""Share of the kmaps that may still be flushed with a CPU-local mapping."""
BINS: Final = 240
"""Ticks of a cause that fit beside each other in a figure."""
MOST_CALLERS: Final = 12
"""Rows of the table of callers."""


def _ticks(side: Side, last: int) -> list[Tick]:
    """The flushes of a side as ticks, at most one of a cause in a bin."""
    flushes = side.of(FLUSH)
    bins = flushes.place * BINS // max(last, 1)
    pairs = sorted(set(zip(bins.tolist(), flushes.cause.tolist(), strict=True)))
    return [Tick(PERCENT * place / BINS, NAMES[cause]) for place, cause in pairs]


def _streams(live: Sequence[Confrontation]) -> Streams:
    """The kernel's flushes above the model's, a panel a recording."""
    panels, difference = [], {}
    for one in live:
        start = one.found.start
        name = f"{start.strategy}, {count(start.cpus, 'CPU')}, starts {start.start}"
        last = int(one.kernel.place.max(initial=1))
        sides = {"kernel": one.kernel, "model": one.model}
        rows = {
            f"{who} {len(side.of(FLUSH).kind):,}": _ticks(side, last)
            for who, side in sides.items()
        }
        panels.append((name, rows))
        if one.first is not None:
            difference[name] = PERCENT * one.first.event / last
    return Streams(
        "The model flushes where the kernel does",
        panels,
        "percent of the recording",
        difference,
    )


@claim(
    "kernel-flushes-as-modelled",
    must="on every recording that is kept whole, the kernel and the model make the "
    "same flushes, unmap and map the same frames and split the same entries, in order",
    instead="a model whose free maps a user's frames back, as v3 to v8 do",
    change={"free": restore},
    downside="Both were written by the same hands from the same words. They agree on "
    "what a strategy does, not on whether it is a good one.",
    basis=Basis.KERNEL,
)
def flushes_as_modelled(
    evidence: Inputs, free: Callable[..., Any] | None = None
) -> Finding:
    """A kernel that runs a strategy flushes where the model of it does."""
    replaced = {} if free is None else {"free": free}
    live = [confront(log, None, **replaced) for log in whole(evidence.docs)]
    if not live:
        raise CannotJudgeError("no recording is kept whole", [])
    of_live = [one.as_json() for one in live]
    kept = [row for row in runs(evidence) if row["strategy"] != STOCK]
    same = [row for row in kept if row["equal"]]
    by_strategy: dict[str, list[Row]] = {}
    for row in kept:
        by_strategy.setdefault(row["strategy"], []).append(row)
    flushes = sum(map(flushed, same))
    table = [
        (
            said["strategy"],
            said["cpus"],
            said["flushes"]["kernel"],
            said["flushes"]["model"],
            said["frames_unmapped"]["kernel"],
            said["frames_unmapped"]["model"],
            said["splits"]["kernel"],
            said["splits"]["model"],
        )
        for said in of_live
    ]
    agree = [one for one in live if one.first is None]
    return Finding(
        holds=len(agree) == len(live),
        sentence=f"The model, given the kernel's events, makes every flush that the "
        f"kernel made, in order, on {len(same)} of {count(len(kept), 'recording')} "
        f"with {listing(list(by_strategy))}: {flushes:,} flushes."
        if len(agree) == len(live)
        else f"Of {count(len(live), 'recording')} that are kept whole, the model makes "
        f"every flush of the kernel, in order, on {len(agree) or 'none'}.",
        values={
            "recordings": len(kept),
            "same": len(same),
            "flushes": flushes,
            "off": max(
                (
                    PERCENT
                    * abs(flushed(row) - flushed(row, side="model"))
                    / max(flushed(row), 1)
                    for row in kept
                ),
                default=0.0,
            ),
        },
        table=Table(
            (
                "strategy",
                "CPUs",
                "flushes",
                "model",
                "unmapped",
                "model",
                "splits",
                "model",
            ),
            tuple(table),
        ),
        chart=_streams(live),
        more={
            "runs": _matrix(kept),
            "different": Table(
                ("recording", "flushes, kernel", "model", "first difference"),
                tuple(
                    (
                        row["recording"],
                        flushed(row),
                        flushed(row, side="model"),
                        row["first_difference"],
                    )
                    for row in kept
                    if not row["equal"]
                ),
            ),
        },
    )


def _matrix(kept: Sequence[Row]) -> Table:
    """Recordings and flushes of each strategy, start, workload and number of CPUs."""
    return Table(
        ("workload", "CPUs", "strategy", "recordings", "equal in order", "flushes"),
        tuple(
            (
                workload,
                cpus,
                strategy + (", unmapped" if start == "unmapped" else ""),
                len(some),
                sum(row["equal"] for row in some),
                sum(map(flushed, some)),
            )
            for (workload, cpus, strategy, start), some in grouped(
                kept, "workload", "cpus", "strategy", "start"
            ).items()
        ),
    )


def _interrupts(evidence: Inputs) -> Table:
    """Function-call interrupts that a strategy adds, beside the workload's flushes."""
    found = runs(evidence, lambda row: row["workload"] == MIX and row["cpus"] > 1)
    stock = {
        cpus: fmean(row["calls"] for row in some)
        for (cpus, strategy), some in grouped(found, "cpus", "strategy").items()
        if strategy == STOCK
    }
    table = []
    for key, some in grouped(found, "cpus", "strategy", "start").items():
        cpus, strategy, start = key
        flushes = fmean(row["workload_flushes"] for row in some)
        if flushes and cpus in stock:
            added = fmean(row["calls"] for row in some) - stock[cpus]
            table.append(
                (
                    cpus,
                    strategy + (", unmapped" if start == "unmapped" else ""),
                    len(some),
                    f"{flushes:,.0f}",
                    f"{added:,.0f}",
                    f"{added / flushes:.1f}",
                )
            )
    return Table(
        ("CPUs", "strategy", "recordings", "flushes", "interrupts added", "a flush"),
        tuple(table),
    )


@claim(
    "kernel-flushes-at-kunmap",
    must="in every recording with kmap through the direct map, more than half of the "
    f"flushes are at kunmap, but for {ALWAYS}",
    instead="a kmap through a mapping of one CPU",
    change={"way": "local"},
    downside="The flushes of a strategy are counted; a flush at kunmap is of one page, "
    "one of a batch is of the whole TLB.",
    basis=Basis.KERNEL,
)
def at_kunmap(evidence: Inputs, way: str = "direct") -> Finding:
    """Most flushes end the kernel's own access to a user's page."""
    found = runs(evidence, lambda row: row["kmap"] == way and flushed(row) > 0)
    each = [(row["strategy"], row["kernel_kunmap"] / flushed(row)) for row in found]
    shares = [share for name, share in each if name != ALWAYS]
    always = [share for name, share in each if name == ALWAYS] or shares
    same = "workload", "cpus", "start", "strategy"
    groups = list(grouped(found, *same).values())
    local = runs(evidence, lambda row: row["kmap"] == "local")
    left = [row["kernel_kunmap"] / max(row["kmap_local"], 1) for row in local]
    return Finding(
        holds=min(shares) > 1 / 2,
        sentence=f"With kmap through {WAYS[way]}, "
        f"{spread((PERCENT * share for share in shares), '.0f')}% of the flushes are "
        "at kunmap"
        + (
            f", under {ALWAYS} {spread((PERCENT * share for share in always), '.0f')}%"
            if any(name == ALWAYS for name, _ in each)
            else ""
        )
        + "; with a mapping of one CPU, "
        f"{spread((PERCENT * share for share in left), '.2f')}% of the kmaps flush all "
        "CPUs.",
        values={
            "least": PERCENT * min(shares),
            "most": PERCENT * max(shares),
            "always.least": PERCENT * min(always),
            "always.most": PERCENT * max(always),
            "left": PERCENT * max(left),
        },
        table=Table(
            ("workload", "CPUs", "start", "strategy", "n", *CAUSES),
            tuple(
                (
                    some[0]["workload"],
                    some[0]["cpus"],
                    some[0]["start"],
                    some[0]["strategy"],
                    len(some),
                    *(f"{mean_flushed(some, [cause]):,.0f}" for cause in CAUSES),
                )
                for some in groups
            ),
        ),
        chart=Dumbbells.by_trace(
            "Most flushes are at kunmap",
            [
                (
                    f"{some[0]['strategy']}: {label(some[0])}",
                    mean_flushed(some, AHEAD),
                    mean_flushed(some, ["kunmap"]),
                )
                for some in groups
                if some[0]["workload"] == MIX and some[0]["start"] == "mapped"
            ],
            ("ahead of a user", "at kunmap"),
            "flushes, as the kernel counted them",
        ),
        more={"interrupts": _interrupts(evidence)},
    )


@claim(
    "kernel-kmaps-a-page-twice",
    must="in every workload the kernel maps users' pages more often than it hands "
    "them out",
    instead="zeroing alone, all that the mask of an allocation shows",
    change={"zeroing_only": True},
    downside="Three workloads in an emulator on small machines; each has its own mix "
    "of callers.",
    basis=Basis.KERNEL,
)
def kmaps_a_page(evidence: Inputs, *, zeroing_only: bool = False) -> Finding:
    """How often the kernel reaches a page that it gave to a user, and who does."""
    found = matrix(evidence, lambda row: row["strategy"] == STOCK)
    ratios: dict[str, list[float]] = {}
    for row in found:
        kmaps = row["zeroed"] if zeroing_only else row["kmap_none"]
        ratios.setdefault(row["workload"], []).append(kmaps / row["user"])
    callers: dict[str, dict[str, int]] = {}
    of = {row["recording"]: row["workload"] for row in found}
    for one in rows(evidence, kernel_callers):
        if one["recording"] in of:
            by_workload = callers.setdefault(one["caller"], {})
            workload = of[one["recording"]]
            by_workload[workload] = by_workload.get(workload, 0) + one["kmaps"]
    totals = {
        workload: sum(by_workload.get(workload, 0) for by_workload in callers.values())
        for workload in ratios
    }
    shares = {
        caller: [PERCENT * by.get(w, 0) / max(totals[w], 1) for w in ratios]
        for caller, by in callers.items()
    }
    most = sorted(shares, key=lambda caller: -max(shares[caller]))[:MOST_CALLERS]
    means = {workload: fmean(each) for workload, each in ratios.items()}
    table = [
        (
            workload,
            len(each),
            f"{fmean(each):.2f}",
            f"{stdev(each):.2f}" if len(each) > 1 else "",
        )
        for workload, each in ratios.items()
    ]
    return Finding(
        holds=min(means.values()) > 1,
        sentence=f"The kernel maps users' pages {spread(means.values(), '.2f')} times "
        f"for each that it hands out, by workload.",
        values={"least": min(means.values()), "most": max(means.values())},
        table=Table(("workload", "recordings", "kmaps a page", "sd"), tuple(table)),
        chart=Dots(
            "A user's page is mapped more than once",
            [
                (
                    "",
                    [
                        Dot(name, mean, f"{mean:.2f}", all=ratios[name])
                        for name, mean in means.items()
                    ],
                )
            ],
            "kmaps for each page that is handed out",
            line=1.0,
            line_name="once",
        ),
        more={
            "callers": Table(
                ("caller", *(f"{w}, % of kmaps" for w in ratios)),
                tuple(
                    (caller, *(f"{share:.1f}" for share in shares[caller]))
                    for caller in most
                ),
            )
        },
    )
