# SPDX-License-Identifier: GPL-2.0-only
"""Claims: functions from evidence to a finding, with id, predicate and sources."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from xpfo_model.errors import XpfoModelError
from xpfo_model.figures.charts import Chart
from xpfo_model.history.mails import Mail


@dataclass(frozen=True)
class Table:
    """The data behind a figure, ready for CSV and for a mail."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Finding:
    """The result of a claim's function."""

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


class Basis(Enum):
    """The kind of evidence that a claim rests on."""

    TRACES = (
        "counted by a model over recorded kernel traces",
        "recorded kernel traces",
    )
    TABLES = (
        "computed by a model from published tables",
        "published tables",
    )
    TABLES_AND_TRACES = (
        "computed by a model from published tables and kernel traces",
        "published tables and recorded kernel traces",
    )
    EXPLORATION = (
        "found by a model checker that explores a tiny machine",
        "exploration of the states of a tiny machine",
    )
    RECORDED_EXPLORATION = (
        "found by a model checker that explored a tiny machine",
        "recorded exploration of the states of tiny machines",
    )
    DEMAND = (
        "counted by a model over made-up demand",
        "made-up demand on a modelled page allocator, a median of seeds a point",
    )
    ALLOCATOR = (
        "computed by a model of the page allocator from kernel traces",
        "a model of the page allocator, given the demand of recorded traces",
    )
    RECORDINGS = (
        "counted by a model over recordings of stock kernels",
        "recordings of stock kernels, kept as counts",
    )
    KERNEL = (
        "counted by kernels that run the strategies, in an emulator",
        "recordings of kernels that run the strategies",
    )
    KERNEL_AND_TRACES = (
        "counted by kernels that run the strategies and by a model over kernel traces",
        "recordings of kernels that run the strategies, and of stock kernels",
    )

    def __init__(self, how: str, what: str) -> None:
        self.how = how
        """Completes "XPFO, …"."""
        self.what = what
        """Completes "Rests on …"."""

    @property
    def has_traces(self) -> bool:
        """Whether a claim of this kind uses traces."""
        return self in {
            Basis.TRACES,
            Basis.TABLES_AND_TRACES,
            Basis.ALLOCATOR,
            Basis.KERNEL_AND_TRACES,
        }


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
    """The strongest reservation against it, one sentence."""
    mails: tuple[Mail, ...]
    """The mails that it tests or rests on."""
    find: Callable[..., Finding]
    """Takes `Inputs`, and the arguments of `change`."""
    basis: Basis
    needs: tuple[str, ...] = ()
    """Keys of `inputs.NEEDS`: what every trace that it uses must hold."""


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
    basis: Basis = Basis.TRACES,
    needs: tuple[str, ...] = (),
) -> Callable[[Callable[..., Finding]], Callable[..., Finding]]:
    """Register the decorated function as a claim; see `Claim`."""

    def register(find: Callable[..., Finding]) -> Callable[..., Finding]:
        if identity in REGISTRY:
            raise ValueError(f"claim {identity} is registered twice")
        REGISTRY[identity] = Claim(
            identity, must, instead, change, downside, mails, find, basis, needs
        )
        return find

    return register


def select(ids: Sequence[str]) -> list[Claim]:
    """The claims of these ids, all without any. Raises `XpfoModelError`."""
    for identity in ids:
        if identity not in REGISTRY:
            raise XpfoModelError(
                f"no claim {identity!r}", remedy="xpfo-model claims --list names them"
            )
    return [REGISTRY[identity] for identity in ids or REGISTRY]
