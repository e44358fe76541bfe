# SPDX-License-Identifier: GPL-2.0-only
"""Claims of the checker: what it finds by itself, and what it does not find."""

from dataclasses import replace
from typing import Any, Final

from xpfo_model.checker import INVARIANTS, Report, Scope, check, scope
from xpfo_model.claims import films
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count
from xpfo_model.figures.forms import Dots, Matrix
from xpfo_model.history import mails
from xpfo_model.history.faults import POSTED, Fault
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies import explorations

STALE: Final = "no-stale-translation"
ONE_CPU: Final = replace(scope("default"), cpus=1)
EXPLORED: Final = (scope("default"), ONE_CPU)
"""The scopes that the claims look at."""
LARGE_SCOPES: Final = ("large", "wide")
"""The scopes that are explored when something changes, and recorded."""
MANY: Final = 1_000_000
"""States that the largest exploration must have."""


def _faults(found: dict[str, Report], some: list[Fault]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for fault in some:
        violation = found[fault.strategy].found.get(fault.invariant)
        steps = violation.steps if violation else 0
        first = "not found"
        if fault.first:
            first = f"{fault.first.author} {fault.first.date}"
        rows.append((fault.strategy, fault.invariant, first, steps, fault.what))
    return rows


def _finding(
    rows: list[tuple[Any, ...]], where: Scope, word: str, title: str
) -> Finding:
    """The same fault of two versions is one fault."""
    missing = dict.fromkeys(f"{row[0]} {row[1]}" for row in rows if not row[3])
    faults = {row[4] for row in rows}
    lost = {row[4] for row in rows if not row[3]}
    longest = max((row[3] for row in rows), default=0)
    words = f"; not found: {', '.join(missing)}" if missing else ""
    steps = f", each in at most {count(longest, 'step')}" if longest else ""
    return Finding(
        holds=not missing,
        sentence=f"On a machine of {where} the checker finds "
        f"{len(faults - lost)} of {len(faults)} faults of posted code {word}"
        f"{steps}{words}.",
        values={
            "faults": len(faults),
            "found": len(faults - lost),
            "longest": longest,
        },
        table=Table(
            ("version", "invariant", "first said by", "steps"),
            tuple(row[:4] for row in rows),
        ),
        chart=Dots.of(
            title,
            [(f"{row[0]} {row[1]}", row[3], _steps(row[3])) for row in rows],
            "steps of the shortest way to it",
            text="{2}",
        ),
    )


def _extent(report: Report) -> tuple[str, str]:
    """States and violated invariants in words: not all where the search stopped."""
    violated = str(len(report.violations))
    if report.exhaustive:
        return f"{report.states:,}, all", violated
    return f"{report.states:,}, not all", f"{violated} or more"


def _found_in(report: Report, invariant: str) -> str:
    violation = report.found.get(invariant)
    return str(violation.steps) if violation else ""


def _steps(number: int) -> str:
    return count(number, "step") if number else "not found"


@claim(
    "checker-finds-reported",
    must="every fault of posted code that was reported, and that the model can "
    "express, is found",
    instead="a machine with one CPU",
    change={"cpus": 1},
    downside="The versions are written here from the patches' text, not compiled.",
    mails=tuple(dict.fromkeys(fault.first for fault in POSTED if fault.first)),
    basis=Basis.EXPLORATION,
)
def finds_reported(evidence: Inputs, cpus: int = 2) -> Finding:
    """The checker finds the faults that reviewers and authors reported."""
    where = replace(scope("default"), cpus=cpus)
    some = [fault for fault in POSTED if fault.first]
    rows = _faults(evidence.reports(where), some)
    word = "that were reported on the list"
    return _finding(rows, where, word, "Reported faults, and the steps to each")


@claim(
    "checker-finds-unreported",
    must="every fault of posted code of which no report was found is found in the "
    "version that has it",
    instead=f"{RECOMMENDED} in place of the versions",
    change={"strategy": RECOMMENDED},
    downside="The stored list mail is not the whole archive: a report may exist.",
    mails=tuple(dict.fromkeys(fault.source for fault in POSTED if not fault.first)),
    basis=Basis.EXPLORATION,
)
def finds_unreported(evidence: Inputs, strategy: str = "") -> Finding:
    """The checker finds faults of which no report was found."""
    where = scope("default")
    some = [fault for fault in POSTED if not fault.first]
    if strategy:
        some = [replace(fault, strategy=strategy) for fault in some]
    rows = _faults(evidence.reports(where), some)
    word = "of which no report was found in the stored list mail"
    return _finding(rows, where, word, "Faults without a report, and the steps to each")


@claim(
    "recommended-is-safe",
    must="all states are visited, and no invariant is violated in any",
    instead=f"pcp_batch, as read from the thread, in place of {RECOMMENDED}",
    change={"strategy": "pcp_batch"},
    downside="Nothing comes between the steps of one hook, up to its flush.",
    mails=(),
    basis=Basis.EXPLORATION,
)
def recommended_is_safe(evidence: Inputs, strategy: str = RECOMMENDED) -> Finding:
    """The recommended strategy has no fault within the scope."""
    where = scope("default")
    reports = evidence.reports(where)
    report = reports[strategy]
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
            ("strategy", "states explored", "violated"),
            tuple((name, *_extent(r)) for name, r in reports.items()),
        ),
        chart=Matrix(
            f"{strategy} violates no invariant" if not wrong else f"{strategy} {words}",
            list(INVARIANTS),
            [
                (name, [_found_in(r, invariant) for invariant in INVARIANTS])
                for name, r in reports.items()
            ],
            good="holds in every state that was visited",
            bad="violated; the number is that of the steps to it",
            open={
                name: "more may follow: not all states were visited"
                for name, r in reports.items()
                if not r.exhaustive
            },
        ),
    )


