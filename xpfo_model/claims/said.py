# SPDX-License-Identifier: GPL-2.0-only
"""Claims about what was said on the list and never posted as code."""

from typing import Any, Final

from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import spread, two_digits
from xpfo_model.figures.forms import Dumbbells
from xpfo_model.history import mails

TOO_MANY: Final = 1 / 25
"""A part of the user allocations that is more than a rare accident."""


@claim(
    "list-at-once-is-stale",
    must="on every trace, list_at_once flushes no more often than pcp_batch, and for "
    f"every {1 / TOO_MANY:.0f} user allocations or fewer hands out a frame that CPUs "
    "can still translate",
    instead="pcp_batch, which flushes before it hands out, in place of list_at_once",
    change={"strategy": "pcp_batch"},
    downside="A reading: the mail does not say when the list is remapped.",
    mails=(mails.HANSEN_2017_09_20_1621,),
    needs=("user_allocations", "refills_movable"),
)
def list_at_once_is_stale(evidence: Inputs, strategy: str = "list_at_once") -> Finding:
    """A flush when the list is consumed comes after its frames are with their users."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        before, after = (evidence.counts(name, s) for s in ("pcp_batch", strategy))
        users = evidence.totals(name)["user_allocations"]
        rows.append((name, before.flushes, after.flushes, users, after.frames_exposed))
    shares = [100 * row[4] / row[3] for row in rows]
    early, late = (spread([row[i] for row in rows], "{:,}".format) for i in (1, 2))
    return Finding(
        holds=all(row[2] <= row[1] for row in rows)
        and all(row[4] >= TOO_MANY * row[3] for row in rows),
        sentence=f"{strategy} flushes {late} times where pcp_batch flushes {early} "
        f"times; for 100 user allocations it hands out {spread(shares, two_digits)} "
        "frames that CPUs can still translate.",
        values={"smallest": min(shares), "largest": max(shares)},
        table=Table(
            ("trace", "pcp_batch", strategy, "user allocations", "frames stale"),
            tuple(rows),
        ),
        chart=Dumbbells.by_trace(
            "Fewer flushes, and frames handed out before them",
            [(row[0], row[1], row[2], max(row[4], 1)) for row in rows],
            ("pcp_batch", "flushes when the list is consumed", "frames stale"),
            "flushes, and frames handed out that CPUs translate, log scale",
            log=True,
        ),
    )
