# SPDX-License-Identifier: GPL-2.0-only
"""Claims about what the thread of September 2017 argued from experience."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import count, spread, two_digits
from xpfo_model.figures.forms import Course, Dumbbells, Flow
from xpfo_model.history import mails
from xpfo_model.replay.calls import ALLOC
from xpfo_model.studies.evidence import AS_POSTED

SCARCE: Final = "reclaim-2cpu"
"""The trace of a machine with less memory than its workload needs."""

SMALL_SHARE: Final = 0.25
"""A part of the user allocations that is still called small."""
MUCH_LARGER: Final = 2
"""How many times the share of any other trace is much larger."""
WORTH_BATCHING: Final = 1.25
"""How many times fewer flushes make a batch worth its code."""
PIECES: Final = 96
"""Into which a trace is cut, to find its half and its quarters."""

OWNERS: Final = ("first_touch", "from_kernel", "from_user")
"""Who had a user's frame before: nobody since boot, the kernel, a user."""
SOURCES: Final = ("nobody", "kernel", "user")
NOBODY: Final = "nobody had it"
UNNAMED: Final = "not named before"
"""Who had a frame that a trace names for the first time: it begins after boot."""
HEADS: Final = ("trace", "user allocations", NOBODY, "the kernel", "a user")


def owners(evidence: Inputs, trace: str) -> tuple[int, ...]:
    """User allocations of a trace, and of these who had the frame before."""
    totals = evidence.totals(trace)
    return (totals["user_allocations"], *(totals[owner] for owner in OWNERS))


def _shares(evidence: Inputs, *, first_touches: bool) -> dict[str, float]:
    """Percent of the user allocations that take a frame from the kernel."""
    found = {}
    for name in evidence.names:
        users, nobody, kernel, _ = owners(evidence, name)
        found[name] = 100 * (kernel + first_touches * nobody) / users
    return found


def unnamed(evidence: Inputs, trace: str) -> int:
    """User allocations whose frame the kernel may have had before the trace began."""
    return 0 if evidence.is_from_boot(trace) else owners(evidence, trace)[1]


def _all_from_boot(evidence: Inputs) -> bool:
    return all(evidence.is_from_boot(trace) for trace in evidence.names)


def _table(evidence: Inputs, rows: Sequence[tuple[Any, ...]]) -> Table:
    """Rows of `HEADS`, of which a column has another name on other traces."""
    named = _all_from_boot(evidence)
    return Table(
        tuple(UNNAMED if head == NOBODY and not named else head for head in HEADS),
        tuple(rows),
    )


def _flow(evidence: Inputs, title: str, rows: Sequence[Sequence[Any]]) -> Flow:
    """Rows of `HEADS` as a figure."""
    nobody = "nobody" if _all_from_boot(evidence) else UNNAMED
    return Flow(
        title,
        [(row[0], dict(zip(SOURCES, row[2:], strict=True))) for row in rows],
        "user allocations, by who had the frame before",
        dict(zip(SOURCES, (nobody, "the kernel", "a user"), strict=True)),
    )


@claim(
    "few-transitions",
    must=f"at most {SMALL_SHARE:.0%} of the user allocations of each trace get a frame "
    "that the kernel had",
    instead="memory that nobody has had counted as the kernel's, as from v4 on",
    change={"first_touches": True},
    downside="Small machines; a page allocated in bulk has no event, and no owner.",
    mails=(mails.HANSEN_2017_09_20_0848, mails.ANDERSEN_2017_09_20_1809),
    needs=("user_allocations",),
)
def few_transitions(evidence: Inputs, *, first_touches: bool = False) -> Finding:
    """Pages stay on one side: most user allocations get a frame that users had."""
    shares = _shares(evidence, first_touches=first_touches)
    rows: list[tuple[Any, ...]] = [
        (name, *owners(evidence, name)) for name in evidence.names
    ]
    again = [100 * row[4] / row[1] for row in rows]
    fresh = [100 * row[2] / row[1] for row in rows]
    whose = "that nobody or the kernel had" if first_touches else "that the kernel had"
    first = (
        "that nobody has had since boot"
        if _all_from_boot(evidence)
        else "that the trace does not name before"
    )
    for name, users, new, kernel, _ in rows:
        least, most = kernel, kernel + unnamed(evidence, name)
        if least <= SMALL_SHARE * users < most:
            evidence.need_boot(
                name,
                f"does not say who had the frames of {two_digits(100 * new / users)}% "
                "of the user allocations",
            )
    return Finding(
        holds=all(share <= 100 * SMALL_SHARE for share in shares.values()),
        sentence=f"{spread(shares.values(), two_digits)}% of the user allocations get "
        f"a frame {whose}; {spread(again, two_digits)}% get one that a user had, and "
        f"{spread(fresh, two_digits)}% one {first}.",
        values={
            "smallest": min(shares.values()),
            "largest": max(shares.values()),
            "user.smallest": min(again),
            "user.largest": max(again),
            "nobody.smallest": min(fresh),
            "nobody.largest": max(fresh),
            **{f"{name}.share": share for name, share in shares.items()},
            **{f"{row[0]}.transitions": row[3] for row in rows},
        },
        table=_table(evidence, rows),
        chart=_flow(
            evidence, "Few user allocations get a frame that the kernel had", rows
        ),
    )


