# SPDX-License-Identifier: GPL-2.0-only
"""The claim about a machine that had run for a while before its trace began."""

from collections.abc import Callable, Sequence
from itertools import chain
from statistics import fmean
from typing import Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, spread, two_digits
from xpfo_model.claims.stock import SHOWN, TIERS, Recorded, seen
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dot, Dots
from xpfo_model.studies.stock_runs import BOOT, HALF

MINUTE: Final = 60
LONG: Final = MINUTE
"""Uptime in seconds from which a machine has run for a while."""
PER: Final = 1000
"""User allocations that flushes are given for."""
CLOSE: Final = 1.5
"""How many times more or fewer flushes are still about the same. Free choice."""
JUDGED: Final = tuple(name for name in chain(*TIERS) if name != "pageblock")
"""Safe strategies; pageblock flushes some dozen times, and differs in each boot."""

Measure = Callable[[Recorded], float]


def flushes(strategy: str) -> Measure:
    """Flushes of a strategy for each `PER` user allocations."""
    return lambda one: PER * one.flushes[strategy] / one.users


MEASURES: Final[dict[str, Measure]] = {
    "frame of nobody before the view, %": lambda one: one.share("first_touch"),
    "frame of the kernel, %": lambda one: one.share("from_kernel"),
    "frame of a user, %": lambda one: one.share("from_user"),
    "frames of a MOVABLE refill": lambda one: one.refilled / max(one.refills, 1),
    "MOVABLE refills for 1,000": lambda one: PER * one.refills / one.users,
    "pageblocks changed": lambda one: float(one.blocks),
    "per_frame / pcp_batch": lambda one: one.divides,
} | {f"flushes of {name} for 1,000": flushes(name) for name in SHOWN}

KEYS: Final = {
    "kernel": "frame of the kernel, %",
    "user": "frame of a user, %",
    "refill": "frames of a MOVABLE refill",
    "divides": "per_frame / pcp_batch",
    "blocks": "pageblocks changed",
}
"""Names of values, and the measures that they are of."""


def ages(evidence: Inputs, view: str = HALF) -> tuple[list[Recorded], Recorded]:
    """Recordings of machines that just booted, and of the one that ran for longest.

    All of one workload; `view` is that of the new ones. Raises `CannotJudgeError` if
    there are not both.
    """
    old = max(seen(evidence, HALF), key=lambda one: one.uptime)
    fresh = [
        one
        for one in seen(evidence, view)
        if not one.uptime and one.workload == old.workload
    ]
    if old.uptime < LONG or not fresh:
        raise CannotJudgeError("no recording of a machine that ran before", [])
    return fresh, old


def times(fresh: Sequence[Recorded], old: Recorded, measure: Measure) -> float:
    """How many times as much on the old machine as on average of those just booted."""
    new = fmean(map(measure, fresh))
    return measure(old) / new if new else 1.0


@claim(
    "an-old-machine-flushes-alike",
    must="in the second half of the same build, each safe strategy but pageblock "
    f"flushes at most {CLOSE:g} times as often or as rarely on a machine that had run "
    "before as on one that has just booted",
    instead="the machine that has just booted counted from its boot",
    change={"view": BOOT},
    downside="One workload on one CPU, after mixed work of up to two hours: not the "
    "weeks of a server. Which frames nobody had is not known on the old machine.",
    basis=Basis.RECORDINGS,
)
def old_machine(evidence: Inputs, view: str = HALF) -> Finding:
    """A machine that has run before is flushed like one that just booted."""
    fresh, old = ages(evidence, view)
    factors = {name: times(fresh, old, flushes(name)) for name in JUDGED}
    least, most = min(factors.values()), max(factors.values())
    others = sorted(
        (o for o in seen(evidence, HALF) if o.uptime and o.workload == old.workload),
        key=lambda one: one.uptime,
    )
    rows = tuple(
        (
            name,
            spread([measure(one) for one in fresh], two_digits),
            *(two_digits(measure(one)) for one in others),
        )
        for name, measure in MEASURES.items()
    )
    minutes = round(old.uptime / MINUTE)
    return Finding(
        holds=least >= 1 / CLOSE and most <= CLOSE,
        sentence=f"After {count(minutes, 'minute')} of mixed work, the second half of "
        f"a build flushes {spread((least, most), two_digits)} times as often as on a "
        "machine that has just booted, by strategy.",
        values={
            "minutes": minutes,
            "least": least,
            "most": most,
            **{f"{name}.factor": factor for name, factor in factors.items()},
            **{
                f"{when}.{key}": value
                for key, name in KEYS.items()
                for when, value in (
                    ("new", fmean(map(MEASURES[name], fresh))),
                    ("old", MEASURES[name](old)),
                )
            },
        },
        table=Table(
            (
                old.workload,
                f"just booted, {count(len(fresh), 'run')}",
                *(f"up {one.uptime:,.0f} s" for one in others),
            ),
            rows,
        ),
        chart=Dots(
            "A machine that ran before is flushed like one that just booted",
            [
                (
                    old.workload,
                    [
                        Dot(
                            name,
                            factor,
                            f"{two_digits(factor)} times",
                            all=[times(fresh, one, flushes(name)) for one in fresh],
                        )
                        for name, factor in factors.items()
                    ],
                )
            ],
            "flushes beside the mean of machines that just booted; a small dot is one "
            "of these",
            line=1.0,
            line_name="the same",
        ),
    )
