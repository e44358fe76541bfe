# SPDX-License-Identifier: GPL-2.0-only
"""How far an answer moves within the ranges of what it is computed from."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from xpfo_model.cost.calibration import calibrated
from xpfo_model.cost.parameters import Parameter, Values, values

Answer: TypeAlias = Callable[[Values], float]
"""From calibrated values to one number."""


@dataclass(frozen=True)
class Swing:
    """What one parameter does to an answer, all others at their value."""

    parameter: Parameter
    at_low: float
    at_high: float

    @property
    def width(self) -> float:
        """Distance of the two answers."""
        return abs(self.at_high - self.at_low)


def _free(parameters: Iterable[Parameter]) -> list[Parameter]:
    return [item for item in parameters if item.name not in {"ipi", "residue"}]


def fitted_values(parameters: Iterable[Parameter], **changed: float) -> Values:
    """The parameters' values, fitted anew with those changed."""
    return calibrated(values(_free(parameters), **changed))


def value_of(
    answer: Answer, parameters: Iterable[Parameter], **changed: float
) -> float:
    """The answer at the parameters' values, fitted anew with those changed."""
    return answer(fitted_values(parameters, **changed))


def tornado(answer: Answer, parameters: Sequence[Parameter]) -> list[Swing]:
    """Each parameter at its low and at its high, the widest swing first."""
    swings = [
        Swing(
            item,
            value_of(answer, parameters, **{item.name: item.low}),
            value_of(answer, parameters, **{item.name: item.high}),
        )
        for item in _free(parameters)
    ]
    return sorted(swings, key=lambda swing: -swing.width)


def interval(
    answer: Answer, parameters: Sequence[Parameter], names: Iterable[str]
) -> tuple[float, float]:
    """Least and greatest answer over all corners of the named ranges."""
    ranges = {item.name: (item.low, item.high) for item in parameters}
    chosen = list(names)
    answers = [
        value_of(answer, parameters, **dict(zip(chosen, corner, strict=True)))
        for corner in product(*(ranges[name] for name in chosen))
    ]
    return min(answers), max(answers)
