# SPDX-License-Identifier: GPL-2.0-only
"""How often the kernel maps users' pages: what kernels counted, and what bounds it.

A trace of the allocator shows which pages are zeroed, and nothing of the copies.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.cost import DERIVED, Interval, Kmaps, Parameter, kmaps
from xpfo_model.errors import CannotJudgeError, XpfoModelError
from xpfo_model.history import numbers
from xpfo_model.history.numbers import BATCH, BATCH_NO_FLUSH, DUAL, NO_FLUSH, STRICT
from xpfo_model.replay.run import Counts

BUILDS: Final = ("cc-1cpu", "cc-4cpu")
"""Traces of the published load, a build; the last is the parallel one."""
BUILD: Final = "build"
"""The load of these, in the counts of kmaps."""
COPIES: Final = (0, 25, 50, 100)
"""Of the user pages that are not zeroed: percent that the kernel copies into."""


def in_use(evidence: Inputs, trace: str, strategy: str, **how: Any) -> Counts:
    """A strategy's counts with zeroing through kmap."""
    return evidence.counts(trace, strategy, zeroing=True, **how)


def at_allocation(counts: Counts) -> int:
    """Flushes of a strategy that are not for a kunmap."""
    return counts.flushes - counts.flushes_by_cause.get("kunmap", 0)


def recordings(evidence: Inputs) -> tuple[Kmaps, ...]:
    """The counts of kernels that run XPFO.

    Raises `CannotJudgeError` where there is no file of them, and `XpfoModelError` for
    one that holds something else.
    """
    path = evidence.docs / "data" / kmaps.FILE
    if not path.is_file():
        raise CannotJudgeError(f"needs {path}", evidence.names)
    return kmaps.read(path)


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
            f"no recording in {kmaps.FILE} stands for a {BUILD}",
            remedy=f"give one of its loads the like {BUILD!r} and its allocations",
        )
    same = [one for one in known if one.load in scripts]
    counted = [one.per_allocation or 0.0 for one in same or known]
    least = min(zeroing_share(evidence, trace) for trace in BUILDS)
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
        + ("" if same else f"; low: zeroing in {' and '.join(BUILDS)}"),
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


def copied_percent(evidence: Inputs) -> int:
    """Of a build's user pages that are not zeroed: percent that the kernel copies into.

    As a kernel that runs XPFO counted it; until one has, the least at which a batch
    saves as little as in October 2018.
    """
    known = [
        100
        * (one.touched - one.pairs[kmaps.ZEROING])
        / (users - one.pairs[kmaps.ZEROING])
        for one in kmaps.like(BUILD, recordings(evidence))
        if one.touched and kmaps.ZEROING in one.pairs
        for users in [one.user_allocations or 0]
    ]
    if known:
        return round(min(known))
    factor = october_factor()
    found = [copies_at(evidence, trace, "pcp_batch", factor) for trace in BUILDS]
    return round(min(max(min(found), COPIES[0]), COPIES[-1]))
