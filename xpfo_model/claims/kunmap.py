# SPDX-License-Identifier: GPL-2.0-only
"""Claims about the second flush: at the last kunmap, which no batch removes.

Zeroing is counted from the masks of the trace; how often the kernel copies into a
page that it did not zero is not in a trace, and swept.
"""

from collections.abc import Callable
from typing import Any, Final

from xpfo_model.claims.access import (
    BUILD,
    BUILDS,
    COPIES,
    at_allocation,
    copies_at,
    in_use,
    october_factor,
    recordings,
)
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.prose import by_trace, each, listing, spread, two_digits
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.cost import like
from xpfo_model.figures.charts import Bar, Shares
from xpfo_model.figures.forms import Dumbbells, Slopes
from xpfo_model.history import mails
from xpfo_model.replay.calls import REFILL
from xpfo_model.strategies import RECOMMENDED

SOURCES: Final = ("alloc", "refill", "block", "kunmap")
TABLED: Final = (
    "v6",
    "will_map",
    "nov2017",
    "per_frame",
    "pcp_batch",
    "pageblock",
    "pcp_batch_prezero",
    "pcp_batch_local",
    "freetype",
)
"""Strategies that flush every CPU and wait, as posted first."""
DEFERRED: Final = ("v8", "v9")
HALF: Final = 0.5
PROTOTYPE: Final = "nov2017"
AHEAD: Final = "pcp_batch_prezero"


@claim(
    "second-flush-dominates",
    must="most of pcp_batch's flushes are at the kunmap of a page that was zeroed, on "
    "every trace",
    instead="kmap through a mapping of one CPU",
    change={"strategy": RECOMMENDED},
    downside="Flushes, not seconds; each is taken to cost the same.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.AZIZ_2018_10_24),
    needs=("user_allocations", "user_zeroed"),
)
def second_flush(evidence: Inputs, strategy: str = "pcp_batch") -> Finding:
    """A batch leaves the second flush."""
    rows: list[tuple[Any, ...]] = []
    for trace in evidence.names:
        by_cause = in_use(evidence, trace, strategy).flushes_by_cause
        parts = [by_cause.get(source, 0) for source in SOURCES]
        rows.append(
            (
                trace,
                *parts,
                round(ratio(100 * parts[-1], sum(parts), trace, "no flush"), 1),
            )
        )
    shares = [row[-1] for row in rows]
    return Finding(
        holds=min(shares) > 100 * HALF,
        sentence=f"{spread(shares, '.0f')}% of the flushes of {strategy} follow a "
        "kunmap, if the kernel only zeroes users' pages"
        + ("; each copy is one more." if max(shares) else "."),
        values={
            "smallest": min(shares),
            "largest": max(shares),
            **{
                f"{name}.{trace}.local": in_use(evidence, trace, name).local_flushes
                for name in DEFERRED
                for trace in BUILDS
            },
        },
        table=Table(("trace", *SOURCES, "kunmap %"), tuple(rows)),
        more={
            "allocation": by_trace(
                "at allocation, refill or block change",
                evidence.names,
                each(TABLED, lambda n, t: at_allocation(in_use(evidence, t, n))),
            ),
            "kunmap": by_trace(
                "at kunmap, after zeroing",
                evidence.names,
                each(TABLED, lambda n, t: _at_kunmap(evidence, t, n)),
            ),
        },
        chart=Shares(
            f"Most flushes of {strategy} follow a kunmap, even if only zeroing is one",
            [
                (
                    trace,
                    [
                        Bar("alloc", alloc + block, f"{alloc + block:,}"),
                        Bar("refill", refill, f"{refill:,}"),
                        Bar("kunmap", kunmap, f"{kunmap:,}"),
                    ],
                )
                for trace, alloc, refill, block, kunmap, _ in rows
            ],
            "percent of the flushes",
        ),
    )


def _at_kunmap(evidence: Inputs, trace: str, strategy: str) -> int:
    return in_use(evidence, trace, strategy).flushes_by_cause.get("kunmap", 0)


