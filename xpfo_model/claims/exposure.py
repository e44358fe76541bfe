# SPDX-License-Identifier: GPL-2.0-only
"""Claims about time: how long the kernel can reach a user's frame, and why.

All runs here zero what is asked zeroed through kmap, and copy into as many of the
other pages as a build does. Times are those of emulated machines, so that shares are
claimed, not seconds.
"""

from typing import Any, Final

import numpy as np

from xpfo_model import strategies
from xpfo_model.claims.access import BUILDS, COPIES, Copied, copied, in_use
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import by_trace, each, spread, two_digits
from xpfo_model.claims.recordings import SHORT
from xpfo_model.claims.thread import SCARCE
from xpfo_model.errors import CannotJudgeError
from xpfo_model.events import SCHED_SWITCH
from xpfo_model.figures.forms import Dumbbells, Place, Plane
from xpfo_model.history import mails
from xpfo_model.strategies import RECOMMENDED

POSTED: Final = ("none", "v3", "v5", "v6", "will_map", "nov2017", "v7", "v8", "v9")
"""Told first, in the order of posting."""
COUNTED: Final = tuple(
    name
    for name in dict.fromkeys((*POSTED, *strategies.REGISTRY))
    if not strategies.at_border(name)
)
"""But those that need entries of the kernel, which few traces have."""
SYNCHRONOUS: Final = (
    "will_map",
    "per_frame",
    "per_frame_local",
    "pcp_batch",
    "pcp_batch_local",
    "pageblock",
    "freetype",
)
"""Clear PTEs and flush every CPU before a user has the frame."""
NANOSECONDS: Final = 1e9
HALF: Final = 0.5
TENTH: Final = 0.1
LEAST: Final = 0.001
"""Percent below which a share is only said to be less."""
MOST: Final = 0.9
FEW: Final = 0.02


def share(evidence: Inputs, trace: str, strategy: str, **how: Any) -> float:
    """Percent of the users' frame-time that the kernel could reach the frames.

    Without XPFO it is all of it: that run gives the whole.
    """
    used = {name: how[name] for name in Copied(0, 1, 0, 0).how if name in how}
    whole = in_use(evidence, trace, "none", **used).frame_time_exposed
    exposed = in_use(evidence, trace, strategy, **how).frame_time_exposed
    return ratio(100 * exposed, whole, trace, "no user holds a frame for any time")


@claim(
    "exposed-frame-time",
    must="on every trace of several CPUs, v9 leaves users' frames reachable for longer "
    "than v6 if the kernel maps what it maps in a build, and where memory is short for "
    "less time if it maps what it maps there",
    instead="v8, which clears no PTE at the refill, in place of v9",
    change={"deferred": "v8"},
    downside="Not in it: the time that a kmap through the direct map itself takes.",
    mails=(mails.AZIZ_2019_04_03, mails.XIE_2017_09_11),
    needs=("user_allocations",),
)
def exposed_frame_time(evidence: Inputs, deferred: str = "v9") -> Finding:
    """Frame-time of users that the kernel could reach, by strategy."""
    traces = evidence.several_cpus()  # v9 defers nothing on one CPU
    build, short_of_memory = copied(evidence), copied(evidence, SHORT)
    evidence.use(SCARCE)
    how = build.how
    rows: list[tuple[str, str, str, str]] = []
    ends: dict[str, tuple[float, float]] = {}
    for name in dict.fromkeys((*COUNTED, deferred)):
        shares = {t: share(evidence, t, name, **how) for t in evidence.names}
        on = max(shares, key=lambda t: shares[t])
        ends[name] = min(shares.values()), max(shares.values())
        least, most = map(two_digits, ends[name])
        rows.append((name, least, most, on if ends[name][1] else "-"))
    times = {
        pages: [
            ratio(
                share(evidence, t, deferred, **pages.how | {"copy_percent": percent}),
                share(evidence, t, "v6", **pages.how | {"copy_percent": percent}),
                t,
                "v6 leaves nothing reachable",
            )
            for t in where
            for percent in (pages.least, pages.most)
        ]
        for pages, where in ((build, traces), (short_of_memory, (SCARCE,)))
    }
    values: dict[str, int | float | str] = {
        "copied": build.percent,
        "copied.least": build.least,
        "copied.most": build.most,
        "copied.short": short_of_memory.percent,
        "copied.short.least": short_of_memory.least,
        "copied.short.most": short_of_memory.most,
    }
    for name in ("v6", "v7", "v8", "v9"):
        for prefix, pages, where in (
            ("", build, traces),
            ("short.", short_of_memory, (SCARCE,)),
        ):
            some = [
                share(evidence, t, name, **pages.how | {"copy_percent": percent})
                for t in where
                for percent in (pages.least, pages.most)
            ]
            values |= {
                f"{prefix}{name}.least": two_digits(min(some)),
                f"{prefix}{name}.most": two_digits(max(some)),
            }
    return Finding(
        holds=min(times[build]) > 1 and max(times[short_of_memory]) < 1,
        sentence=f"If the kernel copies into {build.ends}% of the pages that it does "
        f"not zero, as in a build, {deferred} leaves users' frames reachable for "
        f"{spread(times[build], two_digits)} times as long as v6, on machines of "
        f"several CPUs; if into {short_of_memory.ends}%, where memory is short "
        f"({SCARCE}), for {spread(times[short_of_memory], two_digits)} times as long.",
        values=values,
        table=Table(("strategy", "least %", "most %", "most on"), tuple(rows)),
        more={
            "shares": by_trace(
                "% of users' frame-time",
                evidence.names,
                each(COUNTED, lambda n, t: _percent(share(evidence, t, n, **how))),
            ),
            "short": by_trace(
                "% of users' frame-time",
                evidence.names,
                each(
                    ("v6", "v8", "v9"),
                    lambda n, t: _percent(share(evidence, t, n, **short_of_memory.how)),
                ),
            ),
            "seconds": _seconds(evidence, [n for n in COUNTED if ends[n][1]], how),
        },
        chart=Plane(
            "In a build a deferred flush leaves more than an uncleared PTE",
            [
                Place(name, _rate(evidence, name, how), most)
                for name, (_, most) in ends.items()
            ],
            "flushes of all CPUs for each user allocation, all traces, log scale",
            "percent of users' frame-time that the kernel can reach their frames, "
            f"{build.percent}% copied into, worst trace, log scale",
            good="few flushes, nothing reachable",
        ),
    )


