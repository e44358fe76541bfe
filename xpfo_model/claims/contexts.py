# SPDX-License-Identifier: GPL-2.0-only
"""The claim about who asks for a refill: whether its flush can be waited for."""

from typing import Final

import numpy as np

from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, two_digits
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.figures.charts import Bar, Shares
from xpfo_model.history import mails
from xpfo_model.replay.calls import REFILL

SELDOM: Final = 0.001
"""Share of the refills that is called seldom."""
LISTS: Final = ("MOVABLE", "other")


def refills(evidence: Inputs, trace: str) -> dict[str, tuple[int, int]]:
    """Refills of a trace by list, and of these for an allocation that may not wait."""
    found = dict.fromkeys(LISTS, (0, 0))
    for some in evidence.steps(trace)[0]:
        at = some.op == REFILL
        movable = at & (some.migratetype == MIGRATE_MOVABLE)
        for name, rows in zip(LISTS, (movable, at & ~movable), strict=True):
            so_far, waiting = found[name]
            found[name] = (
                so_far + int(np.count_nonzero(rows)),
                waiting + int(np.count_nonzero(rows & (some.user != 0))),
            )
    return found


@claim(
    "movable-refills-may-wait",
    must="of the refills of MOVABLE lists on all recordings at most one in a thousand "
    "serves an allocation that may not wait for other CPUs",
    instead="refills of all other lists, from which pipe pages come",
    change={"lists": "other"},
    downside="Five recordings of common loads; a driver may ask for movable pages with "
    "interrupts off.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.ANDERSEN_2017_11_09),
    needs=("user_allocations", "refills_movable"),
)
def may_wait(evidence: Inputs, lists: str = "MOVABLE") -> Finding:
    """A batch is flushed where the kernel can wait for the flush."""
    found = {name: refills(evidence, name) for name in evidence.names}
    whole, atomic = (sum(of[lists][i] for of in found.values()) for i in (0, 1))
    percent = 100 * atomic / max(whole, 1)
    return Finding(
        holds=whole > 0 and atomic <= SELDOM * whole,
        sentence=f"Of {count(whole, 'refill')} of {lists} lists, {atomic:,} "
        f"{'serves' if atomic == 1 else 'serve'} an allocation that may not wait for "
        f"other CPUs ({two_digits(percent)}%).",
        values={"refills": whole, "atomic": atomic, "percent": percent},
        table=Table(
            ("trace", "MOVABLE", "may not wait", "other lists", "may not wait"),
            tuple((name, *of["MOVABLE"], *of["other"]) for name, of in found.items()),
        ),
        chart=Shares(
            "Refills for users can wait for their flush",
            [
                (
                    f"{name}, {which}",
                    [
                        Bar("may not wait", of[which][1], f"{of[which][1]:,}"),
                        Bar(
                            "may wait",
                            of[which][0] - of[which][1],
                            f"{of[which][0] - of[which][1]:,}",
                        ),
                    ],
                )
                for name, of in found.items()
                for which in LISTS
            ],
            "percent of the refills of the list",
        ),
    )