def _factor(evidence: Inputs, trace: str, batched: str, copies: int) -> float:
    posted = in_use(evidence, trace, "v6", copy_percent=copies).flushes
    left = in_use(evidence, trace, batched, copy_percent=copies).flushes
    return ratio(posted, left, trace, f"no flush of {batched}")


@claim(
    "batching-halves-no-more",
    must="on both builds, what October 2018 measured lies between what a batch divides "
    "by if all pages that are not zeroed are copied into, and if none is",
    instead="kmap through a mapping of one CPU, for the batch",
    change={"batched": RECOMMENDED},
    downside="Seconds against counts; the ported batch may have flushed page by page.",
    mails=(mails.AZIZ_2018_10_24, mails.HANSEN_2017_09_20_1727),
    needs=("user_allocations", "refills_movable"),
)
def batching_halves(evidence: Inputs, batched: str = "pcp_batch") -> Finding:
    """With kunmaps counted, too, a batch divides by two or three, as was measured."""
    measured = october_factor()
    values: dict[str, int | float | str] = {"published": round(measured, 2)}
    rows: list[tuple[Any, ...]] = []
    for trace in evidence.names:
        factors = [_factor(evidence, trace, batched, c) for c in COPIES]
        rows.append((trace, *factors))
    for trace in BUILDS:
        for name in (batched, PROTOTYPE):
            at = copies_at(evidence, trace, name, measured)
            values[f"{trace}.{'at' if name == batched else 'nov2017.at'}"] = at
    counted = [one.per_allocation or 0.0 for one in like(BUILD, recordings(evidence))]
    if counted:
        values["mixed.accesses"] = two_digits(max(counted))
        values["mixed.factor"] = two_digits((1 + max(counted)) / max(counted))
    builds = [row for row in rows if row[0] in BUILDS]
    low, high = (
        listing(list(dict.fromkeys(two_digits(row[i]) for row in builds)))
        for i in (-1, 1)
    )
    return Finding(
        holds=all(row[-1] <= measured <= row[1] for row in builds),
        sentence=f"In total, {batched} divides the flushes of v6 in the two builds by "
        f"{low} if each page that is not zeroed is copied into, by {high} if none is; "
        f"October 2018 measured {measured:.2f} in seconds.",
        values=values,
        table=Table(
            ("trace", *(f"{c}% copied" for c in COPIES)),
            tuple((row[0], *map(two_digits, row[1:])) for row in rows),
        ),
        more={"factors": _factors(evidence, batched)},
        chart=Slopes(
            f"With kunmap counted, {batched} divides v6's flushes by two or three",
            [f"{copies}%" for copies in COPIES],
            [(row[0], [(batched, row[1:])]) for row in builds],
            f"flushes of v6 for each flush of {batched}, by how many of the pages that "
            "are not zeroed are copied into",
            line=measured,
            line_name=f"October 2018, seconds: {measured:.2f}",
        ),
    )


def _factors(evidence: Inputs, batched: str) -> Table:
    """By how much a batch divides v6's flushes: at allocation, then with each rate."""

    def alone(trace: str) -> str:
        posted = in_use(evidence, trace, "v6").flushes_by_cause["alloc"]
        left = at_allocation(in_use(evidence, trace, batched))
        return two_digits(ratio(posted, left, trace, f"no flush of {batched}"))

    def whole(name: str, copies: int) -> Callable[[str], str]:
        return lambda trace: two_digits(_factor(evidence, trace, name, copies))

    return by_trace(
        f"v6 / {batched}",
        evidence.names,
        [
            ("at allocation alone", alone),
            *((f"in all, {c}% copied", whole(batched, c)) for c in COPIES),
            *(
                (f"`{PROTOTYPE}`, {c}% copied", whole(PROTOTYPE, c))
                for c in (COPIES[0], COPIES[-1])
            ),
        ],
    )


