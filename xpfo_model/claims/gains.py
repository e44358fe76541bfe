# SPDX-License-Identifier: GPL-2.0-only
"""The claim that attributes each saved flush to what saves it."""

from pathlib import Path
from typing import Final

from xpfo_model.claims.access import recordings, zeroing_share
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import spread, two_digits
from xpfo_model.cost import kmaps
from xpfo_model.figures.charts import Bar, Shares
from xpfo_model.machine import UNMAPPED
from xpfo_model.replay.run import FREED

EACH: Final = "per_frame"
BATCH: Final = "pcp_batch_local"
PER: Final = 1000
"""User allocations that flushes are given for."""
STEPS: Final = (
    "a mapping of one CPU",
    "a free that changes nothing",
    "an unmapped start",
    "a batch after it",
)


LOADS: Final = {"cc": "build", "forkpipe": "pipes"}
"""Loads of traces, by those of the kernel's recordings that are like them."""
SHORT: Final = ("local", "free", "start", "batch", "batch 1st", "start 2nd", "left")
"""Names of what `saved` has, for the columns of a table."""


def kmaps_a_page(evidence: Inputs, trace: str, *, zeroing_only: bool = False) -> float:
    """The fewest kernel accesses to a page that a user gets, under a trace's load.

    The least that a recording of a like load counted; where none is of one, and with
    `zeroing_only`, the pages that the trace says are zeroed.
    """
    load = Path(evidence.use(trace).workload).stem
    counted = kmaps.like(LOADS.get(load, load), recordings(evidence))
    if zeroing_only or not counted:
        return zeroing_share(evidence, trace)
    return min(one.per_allocation for one in counted)


def saved(
    evidence: Inputs, trace: str, *, zeroing_only: bool = False
) -> dict[str, float]:
    """Flushes that each step saves, for `PER` user allocations of a trace."""
    evidence.need_boot(trace, "an unmapped start is that of a boot")
    accesses = kmaps_a_page(evidence, trace, zeroing_only=zeroing_only)
    users = evidence.totals(trace)["user_allocations"]
    unmapped = {"start": UNMAPPED, "held": FREED}
    counts = {
        (name, start): evidence.counts(trace, name, **how).flushes
        for name in (EACH, BATCH)
        for start, how in (("mapped", {}), ("unmapped", unmapped))
    }
    numbers = {
        "v6": users,
        STEPS[0]: accesses * users,
        STEPS[1]: users - counts[EACH, "mapped"],
        STEPS[2]: counts[EACH, "mapped"] - counts[EACH, "unmapped"],
        STEPS[3]: counts[EACH, "unmapped"] - counts[BATCH, "unmapped"],
        "batch first": counts[EACH, "mapped"] - counts[BATCH, "mapped"],
        "start after it": counts[BATCH, "mapped"] - counts[BATCH, "unmapped"],
        "left": counts[BATCH, "unmapped"],
    }
    return {
        name: ratio(PER * number, users, trace, "no user allocation")
        for name, number in numbers.items()
    }


@claim(
    "each-gain-to-its-cause",
    must="on every trace a mapping of one CPU saves more flushes than a free that "
    "changes nothing, and that saves more than an unmapped start and a batch together",
    instead="an access of the kernel to the pages that are zeroed alone",
    change={"zeroing_only": True},
    downside="How often the kernel maps a page was counted by another kernel under "
    "like loads; the least of its recordings is taken, and for sockets zeroing alone.",
    basis=Basis.KERNEL_AND_TRACES,
)
def each_gain(evidence: Inputs, *, zeroing_only: bool = False) -> Finding:
    """State how many flushes of v6 each change saves, one change at a time."""
    gains = {
        trace: saved(evidence, trace, zeroing_only=zeroing_only)
        for trace in evidence.names
    }
    local, free, start, batch = STEPS
    return Finding(
        holds=all(
            of[local] > of[free] > of[start] + of[batch] for of in gains.values()
        ),
        sentence=f"Of the flushes of v6 for 1,000 user pages, a mapping of one CPU "
        "saves at least "
        f"{spread((of[local] for of in gains.values()), two_digits)}, a free that "
        "changes nothing "
        f"{spread((of[free] for of in gains.values()), two_digits)}, an unmapped start "
        f"{spread((of[start] for of in gains.values()), two_digits)} and a batch after "
        f"it {spread((of[batch] for of in gains.values()), two_digits)}.",
        values={
            **{
                f"{name}_{end}": two_digits(pick(of[step] for of in gains.values()))
                for name, step in (
                    ("local", local),
                    ("free", free),
                    ("start", start),
                    ("batch", batch),
                    ("left", "left"),
                    ("batch_first", "batch first"),
                    ("start_after", "start after it"),
                )
                for end, pick in (("least", min), ("most", max))
            },
        },
        table=Table(
            ("trace", "v6", *SHORT),
            tuple(
                (trace, *map(two_digits, of.values())) for trace, of in gains.items()
            ),
        ),
        chart=Shares(
            "A mapping of one CPU saves most, then a free that changes nothing",
            [
                (trace, [Bar(step, of[step], two_digits(of[step])) for step in STEPS])
                for trace, of in gains.items()
            ],
            "percent of the flushes saved; numbers are for 1,000 user pages",
        ),
    )
