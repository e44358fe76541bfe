# SPDX-License-Identifier: GPL-2.0-only
"""What a claim is, and what it takes for one to stand.

A claim is a function that looks at the evidence and finds something. It stands
if what it finds holds, and no longer holds under its counterfactual: the same
function with a named change. A claim that survives its counterfactual says
nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from xpfo_model.errors import XpfoModelError
from xpfo_model.figures.charts import Chart
from xpfo_model.history.mails import Mail
from xpfo_model.studies.evidence import Evidence, Provenance


@dataclass(frozen=True)
class Table:
    """The data behind a figure, ready for CSV and for a mail."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Finding:
    """What a claim's function found."""

    holds: bool
    """Whether the predicate is met."""
    sentence: str
    """The finding in words, with its numbers computed."""
    values: dict[str, int | float | str]
    """The numbers, by name, for the prose around the claim."""
    table: Table
    chart: Chart
    more: Mapping[str, Table] = field(default_factory=dict)
    """Other tables for the page around the claim, by name."""


@dataclass(frozen=True)
class Claim:
    """A registered claim."""

    id: str
    """Permanent, kebab-case: links and citations depend on it."""
    must: str
    """The predicate in words."""
    instead: str
    """The counterfactual in words: what is changed."""
    change: dict[str, Any]
    """The arguments that make the counterfactual."""
    downside: str
    """What a reader should hold against it, one sentence."""
    mails: tuple[Mail, ...]
    """The mails that it tests or rests on."""
    find: Callable[..., Finding]
    """Takes the evidence, and the arguments of `change`."""
    basis: str = "made-up demand"
    """What it rests on where it uses no trace."""


@dataclass(frozen=True)
class Verdict:
    """A claim after the evidence was heard."""

    claim: Claim
    finding: Finding
    counter: Finding
    """What was found under the counterfactual."""
    inputs: tuple[Provenance, ...]
    """The traces that were used."""

    @property
    def stands(self) -> bool:
        """It holds, and its counterfactual does not."""
        return self.finding.holds and not self.counter.holds

    @property
    def complaint(self) -> str:
        """Why it does not stand, naming it; empty if it does."""
        if not self.finding.holds:
            return (
                f"claim {self.claim.id} does not hold: {self.finding.sentence} "
                f"Required: {self.claim.must}."
            )
        if self.counter.holds:
            return (
                f"claim {self.claim.id} says nothing: it also holds with "
                f"{self.claim.instead}: {self.counter.sentence}"
            )
        return ""

    def as_json(self) -> dict[str, Any]:
        """The claim as an entry of ``claims.json``."""
        return {
            "id": self.claim.id,
            "sentence": self.finding.sentence,
            "stands": self.stands,
            "holds": self.finding.holds,
            "must": self.claim.must,
            "counterfactual": {
                "instead": self.claim.instead,
                "holds": self.counter.holds,
                "sentence": self.counter.sentence,
            },
            "downside": self.claim.downside,
            "values": self.finding.values,
            "columns": self.finding.table.columns,
            "rows": self.finding.table.rows,
            "inputs": {item.name: item.sha256 for item in self.inputs},
            "mails": [mail.message_id for mail in self.claim.mails],
        }


REGISTRY: Final[dict[str, Claim]] = {}
"""All claims by id, in the order of their definition."""


def claim(
    identity: str,
    *,
    must: str,
    instead: str,
    change: dict[str, Any],
    downside: str,
    mails: tuple[Mail, ...] = (),
    basis: str = "made-up demand",
) -> Callable[[Callable[..., Finding]], Callable[..., Finding]]:
    """Register the decorated function as a claim; see `Claim`."""

    def register(find: Callable[..., Finding]) -> Callable[..., Finding]:
        if identity in REGISTRY:
            raise ValueError(f"claim {identity} is registered twice")
        REGISTRY[identity] = Claim(
            identity, must, instead, change, downside, mails, find, basis
        )
        return find

    return register


def evaluate(item: Claim, evidence: Evidence) -> Verdict:
    """Hear the evidence for a claim and for its counterfactual."""
    evidence.used.clear()
    finding = item.find(evidence)
    counter = item.find(evidence, **item.change)
    inputs = tuple(
        facts for name, facts in evidence.provenance.items() if name in evidence.used
    )
    return Verdict(item, finding, counter, inputs)


def select(ids: Sequence[str]) -> list[Claim]:
    """The claims of these ids, all without any. Raises `XpfoModelError`."""
    for identity in ids:
        if identity not in REGISTRY:
            raise XpfoModelError(
                f"no claim {identity!r}", remedy="xpfo-model claims --list names them"
            )
    return [REGISTRY[identity] for identity in ids or REGISTRY]
