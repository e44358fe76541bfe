# SPDX-License-Identifier: GPL-2.0-only
"""The claim about memory that starts unmapped, in kernels that run it."""

from collections.abc import Sequence
from statistics import fmean
from typing import Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.kernel import MIX
from xpfo_model.claims.recordings import (
    AHEAD,
    SHORT,
    Row,
    flushed,
    grouped,
    mean_and_sd,
    mean_flushed,
    runs,
)
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dumbbells

EACH: Final = "per_frame"
PAIR: Final = 2
"""CPUs of the machines whose two starts are compared."""
STARTS: Final = ("mapped", "unmapped")
GAIN: Final = 3.0
"""The least ratio by which the start must divide `per_frame`'s flushes. Free choice."""


def _maps(some: Sequence[Row]) -> float:
    """Frames mapped but for an access through the direct map, mean of recordings."""
    return fmean(row["kernel_frames_mapped"] - row["kmap_direct"] for row in some)


@claim(
    "unmapped-start-in-the-kernel",
    must=f"where memory is not short, memory that starts unmapped divides the flushes "
    f"ahead of users of per_frame by {GAIN:.0f} or more",
    instead="the workload that is short of memory",
    change={"workload": SHORT},
    downside="Counted from boot on a small machine, where first touches are most of "
    "what per_frame flushes for; a machine that has run for hours has none left.",
    basis=Basis.KERNEL,
)
def unmapped_start(evidence: Inputs, workload: str = MIX) -> Finding:
    """State the flushes saved where memory that nobody has had is not mapped."""
    found = grouped(
        runs(evidence, lambda row: row["cpus"] == PAIR), "workload", "strategy", "start"
    )
    pairs = [
        (*key[:2], found[*key[:2], "mapped"], some)
        for key, some in found.items()
        if key[2] == "unmapped" and (*key[:2], "mapped") in found
    ]
    gains = {
        (load, name): mean_flushed(mapped, AHEAD) / max(mean_flushed(some, AHEAD), 1)
        for load, name, mapped, some in pairs
    }
    if (workload, EACH) not in gains:
        raise CannotJudgeError(f"no two starts of {workload} under per_frame", [])
    gain = gains[workload, EACH]
    return Finding(
        holds=gain >= GAIN,
        sentence=f"In {workload}, memory that starts unmapped divides the flushes of "
        f"per_frame ahead of users by {gain:.1f}.",
        values={f"{load}_{name}": value for (load, name), value in gains.items()},
        table=Table(
            (
                "workload",
                "strategy",
                "mapped",
                "sd",
                "unmapped",
                "sd",
                "maps",
                "maps, unmapped",
            ),
            tuple(
                (
                    load,
                    name,
                    *mean_and_sd([flushed(row, AHEAD) for row in a]),
                    *mean_and_sd([flushed(row, AHEAD) for row in b]),
                    f"{_maps(a):,.0f}",
                    f"{_maps(b):,.0f}",
                )
                for load, name, a, b in pairs
            ),
        ),
        chart=Dumbbells.by_trace(
            "Memory that starts unmapped saves most where memory is not short",
            [
                (load, mean_flushed(a, AHEAD), mean_flushed(b, AHEAD))
                for load, name, a, b in pairs
                if name == EACH
            ],
            STARTS,
            f"flushes of {EACH} ahead of users, log scale",
            log=True,
        ),
    )
