# SPDX-License-Identifier: GPL-2.0-only
"""The bill of strategies over a reader's own trace, by place and by kind of flush."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from xpfo_model.claims.inputs import Inputs
from xpfo_model.cost import Kunmap
from xpfo_model.errors import CannotJudgeError
from xpfo_model.machine import MAPPED
from xpfo_model.replay.run import Counts
from xpfo_model.replay.table import columns, short
from xpfo_model.studies.bill import AT_KUNMAP, Design
from xpfo_model.studies.evidence import Evidence

PLACES: Final = ("alloc", "refill", "block", AT_KUNMAP)
"""Causes of a flush that have a column."""


@dataclass(frozen=True)
class Charge:
    """A strategy's work over a trace in which every zeroed page is kmapped."""

    strategy: str
    start: str
    """Memory that nobody has had: `machine.MAPPED` or `machine.UNMAPPED`."""
    alloc: int
    """Flushes of all CPUs at an allocation."""
    refill: int
    block: int
    """Flushes of all CPUs at a change of a pageblock."""
    other: int
    """Flushes of all CPUs at an alternation or a migration."""
    kunmap: int
    """Flushes of all CPUs at the last kunmap: those after zeroing, the least."""
    full: int
    """Of all these, flushes of the whole TLB."""
    late: int
    """Flushes ahead of users in the second half of the user allocations."""
    interrupts: int
    """Interrupts that the other CPUs of the machine receive."""
    local: int
    """Flushes of one CPU, by itself."""
    writes: int
    """PTEs written, those of kmaps too."""


def charge(evidence: Inputs, trace: str, design: Design) -> Charge:
    """The bill of a design over a trace. Raises `CannotJudgeError`."""
    half, whole = evidence.halves(trace, design.strategy, zeroing=True, **design.how)
    counts = whole.counts
    places = {name: counts.flushes_by_cause.get(name, 0) for name in PLACES}
    through_own = design.kunmap(counts) is Kunmap.OWN_MAPPING
    own = whole.zeroed if through_own else 0
    return Charge(
        strategy=design.strategy,
        start=design.start,
        **places,
        other=counts.flushes - sum(places.values()),
        full=sum(counts.full_by_cause.values()),
        late=_ahead(counts) - _ahead(half.counts),
        interrupts=counts.flushes * (evidence.use(trace).cpus - 1),
        local=counts.local_flushes + own,
        writes=counts.frames_unmapped + counts.frames_mapped + 2 * own,
    )


def _ahead(counts: Counts) -> int:
    """Flushes that are not at a kunmap."""
    return counts.flushes - counts.flushes_by_cause.get(AT_KUNMAP, 0)


def charges(
    evidence: Evidence, names: Iterable[str], starts: Iterable[str] = (MAPPED,)
) -> Iterator[Charge]:
    """The bills over the only trace of `own.evidence_of`, for each start of memory.

    A strategy that needs an event that the trace lacks has none.
    """
    inputs = Inputs(evidence)
    (trace,) = evidence.names
    every = list(names)
    for start in starts:
        for name in every:
            try:
                yield charge(inputs, trace, Design(name, start))
            except CannotJudgeError:
                continue


def as_json(found: Iterable[Charge]) -> list[dict[str, Any]]:
    """The bills as objects, as ``compare --bill --json`` has them."""
    return [asdict(one) for one in found]


HEADS: Final = (
    {
        "alloc": "alloc",
        "refill": "refill",
        "block": "block",
        "kunmap": "kunmap",
        "other": "other",
        "late": "late",
    },
    {"full": "full", "interrupts": "IPIs", "local": "1 CPU", "writes": "PTEs"},
)
"""Column heads of the two tables of a start."""


def table(found: Iterable[Charge]) -> str:
    """The bills as text of 72 columns, two tables for each start of memory."""
    starts: dict[str, list[Charge]] = {}
    for one in found:
        starts.setdefault(one.start, []).append(one)
    lines: list[str] = []
    for start, some in starts.items():
        for heads in HEADS:
            lines += columns(
                (f"bill, {start}", *heads.values()),
                (
                    (one.strategy, *(short(getattr(one, field)) for field in heads))
                    for one in some
                ),
            )
            lines.append("")
    return "\n".join([*lines, LEGEND])


LEGEND: Final = """\
bill     flushes of all CPUs by place, if each page that is zeroed at
         its allocation is kmapped once
kunmap   the least: a trace of the allocator shows no copies
other    at an alternation of types, or as a page is moved
late     not at kunmap, in the second half of the user allocations
full     flushes of all CPUs that are of the whole TLB
IPIs     interrupts that the other CPUs receive
1 CPU    flushes of the own TLB alone
PTEs     entries written, two for each kmap
"""
