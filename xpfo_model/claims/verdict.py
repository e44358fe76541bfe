# SPDX-License-Identifier: GPL-2.0-only
"""The verdict on a claim: it stands, it does not, or the traces cannot show it.

A claim stands if its finding holds, and no longer holds under its counterfactual: the
same function with a named change. A claim that survives its counterfactual says
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from xpfo_model.claims.claim import Claim, Finding
from xpfo_model.claims.inputs import Inputs
from xpfo_model.errors import CannotJudgeError
from xpfo_model.studies.evidence import Evidence
from xpfo_model.studies.provenance import Provenance


class State(StrEnum):
    """The kinds of verdict."""

    STANDS = "stands"
    FALLS = "does not hold"
    SAYS_NOTHING = "says nothing"
    CANNOT_BE_JUDGED = "cannot be judged"


@dataclass(frozen=True)
class _Found:
    """A verdict on a claim that could be evaluated."""

    claim: Claim
    finding: Finding
    counter: Finding
    """The finding under the counterfactual."""
    inputs: tuple[Provenance, ...]
    """The traces that were used."""
    studies: tuple[str, ...] = ()
    """The kept studies that were used, by name."""
    stands: ClassVar[bool]

    @property
    def state(self) -> State:
        """The kind of verdict."""
        if not self.finding.holds:
            return State.FALLS
        return State.SAYS_NOTHING if self.counter.holds else State.STANDS

    def as_json(self) -> dict[str, Any]:
        """The claim as an entry of ``claims.json``."""
        return {
            "id": self.claim.id,
            "sentence": self.finding.sentence,
            "state": self.state,
            "stands": self.stands,
            "holds": self.finding.holds,
            "must": self.claim.must,
            "counterfactual": {
                "instead": self.claim.instead,
                "holds": self.counter.holds,
                "sentence": self.counter.sentence,
            },
            "downside": self.claim.downside,
            "basis": self.claim.basis.what,
            "values": self.finding.values,
            "columns": self.finding.table.columns,
            "rows": self.finding.table.rows,
            "inputs": _digests(self.inputs),
            "mails": [mail.message_id for mail in self.claim.mails],
        }


@dataclass(frozen=True)
class Standing(_Found):
    """A claim that holds, and does not hold under its counterfactual.

    Raises `ValueError` for findings of which this is not so.
    """

    stands = True
    complaint = ""

    def __post_init__(self) -> None:
        if self.state is not State.STANDS:
            raise ValueError(f"claim {self.claim.id} {self.state}")


@dataclass(frozen=True)
class Fallen(_Found):
    """A claim that does not hold, or that its counterfactual does not refute."""

    stands = False

    @property
    def complaint(self) -> str:
        """Why it does not stand, naming it."""
        if not self.finding.holds:
            return (
                f"claim {self.claim.id} does not hold: {self.finding.sentence} "
                f"Required: {self.claim.must}."
            )
        return (
            f"claim {self.claim.id} says nothing: it also holds with "
            f"{self.claim.instead}: {self.counter.sentence}"
        )


@dataclass(frozen=True)
class CannotJudge:
    """A claim that these traces can neither confirm nor refute."""

    claim: Claim
    reason: str
    """The events that the traces lack, naming the traces."""
    inputs: tuple[Provenance, ...]
    """The traces that were used before that was known."""
    stands: ClassVar[bool] = False
    state: ClassVar[State] = State.CANNOT_BE_JUDGED

    @property
    def complaint(self) -> str:
        """Why there is no finding, naming the claim."""
        return f"claim {self.claim.id} {self.reason}"

    def as_json(self) -> dict[str, Any]:
        """The claim as an entry of ``claims --json``."""
        return {
            "id": self.claim.id,
            "state": self.state,
            "stands": self.stands,
            "reason": self.reason,
            "must": self.claim.must,
            "basis": self.claim.basis.what,
            "inputs": _digests(self.inputs),
            "mails": [mail.message_id for mail in self.claim.mails],
        }


Verdict: TypeAlias = Standing | Fallen | CannotJudge


def _digests(inputs: Sequence[Provenance]) -> dict[str, str]:
    return {item.name: item.sha256 for item in inputs}


def evaluate(item: Claim, evidence: Evidence) -> Verdict:
    """Evaluate a claim and its counterfactual. Raises `XpfoModelError`."""
    inputs = Inputs(evidence, item.needs)
    try:
        finding = item.find(inputs)
        counter = item.find(inputs, **item.change)
    except CannotJudgeError as error:
        return CannotJudge(item, error.what, inputs.used)
    stands = finding.holds and not counter.holds
    return (Standing if stands else Fallen)(
        item, finding, counter, inputs.used, inputs.studies
    )