@claim(
    "flush-before-the-list",
    must="a batch that is on its list before its flush is answered is handed out stale",
    instead="the batch on its list after its flush",
    change={"listed_first": False},
    downside="In a kernel it takes a remote drain or a preemption in that window.",
    mails=(mails.HANSEN_2017_09_20_1727,),
    basis=Basis.EXPLORATION,
)
def flush_before_the_list(evidence: Inputs, *, listed_first: bool = True) -> Finding:
    """The recommended batch must be flushed before anybody can get a frame of it."""
    where = scope("default")
    if listed_first:
        report = check(RECOMMENDED, where, STALE, listed_first=True)
    else:
        report = evidence.reports(where)[RECOMMENDED]
    found = report.found.get(STALE)
    when = "before" if listed_first else "after"
    steps = len(found.trace) if found else 0
    told = (
        f"another CPU hands out a frame that TLBs still translate, in {steps} steps"
        if found
        else f"none of {len(INVARIANTS)} invariants is violated in {report.states:,} "
        "states"
    )
    title = "On its list before its flush, a batch is handed out stale"
    chart = (
        films.told(title, RECOMMENDED, where, found, listed_first=listed_first)
        if found
        else Dots("No counterexample", [], "steps")
    )
    return Finding(
        holds=found is not None,
        sentence=f"With a refill of {RECOMMENDED} on its list {when} its flush is "
        f"answered, {told}.",
        values={"steps": steps},
        table=Table(
            ("step", "what happens"),
            tuple(enumerate(found.trace if found else (), start=1)),
        ),
        chart=chart,
    )


@claim(
    "recommended-is-safe-at-large",
    must=f"all states of both larger machines are visited, of one of them {MANY:,} or "
    "more, and no invariant is violated in any",
    instead=f"pcp_batch, as read from the thread, in place of {RECOMMENDED}",
    change={"strategy": "pcp_batch", "scopes": ("large",)},
    downside="Recorded, not explored in this build; the nightly run does it again.",
    mails=(),
    basis=Basis.RECORDED_EXPLORATION,
)
def recommended_is_safe_at_large(
    evidence: Inputs,
    strategy: str = RECOMMENDED,
    scopes: tuple[str, ...] = LARGE_SCOPES,
) -> Finding:
    """The recommended strategy has no fault in millions of states either."""
    stored = explorations.read(evidence.docs)
    found = [stored.exploration(strategy, name) for name in scopes]
    wrong = sorted({invariant for e in found for invariant in e.violated})
    words = f"violates {', '.join(wrong)}" if wrong else "violates none of"
    if not wrong:
        words += f" {len(INVARIANTS)} invariants"
    parts = [
        f"{e.states:,} states, {'all' if e.exhaustive else 'not all'} that a machine "
        f"of {scope(e.scope)} has"
        for e in found
    ]
    most = max(found, key=lambda e: e.states)
    return Finding(
        holds=not wrong and all(e.exhaustive for e in found) and most.states >= MANY,
        sentence=f"{strategy} {words} in {', and in '.join(parts)}.",
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
        chart=Dots.of(
            f"{strategy} violates no invariant on larger machines either",
            [
                (
                    f"{scope(e.scope).cpus} CPUs, {scope(e.scope).frames} frames",
                    e.states,
                    len(e.violated),
                )
                for e in found
            ],
            "states, log scale",
            text="{1:,}, {2} violated",
            log=True,
        ),
    )
