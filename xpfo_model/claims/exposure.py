# SPDX-License-Identifier: GPL-2.0-only
"""Claims about time: how long the kernel can reach a user's frame, and why.

All runs here zero what is asked zeroed through kmap. Times are those of emulated
machines, so that shares are claimed, not seconds.
"""

from typing import Any, Final

import numpy as np

from xpfo_model import strategies
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import by_trace, each, listing, spread
from xpfo_model.claims.published_tables import BUILDS
from xpfo_model.errors import CannotJudgeError
from xpfo_model.events import SCHED_SWITCH
from xpfo_model.figures.charts import Bars, short
from xpfo_model.history import mails
from xpfo_model.replay.run import Counts
from xpfo_model.strategies import RECOMMENDED

SAME_ON_A_TRACE: Final = "cold_end"
"""Steers the allocator; on a trace it is v5."""
POSTED: Final = ("none", "v5", "v6", "will_map", "nov2017", "v8", "v9")
"""What is told first, in the order of its posting."""
COUNTED: Final = tuple(
    n for n in dict.fromkeys((*POSTED, *strategies.REGISTRY)) if n != SAME_ON_A_TRACE
)
SYNCHRONOUS: Final = ("will_map", "per_frame", "pcp_batch", "pageblock", "freetype")
"""Clear PTEs and flush every CPU before a user has the frame."""
NANOSECONDS: Final = 1e9
HALF: Final = 0.5
COPIES: Final = (0, 25, 50, 100)
"""Of the user pages that are not zeroed: percent that the kernel copies into."""


def in_use(evidence: Inputs, trace: str, strategy: str, **how: Any) -> Counts:
    """A strategy's counts with zeroing through kmap."""
    return evidence.counts(trace, strategy, zeroing=True, **how)


def share(evidence: Inputs, trace: str, strategy: str, **how: Any) -> float:
    """Percent of the users' frame-time that the kernel could reach the frames.

    Without XPFO it is all of it: that run gives the whole.
    """
    whole = in_use(evidence, trace, "none", **how).frame_time_exposed
    exposed = in_use(evidence, trace, strategy, **how).frame_time_exposed
    return ratio(100 * exposed, whole, trace, "no user holds a frame for any time")


def _percent(value: float) -> str:
    """Two digits, and 0 only for nothing at all."""
    return f"{value:.2g}" if value < 1 else f"{value:.0f}"


@claim(
    "exposed-frame-time",
    must="no strategy that clears PTEs and flushes every CPU before the hand-out "
    "leaves a user's frame reachable for any of its time, on any trace",
    instead="v9, which defers the flush, in place of the recommended strategy",
    change={"recommended": "v9"},
    downside="Not in it: the time that a kmap through the direct map itself takes.",
    mails=(mails.AZIZ_2019_04_03,),
    needs=("user_allocations",),
)
def exposed_frame_time(evidence: Inputs, recommended: str = RECOMMENDED) -> Finding:
    """Frame-time of users that the kernel could reach, by strategy."""
    evidence.several_cpus()  # v9 defers nothing on one CPU
    rows: list[tuple[str, str, str, str]] = []
    worst: dict[str, float] = {}
    for name in COUNTED:
        shares = {t: share(evidence, t, name) for t in evidence.names}
        on = max(shares, key=lambda t: shares[t])
        worst[name] = shares[on]
        least, most = (_percent(end(shares.values())) for end in (min, max))
        rows.append((name, least, most, on if worst[name] else "-"))
    held = (*SYNCHRONOUS, recommended)
    leaking = [name for name in held if worst[name]]
    found = f"{'some' if leaking else 'none'} is exposed under"
    return Finding(
        holds=not leaking,
        sentence=f"Of the time that users own frames, {found} "
        f"{listing(leaking or list(held))}; v9 exposes up to "
        f"{_percent(worst['v9'])}%, v8 up to {_percent(worst['v8'])}%.",
        values={f"{name}.most": percent for name, percent in worst.items()},
        table=Table(("strategy", "least %", "most %", "most on"), tuple(rows)),
        more={
            "shares": _shares(evidence, list(COUNTED)),
            "seconds": _seconds(evidence, [name for name in COUNTED if worst[name]]),
        },
        chart=Bars.in_one(
            "Only a flush of every CPU before the hand-out leaves nothing reachable",
            "largest share on any trace",
            [(name, most, _percent(most)) for name, most in worst.items()],
            "percent of users' frame-time, whole traces, zeroing counted",
            text="{2}%",
            log=False,
        ),
    )


def _shares(evidence: Inputs, names: list[str]) -> Table:
    """Percent of the users' frame-time that was exposed, by strategy and trace."""
    return by_trace(
        "% of users' frame-time",
        evidence.names,
        each(names, lambda n, t: short(share(evidence, t, n))),
    )


def _seconds(evidence: Inputs, names: list[str]) -> Table:
    """The same in frame-seconds; without XPFO all of it is exposed."""

    def exposed(name: str, trace: str) -> str:
        seconds = in_use(evidence, trace, name).frame_time_exposed / NANOSECONDS
        return f"{seconds:,.0f}"

    return by_trace(
        "exposed frame-seconds",
        evidence.names,
        each(names, exposed),
    )


