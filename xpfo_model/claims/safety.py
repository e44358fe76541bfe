# SPDX-License-Identifier: GPL-2.0-only
"""Claims about protection: which pages reach a user while the kernel can reach them."""

from typing import Any, Final

from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.pictures import over_time
from xpfo_model.claims.prose import spread, two_digits
from xpfo_model.history import mails
from xpfo_model.strategies import RECOMMENDED

A_THIRD: Final = 1 / 3
"""A part of the user pages that is too large to be an exception."""


@claim(
    "v6-leaves-unzeroed-reachable",
    must="of all user pages together more than a third are not zeroed when they are "
    "allocated, and v6 hands those out mapped",
    instead="init_on_alloc=1, with which every page is zeroed through kmap",
    change={"init_on_alloc": True},
    downside="A later kmap unmaps a page that was not zeroed: copies are not traced.",
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
        sentence=f"{reachable:,} of {users:,} user pages are not zeroed when they are "
        f"allocated, {spread(shares, two_digits)}% by trace: v6 hands them out mapped.",
        values={
            "reachable": reachable,
            "user_allocations": users,
            "smallest": min(shares),
            "largest": max(shares),
        },
        table=Table(
            ("trace", "user allocations", "zeroed", "handed out mapped"), tuple(rows)
        ),
        chart=over_time(
            evidence,
            "Pages that are not zeroed reach their user mapped in v6",
            max(rows, key=lambda row: row[3] / row[1])[0],
            ("v6", "per_frame", RECOMMENDED),
            copy_percent=100 if init_on_alloc else 0,
        ),
    )
