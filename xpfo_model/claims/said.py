# SPDX-License-Identifier: GPL-2.0-only
"""Claims about what was said on the list and never posted as code."""

from typing import Any, Final

from xpfo_model.checker import check, scope
from xpfo_model.claims.access import BUILDS
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import count, counted, spread, two_digits
from xpfo_model.figures.forms import Dumbbells, Matrix
from xpfo_model.history import mails
from xpfo_model.strategies import pcp_batch_consume, return_to_user

TOO_MANY: Final = 1 / 25
"""A part of the user allocations that is more than a rare accident."""
TWICE: Final = 2
STALE: Final = "no-stale-translation"


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
        sentence=f"{strategy} flushes {counted(late, 'time')}"
        + f" where pcp_batch flushes {counted(early, 'time')}"
        * (strategy != "pcp_batch")
        + f"; for 100 user allocations it hands out {spread(shares, two_digits)} "
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


@claim(
    "return-to-user-flushes-more",
    must="in each recorded build, a flush before the return to user space comes at "
    f"least {TWICE} times as often as a flush of pcp_batch, even if tasks returned "
    "there only where they lose their CPU",
    instead="forks and pipes in place of builds",
    change={"traces": ("forkpipe-4cpu",)},
    downside="Bounds: these traces do not have the entries of the kernel.",
    mails=(mails.ANDERSEN_2017_09_20_1634, mails.HANSEN_2017_09_20_1621),
    needs=("user_allocations", "refills_movable"),
)
def return_to_user_flushes_more(
    evidence: Inputs, traces: tuple[str, ...] = BUILDS
) -> Finding:
    """A flush for all pages since the entry saves less than a batch does."""
    rows: list[tuple[Any, ...]] = []
    for name in traces:
        most, batch = (
            evidence.counts(name, s).flushes for s in ("per_frame", "pcp_batch")
        )
        least = evidence.counts(
            name,
            "per_frame",
            alloc=pcp_batch_consume.alloc,
            context_switch=return_to_user.context_switch,
        ).flushes
        rows.append((name, most, least, batch))
    kept = [ratio(100 * row[2], row[1], row[0], "nothing to flush") for row in rows]
    times = [ratio(row[2], row[3], row[0], "no batch to flush") for row in rows]
    return Finding(
        holds=min(times) >= TWICE,
        sentence=f"A flush before the return to user space leaves at least "
        f"{spread(kept, two_digits)}% of the flushes of per_frame, as many as there "
        "are stretches of a task between context switches with a page to flush: "
        f"{spread(times, two_digits)} times as many as pcp_batch needs.",
        values={
            "kept.smallest": min(kept),
            "kept.largest": max(kept),
            **{f"{row[0]}.least": row[2] for row in rows},
            **{f"{row[0]}.most": row[1] for row in rows},
        },
        table=Table(("trace", "at most", "at least", "pcp_batch"), tuple(rows)),
        chart=Dumbbells.by_trace(
            "A flush before the return to user space saves less than a batch",
            rows,
            ("one for each page", "one for each stretch of a task", "pcp_batch"),
            "flushes at allocation and refill, log scale",
            log=True,
        ),
    )


@claim(
    "flush-at-entry-leaves-the-kernel",
    must="while no other CPU is in the kernel, a flush at its entry leaves no stale "
    "translation in any state; with others there it does",
    instead="v9, which flushes at a context switch only, in place of kernel_entry",
    change={"strategy": "v9"},
    downside="A tiny machine, and entries by system call and fault only.",
    mails=(
        mails.HANSEN_2019_01_10,
        mails.HANSEN_2019_04_05,
        mails.LUTOMIRSKI_2019_04_05,
    ),
    basis=Basis.EXPLORATION,
)
def flush_at_entry(evidence: Inputs, strategy: str = "kernel_entry") -> Finding:  # noqa: ARG001 - explores
    """A CPU in user space uses no stale entry; one that waits in the kernel can."""
    where = scope("small")
    names = dict.fromkeys(("v9", strategy))
    alone = {name: check(name, where, alone=True) for name in names}
    among = check(strategy, where, STALE)
    own = alone[strategy]
    found, beside = own.found.get(STALE), among.found.get(STALE)
    steps = {
        name: [
            _steps(alone[name].found.get(STALE)),
            _steps(check(name, where, STALE).found.get(STALE)),
        ]
        for name in names
    }
    apart = (
        f"leaves a stale translation within {count(found.steps, 'step')}"
        if found
        else f"leaves no stale translation in any of {own.states:,} states"
    )
    together = f"one within {count(beside.steps, 'step')}" if beside else "none"
    return Finding(
        holds=own.exhaustive and found is None and beside is not None,
        sentence=f"While no other CPU is in the kernel, {strategy} {apart}; with "
        f"others there it leaves {together}.",
        values={"states": own.states},
        table=Table(
            ("strategy", "others in user space", "others in the kernel"),
            tuple((name, *cells) for name, cells in steps.items()),
        ),
        chart=Matrix(
            f"{strategy} protects from a CPU that comes, not one that is there",
            ["others in user space", "others in the kernel"],
            list(steps.items()),
            good="no stale translation in any state",
            bad="a stale translation; the number is that of the steps to it",
        ),
    )


def _steps(violation: Any) -> str:
    return str(violation.steps) if violation else ""