def _waits(evidence: Inputs, trace: str) -> tuple[float, float]:
    """Median and longest time between two switches of one CPU, in the trace's clock."""
    events = evidence.log(trace).events
    gaps = []
    for cpu in np.unique(events.cpu):
        switches = (events.kind == SCHED_SWITCH) & (events.cpu == cpu)
        gaps.append(np.diff(events.time[switches]))
    waits = np.concatenate(gaps)
    if not len(waits):
        raise CannotJudgeError("no two switches of one CPU", [trace])
    return float(np.median(waits)), float(waits.max())


@claim(
    "deferral-window",
    must="on every trace of several CPUs, at least as many frames are handed out "
    "reachable as there are zeroed user pages",
    instead="the recommended strategy, which waits for all CPUs, in place of v9",
    change={"strategy": RECOMMENDED},
    downside="What a TLB may hold, not what it holds: most entries are long evicted.",
    mails=(mails.HANSEN_2019_01_11, mails.GLEIXNER_2019_04_05),
    needs=("user_allocations",),
)
def deferral_window(evidence: Inputs, strategy: str = "v9") -> Finding:
    """A deferred flush leaves the frame in the TLBs of the other CPUs."""
    traces = evidence.several_cpus()
    rows: list[tuple[Any, ...]] = []
    for trace in traces:
        totals = evidence.totals(trace)
        users, zeroed = totals["user_allocations"], totals["user_zeroed"]
        handed = in_use(evidence, trace, strategy).frames_exposed
        percent = share(evidence, trace, strategy)
        rows.append((trace, users, zeroed, handed, round(percent, 3)))
    shares = [row[4] for row in rows]
    handed_out = [100 * row[3] / row[1] for row in rows]
    return Finding(
        holds=all(row[3] >= row[2] for row in rows),
        sentence=f"Under {strategy}, {spread(handed_out, _percent)}% of the user "
        "frames are reachable through another CPU's TLB when they are handed out, and "
        f"user frames are so for {spread(shares, _percent)}% of their time.",
        values={
            "smallest": min(shares),
            "largest": max(shares),
            "handed.smallest": min(handed_out),
            "handed.largest": max(handed_out),
        },
        more={"windows": _windows(evidence, strategy, traces)},
        table=Table(("trace", "user", "zeroed", "reachable", "time %"), tuple(rows)),
        chart=Bars.by_trace(
            f"{strategy} hands out frames that other CPUs may still translate",
            [(row[0], row[1], row[3]) for row in rows],
            ("user allocations", (strategy, "{2:,} handed out reachable")),
            "frames",
            log=False,
        ),
    )


def _windows(evidence: Inputs, strategy: str, traces: list[str]) -> Table:
    """How often and how long a deferred flush leaves frames reachable."""

    def handed(trace: str) -> str:
        frames = in_use(evidence, trace, strategy).frames_exposed
        return f"{100 * frames / evidence.totals(trace)['user_allocations']:.1f}"

    def percent(trace: str, **how: Any) -> str:
        return short(share(evidence, trace, strategy, **how))

    def wait(trace: str) -> str:
        median, longest = _waits(evidence, trace)
        return f"{longest / median:,.0f}" if median else "-"

    return by_trace(
        strategy,
        traces,
        [
            ("frames handed out reachable, %", handed),
            ("share of frame-time, %", percent),
            (
                "… if a switch to idle flushes nothing",
                lambda t: percent(t, idle_flushes=False),
            ),
            (
                "… if each page not zeroed is copied into",
                lambda t: percent(t, copy_percent=COPIES[-1]),
            ),
            ("longest wait for a switch / median", wait),
        ],
    )


@claim(
    "uncleared-pte-exposes",
    must="v6 and v8 leave user frames reachable for more than half of their time, on "
    "every trace, if the kernel maps only what it zeroes",
    instead="v9, which clears PTEs at the refill, in place of v8",
    change={"batched": "v9"},
    downside="A page that the kernel copies into is unmapped after that, too.",
    mails=(mails.XIE_2017_09_11,),
    needs=("user_allocations",),
)
def uncleared_pte(evidence: Inputs, batched: str = "v8") -> Finding:
    """Flushing without clearing the PTE protects nothing before the first kunmap."""
    evidence.several_cpus()  # v9 defers nothing on one CPU
    names = ("v6", batched)
    rows: list[tuple[Any, ...]] = []
    for trace in evidence.names:
        shares = [share(evidence, trace, name) for name in names]
        rows.append((trace, *(round(each, 1) for each in shares)))
    values: dict[str, int | float | str] = {
        f"{trace}.v6.{copies}": share(evidence, trace, "v6", copy_percent=copies)
        for trace in BUILDS
        for copies in COPIES
    }
    least = [min(row[i] for row in rows) for i in (1, 2)]
    most = [max(row[i] for row in rows) for i in (1, 2)]
    values |= {"smallest": min(least), "largest": max(most)}
    return Finding(
        holds=min(least) > 100 * HALF,
        sentence=f"Of users' frame-time, v6 leaves "
        f"{spread((least[0], most[0]), _percent)}% reachable and {batched} "
        f"{spread((least[1], most[1]), _percent)}%, where the kernel maps only what "
        "it zeroes.",
        values=values,
        table=Table(("trace", "v6%", f"{batched}%"), tuple(rows)),
        chart=Bars.by_trace(
            "A flush without a cleared PTE protects nothing",
            rows,
            names,
            "percent of users' frame-time",
            text=lambda value: f"{_percent(value)}%",
            log=False,
        ),
    )
