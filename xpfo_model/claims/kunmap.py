# SPDX-License-Identifier: GPL-2.0-only
"""Claims about the second flush: at the last kunmap, which no batch removes.

Zeroing is counted from the masks of the trace; how often the kernel copies into a
page that it did not zero is not in a trace, and swept.
"""

from typing import Any, Final

from xpfo_model import published
from xpfo_model.charts import Bar, Bars, Shares
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.exposure import (
    COPIES,
    COUNTED,
    HALF,
    RECOMMENDED,
    V9_COVER,
    in_use,
)
from xpfo_model.claims.tables import BUILDS, at_allocation
from xpfo_model.claims.thread import NOT_REALLY, listing
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.evidence import Evidence
from xpfo_model.published import BATCH, BATCH_NO_FLUSH, DUAL, NO_FLUSH, STRICT
from xpfo_model.steps import REFILL

SOURCES: Final = ("alloc", "refill", "block", "kunmap")


@claim(
    "second-flush-dominates",
    must="most of pcp_batch's flushes are for a kunmap after zeroing, on every trace",
    instead="kmap through a mapping of one CPU",
    change={"strategy": RECOMMENDED},
    downside="Flushes, not seconds; each is taken to cost the same.",
    mails=(NOT_REALLY, published.OCTOBER),
)
def second_flush(evidence: Evidence, strategy: str = "pcp_batch") -> Finding:
    """What batching leaves is the second flush."""
    values: dict[str, int | float | str] = {}
    rows: list[tuple[Any, ...]] = []
    for trace in evidence.names:
        for name in COUNTED:
            counts = in_use(evidence, trace, name)
            for source in SOURCES:
                values[f"{name}.{trace}.{source}"] = counts.flushes_by_cause.get(
                    source, 0
                )
            values[f"{name}.{trace}.flushes"] = counts.flushes
            values[f"{name}.{trace}.allocation"] = at_allocation(counts)
            values[f"{name}.{trace}.local"] = counts.local_flushes
        by_cause = in_use(evidence, trace, strategy).flushes_by_cause
        parts = [by_cause.get(source, 0) for source in SOURCES]
        rows.append((trace, *parts, round(100 * parts[-1] / sum(parts), 1)))
    shares = [row[-1] for row in rows]
    values |= {"smallest": min(shares), "largest": max(shares)}
    return Finding(
        holds=min(shares) > 100 * HALF,
        sentence=f"Of the flushes of {strategy}, {min(shares):.0f} to "
        f"{max(shares):.0f} % follow the kunmap of a page that was zeroed.",
        values=values,
        table=Table(("trace", *SOURCES, "kunmap %"), tuple(rows)),
        chart=Shares(
            f"Where {strategy} flushes, if only zeroing is counted",
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


def published_factor() -> float:
    """By how much the batch of October 2018 divided the seconds of the flushes."""
    s = {
        c: published.seconds("2018-10", DUAL, c)
        for c in (STRICT, NO_FLUSH, BATCH, BATCH_NO_FLUSH)
    }
    return (s[STRICT] - s[NO_FLUSH]) / (s[BATCH] - s[BATCH_NO_FLUSH])


def _factor(evidence: Evidence, trace: str, batched: str, copies: int) -> float:
    posted = in_use(evidence, trace, "v6", copy_percent=copies).flushes
    return posted / in_use(evidence, trace, batched, copy_percent=copies).flushes


def _copies_at(evidence: Evidence, trace: str, batched: str, factor: float) -> float:
    """The percent of copies at which a batch divides by so much: both grow evenly."""
    ends = [
        [
            in_use(evidence, trace, name, copy_percent=copies).flushes
            for copies in (COPIES[0], COPIES[-1])
        ]
        for name in ("v6", batched)
    ]
    (posted, more_posted), (left, more_left) = ends
    slope = factor * (more_left - left) - (more_posted - posted)
    return 100 * (posted - factor * left) / slope if slope else 0.0


@claim(
    "batching-halves-no-more",
    must="on both builds, what October 2018 measured lies between what a batch divides "
    "by if all pages that are not zeroed are copied into, and if none is",
    instead="kmap through a mapping of one CPU, for the batch",
    change={"batched": RECOMMENDED},
    downside="Seconds against counts; the ported batch may have flushed page by page.",
    mails=(published.OCTOBER, NOT_REALLY),
)
def batching_halves(evidence: Evidence, batched: str = "pcp_batch") -> Finding:
    """With both sources counted a batch divides by two or three, as was measured."""
    measured = published_factor()
    values: dict[str, int | float | str] = {"published": round(measured, 2)}
    rows: list[tuple[Any, ...]] = []
    for trace in evidence.names:
        factors = [_factor(evidence, trace, batched, c) for c in COPIES]
        rows.append((trace, *factors))
        for copies, factor in zip(COPIES, factors, strict=True):
            values[f"{trace}.{copies}"] = factor
            values[f"{trace}.nov2017.{copies}"] = _factor(
                evidence, trace, "nov2017", copies
            )
        alone = in_use(evidence, trace, "v6").flushes_by_cause["alloc"]
        values[f"{trace}.allocation"] = alone / at_allocation(
            in_use(evidence, trace, batched)
        )
    for trace in BUILDS:
        for name in (batched, "nov2017"):
            at = _copies_at(evidence, trace, name, measured)
            values[f"{trace}.{'at' if name == batched else 'nov2017.at'}"] = at
    builds = [row for row in rows if row[0] in BUILDS]
    low, high = (listing([f"{row[i]:,.2f}" for row in builds]) for i in (-1, 1))
    return Finding(
        holds=all(row[-1] <= measured <= row[1] for row in builds),
        sentence=f"In total, {batched} divides the flushes of v6 in the two builds by "
        f"{low} if each page that is not zeroed is copied into, by {high} if none is; "
        f"October 2018 measured {measured:.2f} in seconds.",
        values=values,
        table=Table(
            ("trace", *(f"{c} % copied" for c in COPIES)),
            tuple((row[0], *(f"{factor:.2f}" for factor in row[1:])) for row in rows),
        ),
        chart=Bars(
            f"What {batched} divides v6's flushes by, kunmap counted",
            [
                (
                    row[0],
                    [
                        *(
                            Bar(f"{c} % copied", row[i], f"{row[i]:,.2f}")
                            for i, c in enumerate(COPIES, 1)
                        ),
                        Bar("October 2018", measured, f"{measured:.2f}, seconds"),
                    ],
                )
                for row in builds
            ],
            "times fewer flushes than v6",
            log=False,
        ),
    )


def zeroed_ahead(evidence: Evidence, trace: str) -> int:
    """Frames of MOVABLE refills, which pcp_batch_prezero zeroes: at most so many."""
    frames = 0
    for some in evidence.steps(trace)[0]:
        refills = (some.op == REFILL) & (some.migratetype == MIGRATE_MOVABLE)
        frames += int((some.stop - some.start)[refills].sum())
    return frames


@claim(
    "local-kmap-beats-prezero",
    must="fewer than half the flushes that are left if refills are zeroed ahead, on "
    "every trace, even where nothing is copied",
    instead="kmap through the direct map",
    change={"strategy": "pcp_batch"},
    downside="A local mapping costs PTE writes and INVLPG, which are not counted.",
    mails=(V9_COVER,),
)
def local_kmap_beats_prezero(
    evidence: Evidence, strategy: str = RECOMMENDED
) -> Finding:
    """Two ways to be rid of the second flush."""
    values: dict[str, int | float | str] = {}
    rows: list[tuple[Any, ...]] = []
    for trace in evidence.names:
        plain = in_use(evidence, trace, "pcp_batch")
        ahead = in_use(evidence, trace, "pcp_batch_prezero")
        local = in_use(evidence, trace, strategy)
        rows.append((trace, plain.flushes, ahead.flushes, local.flushes))
        kunmaps = [c.flushes_by_cause.get("kunmap", 0) for c in (plain, ahead)]
        zeroed = zeroed_ahead(evidence, trace)
        values |= {
            f"{trace}.prezero": ahead.flushes,
            f"{trace}.local": local.flushes,
            f"{trace}.kunmap_left": round(100 * kunmaps[1] / kunmaps[0], 1),
            f"{trace}.zeroed_ahead": zeroed,
            f"{trace}.in_vain": round(100 * (1 - (kunmaps[0] - kunmaps[1]) / zeroed)),
            f"{trace}.prezero.copied": in_use(
                evidence, trace, "pcp_batch_prezero", copy_percent=COPIES[-1]
            ).flushes,
        }
    worst = max(float(values[f"{t}.kunmap_left"]) for t in evidence.names)
    vain = [float(values[f"{t}.in_vain"]) for t in evidence.names]
    values |= {"in_vain.smallest": min(vain), "in_vain.largest": max(vain)}
    return Finding(
        holds=all(2 * row[3] < row[2] for row in rows),
        sentence=f"Zeroing refills ahead leaves up to {worst:.0f} % of the flushes "
        f"after zeroing, and {min(vain):.0f} to {max(vain):.0f} % of its zeroes are in "
        f"vain; {strategy} leaves {min(r[3] / r[2] for r in rows):.2f} to "
        f"{max(r[3] / r[2] for r in rows):.2f} times its flushes.",
        values=values,
        table=Table(("trace", "pcp_batch", "prezero", strategy), tuple(rows)),
        chart=Bars(
            "Two ways to be rid of the second flush",
            [
                (
                    row[0],
                    [
                        Bar(name, flushes, f"{flushes:,}")
                        for name, flushes in zip(
                            dict.fromkeys(("pcp_batch", "pcp_batch_prezero", strategy)),
                            row[1:],
                            strict=False,
                        )
                    ],
                )
                for row in rows
            ],
            "TLB flushes, zeroing counted, log scale",
        ),
    )
