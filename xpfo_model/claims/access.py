# SPDX-License-Identifier: GPL-2.0-only
"""How often the kernel maps users' pages: what kernels counted, and what bounds it.

A trace of the allocator shows which pages are zeroed, and nothing of the copies.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from xpfo_model.claims.claim import Table
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import spread, two_digits
from xpfo_model.claims.recordings import STOCK, rows
from xpfo_model.cost import DERIVED, Interval, Kmaps, Parameter, kmaps
from xpfo_model.errors import CannotJudgeError, XpfoModelError
from xpfo_model.history import numbers
from xpfo_model.history.numbers import BATCH, BATCH_NO_FLUSH, DUAL, NO_FLUSH, STRICT
from xpfo_model.replay.run import Counts
from xpfo_model.studies.kernel_runs import kernel_callers, kernel_pages, kernel_runs

BUILDS: Final = ("cc-1cpu", "cc-4cpu")
"""Traces of the published load, a build; the last is the parallel one."""
BUILD: Final = "build"
"""The load of these, in the counts of kmaps."""
SINGLE: Final = ("ret2dir",)
"""Recordings that try one thing each, and stand for no load."""
MOST_CALLERS: Final = 12
"""Rows of the table of callers."""
COPIES: Final = (0, 25, 50, 100)
"""Of the user pages that are not zeroed: percent that the kernel copies into."""


def in_use(evidence: Inputs, trace: str, strategy: str, **how: Any) -> Counts:
    """A strategy's counts with zeroing through kmap."""
    return evidence.counts(trace, strategy, zeroing=True, **how)


def at_allocation(counts: Counts) -> int:
    """Flushes of a strategy that are not for a kunmap."""
    return counts.flushes - counts.flushes_by_cause.get("kunmap", 0)


def recordings(evidence: Inputs) -> tuple[Kmaps, ...]:
    """The counts of the kernel of docs/kernel that runs no strategy, by recording.

    Raises `CannotJudgeError` where there are none.
    """
    path = evidence.docs / "data" / f"{kernel_runs.name}.csv"
    if not path.is_file():
        raise CannotJudgeError(f"needs {path}", evidence.names)
    callers: dict[str, dict[str, int]] = {}
    for one in rows(evidence, kernel_callers):
        callers.setdefault(one["recording"], {})[one["caller"]] = one["kmaps"]
    return tuple(
        Kmaps(
            recording=one["recording"],
            load=one["workload"],
            cpus=one["cpus"],
            user_allocations=one["user"],
            pairs=callers.get(one["recording"], {"all": one["kmap_none"]}),
        )
        for one in rows(evidence)
        if one["strategy"] == STOCK and not one["verify"] and one["user"]
    )


def tables(evidence: Inputs) -> dict[str, Table]:
    """The counts as tables: by load and machine, and by caller where that was kept."""
    pools: dict[tuple[str, str, int], list[Kmaps]] = {}
    for one in recordings(evidence):
        if one.load not in SINGLE:
            pools.setdefault((one.like, one.load, one.cpus), []).append(one)
    every = sum(one.total for some in pools.values() for one in some)
    callers: dict[str, int] = {}
    for one in (one for some in pools.values() for one in some):
        for name, number in one.pairs.items():
            callers[name] = callers.get(name, 0) + number
    most = sorted(callers.items(), key=lambda item: -item[1])[:MOST_CALLERS]
    return {
        "accesses": Table(
            ("load", "stands for", "CPUs", "recordings", "accesses for a user page"),
            tuple(
                (
                    load,
                    like,
                    cpus,
                    len(some),
                    spread((one.per_allocation for one in some), ".2f"),
                )
                for (like, load, cpus), some in pools.items()
            ),
        ),
        "callers": Table(
            ("caller", "% of all accesses"),
            tuple(
                (f"`{name}`", two_digits(100 * number / every)) for name, number in most
            ),
        ),
    }


def zeroing_share(evidence: Inputs, trace: str) -> float:
    """Zeroed pages for each user allocation: the kernel maps each at least once."""
    totals = evidence.totals(trace)
    zeroed, users = totals["user_zeroed"], totals["user_allocations"]
    return ratio(zeroed, users, trace, "no user allocation")