@claim(
    "under-pressure-frames-alternate",
    must="where page cache and slab compete for memory, the share of user allocations "
    f"that get a frame of the kernel is at least {MUCH_LARGER} times that of any other "
    "trace",
    instead="sockets and mappings on a machine with memory to spare",
    change={"trace": "netmap-3cpu"},
    downside="Made to be hard: 224 MiB for what needs more.",
    mails=(mails.HANSEN_2017_09_20_0848,),
    needs=("user_allocations",),
)
def under_pressure(evidence: Inputs, trace: str = SCARCE) -> Finding:
    """Reclaim hands frames from one side to the other."""
    shares = _shares(evidence, first_touches=False)
    evidence.use(trace)
    for name in evidence.names:
        evidence.need_boot(name, "frames of the kernel's from before are not known")
    others = {name: shares[name] for name in evidence.all_but(trace)}
    most = max(others.values())
    rows: list[tuple[Any, ...]] = [
        (name, *owners(evidence, name)) for name in (trace, *others)
    ]
    return Finding(
        holds=shares[trace] >= MUCH_LARGER * most,
        sentence=f"On {trace}, {two_digits(shares[trace])}% of the user allocations "
        "get a frame that the kernel had; on the other traces at most "
        f"{two_digits(most)}%.",
        values={"share": shares[trace], "others": most},
        table=_table(evidence, rows),
        chart=_flow(evidence, "Where memory is short, frames change sides", rows),
    )


def alternations(evidence: Inputs, trace: str, *, on_a_cpu: bool) -> tuple[int, int]:
    """How often an allocation is of another side than the one before; user pages.

    `on_a_cpu` compares with the last one of the same CPU, else with the last of all.
    """
    last: dict[int, int] = {}
    changes = users = 0
    for some in evidence.steps(trace)[0]:
        at = some.op == ALLOC
        sides, cpus = some.user[at] & AS_POSTED != 0, some.cpu[at]
        users += int(np.count_nonzero(sides))
        for cpu in np.unique(cpus) if on_a_cpu else (0,):
            own = sides[cpus == cpu] if on_a_cpu else sides
            before = last.get(int(cpu), int(own[0])) if len(own) else 0
            changes += int(np.count_nonzero(np.diff(own, prepend=bool(before))))
            if len(own):
                last[int(cpu)] = int(own[-1])
    return changes, users


