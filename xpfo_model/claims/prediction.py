# SPDX-License-Identifier: GPL-2.0-only
"""The claim that a trace of a stock kernel tells what a strategy will flush."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count
from xpfo_model.claims.recordings import (
    PERCENT,
    SHORT,
    STOCK,
    Row,
    flushed,
    matrix,
    mean_and_sd,
    rows,
)
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dot, Dots
from xpfo_model.machine import MAPPED
from xpfo_model.studies.kernel_runs import PREDICTED, kernel_predicted

NEAR: Final = 0.25
"""How near a prediction must be. Free choice."""
FAR: Final = 1.0
"""How near it must be where memory is short, or starts unmapped. Free choice."""
EACH: Final = "per_frame"
FORESEEN: Final = ("alloc", "refill", "block")
"""Causes of flushes that a stock trace has the events of."""
UNFORESEEN: Final = "migrate"
"""A stock kernel traces no page that it moves."""
OFTEN: Final = 5
"""Recordings of a machine with and without a strategy that are enough to tell what
the strategy changes from what two boots differ by."""

Machine = tuple[str, int]
"""A workload and a number of CPUs."""


@dataclass
class Kind:
    """A strategy and a start on one machine: what was foreseen, and what came."""

    machine: Machine
    strategy: str
    start: str
    foreseen: list[int] = field(default_factory=list)
    """Flushes, for each stock recording."""
    came: list[int] = field(default_factory=list)
    """Flushes of causes that can be foreseen, for each recording of the strategy."""
    moved: list[int] = field(default_factory=list)
    """Flushes at migration, for each of these."""
    pages: list[int] = field(default_factory=list)
    """Allocations, for each of these."""
    stock_pages: list[int] = field(default_factory=list)
    """Allocations of the stock recordings."""

    @property
    def name(self) -> str:
        """The strategy, and how memory starts where that is unusual."""
        return self.strategy + (", unmapped" if self.start == "unmapped" else "")

    @property
    def off(self) -> list[float]:
        """How far each recording is from the mean of what was foreseen, as a share."""
        return [number / fmean(self.foreseen) - 1 for number in self.came]

    @property
    def more_pages(self) -> float:
        """By how much more is allocated with the strategy, as a share."""
        return fmean(self.pages) / fmean(self.stock_pages) - 1


def _allocations(row: Row) -> int:
    """Of users and of the kernel: each strategy has its own test of a user's page."""
    return int(row["user"] + row["kernel_allocations"])


def kinds(evidence: Inputs, of: str = "") -> list[Kind]:
    """All kinds that were recorded with and without a strategy, `of` foreseen for each.

    Raises `CannotJudgeError` if there is none.
    """
    stocks = matrix(evidence, lambda row: row["strategy"] == STOCK)
    stock = {row["recording"]: (row["workload"], row["cpus"]) for row in stocks}
    foreseen: dict[tuple[Machine, str, str], list[int]] = {}
    pages: dict[Machine, list[int]] = {}
    for row in stocks:
        pages.setdefault((row["workload"], row["cpus"]), []).append(_allocations(row))
    for row in rows(evidence, kernel_predicted):
        if row["recording"] in stock:
            key = (stock[row["recording"]], row["strategy"], row["start"])
            number = sum(row[cause] for cause in FORESEEN)
            foreseen.setdefault(key, []).append(number)
    found: dict[tuple[Machine, str, str], Kind] = {}
    for row in matrix(evidence, lambda row: row["strategy"] in PREDICTED):
        machine = (row["workload"], row["cpus"])
        key = (machine, row["strategy"], row["start"])
        guesses = foreseen.get((machine, of or row["strategy"], row["start"]))
        if guesses:
            kind = found.setdefault(key, Kind(*key, guesses))
            kind.stock_pages = pages[machine]
            kind.came.append(flushed(row, FORESEEN))
            kind.moved.append(row[f"kernel_{UNFORESEEN}"])
            kind.pages.append(_allocations(row))
    if not found:
        raise CannotJudgeError("no recording of a strategy and of its absence", [])
    order = {name: place for place, name in enumerate(PREDICTED)}
    return sorted(found.values(), key=lambda k: (k.machine, order[k.strategy], k.start))


