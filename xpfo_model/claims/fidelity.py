# SPDX-License-Identifier: GPL-2.0-only
"""Claims about the model of the page allocator: how near a kernel it comes.

All rest on one kept study: the model gets the demand of each trace and is
compared with what the traced kernel chose. The counterfactual is the same model
of another kernel.
"""

from collections.abc import Sequence
from typing import Any, Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, two_digits
from xpfo_model.fidelity.tally import REASONS
from xpfo_model.figures.forms import Dot, Dots, Dumbbells, Place, Plane
from xpfo_model.strategies import COUNTED
from xpfo_model.studies.fidelity import ALLOCATIONS, OTHER, fidelity, profile_of

LEVELS: Final = ("pcp", "full")
RECLAIMS: Final = "reclaim-2cpu"
"""The trace that starves the machine of memory."""
MILLE: Final = 1000
MOST_MISSED: Final = 5
"""Frames in a thousand that may be missed. Free choice: a sentence rounds to it."""
MOST_OFF: Final = 0.01
"""Share by which a count of flushes may differ."""
REFILLS_OFF: Final = 0.005
HELD: Final = ("refills", "drains")
"""Numbers that must be within `REFILLS_OFF`."""

Pairs = dict[str, tuple[int, int]]


def numbers(
    evidence: Inputs, trace: str, level: str, what: str, kernel: str = ""
) -> Pairs:
    """Kernel's and model's numbers by name, of a trace's own profile or another."""
    columns = evidence.kept_of(fidelity, trace)
    name = evidence.use(trace).name
    wanted = (name, kernel or profile_of(name), level, what)
    parts = (columns[key] for key in ("trace", "profile", "level", "what"))
    keys = zip(*parts, strict=True)
    return {
        columns["name"][at]: (columns["kernel"][at], columns["model"][at])
        for at, key in enumerate(keys)
        if key == wanted
    }


def missed(evidence: Inputs, trace: str, level: str, kernel: str = "") -> float:
    """Allocations of a thousand whose frame was not predicted."""
    real, exact = numbers(evidence, trace, level, "exact", kernel)[ALLOCATIONS]
    return MILLE * (real - exact) / real


def off(pair: tuple[int, int]) -> float:
    """Share by which the model's number differs from the kernel's."""
    real, model = pair
    return abs(real - model) / max(real, 1)


def steady(evidence: Inputs) -> list[str]:
    """The traces of machines that had memory enough."""
    return evidence.all_but(RECLAIMS)


def _bells(
    title: str, rows: Sequence[tuple[Any, ...]], unit: str, **how: Any
) -> Dumbbells:
    names = [f"level {level}" for level in LEVELS]
    return Dumbbells.by_trace(title, rows, names, unit, text="{:.1f}".format, **how)


@claim(
    "model-names-the-frame",
    must=f"on every trace without reclaim, at both levels, the model misses fewer than "
    f"{MOST_MISSED} frames of 1,000",
    instead=f"the allocator of {OTHER} on the same demand",
    change={"kernel": OTHER},
    downside="Each prediction is for one step: after each operation the model is put "
    "where the kernel is. A model that runs free goes astray.",
    basis=Basis.ALLOCATOR,
)
def names_the_frame(evidence: Inputs, kernel: str = "") -> Finding:
    """Given who asks for what, the model says which frame he gets."""
    rows: list[tuple[Any, ...]] = [
        (trace, *(round(missed(evidence, trace, lv, kernel), 2) for lv in LEVELS))
        for trace in steady(evidence)
    ]
    exact: dict[tuple[str, str], tuple[int, int]] = {
        (trace, level): numbers(evidence, trace, level, "exact", kernel)[ALLOCATIONS]
        for trace in evidence.names
        for level in LEVELS
    }
    worst = max(max(row[1:]) for row in rows)
    corrected = [
        MILLE
        * sum(
            n for n, _ in numbers(evidence, name, "full", "put right", kernel).values()
        )
        / exact[name, "full"][0]
        for name in steady(evidence)
    ]
    return Finding(
        holds=worst < MOST_MISSED,
        sentence=f"Given who allocates and frees what, and put right after each "
        f"operation, the model names the frame that the kernel hands out next in "
        f"{100 - worst / 10:.1f}% of the allocations or more, on "
        f"{count(len(rows), 'trace')} and at both levels.",
        values={
            "worst": worst,
            "least": 100 - worst / 10,
            "corrected.least": two_digits(min(corrected)),
            "corrected.most": two_digits(max(corrected)),
        },
        table=Table(
            ("trace", *(f"{lv} missed per 1,000" for lv in LEVELS)), tuple(rows)
        ),
        chart=_bells(
            "One step ahead, a few frames in a thousand are missed",
            rows,
            "frames missed per 1,000 allocations",
            line=MOST_MISSED,
            line_name=f"required: fewer than {MOST_MISSED}",
        ),
        more={
            "exact": Table(
                ("model", *evidence.names),
                (
                    (
                        "allocations",
                        *(exact[trace, LEVELS[0]][0] for trace in evidence.names),
                    ),
                    *(
                        (
                            f"exact, level {level}",
                            *(
                                f"{exact[trace, level][1] / exact[trace, level][0]:.2%}"
                                for trace in evidence.names
                            ),
                        )
                        for level in LEVELS
                    ),
                ),
            ),
            "reasons": _reasons(evidence, kernel),
        },
    )


