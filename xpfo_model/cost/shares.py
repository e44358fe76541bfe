# SPDX-License-Identifier: GPL-2.0-only
"""What part of the flushes a batch can remove: from traces, and from one mail.

v6 flushes at two places: at the allocation of a user page, and at its last kunmap.
A batch at the refill removes the first kind only. How many are of the second kind
was never published. Two things bound it. Every page that the kernel zeroes is
mapped, zeroed and unmapped once: the kunmaps are at least the zeroed pages. And the
batch of October 2018 left a share of the flush's cost: the kunmaps are no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from xpfo_model.cost.parameters import DERIVED, Parameter
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import BATCH, BATCH_NO_FLUSH, DUAL, NO_FLUSH, STRICT


@dataclass(frozen=True)
class BuildCounts:
    """What one trace of a build says, as `evidence` counts it."""

    trace: str
    users: int
    """User allocations: v6 flushes for each."""
    zeroed: int
    """User allocations that are zeroed: v6 flushes for each once more."""
    batched: int
    """Flushes of ``pcp_batch``."""
    mapped_back: int
    """Flushes of ``pcp_batch`` with v6's free, which maps the frame back."""


def october_share() -> float:
    """What the batch of October 2018 left of the flush's cost."""
    left = numbers.seconds("2018-10", DUAL, BATCH) - numbers.seconds(
        "2018-10", DUAL, BATCH_NO_FLUSH
    )
    whole = numbers.seconds("2018-10", DUAL, STRICT) - numbers.seconds(
        "2018-10", DUAL, NO_FLUSH
    )
    return left / whole


def zeroing_share(counts: BuildCounts) -> float:
    """Part of v6's flushes that zeroing alone puts at kunmap."""
    return counts.zeroed / (counts.users + counts.zeroed)


def share_parameters(builds: Sequence[BuildCounts]) -> tuple[Parameter, ...]:
    """The parameters that traces of builds fix; the last trace gives the value.

    The share of the kunmaps has no best value: the middle of its bounds is taken.
    """
    names = " and ".join(build.trace for build in builds)
    low, high = min(map(zeroing_share, builds)), october_share()
    share = Parameter(
        name="kunmap_share",
        value=(low + high) / 2,
        low=low,
        high=high,
        unit="of flushes",
        what="flushes at the last kunmap: no batch removes them",
        source=f"low: zeroing in {names}; high: {mails.AZIZ_2018_10_24}",
        confidence=DERIVED,
    )
    return share, *(
        Parameter(
            name=name,
            value=factors[-1],
            low=min(factors),
            high=max(factors),
            unit="times",
            what=what,
            source=f"model over {names}",
            confidence=DERIVED,
        )
        for name, what, factors in (
            (
                "batch_factor",
                "fewer flushes at allocation with a batch, free leaves unmapped",
                [build.users / build.batched for build in builds],
            ),
            (
                "mapped_back_factor",
                "the same with a free that maps back, as up to v8",
                [build.users / build.mapped_back for build in builds],
            ),
        )
    )