def zeroed_ahead(evidence: Inputs, trace: str) -> int:
    """Frames of MOVABLE refills, which pcp_batch_prezero zeroes: at most so many."""
    frames = 0
    for some in evidence.steps(trace)[0]:
        refills = (some.op == REFILL) & (some.migratetype == MIGRATE_MOVABLE)
        frames += int((some.stop - some.start)[refills].sum())
    return frames


def _kunmaps_left(evidence: Inputs, trace: str) -> float:
    """Percent of the batch's flushes after zeroing that zeroing ahead leaves."""
    batch, ahead = (_at_kunmap(evidence, trace, n) for n in ("pcp_batch", AHEAD))
    return ratio(100 * ahead, batch, trace, "nothing zeroed")


def _in_vain(evidence: Inputs, trace: str) -> int:
    """Percent of the frames zeroed ahead that save no flush."""
    batch, ahead = (_at_kunmap(evidence, trace, n) for n in ("pcp_batch", AHEAD))
    saved = ratio(batch - ahead, zeroed_ahead(evidence, trace), trace, "no refill")
    return round(100 * (1 - saved))


@claim(
    "local-kmap-beats-prezero",
    must="fewer than half the flushes that are left if refills are zeroed ahead, on "
    "every trace, even where nothing is copied",
    instead="kmap through the direct map",
    change={"strategy": "pcp_batch"},
    downside="A local mapping costs PTE writes and INVLPG, which are not counted.",
    mails=(mails.AZIZ_2019_04_03,),
    needs=("user_allocations", "user_zeroed", "refills_movable"),
)
def local_kmap_beats_prezero(evidence: Inputs, strategy: str = RECOMMENDED) -> Finding:
    """Two ways to be rid of the second flush."""
    rows: list[tuple[Any, ...]] = [
        (
            trace,
            *(
                in_use(evidence, trace, name).flushes
                for name in ("pcp_batch", AHEAD, strategy)
            ),
        )
        for trace in evidence.names
    ]
    left = {trace: _kunmaps_left(evidence, trace) for trace in evidence.names}
    vain = {trace: _in_vain(evidence, trace) for trace in evidence.names}
    copied = {"copy_percent": COPIES[-1]}
    times = [ratio(row[3], row[2], row[0], f"no flush of {AHEAD}") for row in rows]
    return Finding(
        holds=all(2 * row[3] < row[2] for row in rows),
        sentence=f"Zeroing refills ahead leaves up to {max(left.values()):.0f}% of "
        f"the flushes after zeroing, and {spread(vain.values(), '.0f')}% of its "
        f"zeroes are in vain; {strategy} flushes "
        f"{spread(times, '.2f')} times as often.",
        values={
            "in_vain.smallest": min(vain.values()),
            "in_vain.largest": max(vain.values()),
        },
        table=Table(("trace", "pcp_batch", "prezero", strategy), tuple(rows)),
        more={
            "ways": by_trace(
                AHEAD,
                evidence.names,
                [
                    ("flushes", lambda t: in_use(evidence, t, AHEAD).flushes),
                    (
                        "flushes, all others copied into",
                        lambda t: in_use(evidence, t, AHEAD, **copied).flushes,
                    ),
                    (
                        "flushes after zeroing that are left, %",
                        lambda t: f"{left[t]:.1f}",
                    ),
                    (
                        "frames zeroed ahead, at most",
                        lambda t: zeroed_ahead(evidence, t),
                    ),
                    ("… of them in vain, %", lambda t: f"{vain[t]:.0f}"),
                    (
                        f"flushes of `{strategy}`",
                        lambda t: in_use(evidence, t, strategy).flushes,
                    ),
                ],
            )
        },
        chart=Dumbbells.by_trace(
            "A mapping of one CPU beats zeroing ahead",
            rows,
            ("pcp_batch", AHEAD, strategy),
            "TLB flushes, zeroing counted, log scale",
            log=True,
        ),
    )