def _reasons(evidence: Inputs, kernel: str) -> Table:
    """At level full, by reason: frames missed and times put right, by trace."""
    rows = []
    found = {
        (trace, what): numbers(evidence, trace, "full", what, kernel)
        for trace in evidence.names
        for what in ("missed", "put right")
    }
    for reason, meaning in REASONS.items():
        cells = [
            " / ".join(
                f"{found[trace, what].get(reason, (0, 0))[0]:,}"
                for what in ("missed", "put right")
            )
            for trace in evidence.names
        ]
        rows.append((reason, meaning, *cells))
    return Table(("reason", "what happened", *evidence.names), tuple(rows))


@claim(
    "model-counts-the-flushes",
    must="on every trace without reclaim, at level full, every strategy's flushes on "
    f"the model's events are within {MOST_OFF:.0%} of those on the kernel's",
    instead=f"the allocator of {OTHER} on the same demand",
    change={"kernel": OTHER},
    downside="One step at a time. v6 and alternation look at masks alone, which are "
    "the trace's own.",
    basis=Basis.ALLOCATOR,
)
def counts_the_flushes(evidence: Inputs, kernel: str = "") -> Finding:
    """State that counts on the model's events are those on the kernel's."""
    rows: list[tuple[Any, ...]] = []
    for trace in steady(evidence):
        counts = numbers(evidence, trace, "full", "flushes", kernel)
        rows += [
            (trace, name, *counts[name], 100 * off(counts[name]))
            for name in COUNTED
            if counts[name][0]
        ]
    worst = max(rows, key=lambda row: row[-1])
    shown = [row for row in rows if row[1] not in {"v6", "none"}]
    return Finding(
        holds=worst[-1] <= 100 * MOST_OFF,
        sentence="On the events of the model, which is put right after each operation, "
        f"every strategy flushes as often as on the kernel's, within "
        f"{worst[-1]:,.2f}%; the largest difference is that of {worst[1]} on "
        f"{worst[0]}.",
        values={"worst": worst[-1]},
        table=Table(("trace", "strategy", "kernel", "model", "% off"), tuple(rows)),
        chart=Plane(
            "Flushes on the model's events are those on the kernel's",
            [Place(name, real, model, trace) for trace, name, real, model, _ in shown],
            "flushes on the kernel's events, log scale",
            "flushes on the model's events, log scale",
            diagonal="as many",
            crowded=True,
        ),
    )


@claim(
    "model-refills-and-drains",
    must=f"on every trace without reclaim, at level full, refills and drained pages "
    f"are within {REFILLS_OFF:.1%} of the kernel's",
    instead=f"the allocator of {OTHER} on the same demand",
    change={"kernel": OTHER},
    downside="Fallbacks and changes of ownership are few, so that one more or less "
    "would be much.",
    basis=Basis.ALLOCATOR,
)
def refills_and_drains(evidence: Inputs, kernel: str = "") -> Finding:
    """Batches come and go when the kernel's do."""
    rows: list[tuple[Any, ...]] = []
    for trace in steady(evidence):
        counts = numbers(evidence, trace, "full", "number", kernel)
        rows += [(trace, name, *pair) for name, pair in counts.items()]
    shares = {
        (trace, name): 100 * off((real, model))
        for trace, name, real, model in rows
        if name in HELD
    }
    worst = max(shares.values())
    both = {(trace, name): f"{real:,} / {model:,}" for trace, name, real, model in rows}
    names = list(dict.fromkeys(name for _, name in both))
    return Finding(
        holds=worst <= 100 * REFILLS_OFF,
        sentence="The model refills and drains as often as the kernel, within "
        f"{worst:.2f}%.",
        values={"worst": worst},
        table=Table(("trace", "what", "kernel", "model"), tuple(rows)),
        chart=Dumbbells.by_trace(
            "Refills and drains come as often as the kernel's",
            [
                (trace, *(shares[trace, name] for name in HELD))
                for trace in steady(evidence)
            ],
            HELD,
            "percent off the kernel's",
            text="{:.2f}".format,
            line=100 * REFILLS_OFF,
            line_name=f"allowed: {REFILLS_OFF:.1%}",
        ),
        more={
            "batches": Table(
                ("kernel / model", *steady(evidence)),
                tuple(
                    (
                        name.replace("_", " "),
                        *(both[trace, name] for trace in steady(evidence)),
                    )
                    for name in names
                ),
            )
        },
    )


@claim(
    "reclaim-is-not-predicted",
    must="with memory short, at level full, the model misses more than a third of the "
    "frames",
    instead="the refills taken from the trace: level pcp",
    change={"level": "pcp"},
    downside="One trace, of a machine with very little memory.",
    basis=Basis.ALLOCATOR,
)
def reclaim_is_not(evidence: Inputs, level: str = "full") -> Finding:
    """Where compaction moves pages, the trace does not show what is free."""
    lost = missed(evidence, RECLAIMS, level)
    reasons = numbers(evidence, RECLAIMS, level, "missed")
    rows: list[tuple[Any, ...]] = sorted(
        ((name, n) for name, (n, _) in reasons.items()), key=lambda r: -r[1]
    )
    return Finding(
        holds=lost > MILLE / 3,
        sentence=f"On {RECLAIMS} the model misses {lost / 10:.0f}% of the frames at "
        f"level {level}.",
        values={"missed": lost / 10, **dict(rows)},
        table=Table(("reason", "frames missed"), tuple(rows)),
        chart=Dots(
            "With memory short, only the per-cpu lists are predicted",
            [
                (
                    trace,
                    [
                        Dot(f"level {level}", share, f"{share:.1f}", kind=at)
                        for at, level in enumerate(LEVELS)
                        for share in [missed(evidence, trace, level) / 10]
                    ],
                )
                for trace in evidence.names
            ],
            "% of frames missed",
        ),
    )