@claim(
    "alternations-outnumber-transitions",
    must="on every trace with more than one CPU, the type of allocation alternates "
    "more often than a user gets a frame that the kernel had",
    instead="each CPU by itself in place of the machine as a whole",
    change={"on_a_cpu": True},
    downside="Counted whether or not any PTE has to change.",
    mails=(mails.ANDERSEN_2017_09_20_1809, mails.HANSEN_2017_09_20_1727),
    needs=("user_allocations",),
)
def alternations_outnumber(evidence: Inputs, *, on_a_cpu: bool = False) -> Finding:
    """The type of allocation alternates more often than frames change sides."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.several_cpus():
        everywhere, users = alternations(evidence, name, on_a_cpu=False)
        each = alternations(evidence, name, on_a_cpu=True)[0]
        from_kernel = evidence.totals(name)["from_kernel"]
        changes = each if on_a_cpu else everywhere
        if from_kernel < changes <= from_kernel + unnamed(evidence, name):
            evidence.need_boot(name, "does not say whether more were the kernel's")
        rows.append((name, users, everywhere, each, from_kernel))
    at = 3 if on_a_cpu else 2
    per_100 = [100 * row[at] / row[1] for row in rows]
    kernel = [100 * row[4] / row[1] for row in rows]
    where = "each CPU by itself" if on_a_cpu else "the machine as a whole"
    # a frame that the trace does not name before may have been the kernel's
    get = "get" if _all_from_boot(evidence) else "are known to get"
    return Finding(
        holds=all(row[at] > row[4] for row in rows),
        sentence=f"For 100 user allocations the type alternates "
        f"{spread(per_100, two_digits)} times on {where}; "
        f"{spread(kernel, two_digits)} of them {get} a frame that the kernel had.",
        values={"smallest": min(per_100), "largest": max(per_100)},
        table=Table(
            ("trace", "user allocations", "alternations", "on a CPU", "K to U"),
            tuple(rows),
        ),
        chart=Dumbbells.by_trace(
            "Types alternate more often than frames change sides",
            [(row[0], *(100 * n / row[1] for n in row[2:])) for row in rows],
            ("alternations", "alternations on a CPU", "frames of the kernel"),
            "for 100 user allocations, log scale",
            text=two_digits,
            log=True,
        ),
    )


def _adds_up(
    evidence: Inputs, trace: str
) -> list[tuple[str, list[tuple[float, float]]]]:
    """Flushes so far, by strategy, after each piece of a trace."""
    lines = []
    for name in ("per_frame", "pcp_batch"):
        course = evidence.course(trace, name, pieces=PIECES)
        lines.append((name, [(float(n), float(c.flushes)) for n, c in course]))
    return lines


def second_half(evidence: Inputs, trace: str, strategy: str) -> int:
    """Flushes of a strategy after half of a trace's allocations."""
    course = evidence.course(trace, strategy, pieces=PIECES)
    allocations, counts = course[-1]
    half = [c.flushes for done, c in course if done <= allocations / 2]
    return counts.flushes - (half[-1] if half else 0)


@claim(
    "pcp-batch-divides",
    must="on every trace, from its boot, per_frame flushes at least "
    f"{WORTH_BATCHING:g} times as often as pcp_batch",
    instead="the second half of each trace in place of the whole",
    change={"warm": True},
    downside="Flushes at kunmap, the larger part, are in neither number.",
    mails=(mails.HANSEN_2017_09_20_1621, mails.HANSEN_2017_09_20_1727),
    needs=("user_allocations", "refills_movable"),
)
def pcp_batch_divides(evidence: Inputs, *, warm: bool = False) -> Finding:
    """A batch at the refill saves flushes while memory is handed out first."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        whole = [evidence.counts(name, s).flushes for s in ("per_frame", "pcp_batch")]
        last = [second_half(evidence, name, s) for s in ("per_frame", "pcp_batch")]
        rows.append((name, *whole, *last))
        evidence.need_boot(name, "a batch saves flushes as memory is handed out first")
        ratio(whole[0], whole[1], name, "no flush of pcp_batch")
    at = 3 if warm else 1
    factors = {row[0]: row[at] / max(row[at + 1], 1) for row in rows}
    before, after = (sum(row[i] for row in rows) for i in (3, 4))
    period = "In the second half of a trace" if warm else "From boot"
    half = (
        "its second half"
        if len(rows) == 1
        else "the second half of all traces together"
    )
    late = (
        f" In {half} per_frame flushes {count(before, 'time')} and pcp_batch "
        f"{count(after, 'time')}."
    )
    divides = (
        f"divides the flushes of per_frame by {spread(factors.values(), two_digits)}."
        if max(factors.values())
        else "has nothing to divide."
    )
    return Finding(
        holds=min(factors.values()) >= WORTH_BATCHING,
        sentence=f"{period}, unmapping a whole refill with one flush {divides}"
        + late * (not warm),
        values={
            "smallest": min(factors.values()),
            "largest": max(factors.values()),
            "warm.per_frame": before,
            "warm.pcp_batch": after,
            **{f"{name}.factor": factor for name, factor in factors.items()},
        },
        table=Table(
            (
                *("trace", "per_frame", "pcp_batch"),
                *("late per_frame", "late pcp_batch"),
            ),
            tuple(rows),
        ),
        chart=Course(
            "A batch saves flushes while memory is handed out first",
            [(name, _adds_up(evidence, name)) for name in evidence.names],
            "page allocations from the start of the trace, lines mark its quarters",
            "flushes at allocation and refill so far",
        ),
    )
