# SPDX-License-Identifier: GPL-2.0-only
"""Claims of the checker: what it finds by itself, and what it does not find."""

from dataclasses import replace
from typing import Any, Final

from xpfo_model import recorded
from xpfo_model.charts import Bar, Bars
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.evidence import Evidence
from xpfo_model.explore import INVARIANTS, Report, Scope, scope
from xpfo_model.faults import FAULTS, Fault

V9_COVER: Final = "cover.1554248001.git.khalid.aziz@oracle.com"
RECOMMENDED: Final = "pcp_batch_local"
ONE_CPU: Final = replace(scope("default"), cpus=1)
EXPLORED: Final = (scope("default"), ONE_CPU)
"""What the claims look at."""
LARGE_SCOPES: Final = ("large", "wide")
"""What is explored when something changes, and recorded."""
MANY: Final = 1_000_000
"""States that the largest exploration must have."""


def _faults(found: dict[str, Report], some: list[Fault]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for fault in some:
        violation = found[fault.strategy].found.get(fault.invariant)
        steps = violation.steps if violation else 0
        days = "-" if fault.days is None else str(fault.days)
        rows.append((fault.strategy, fault.invariant, days, steps))
    return rows


def _finding(
    rows: list[tuple[Any, ...]], where: Scope, title: str, word: str
) -> Finding:
    missing = [f"{row[0]} {row[1]}" for row in rows if not row[3]]
    longest = max((row[3] for row in rows), default=0)
    words = f"; not found: {', '.join(missing)}" if missing else ""
    steps = f", each in at most {longest} steps" if longest else ""
    return Finding(
        holds=not missing,
        sentence=f"On a machine of {where} the checker finds "
        f"{len(rows) - len(missing)} of {len(rows)} faults that {word}{steps}{words}.",
        values={
            "faults": len(rows),
            "found": len(rows) - len(missing),
            "longest": longest,
        },
        table=Table(("version", "invariant", "days to report", "steps"), tuple(rows)),
        chart=Bars(
            title,
            [
                (
                    "steps of the shortest counterexample",
                    [Bar(f"{row[0]} {row[1]}", row[3], f"{row[3]}") for row in rows],
                )
            ],
            "actions on a machine that boots",
            log=False,
        ),
    )


@claim(
    "checker-finds-reported",
    must="every fault that was reported on the list is found",
    instead="a machine with one CPU",
    change={"cpus": 1},
    downside="The versions are written here from the patches' text, not compiled.",
    mails=(V9_COVER,),
    basis="exhaustive exploration",
)
def finds_reported(evidence: Evidence, cpus: int = 2) -> Finding:
    """The checker finds by itself what reviewers found by reading."""
    where = replace(scope("default"), cpus=cpus)
    rows = _faults(evidence.reports(where), [f for f in FAULTS if f.reported])
    return _finding(
        rows, where, "The checker finds what reviewers found", "reviewers reported"
    )


@claim(
    "checker-finds-unreported",
    must="every fault that nobody reported is found in the version that has it",
    instead="pcp_batch_local in place of the versions",
    change={"strategy": RECOMMENDED},
    downside="A mail's proposal is read at its word; its author would fix some.",
    mails=(),
    basis="exhaustive exploration",
)
def finds_unreported(evidence: Evidence, strategy: str = "") -> Finding:
    """The checker finds faults that nobody reported."""
    where = scope("default")
    some = [f for f in FAULTS if not f.reported]
    if strategy:
        some = [replace(fault, strategy=strategy) for fault in some]
    rows = _faults(evidence.reports(where), some)
    return _finding(
        rows, where, "The checker finds what nobody reported", "nobody reported"
    )


@claim(
    "recommended-is-safe",
    must="all states are visited, and no invariant is violated in any",
    instead="pcp_batch, as proposed, in place of pcp_batch_local",
    change={"strategy": "pcp_batch"},
    downside="A hook is one step: what happens inside one is not interleaved.",
    mails=(),
    basis="exhaustive exploration",
)
def recommended_is_safe(evidence: Evidence, strategy: str = RECOMMENDED) -> Finding:
    """The recommended strategy has no fault within the scope."""
    where = scope("default")
    report = evidence.reports(where)[strategy]
    wrong = report.found
    words = f"violates {', '.join(wrong)}" if wrong else "violates none of"
    if not wrong:
        words += f" {len(INVARIANTS)} invariants"
    return Finding(
        holds=report.exhaustive and not wrong,
        sentence=f"{strategy} {words} in {report.states:,} states, "
        f"{'all' if report.exhaustive else 'not all'} that a machine of {where} has.",
        values={"states": report.states, "invariants": len(INVARIANTS)},
        table=Table(
            ("strategy", "states", "violated"),
            tuple(
                (name, r.states, len(r.violations))
                for name, r in evidence.reports(where).items()
            ),
        ),
        chart=Bars(
            f"{strategy} violates no invariant",
            [
                (
                    f"invariants violated, of {len(INVARIANTS)}",
                    [
                        Bar(name, len(r.violations), str(len(r.violations)))
                        for name, r in evidence.reports(where).items()
                    ],
                )
            ],
            "invariants",
            log=False,
        ),
    )


@claim(
    "recommended-is-safe-at-large",
    must=f"all states of both larger machines are visited, of one of them {MANY:,} or "
    "more, no invariant is violated in any, and the functions are those recorded",
    instead="pcp_batch, as proposed, in place of pcp_batch_local",
    change={"strategy": "pcp_batch", "scopes": ("large",)},
    downside="Recorded, not explored in this build; the nightly run does it again.",
    mails=(),
    basis="recorded exploration",
)
def recommended_is_safe_at_large(
    evidence: Evidence,
    strategy: str = RECOMMENDED,
    scopes: tuple[str, ...] = LARGE_SCOPES,
) -> Finding:
    """The recommended strategy has no fault in millions of states either."""
    del evidence
    stored = recorded.read()
    found = [stored.exploration(strategy, name) for name in scopes]
    wrong = sorted({invariant for e in found for invariant in e.violated})
    still = all(e.holds_still for e in found)
    words = f"violates {', '.join(wrong)}" if wrong else "violates none of"
    if not wrong:
        words += f" {len(INVARIANTS)} invariants"
    parts = [
        f"{e.states:,} states, {'all' if e.exhaustive else 'not all'} that a machine "
        f"of {scope(e.scope)} has"
        for e in found
    ]
    stale = "" if still else f"; of other functions than today's: {recorded.COMMAND}"
    most = max(found, key=lambda e: e.states)
    return Finding(
        holds=still
        and not wrong
        and all(e.exhaustive for e in found)
        and most.states >= MANY,
        sentence=f"{strategy} {words} in {', and in '.join(parts)}{stale}.",
        values={
            "states": most.states,
            "seconds": round(most.seconds),
            "megabytes": most.megabytes,
            "machine": stored.machine,
            "python": stored.python,
        },
        table=Table(
            ("scope", "states", "all", "violated", "seconds"),
            tuple(
                (
                    e.scope,
                    e.states,
                    "yes" if e.exhaustive else "no",
                    len(e.violated),
                    e.seconds,
                )
                for e in found
            ),
        ),
        chart=Bars(
            f"{strategy} violates no invariant on larger machines either",
            [
                (
                    str(scope(e.scope)),
                    [
                        Bar(
                            strategy,
                            e.states,
                            f"{e.states:,}, {len(e.violated)} violated",
                        )
                    ],
                )
                for e in found
            ],
            "states, log scale",
        ),
    )
