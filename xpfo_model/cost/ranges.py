# SPDX-License-Identifier: GPL-2.0-only
"""Where an answer must lie, if no published row is contradicted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from xpfo_model.cost.calibration import consistent
from xpfo_model.cost.parameters import Answer, Parameter, Values, values
from xpfo_model.errors import XpfoModelError
from xpfo_model.history.numbers import DESKTOP, LARGE

Interval: TypeAlias = tuple[float, float]

LEVELS: Final[Mapping[str, int]] = {
    "pairs": 7,
    "kunmaps": 4,
    "refill": 5,
    "overhead": 3,
    "invlpg": 3,
    "call": 3,
}
"""Settings of an unknown that are tried, from low to high; of others their two ends.
Those of `pairs` are as many times apart, of the others as far."""
RATIOS: Final = frozenset({"pairs"})


@dataclass(frozen=True)
class Narrowing:
    """The part of an interval that is left if one parameter were known."""

    parameter: Parameter
    left: float
    """Width at the setting of the parameter that leaves most, over the whole width."""


def settings(item: Parameter) -> list[float]:
    """Settings of a parameter that are tried, from low to high."""
    if item.low == item.high:
        return [item.value]
    spaced = np.geomspace if item.name in RATIOS else np.linspace
    tried: list[float] = spaced(item.low, item.high, LEVELS.get(item.name, 2)).tolist()
    return tried


def grid(parameters: Iterable[Parameter]) -> Values:
    """All settings of all parameters together that no published row contradicts.

    Arrays of one length. Raises `XpfoModelError` if every setting is contradicted.
    """
    items = list(parameters)
    axes = np.meshgrid(*map(settings, items), indexing="ij")
    every = {i.name: axis.ravel() for i, axis in zip(items, axes, strict=True)}
    fixed = {
        name: axis if len(np.unique(axis)) > 1 else axis[0]
        for name, axis in every.items()
    }
    kept = np.broadcast_to(consistent(fixed, (DESKTOP, LARGE)), axes[0].size)
    if not kept.any():
        raise XpfoModelError(
            "every setting of the cost model's parameters contradicts a published row",
            remedy="widen the range that you narrowed last",
        )
    return {n: a[kept] if np.ndim(a) else a for n, a in fixed.items()}


def interval(answer: Answer, settings: Values) -> Interval:
    """Least and greatest answer over the settings of a grid."""
    found = np.asarray(answer(settings), dtype=float)
    return float(found.min()), float(found.max())


def union(intervals: Iterable[Interval]) -> Interval:
    """From the least low end to the greatest high end."""
    lows, highs = zip(*intervals, strict=True)
    return min(lows), max(highs)


def value_of(
    answer: Answer, parameters: Iterable[Parameter], **changed: float
) -> float:
    """The answer at the parameters' values, but for those that are changed."""
    return float(answer(values(parameters, **changed)))


def narrowings(answer: Answer, parameters: Sequence[Parameter]) -> list[Narrowing]:
    """The part of the interval that is left if each were known, the least first."""
    every = grid(parameters)
    found = np.asarray(answer(every), dtype=float)
    whole = float(found.max() - found.min())
    left = []
    for item in parameters:
        axis = every[item.name]
        if np.ndim(axis):
            widths = [
                float(np.ptp(found[axis == setting])) for setting in np.unique(axis)
            ]
            left.append(Narrowing(item, max(widths) / whole if whole else 1.0))
    return sorted(left, key=lambda one: one.left)
