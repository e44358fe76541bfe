# SPDX-License-Identifier: GPL-2.0-only
"""Claims about pageblocks as the unit of a flush: how rarely one changes."""

from typing import Any, Final

from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, counted, spread, two_digits
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dots, Dumbbells
from xpfo_model.history import mails

MUCH_MORE_RARE: Final = 1000
"""How many allocations a change of ownership must stand against."""
WORTH_A_BLOCK: Final = 10
"""How many refills of a MOVABLE list a block must serve to be the better unit."""
DIGIT: Final = 9


def _once(number: float) -> str:
    """A whole number in its two leading digits."""
    return two_digits(number) if number > DIGIT else f"{number:.0f}"


@claim(
    "ownership-changes-rare",
    must=f"at least {MUCH_MORE_RARE:,} page allocations for each event, every trace",
    instead="refills of a pcp list in place of changes of ownership",
    change={"event": "refills"},
    downside="Small machines, from boot; a fuller one has more fallbacks.",
    mails=(mails.HANSEN_2017_09_20_1727, mails.ANDERSEN_2017_09_20_1937),
    needs=("user_allocations", "refills_movable"),
)
def ownership_changes_rare(
    evidence: Inputs, event: str = "ownership_changes"
) -> Finding:
    """A pageblock changes its migratetype far more rarely than a page is allocated."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        evidence.can_count(name, "pageblock")
        totals = evidence.totals(name)
        pages = totals["user_allocations"] + totals["kernel_allocations"]
        if not totals[event] and pages < MUCH_MORE_RARE:
            few = f"no such event in {count(pages, 'page allocation')}"
            raise CannotJudgeError(few, [name])
        rows.append((name, pages, totals[event], round(pages / max(totals[event], 1))))
    factors = [row[3] for row in rows]
    words = event.replace("_", " ")
    once = counted(spread(factors, _once), "page allocation")
    rarer = "" if all(row[2] for row in rows) else ", or more rarely"
    return Finding(
        holds=all(factor >= MUCH_MORE_RARE for factor in factors),
        sentence=f"{words.capitalize()} come once in {once}{rarer}.",
        values={"smallest": min(factors), "largest": max(factors)},
        table=Table(("trace", "allocations", words, "ratio"), tuple(rows)),
        chart=Dots.of(
            f"{words.capitalize()} are thousands of times rarer than allocations",
            [(row[0], row[3], row[2]) for row in rows],
            "page allocations for each of them, log scale",
            text=f"1 in {{1:,}}; {{2:,}} {words}",
            log=True,
            line=MUCH_MORE_RARE,
            line_name=f"required: {MUCH_MORE_RARE:,}",
        ),
    )


@claim(
    "block-flips-rarest",
    must=f"at least {WORTH_A_BLOCK} MOVABLE refills for each block flip, on the traces "
    "together",
    instead="pcp_batch's flushed refills in place of block flips",
    change={"strategy": "pcp_batch", "cause": "refill"},
    downside="A frame that differs from its block is flushed at its allocation.",
    mails=(mails.HANSEN_2017_09_20_1727,),
    needs=("user_allocations", "refills_movable"),
)
def block_flips_rarest(
    evidence: Inputs, strategy: str = "pageblock", cause: str = "block"
) -> Finding:
    """A block flip serves many refills."""
    rows: list[tuple[Any, ...]] = []
    for name in evidence.names:
        refills = evidence.totals(name)["refills_movable"]
        counts = evidence.counts(name, strategy)
        flips = counts.flushes_by_cause[cause]
        rows.append((name, refills, flips, counts.flushes - flips))
    refills, flips, rest = (sum(row[i] for row in rows) for i in (1, 2, 3))
    return Finding(
        holds=refills >= WORTH_A_BLOCK * flips,
        sentence=f"{strategy} flushes {count(flips, 'time')} ahead of time for "
        f"{count(refills, 'MOVABLE refill')}, and {count(rest, 'time')} at allocation "
        "for frames that were not unmapped ahead.",
        values={"flips": flips, "refills": refills, "rest": rest},
        table=Table(
            ("trace", "MOVABLE refills", f"{cause} flushes", "alloc flushes"),
            tuple(rows),
        ),
        chart=Dumbbells.by_trace(
            "A block flip serves many refills; the exceptions cost more than the flips",
            rows,
            ("MOVABLE refills", f"flushes at a {cause}", "flushes at allocation"),
            f"refills, and flushes of {strategy}, log scale",
            log=True,
        ),
    )
