# SPDX-License-Identifier: GPL-2.0-only
"""The claim that a trace of a stock kernel tells what a strategy will flush."""

from statistics import fmean, stdev
from typing import Final

from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import count
from xpfo_model.claims.recordings import AHEAD, PERCENT, STOCK, flushed, rows, runs
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.forms import Dots
from xpfo_model.studies.kernel_runs import PREDICTED, kernel_predicted

NEAR: Final = 0.10
"""How near a prediction must be where one CPU runs. Free choice."""


@claim(
    "stock-trace-predicts",
    must=f"on one CPU, the flushes that recordings of stock behaviour predict are "
    f"within {NEAR:.0%} of what a kernel that runs the strategy counts, for each",
    instead="four CPUs, where flushes change who runs when",
    change={"cpus": 4},
    downside="One recording of each strategy, several of the stock behaviour; an "
    "emulated CPU exaggerates how much a flush delays the others.",
    basis=Basis.KERNEL,
)
def stock_predicts(evidence: Inputs, cpus: int = 1) -> Finding:
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
        if key not in predicted or row["strategy"] not in PREDICTED:
            continue
        guesses, did = predicted[key], flushed(row, AHEAD)
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
    if cpus not in off:
        raise CannotJudgeError(f"no recording of {count(cpus, 'CPU')}", [])
    worst = {n: max(map(abs, each)) for n, each in off.items()}
    return Finding(
        holds=worst[cpus] <= NEAR,
        sentence=f"What a trace of stock behaviour predicts is off by "
        f"{worst[cpus]:.0%} at most on {count(cpus, 'CPU')}; the flushes ahead of "
        f"users are counted.",
        values={f"worst_{n}": PERCENT * each for n, each in worst.items()},
        table=Table(
            (
                "workload",
                "CPUs",
                "strategy",
                "stock recordings",
                "predicted, mean",
                "sd",
                "kernel",
                "off",
            ),
            tuple(table),
        ),
        chart=Dots.of(
            "Predictions hold on one CPU, and less with more",
            [(count(n, "CPU"), PERCENT * worst[n]) for n in sorted(worst)],
            "largest difference between kernel and prediction, percent",
            text="{1:.0f}%",
        ),
    )
