# SPDX-License-Identifier: GPL-2.0-only
"""The claim that a trace of a stock kernel tells what a strategy will flush."""

from statistics import fmean, stdev
from typing import Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count, listing
from xpfo_model.claims.recordings import AHEAD, PERCENT, STOCK, flushed, rows, runs
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dots
from xpfo_model.studies.kernel_runs import PREDICTED, kernel_predicted

NEAR: Final = 0.25
"""How near a prediction must be. Free choice."""
EACH: Final = "per_frame"


@claim(
    "stock-trace-predicts",
    must="the flushes that recordings of stock behaviour predict are within "
    f"{NEAR:.0%} of what a kernel that runs the strategy counts, for each strategy and "
    "number of CPUs",
    instead=f"the prediction for {EACH}, whatever the strategy",
    change={"of": EACH},
    downside="One recording of each strategy; an emulated CPU exaggerates how much a "
    "flush delays the others.",
    basis=Basis.KERNEL,
)
def stock_predicts(evidence: Inputs, of: str = "") -> Finding:
    """A trace of a stock kernel predicts what a strategy will flush."""
    predicted: dict[tuple[str, int, str], list[int]] = {}
    stock = {
        row["recording"]: row
        for row in runs(evidence, lambda row: row["strategy"] == STOCK)
    }
    for one in rows(evidence, kernel_predicted):
        row = stock.get(one["recording"])
        if row is not None:
            key = (row["workload"], row["cpus"], one["strategy"])
            predicted.setdefault(key, []).append(sum(one[cause] for cause in AHEAD))
    table = []
    off: dict[int, list[float]] = {}
    for row in runs(evidence, lambda row: row["start"] == "mapped"):
        key = (row["workload"], row["cpus"], row["strategy"])
        guess = (row["workload"], row["cpus"], of or row["strategy"])
        if key not in predicted or row["strategy"] not in PREDICTED:
            continue
        guesses, did = predicted[guess], flushed(row, AHEAD)
        difference = did / fmean(guesses) - 1
        off.setdefault(row["cpus"], []).append(difference)
        deviation = f"{stdev(guesses):.0f}" if len(guesses) > 1 else ""
        table.append(
            (
                *key,
                len(guesses),
                round(fmean(guesses)),
                deviation,
                did,
                f"{difference:+.1%}",
            )
        )
    if not off:
        raise CannotJudgeError("no recording of a strategy and of its absence", [])
    worst = {n: max(map(abs, each)) for n, each in off.items()}
    return Finding(
        holds=max(worst.values()) <= NEAR,
        sentence="What a trace of stock behaviour predicts is off by "
        + listing(
            [f"{worst[n]:.0%} at most on {count(n, 'CPU')}" for n in sorted(worst)]
        )
        + "; the flushes ahead of users are counted.",
        values={f"worst_{n}": PERCENT * each for n, each in worst.items()},
        table=Table(
            (
                "workload",
                "CPUs",
                "strategy",
                "runs",
                "predicted",
                "sd",
                "kernel",
                "off",
            ),
            tuple(table),
        ),
        chart=Dots.of(
            "A stock trace predicts what a strategy flushes",
            [(count(n, "CPU"), PERCENT * worst[n]) for n in sorted(worst)],
            "largest difference between kernel and prediction, percent",
            text="{1:.0f}%",
        ),
    )
