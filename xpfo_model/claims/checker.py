# SPDX-License-Identifier: GPL-2.0-only
"""Claims of the checker: what it finds by itself, and what it does not find."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from typing import Any, Final

from xpfo_model import strategies
from xpfo_model.charts import Bar, Bars
from xpfo_model.claims.claim import Finding, Table, claim
from xpfo_model.evidence import Evidence
from xpfo_model.explore import ENOUGH, INVARIANTS, Report, Scope, check_all, scope
from xpfo_model.faults import FAULTS, Fault

V9_COVER: Final = "cover.1554248001.git.khalid.aziz@oracle.com"
RECOMMENDED: Final = "pcp_batch_local"
WORKERS: Final = 2


@cache
def everything(where: Scope) -> dict[str, Report]:
    """The reports on all strategies but the baseline, explored side by side.

    Strategies that are not said to be safe are explored up to `ENOUGH` states:
    their faults show in far fewer. So few need no compiler.
    """
    names = [name for name in strategies.REGISTRY if name != "none"]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        return {r.strategy: r for r in check_all(names, where, pool, ENOUGH)}


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
    return Finding(
        holds=not missing,
        sentence=f"On a machine of {where} the checker finds "
        f"{len(rows) - len(missing)} of {len(rows)} faults that {word}, each in at "
        f"most {longest} steps{words}.",
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
    del evidence
    where = replace(scope("default"), cpus=cpus)
    rows = _faults(everything(where), [f for f in FAULTS if f.reported])
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
    del evidence
    where = scope("default")
    some = [f for f in FAULTS if not f.reported]
    if strategy:
        some = [replace(fault, strategy=strategy) for fault in some]
    rows = _faults(everything(where), some)
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
    del evidence
    where = scope("default")
    report = everything(where)[strategy]
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
                for name, r in everything(where).items()
            ),
        ),
        chart=Bars(
            f"{strategy}: invariants violated, {len(wrong)}",
            [
                (
                    f"invariants violated, of {len(INVARIANTS)}",
                    [
                        Bar(name, len(r.violations), str(len(r.violations)))
                        for name, r in everything(where).items()
                    ],
                )
            ],
            "invariants",
            log=False,
        ),
    )
