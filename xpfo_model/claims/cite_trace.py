# SPDX-License-Identifier: GPL-2.0-only
"""A cover letter's text about a reader's own trace, in the form of those of claims."""

from typing import Final

from xpfo_model import clone, strategies
from xpfo_model.claims.cite import definitions, wrap
from xpfo_model.claims.prose import count
from xpfo_model.replay.outcome import Outcome
from xpfo_model.replay.table import (
    BASELINE,
    FIRST_TOUCH,
    columns,
    held_then,
    per_user_allocations,
    times_fewer,
)
from xpfo_model.studies.own import UNKNOWN, machine, told

_DIGITS: Final = 12
"""Of a trace's sha256."""
DOWNSIDE: Final = (
    "flushes at kunmap are not in an allocator's trace, and a strategy changes the "
    "workload that it is counted on."
)


def _sentence(outcome: Outcome) -> str:
    """The baseline against what is said to be safe; the table has the others."""
    users = outcome.totals["user_allocations"]
    parts = [
        f"{name} flushes {count(counts.flushes, 'time')}"
        + (
            ""
            if name == BASELINE
            else f" (vs {BASELINE}: {times_fewer(outcome, counts)})"
        )
        for name, counts in outcome.strategies.items()
        if name == BASELINE or strategies.REGISTRY[name].safe
    ]
    about = f"{count(users, 'user allocation')} of {outcome.about.name}"
    return f"{about}{': ' if parts else ''}{', '.join(parts)}."


def _hardware(outcome: Outcome) -> str:
    about = outcome.about
    cpus = "" if about.cpus is None else f", {count(about.cpus, 'CPU')}"
    load = told(about, "command")
    ran = "" if load == UNKNOWN else f", while this ran: {load}"
    kernel = about.release or f"a kernel with the GFP flags of {about.kernel}"
    return (
        f"Hardware: a trace of {kernel} on {machine(about)}{cpus}{ran}; one "
        f"recording, no dispersion; {about.fate()}. Memory starts "
        f"{outcome.start}{held_then(outcome)}."
    )


def letter(outcome: Outcome, *, commit: str = "") -> str:
    """The strategies over one trace, for a cover letter: ASCII of 72 columns.

    `commit` is as `clone.commit` gives it.
    """
    about = outcome.about
    rows = [
        (
            name,
            str(counts.flushes),
            f"{per_user_allocations(outcome, counts):.1f}",
            times_fewer(outcome, counts),
            str(counts.frames_exposed),
        )
        for name, counts in outcome.strategies.items()
    ]
    new = outcome.totals["first_touch"]
    before = (
        f"{count(new, 'user allocation')} took a frame that the trace does not name "
        f"before ({FIRST_TOUCH[outcome.begins]});"
    )
    said = [
        *(f"Note: {note}." for note in [*about.notes(), *outcome.notes]),
        f"Downside: {before} {DOWNSIDE}",
        f"Made by xpfo-model {clone.version(commit)}, compare --cite; "
        f"{about.name} sha256:{about.sha256[:_DIGITS]}",
    ]
    heads = ("strategy", "flushes", "/1000 user", f"vs {BASELINE}", "reachable")
    parts = [
        wrap("XPFO, counted by a model over a recorded kernel trace."),
        wrap(_sentence(outcome)),
        wrap(_hardware(outcome)),
        "\n".join(columns(heads, rows)),
        "\n".join(definitions(outcome.strategies)),
        "\n".join(wrap(line, "  ") for line in said)
        + "\nNo link: the trace is not part of a published site.\n",
    ]
    return "\n\n".join(parts).encode("ascii", "replace").decode()
