# SPDX-License-Identifier: GPL-2.0-only
"""Claims about who is *user*: the posted test against the migratetype."""

from typing import Any, Final

import numpy as np

from xpfo_model import gfp
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import count, spread, two_digits
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.events import FAILED, MM_PAGE_ALLOC
from xpfo_model.figures.charts import Bar, Shares
from xpfo_model.figures.forms import Dots
from xpfo_model.history import mails
from xpfo_model.replay.calls import ALLOC
from xpfo_model.replay.run import Run

PIPES: Final = "forkpipe-4cpu"
NO_PIPES: Final = "cc-4cpu"
MOST: Final = 0.5
NOTICEABLE: Final = 0.1
"""Share of the user allocations that a rule about lists must not ignore."""


def alloc_flushes_by_list(evidence: Inputs, trace: str) -> tuple[int, int, int]:
    """pcp_batch's flushes: at refill, at MOVABLE allocations, at other ones."""
    run = Run("pcp_batch", cpus=evidence.use(trace).cpus)
    steps, reconstruction = evidence.steps(trace)
    movable = other = before = 0
    for some in steps:
        history = run.history(some, reconstruction.frames)
        paid = np.diff(history, prepend=before)
        before = int(history[-1]) if len(history) else before
        at_alloc = some.op == ALLOC
        on_movable = at_alloc & (some.migratetype == MIGRATE_MOVABLE)
        movable += int(paid[on_movable].sum())
        other += int(paid[at_alloc & ~on_movable].sum())
    return before - movable - other, movable, other


@claim(
    "pipes-dominate-the-rest",
    must=f"more than {MOST:.0%} of the flushes that pcp_batch leaves are for user "
    "pages from lists that are not MOVABLE",
    instead="a parallel C build in place of the pipes",
    change={"trace": NO_PIPES},
    downside="Made by a loop of pipes: a share, not a rate, of such a workload.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.ANDERSEN_2017_09_20_1937),
    needs=("user_allocations",),
)
def pipes_dominate(evidence: Inputs, trace: str = PIPES) -> Finding:
    """Pipe buffers are user pages, yet come from the UNMOVABLE lists."""
    log = evidence.log(trace)
    masks = _masks(evidence, trace)
    pipe = gfp.decode("GFP_HIGHUSER|__GFP_ACCOUNT", log.about.kernel)
    buffers = int(np.count_nonzero(masks == np.uint64(pipe)))
    refill, movable, other = alloc_flushes_by_list(evidence, trace)
    total = refill + movable + other
    share = ratio(other, total, trace, "no flush of pcp_batch")
    rows = (
        ("at a MOVABLE refill", refill),
        ("at a MOVABLE allocation", movable),
        ("at any other allocation", other),
    )
    return Finding(
        holds=share > MOST,
        sentence=f"On {trace}, {share:.0%} of the "
        f"{count(total, 'flush', 'flushes')} that pcp_batch leaves are for user pages "
        f"from lists that are not MOVABLE; {count(buffers, 'allocation')} "
        f"{'has' if buffers == 1 else 'have'} the mask of a pipe buffer.",
        values={
            "share": round(100 * share),
            "flushes": total,
            "other": other,
            "refill": refill,
            "movable": movable,
            "buffers": buffers,
        },
        table=Table(("pcp_batch flushes", trace), rows),
        chart=Shares(
            f"{trace}: what pcp_batch leaves is flushed for pipe buffers",
            [(trace, [Bar(row[0], row[1], f"{row[1]:,}") for row in rows])],
            "percent of the flushes of pcp_batch",
        ),
    )


def _masks(evidence: Inputs, trace: str) -> Any:
    events = evidence.log(trace).events
    return events.gfp[(events.kind == MM_PAGE_ALLOC) & (events.pfn != FAILED)]


def matrix(evidence: Inputs, trace: str) -> dict[tuple[str, str], int]:
    """Allocations by the posted test (user, kernel) and by list (MOVABLE, other)."""
    log = evidence.log(trace)
    masks = _masks(evidence, trace)
    user = gfp.is_user(masks, log.about.kernel)
    movable = gfp.migratetype(masks) == MIGRATE_MOVABLE
    return {
        (who, which): int(np.count_nonzero(a & b))
        for who, a in (("user", user), ("kernel", ~user))
        for which, b in (("MOVABLE", movable), ("other", ~movable))
    }


