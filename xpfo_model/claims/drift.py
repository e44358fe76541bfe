# SPDX-License-Identifier: GPL-2.0-only
"""The claim about the allocator model left to itself on the demand of a trace."""

from typing import Any, Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.fidelity import RECLAIMS, steady
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import spread, two_digits
from xpfo_model.figures.forms import Dot, Dots
from xpfo_model.replay.quarters import QUARTERS
from xpfo_model.strategies import BASELINE, RECOMMENDED, SHOWN
from xpfo_model.studies.drift import EXACT, FLUSHES, LEFT_OUT, drift
from xpfo_model.studies.fidelity import ALLOCATIONS, OTHER, profile_of

MOST_OFF: Final = 0.25
"""Share by which a count of flushes may drift. Free choice."""
DRAWN: Final = ("per_frame", "pcp_batch", "pageblock", RECOMMENDED)
COUNTED: Final = tuple(name for name in SHOWN if name != BASELINE)
PERCENT: Final = 100

Pair = tuple[int, int]
"""The kernel's number, and the model's."""


def quarters(
    evidence: Inputs, trace: str, what: str, name: str, kernel: str = ""
) -> list[Pair]:
    """Numbers by quarter, of the profile of the trace's own kernel or of another."""
    columns = evidence.kept_of(drift, trace)
    own = evidence.use(trace).name
    wanted = (own, kernel or profile_of(own), what, name)
    keys = zip(
        *(columns[key] for key in ("trace", "profile", "what", "name")), strict=True
    )
    return [
        (columns["kernel"][at], columns["model"][at])
        for at, key in enumerate(keys)
        if key == wanted
    ]


def times(evidence: Inputs, trace: str, strategy: str, kernel: str = "") -> float:
    """The flushes on the model's events, as a multiple of those on the kernel's."""
    real, model = map(
        sum, zip(*quarters(evidence, trace, FLUSHES, strategy, kernel), strict=True)
    )
    return ratio(model, real, trace, f"no flush of {strategy}")


def _named(evidence: Inputs, trace: str, kernel: str) -> list[float]:
    """Percent of the frames that both chose, by quarter."""
    return [
        PERCENT * same / every
        for every, same in quarters(evidence, trace, EXACT, ALLOCATIONS, kernel)
    ]


@claim(
    "drift-keeps-the-counts",
    must="on every trace without reclaim, the flushes of every shown strategy on the "
    f"events of a model that runs free are within {MOST_OFF:.0%} of those on the "
    "kernel's",
    instead=f"the allocator of {OTHER} on the same demand",
    change={"kernel": OTHER},
    downside="Who allocates and frees, on which CPU and when, is the trace's: of what "
    "a generator makes up it says nothing.",
    basis=Basis.ALLOCATOR,
)
def drift_keeps_the_counts(evidence: Inputs, kernel: str = "") -> Finding:
    """A free run loses the frames, and keeps how often they change hands."""
    found = {
        trace: {name: times(evidence, trace, name, kernel) for name in COUNTED}
        for trace in evidence.names
    }
    off = {
        trace: max(abs(1 - one) for one in some.values())
        for trace, some in found.items()
    }
    named = {trace: _named(evidence, trace, kernel) for trace in evidence.names}
    last = [named[trace][-1] for trace in evidence.names]
    every = [
        quarters(evidence, trace, LEFT_OUT, "operations", kernel)[0]
        for trace in evidence.names
    ]
    operations, left_out = map(sum, zip(*every, strict=True))
    worst = max(steady(evidence), key=lambda trace: off[trace])
    rows: list[tuple[Any, ...]] = [
        (name, *(f"{found[trace][name]:.2f}" for trace in evidence.names))
        for name in COUNTED
    ]
    return Finding(
        holds=off[worst] < MOST_OFF,
        sentence="Never put right, the model names the kernel's frame in "
        f"{spread(last, two_digits)}% of the allocations of the last quarter; every "
        "strategy flushes on its events as often as on the kernel's within "
        f"{PERCENT * off[worst]:.0f}% where memory suffices, and within "
        f"{PERCENT * off[RECLAIMS]:.0f}% on {RECLAIMS}.",
        values={
            "worst": PERCENT * off[worst],
            "worst.trace": worst,
            "reclaim": PERCENT * off[RECLAIMS],
            "last.least": two_digits(min(last)),
            "last.most": two_digits(max(last)),
            "left_out": two_digits(PERCENT * left_out / operations),
        },
        table=Table(("flushes, model / kernel", *evidence.names), tuple(rows)),
        more={
            "frames": Table(
                ("quarter", *evidence.names),
                tuple(
                    (n + 1, *(f"{named[trace][n]:.1f}" for trace in evidence.names))
                    for n in range(QUARTERS)
                ),
            )
        },
        chart=Dots(
            "Left to itself it keeps the counts, but not under reclaim",
            [
                (
                    name,
                    [
                        Dot(trace, one, f"{one:.2f}", kind=trace == RECLAIMS)
                        for trace, one in (
                            (trace, found[trace][name]) for trace in evidence.names
                        )
                    ],
                )
                for name in DRAWN
            ],
            "flushes on the events of the model, as a multiple of the kernel's",
            line=1.0,
            line_name="as the kernel",
        ),
    )
