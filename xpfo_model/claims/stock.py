# SPDX-License-Identifier: GPL-2.0-only
"""Claims about several recordings of each stock workload: how far they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from statistics import fmean, stdev
from typing import Final

from xpfo_model import strategies
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, listing, spread, two_digits
from xpfo_model.claims.recordings import PERCENT, mean_and_sd, rows
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dot, Dots
from xpfo_model.replay.reconstruct import OWNERS
from xpfo_model.studies.stock_runs import BOOT, stock_flushes, stock_runs

SHOWN: Final = tuple(n for n in strategies.SHOWN if n != strategies.BASELINE)
FEW: Final = 2
"""Pairs that a sentence names."""
SAME: Final = 0.1
"""Two strategies whose mean flushes differ by less count as equal. Free choice."""
EACH: Final = "per_frame"
BATCH: Final = "pcp_batch"
TIERS: Final = (
    ("v6",),
    (EACH,),
    (BATCH, "pcp_batch_local", "pcp_batch_closed", "pageblock"),
)
"""The safe strategies, those that flush most first: at every user allocation, for a
frame, for more than one frame."""


@dataclass(frozen=True)
class Recorded:
    """A recording as one view of it has it."""

    name: str
    workload: str
    uptime: float
    """Seconds that its machine had run before; 0 of a recording from boot."""
    users: int
    owners: Mapping[str, int]
    """User allocations by who had a frame before, by `OWNERS`."""
    kernel: int
    """Allocations of the kernel."""
    refills: int
    """Of MOVABLE lists."""
    refilled: int
    """Frames of these."""
    blocks: int
    """Pageblocks that changed their migratetype."""
    flushes: Mapping[str, int]
    """By strategy."""

    def share(self, owner: str) -> float:
        """Percent of the user allocations whose frame `owner` had before."""
        return PERCENT * self.owners[owner] / self.users

    @property
    def divides(self) -> float:
        """How many times per_frame flushes as often as pcp_batch."""
        return self.flushes[EACH] / max(self.flushes[BATCH], 1)


def seen(evidence: Inputs, view: str) -> list[Recorded]:
    """All recordings that have a view. Raises `CannotJudgeError` if there is none."""
    flushes: dict[str, dict[str, int]] = {}
    for row in rows(evidence, stock_flushes):
        if row["view"] == view:
            causes = [n for key, n in row.items() if isinstance(n, int)]
            flushes.setdefault(row["recording"], {})[row["strategy"]] = sum(causes)
    found = [
        Recorded(
            name=row["recording"],
            workload=row["workload"],
            uptime=row["uptime"],
            users=row["user_allocations"],
            owners={owner: row[owner] for owner in OWNERS},
            kernel=row["kernel_allocations"],
            refills=row["refills_movable"],
            refilled=row["refilled_movable"],
            blocks=row["blocks"],
            flushes=flushes[row["recording"]],
        )
        for row in rows(evidence, stock_runs)
        if row["view"] == view
    ]
    if not found:
        raise CannotJudgeError("no recording of a stock kernel is kept as counts", [])
    return found


def by_workload(found: Sequence[Recorded]) -> dict[str, list[Recorded]]:
    """Recordings of each workload."""
    groups: dict[str, list[Recorded]] = {}
    for one in found:
        groups.setdefault(one.workload, []).append(one)
    return groups


def changed_places(some: Sequence[Mapping[str, int]]) -> list[tuple[str, str]]:
    """Pairs of safe strategies of which neither flushes less in all recordings.

    `some` are flushes by strategy. Pairs whose means differ by less than `SAME` are
    left out.
    """
    pairs = []
    for a, b in combinations(chain(*TIERS), 2):
        less, more = sorted(fmean(one[n] for one in some) for n in (a, b))
        fewer = any(one[a] < one[b] for one in some)
        greater = any(one[a] > one[b] for one in some)
        if fewer and greater and more > (1 + SAME) * less:
            pairs.append((a, b))
    return pairs


def out_of_order(some: Sequence[Mapping[str, int]]) -> list[tuple[str, str]]:
    """Pairs of strategies of `TIERS` of which the later flushes as often or more."""
    return [
        (a, b)
        for first, second in combinations(TIERS, 2)
        for a, b in product(first, second)
        if any(one[a] <= one[b] for one in some)
    ]


def off(numbers: Sequence[float]) -> float:
    """The standard deviation in percent of the mean; 0 of a single number."""
    mean = fmean(numbers)
    return PERCENT * stdev(numbers) / mean if len(numbers) > 1 and mean else 0.0


def _ends(name: str, numbers: Sequence[float]) -> dict[str, float]:
    return {f"{name}.least": min(numbers), f"{name}.most": max(numbers)}


def _varies(workload: str, some: Sequence[Recorded]) -> tuple[str | int, ...]:
    """A row: the ratios that the document gives, over the recordings of a workload."""
    columns = (
        [one.share("from_kernel") for one in some],
        [one.share("first_touch") for one in some],
        [one.divides for one in some],
    )
    return (
        workload,
        len(some),
        *mean_and_sd([one.users for one in some]),
        *(spread(numbers, two_digits) for numbers in columns),
    )


def _kept(evidence: Inputs, workload: str) -> list[dict[str, int]]:
    """Flushes over the trace of a workload that is kept whole, if there is one."""
    if workload not in evidence.names:
        return []
    return [{name: evidence.counts(workload, name).flushes for name in SHOWN}]


def _told(pairs: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """Pairs of strategies by workload: by name if they are few."""
    many = sum(map(len, pairs.values()))
    if many > FEW:
        return f"{many} pairs on {listing(list(pairs))}"
    named = [f"{a} and {b} in {name}" for name, some in pairs.items() for a, b in some]
    return listing(named) if named else "no others"


@claim(
    "ranking-holds-in-every-recording",
    must="in every recording of every workload v6 flushes most, per_frame next, and "
    "each safe strategy that unmaps more than a frame at a time less",
    instead="a ranking among those that unmap more than a frame at a time as well",
    change={"within": True},
    downside="Recordings of one machine, minutes apart: what other hardware or "
    "another root file system changes is not in their dispersion.",
    basis=Basis.RECORDINGS,
)
def ranking_holds(evidence: Inputs, *, within: bool = False) -> Finding:
    """A second boot of the same machine ranks the strategies the same."""
    found = seen(evidence, BOOT)
    each = by_workload(found)
    all_of = {
        name: [*_kept(evidence, name), *(one.flushes for one in some)]
        for name, some in each.items()
    }
    swapped, broken = (
        {name: pairs for name, some in all_of.items() if (pairs := pairs_of(some))}
        for pairs_of in (changed_places, out_of_order)
    )
    deviations = {
        (name, strategy): off([one.flushes[strategy] for one in some])
        for name, some in each.items()
        for strategy in SHOWN
    }
    runs = [len(some) for some in each.values()]
    values: dict[str, int | float | str] = {
        "recordings": len(found),
        "workloads": len(each),
        "fewest": min(runs),
        "sd": max(deviations.values()),
        "swapped": sum(map(len, swapped.values())),
        **_ends("kernel", [one.share("from_kernel") for one in found]),
        **_ends("nobody", [one.share("first_touch") for one in found]),
        **_ends("divides", [one.divides for one in found]),
    }
    for name, some in each.items():
        values |= {f"{name}.runs": len(some)}
        values |= _ends(f"{name}.kernel", [one.share("from_kernel") for one in some])
        values |= _ends(f"{name}.nobody", [one.share("first_touch") for one in some])
        values |= _ends(f"{name}.divides", [one.divides for one in some])
    whole = sum(name in evidence.names for name in each)
    places = f"{_told(swapped)} change places"
    return Finding(
        holds=not broken and not (within and swapped),
        sentence=f"Among those that unmap more than a frame at a time, {places}."
        if within
        else f"In {count(len(found), 'recording')} of "
        f"{count(len(each), 'workload')}, "
        + (f"and {count(whole, 'trace')} of these kept whole, " if whole else "")
        + (
            f"{_told(broken)} are out of order"
            if broken
            else "v6 flushes most, per_frame next, and what unmaps more at a time less"
        )
        + f"; {places}. A strategy's flushes have a standard deviation of "
        f"{values['sd']:.0f}% of their mean at most.",
        values=values,
        table=Table(
            ("workload", "runs", "strategy", "flushes", "sd", "least", "most"),
            tuple(
                (
                    name,
                    len(some),
                    strategy,
                    *mean_and_sd(numbers),
                    f"{min(numbers):,}",
                    f"{max(numbers):,}",
                )
                for name, some in each.items()
                for strategy in SHOWN
                if (numbers := [one.flushes[strategy] for one in some])
            ),
        ),
        more={
            "ratios": Table(
                (
                    *("workload", "runs", "user allocations", "sd"),
                    *("of the kernel, %", "of nobody, %", "per_frame / pcp_batch"),
                ),
                tuple(_varies(name, some) for name, some in each.items()),
            )
        },
        chart=Dots(
            "Boots of one machine differ less than strategies do",
            [
                (
                    f"{name}, {count(len(some), 'recording')}",
                    [
                        Dot(
                            strategy,
                            mean := fmean(one.flushes[strategy] for one in some),
                            f"{mean:,.0f}"
                            + f" ± {deviations[name, strategy]:.1f}%" * (len(some) > 1),
                            all=[one.flushes[strategy] for one in some],
                        )
                        for strategy in SHOWN
                    ],
                )
                for name, some in each.items()
            ],
            "flushes from boot, log scale; a small dot is a recording",
            log=True,
        ),
    )