def _percent(share: float) -> str:
    return f"<{LEAST}" if 0 < share < LEAST else two_digits(share)


def _rate(evidence: Inputs, strategy: str, how: dict[str, Any]) -> float:
    """Flushes of all CPUs for each user allocation, over all traces together."""
    flushes = sum(in_use(evidence, t, strategy, **how).flushes for t in evidence.names)
    return flushes / sum(evidence.totals(t)["user_allocations"] for t in evidence.names)


def _seconds(evidence: Inputs, names: list[str], how: dict[str, Any]) -> Table:
    """The same in frame-seconds; without XPFO all of it is exposed."""

    def exposed(name: str, trace: str) -> str:
        counts = in_use(evidence, trace, name, **how)
        seconds = counts.frame_time_exposed / NANOSECONDS
        return "<1" if 0 < seconds < 1 else f"{seconds:,.0f}"

    return by_trace("exposed frame-seconds", evidence.names, each(names, exposed))


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
    must=f"on every trace of several CPUs, v9 hands out more than {MOST:.0%} of users' "
    f"frames reachable, and leaves them so for less than {FEW:.0%} of their time, if "
    "the kernel maps what it maps in a build",
    instead="the recommended strategy, which waits for all CPUs, in place of v9",
    change={"strategy": RECOMMENDED},
    downside="How long a TLB may hold an entry; how long one does was not measured.",
    mails=(mails.HANSEN_2019_01_11, mails.GLEIXNER_2019_04_05),
    needs=("user_allocations",),
)
def deferral_window(evidence: Inputs, strategy: str = "v9") -> Finding:
    """A deferred flush leaves the frame in the TLBs of the other CPUs."""
    traces = evidence.several_cpus()
    how = copied(evidence).how
    rows: list[tuple[Any, ...]] = []
    handed_out: list[float] = []
    shares: list[float] = []
    for trace in traces:
        users = evidence.totals(trace)["user_allocations"]
        handed = in_use(evidence, trace, strategy, **how).frames_exposed
        handed_out.append(100 * handed / users)
        shares.append(share(evidence, trace, strategy, **how))
        rows.append((trace, users, handed, two_digits(shares[-1])))
    return Finding(
        holds=min(handed_out) > 100 * MOST and max(shares) < 100 * FEW,
        sentence=f"Under {strategy}, {spread(handed_out, '.0f')}% of users' frames are "
        "reachable through another CPU's TLB when they are handed out, and "
        f"{spread(shares, two_digits)}% of their time.",
        values={
            "smallest": two_digits(min(shares)),
            "largest": two_digits(max(shares)),
            "handed": spread(handed_out, ".1f"),
        },
        more={"windows": _windows(evidence, strategy, traces, how)},
        table=Table(("trace", "user", "reachable", "time %"), tuple(rows)),
        chart=Dumbbells.by_trace(
            f"{strategy} hands out frames that other CPUs may still translate",
            [
                (trace, handed, percent)
                for trace, handed, percent in zip(
                    traces, handed_out, shares, strict=True
                )
            ],
            ("handed out reachable, % of frames", "reachable, % of their time"),
            f"percent, under {strategy}",
            text=lambda value: f"{two_digits(value)}%",
            most=100,
        ),
    )