def kunmaps_parameter(evidence: Inputs) -> Parameter:
    """How often the kernel maps a user's page in a build, for each allocation.

    As a kernel that runs XPFO counted it for the load of the traces themselves; until
    one has, from the zeroing in the traces to what it counted for a mixed load.
    """
    scripts = {Path(evidence.use(trace).workload).stem for trace in BUILDS}
    known = kmaps.like(BUILD, recordings(evidence))
    if not known:
        raise XpfoModelError(
            f"no recording in {kernel_runs.name}.csv stands for a {BUILD}",
            remedy="record the workload mix with --strategy none: see docs/kernel",
        )
    same = [one for one in known if one.load in scripts]
    counted = [one.per_allocation for one in same or known]
    copies = copied(evidence).least / 100
    zeroed = [zeroing_share(evidence, trace) for trace in BUILDS]
    least = min(share + copies * (1 - share) for share in zeroed)
    low = min(counted) if same else min(least, *counted)
    names = ", ".join(one.recording for one in same or known)
    return Parameter(
        name="kunmaps",
        value=(low + max(counted)) / 2,
        low=low,
        high=max(counted),
        unit="per user allocation",
        what="kernel accesses to a user's page, each with a kunmap",
        source=f"counted by a kernel that runs XPFO: {names}"
        + (
            ""
            if same
            else f"; low: zeroing in {' and '.join(BUILDS)}, and one copy into each "
            "other page that those recordings copy into"
        ),
        confidence=DERIVED,
    )


def kunmaps_of(items: Sequence[Parameter]) -> Interval:
    """Least and most accesses of the kernel for each user allocation of a build."""
    found = next(item for item in items if item.name == "kunmaps")
    return found.low, found.high


def october_factor() -> float:
    """By how much the batch of October 2018 divided the seconds of the flushes."""
    s = {
        c: numbers.seconds("2018-10", DUAL, c)
        for c in (STRICT, NO_FLUSH, BATCH, BATCH_NO_FLUSH)
    }
    return (s[STRICT] - s[NO_FLUSH]) / (s[BATCH] - s[BATCH_NO_FLUSH])


def october_kunmaps() -> float:
    """Most kunmaps for each user allocation, if that batch left nothing else."""
    return 1 / (october_factor() - 1)


def copies_at(evidence: Inputs, trace: str, batched: str, factor: float) -> float:
    """The percent of copies at which a batch divides by so much: both grow evenly."""
    ends = [
        [
            in_use(evidence, trace, name, copy_percent=copies).flushes
            for copies in (COPIES[0], COPIES[-1])
        ]
        for name in ("v6", batched)
    ]
    (posted, more_posted), (left, more_left) = ends
    slope = factor * (more_left - left) - (more_posted - posted)
    return 100 * (posted - factor * left) / slope if slope else 0.0


class Copied(NamedTuple):
    """The pages of a load that are not zeroed, as far as the kernel reaches them."""

    percent: float
    """Of the pages: those that it kmaps at least once."""
    copies: float
    """How often it kmaps each of these."""
    least: float
    """The percent of the recording with the fewest."""
    most: float

    @property
    def ends(self) -> str:
        """The percents of the recordings."""
        return spread((self.least, self.most), ".2f")

    @property
    def how(self) -> dict[str, float]:
        """The same as options of `Evidence.counts`."""
        return {"copy_percent": self.percent, "copies": self.copies}


def copied(evidence: Inputs, load: str = BUILD) -> Copied:
    """The pages that the kernel copies into under a load, to a hundredth of a percent.

    What is missing to 100 stays reachable. Counted by the kernel of docs/kernel without
    a strategy, over all recordings that stand for the load. Raises `CannotJudgeError`
    where there are none.
    """
    stock = {one["recording"] for one in rows(evidence) if one["strategy"] == STOCK}
    some = [
        one
        for one in rows(evidence, kernel_pages)
        if kmaps.LIKE.get(one["workload"], one["workload"]) == load
        and one["recording"] in stock
    ]
    pages, touched, times = (
        sum(one[f"other_{what}"] for one in some)
        for what in ("pages", "touched", "kmaps")
    )
    if not touched:
        raise CannotJudgeError(f"no recording stands for {load}", evidence.names)
    each = [100 * one["other_touched"] / one["other_pages"] for one in some]
    shares = (100 * touched / pages, min(each), max(each))
    percent, least, most = (round(share, 2) for share in shares)
    return Copied(percent, round(times / touched, 2), least, most)