def _worst(found: Iterable[Kind]) -> float:
    """The largest mean difference from what was foreseen, as a share."""
    return max((abs(fmean(kind.off)) for kind in found), default=0.0)


HEADS: Final = (
    "workload",
    "CPUs",
    "strategy",
    "stock runs",
    "foreseen",
    "sd",
    "runs",
    "kernel",
    "sd",
    "off",
    "at migration",
    "allocations",
)


def _row(kind: Kind) -> tuple[str | int, ...]:
    workload, cpus = kind.machine
    return (
        workload,
        cpus,
        kind.name,
        len(kind.foreseen),
        *mean_and_sd(kind.foreseen),
        len(kind.came),
        *mean_and_sd(kind.came),
        f"{fmean(kind.off):+.1%}",
        f"{fmean(kind.moved):,.0f}",
        f"{kind.more_pages:+.1%}",
    )


@claim(
    "stock-trace-predicts",
    must="the flushes that recordings of stock behaviour predict are on average "
    f"within {NEAR:.0%} of those that a kernel with the strategy makes, and within a "
    f"factor of {1 + FAR:.0f} where memory is short or starts unmapped, for each "
    "strategy, workload and number of CPUs, migrations aside",
    instead=f"the prediction for {EACH}, whatever the strategy",
    change={"of": EACH},
    downside="An emulated CPU exaggerates how much a flush delays the others. A stock "
    "kernel traces neither a page that it moves nor one of alloc_pages_bulk(), so "
    "that flushes at migration and for such pages are not foreseen.",
    basis=Basis.KERNEL,
)
def stock_predicts(evidence: Inputs, of: str = "") -> Finding:
    """A trace of a stock kernel predicts what a strategy will flush."""
    found = kinds(evidence, of)
    near = [k for k in found if k.start == MAPPED and k.machine[0] != SHORT]
    short = [k for k in found if k.machine[0] == SHORT]
    unmapped = [k for k in found if k.start != MAPPED and k not in short]
    worst, worst_unmapped, worst_short = map(_worst, (near, unmapped, short))
    often = [k for k in found if min(len(k.foreseen), len(k.came)) >= OFTEN]
    machines = list(dict.fromkeys(kind.machine for kind in often or found))
    unforeseen = [
        sum(kind.moved) / max(sum(kind.moved) + sum(kind.came), 1) for kind in found
    ]
    return Finding(
        holds=worst <= NEAR and max(worst_unmapped, worst_short) <= FAR,
        sentence="What recordings of stock behaviour predict is off by "
        f"{PERCENT * worst:.0f}% at most, on average of the recordings; by "
        f"{PERCENT * worst_unmapped:.0f}% where memory starts unmapped, and by "
        f"{PERCENT * worst_short:.0f}% where it is short. Flushes at migration are not "
        "foreseen.",
        values={
            "combinations": len(found),
            "often": len(often),
            "worst": PERCENT * worst,
            "worst_unmapped": PERCENT * worst_unmapped,
            "worst_short": PERCENT * worst_short,
            "unforeseen": PERCENT * max(unforeseen),
            "pages_most": PERCENT * max(kind.more_pages for kind in found),
            "pages_least": PERCENT * min(kind.more_pages for kind in found),
        },
        table=Table(
            ("workload", "CPUs", "strategy", "foreseen", "sd", "kernel", "off"),
            tuple((*row[:3], *row[4:6], row[7], row[9]) for row in map(_row, found)),
        ),
        more={"runs": Table(HEADS, tuple(_row(kind) for kind in found))},
        chart=Dots(
            "A stock trace predicts what a strategy flushes",
            [
                (
                    f"{workload}, {count(cpus, 'CPU')}",
                    [
                        Dot(
                            kind.name,
                            PERCENT * fmean(kind.off),
                            f"{fmean(kind.off):+.0%}",
                            all=[PERCENT * each for each in kind.off],
                        )
                        for kind in often or found
                        if kind.machine == (workload, cpus)
                    ],
                )
                for workload, cpus in machines
            ],
            "flushes of the kernel beyond the prediction, percent; "
            "a small dot is a recording",
            line=0.0,
            line_name="as predicted",
        ),
    )
