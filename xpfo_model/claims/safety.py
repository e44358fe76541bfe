# SPDX-License-Identifier: GPL-2.0-only
"""Claims about protection: which frames the kernel can still reach."""

from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, listing
from xpfo_model.figures.charts import Bars
from xpfo_model.history import mails


def _exposure(evidence: Inputs, names: tuple[str, ...], title: str) -> Finding:
    rows: list[tuple[str, str, int, int]] = []
    for trace in evidence.names:
        users = evidence.totals(trace)["user_allocations"]
        rows.extend(
            (trace, name, users, evidence.counts(trace, name).frames_exposed)
            for name in names
        )
    exposed = {n: sum(row[3] for row in rows if row[1] == n) for n in names}
    users = sum(row[2] for row in rows if row[1] == names[0])
    words = listing([f"{name} {frames:,}" for name, frames in exposed.items()])
    return Finding(
        holds=all(row[3] > 0 for row in rows),
        sentence=f"Frames that the kernel can still reach when a user gets them: "
        f"{words}, of {users:,} on {count(len(evidence.names), 'trace')}.",
        values=dict(exposed),
        table=Table(
            ("trace", "strategy", "user allocations", "handed out reachable"),
            tuple(rows),
        ),
        chart=Bars.by_trace(
            title,
            [
                (trace, *(row[3] for row in rows if row[0] == trace))
                for trace in evidence.names
            ],
            names,
            "frames handed to users while reachable, log scale",
        ),
    )


@claim(
    "alternation-leaks",
    must="alternation hands out reachable frames on every trace",
    instead="per_frame in place of alternation",
    change={"strategy": "per_frame"},
    downside="Reachable is not read: the model has no attacker, only the chance.",
    mails=(mails.ANDERSEN_2017_09_20_1809,),
    needs=("user_allocations",),
)
def alternation_leaks(evidence: Inputs, strategy: str = "alternation") -> Finding:
    """Flushing on alternation hands out frames with stale translations."""
    return _exposure(
        evidence, (strategy,), f"{strategy} hands out frames that the kernel can reach"
    )


@claim(
    "consume-leaks",
    must="pcp_batch_consume hands out reachable frames on every trace",
    instead="pcp_batch in place of pcp_batch_consume",
    change={"strategy": "pcp_batch"},
    downside="Counted at hand-out only; the window lasts until the next refill.",
    mails=(mails.HANSEN_2017_09_20_1621,),
    needs=("user_allocations", "refills_movable"),
)
def consume_leaks(evidence: Inputs, strategy: str = "pcp_batch_consume") -> Finding:
    """Flushing when the list is consumed comes too late."""
    return _exposure(
        evidence, (strategy,), f"{strategy} hands out frames that the kernel can reach"
    )


@claim(
    "v6-protects-nothing-at-allocation",
    must="v6 hands out reachable frames on every trace",
    instead="per_frame, v6 with the thread's fixes, in place of v6",
    change={"strategy": "per_frame"},
    downside="v6 protects from the first kunmap on, which a trace does not show.",
    mails=(mails.XIE_2017_09_11,),
    needs=("user_allocations",),
)
def v6_protects_nothing(evidence: Inputs, strategy: str = "v6") -> Finding:
    """v6 flushes, but clears no PTE: the frame can be reached at once."""
    return _exposure(
        evidence, (strategy,), f"{strategy} flushes but hands out reachable frames"
    )


@claim(
    "safe-strategies-expose-nothing",
    must="per_frame, pcp_batch and pageblock hand out no reachable frame",
    instead="pcp_batch_consume in place of pcp_batch",
    change={"batched": "pcp_batch_consume"},
    downside="On these traces, not in all interleavings; kmap is not traced.",
    mails=(),
    needs=("user_allocations", "refills_movable"),
)
def safe_strategies(evidence: Inputs, batched: str = "pcp_batch") -> Finding:
    """The guarantee at allocation leaves nothing reachable."""
    names = ("none", "per_frame", batched, "pageblock")
    found = _exposure(
        evidence, names, "The guarantee at allocation leaves nothing reachable"
    )
    safe = [n for n in names if n != "none"]
    words = listing([f"{name} {found.values[name]:,}" for name in safe])
    return Finding(
        holds=not any(found.values[name] for name in safe),
        sentence="Frames that the kernel can still reach when a user gets them: "
        f"{words}; without XPFO {found.values['none']:,}.",
        values=found.values,
        table=found.table,
        chart=found.chart,
    )