@claim(
    "user-is-not-movable",
    must=f"on some trace at least {NOTICEABLE:.0%} of the user allocations are not "
    "MOVABLE",
    instead="only the parallel C build",
    change={"traces": (NO_PIPES,)},
    downside="Which share a machine has depends on what it runs.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.ANDERSEN_2017_11_09),
    needs=("user_allocations",),
)
def user_is_not_movable(
    evidence: Inputs, traces: tuple[str, ...] | None = None
) -> Finding:
    """The posted test and the migratetype disagree."""
    names = list(traces or evidence.names)
    cells = {name: matrix(evidence, name) for name in names}
    kinds = (
        ("user", "MOVABLE"),
        ("user", "other"),
        ("kernel", "MOVABLE"),
        ("kernel", "other"),
    )
    rows = tuple((name, *(cells[name][kind] for kind in kinds)) for name in names)
    share = {
        name: cell["user", "other"] / (cell["user", "other"] + cell["user", "MOVABLE"])
        for name, cell in cells.items()
    }
    worst = max(share, key=lambda name: share[name])
    kernel_movable = sum(cell["kernel", "MOVABLE"] for cell in cells.values())
    return Finding(
        holds=share[worst] >= NOTICEABLE,
        sentence=f"On {worst}, {share[worst]:.0%} of the user allocations come from "
        f"lists that are not MOVABLE; in all, "
        f"{count(kernel_movable, 'kernel allocation')} "
        f"{'comes' if kernel_movable == 1 else 'come'} from MOVABLE lists.",
        values={
            "worst": worst,
            "share": round(100 * share[worst]),
            "kernel_movable": kernel_movable,
            **{
                f"{name}.{who}_{which}".lower(): n
                for name, cell in cells.items()
                for (who, which), n in cell.items()
            },
        },
        table=Table(
            ("trace", *(f"{who} {which}" for who, which in kinds)),
            rows,
        ),
        chart=Shares(
            "User and MOVABLE are not the same set",
            [
                (
                    name,
                    [
                        Bar("user, MOVABLE", cell["user", "MOVABLE"], _k(cell, 0)),
                        Bar("user, other lists", cell["user", "other"], _k(cell, 1)),
                        Bar(
                            "kernel",
                            cell["kernel", "MOVABLE"] + cell["kernel", "other"],
                            f"{cell['kernel', 'MOVABLE'] + cell['kernel', 'other']:,}",
                        ),
                    ],
                )
                for name, cell in cells.items()
            ],
            "percent of the page allocations",
        ),
    )


def _k(cell: dict[tuple[str, str], int], number: int) -> str:
    return f"{list(cell.values())[number]:,}"


@claim(
    "zeroed-half",
    must="more than a quarter of the user allocations of each trace are zeroed",
    instead="init_on_free=1, with which a page is zeroed as it is freed",
    change={"init_on_free": True},
    downside="The trace shows the mask, not the kmap: copies are not visible.",
    mails=(),
    needs=("user_allocations",),
)
def zeroed(evidence: Inputs, *, init_on_free: bool = False) -> Finding:
    """Many user pages are zeroed, and v6 to v9 flush a second time for those."""
    rows = []
    for name in evidence.names:
        totals = evidence.totals(name)
        users = totals["user_allocations"]
        part = 0 if init_on_free else totals["user_zeroed"]
        rows.append((name, users, part, round(100 * part / users, 1)))
    shares = [row[3] for row in rows]
    return Finding(
        holds=all(share > 25 for share in shares),  # noqa: PLR2004 - the quarter of must
        sentence=f"Of 100 pages that users get, the kernel zeroes "
        f"{spread(shares, two_digits)} as it allocates them, with a kmap and a kunmap "
        "each.",
        values={"smallest": min(shares), "largest": max(shares)},
        table=Table(("trace", "user allocations", "zeroed", "percent"), tuple(rows)),
        chart=Dots.of(
            "Many user pages are zeroed, and pay a second flush at kunmap",
            [(row[0], row[3], row[2], row[1]) for row in rows],
            "zeroed, percent of the user allocations",
            text="{1:.0f}%, {2:,} of {3:,}",
            most=100,
            line=25,
            line_name="a quarter",
        ),
    )