def _windows(
    evidence: Inputs, strategy: str, traces: list[str], how: dict[str, Any]
) -> Table:
    """How often and how long a deferred flush leaves frames reachable."""

    def handed(name: str, trace: str) -> str:
        frames = in_use(evidence, trace, name, **how).frames_exposed
        users = evidence.totals(trace)["user_allocations"]
        return two_digits(ratio(100 * frames, users, trace, "no user allocation"))

    def percent(trace: str, **other: Any) -> str:
        return two_digits(share(evidence, trace, strategy, **(how | other)))

    def wait(trace: str) -> str:
        median, longest = _waits(evidence, trace)
        return two_digits(longest / median) if median else "-"

    return by_trace(
        strategy,
        traces,
        [
            *(
                (f"{n}: handed out reachable, %", lambda t, n=n: handed(n, t))
                for n in ("v6", "v8", strategy)
            ),
            ("share of frame-time, %", percent),
            (
                "… if a switch to idle flushes nothing",
                lambda t: percent(t, idle_flushes=False),
            ),
            (
                "… if the kernel copies into no page",
                lambda t: percent(t, copy_percent=0),
            ),
            ("longest wait for a switch / median", wait),
        ],
    )


@claim(
    "uncleared-pte-exposes",
    must="on every trace v6 leaves users' frames reachable for more than half of their "
    "time if the kernel copies into none of them, and for less than a tenth if it "
    "copies into as many as in a build",
    instead="v9, which clears PTEs at the refill, in place of v6",
    change={"strategy": "v9"},
    downside="Which pages the kernel copies into is spread evenly here.",
    mails=(mails.XIE_2017_09_11, mails.HAEFLIGER_2017_09_11),
    needs=("user_allocations",),
)
def uncleared_pte(evidence: Inputs, strategy: str = "v6") -> Finding:
    """Without a cleared PTE a frame is protected from its first kunmap on."""
    evidence.several_cpus()  # v9 defers nothing on one CPU
    most, short_of_memory = copied(evidence).percent, copied(evidence, SHORT).percent
    rates = tuple(sorted({*COPIES, short_of_memory, most}))
    shares = {
        trace: {
            rate: share(evidence, trace, strategy, copy_percent=rate) for rate in rates
        }
        for trace in evidence.names
    }
    none, usual = (
        [some[rate] for some in shares.values()] for rate in (COPIES[0], most)
    )
    values: dict[str, int | float | str] = {
        f"{trace}.{rate}": two_digits(shares[trace][rate])
        for trace in BUILDS
        if trace in shares
        for rate in rates
    }
    values |= {
        "none.least": two_digits(min(none)),
        "none.most": two_digits(max(none)),
        "usual.least": two_digits(min(usual)),
        "usual.most": two_digits(max(usual)),
        "copied": most,
        "copied.short": short_of_memory,
    }
    return Finding(
        holds=min(none) > 100 * HALF and max(usual) < 100 * TENTH,
        sentence=f"Under {strategy} users' frames are reachable for "
        f"{spread(none, two_digits)}% of their time if the kernel copies into none of "
        f"the pages that it does not zero, and for {spread(usual, two_digits)}% if it "
        f"copies into {most}% of them.",
        values=values,
        table=Table(
            ("trace", *(f"{rate}% copied" for rate in rates)),
            tuple(
                (trace, *map(two_digits, some.values()))
                for trace, some in shares.items()
            ),
        ),
        chart=Dumbbells.by_trace(
            f"{strategy} protects a frame from its first kunmap on",
            [
                (trace, *(some[rate] for rate in (COPIES[0], COPIES[2], most)))
                for trace, some in shares.items()
            ],
            [f"{rate}% copied" for rate in (COPIES[0], COPIES[2], most)],
            "percent of users' frame-time",
            text=lambda share: f"{two_digits(share)}%",
            most=100,
        ),
    )
