# SPDX-License-Identifier: GPL-2.0-only
"""Claims about protection: which pages reach a user while the kernel can reach them."""

from collections.abc import Sequence
from typing import Any, Final

from xpfo_model.checker import scope
from xpfo_model.claims.access import copied, in_use
from xpfo_model.claims.bill import SCOPE
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.pictures import over_time
from xpfo_model.claims.prose import count, spread, two_digits
from xpfo_model.history import mails
from xpfo_model.strategies import RECOMMENDED

A_THIRD: Final = 1 / 3
"""A part of the user pages that is too large to be an exception."""
FRONT: Final = (
    "v6",
    "v9",
    "per_frame",
    "alternation",
    "pcp_batch",
    "pageblock",
    RECOMMENDED,
)
"""Strategies of the table of the first page."""
TRACES: Final = {"cc-4cpu": "build", "forkpipe-4cpu": "pipes"}
"""Traces of that table, and their names there."""


def _front(evidence: Inputs) -> Table:
    """Flushes ahead of users, pages that are handed out reachable, and faults found.

    A page that the kernel zeroes, or copies into as it does in a build, has been
    kmapped when its user gets it.
    """
    used = copied(evidence).how
    names = [name for name in TRACES if name in evidence.names]
    reports = evidence.reports(scope(SCOPE))
    rows = []
    for strategy in FRONT:
        ahead = [f"{evidence.counts(name, strategy).flushes:,}" for name in names]
        reached = [
            f"{in_use(evidence, name, strategy, **used).frames_exposed:,}"
            for name in names
        ]
        found = len(reports[strategy].found)
        more = "" if reports[strategy].exhaustive else " or more"
        rows.append((strategy, *ahead, *reached, f"{found}{more}"))
    return Table(
        (
            "strategy",
            *(f"flushes, {TRACES[name]}" for name in names),
            *(f"reachable, {TRACES[name]}" for name in names),
            "violated",
        ),
        tuple(rows),
    )


def _said(reachable: int, users: int, shares: Sequence[float]) -> str:
    if not reachable:
        return (
            "Each user page is zeroed when it is allocated: v6 hands none out mapped."
        )
    are, they, them = (
        ("is", "it is", "it") if reachable == 1 else ("are", "they are", "them")
    )
    by_trace = " by trace" if len(shares) > 1 else ""
    return (
        f"{reachable:,} of {count(users, 'user page')} {are} not zeroed when {they} "
        f"allocated, {spread(shares, two_digits)}%{by_trace}: v6 hands {them} out "
        "mapped."
    )


@claim(
    "v6-leaves-unzeroed-reachable",
    must="of all user pages together more than a third are not zeroed when they are "
    "allocated, and v6 hands those out mapped",
    instead="init_on_alloc=1, with which every page is zeroed through kmap",
    change={"init_on_alloc": True},
    downside="The first copy unmaps such a page, too: copies are not traced, and in a "
    "build nearly all of these pages are copied into.",
    mails=(
        mails.XIE_2017_09_11,
        mails.ANDERSEN_2017_09_12,
        mails.HANSEN_2017_09_20_0848,
    ),
    needs=("user_allocations",),
)
def v6_leaves_unzeroed(evidence: Inputs, *, init_on_alloc: bool = False) -> Finding:
    """v6 clears a PTE at kunmap: a page that is not zeroed is handed out mapped."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        totals = evidence.totals(name)
        users = totals["user_allocations"]
        zeroed = users if init_on_alloc else totals["user_zeroed"]
        rows.append((name, users, zeroed, users - zeroed))
    users, reachable = (sum(row[i] for row in rows) for i in (1, 3))
    shares = [100 * row[3] / row[1] for row in rows]
    return Finding(
        holds=reachable > A_THIRD * users,
        sentence=_said(reachable, users, shares),
        values={
            "reachable": reachable,
            "user_allocations": users,
            "smallest": min(shares),
            "largest": max(shares),
        },
        table=Table(
            ("trace", "user allocations", "zeroed", "handed out mapped"), tuple(rows)
        ),
        # minutes of the checker, for a table of the document's own traces
        more={"front": _front(evidence)} if {*TRACES} & {*evidence.names} else {},
        chart=over_time(
            evidence,
            "Pages that are not zeroed reach their user mapped in v6",
            max(rows, key=lambda row: row[3] / row[1])[0],
            ("v6", "per_frame", RECOMMENDED),
            copy_percent=100 if init_on_alloc else 0,
        ),
    )
