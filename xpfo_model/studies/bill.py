# SPDX-License-Identifier: GPL-2.0-only
"""The whole bill of a strategy: all that it does over one trace, and what it leaves.

Flushes by cause and by range, PTEs written, entries split, pages zeroed, how long the
kernel can reach users' pages, and whether the checker finds a fault.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from xpfo_model import strategies
from xpfo_model.cost import Kunmap, Rates
from xpfo_model.machine import ALLOC, KUNMAP, MAPPED, REFILL, UNMAPPED
from xpfo_model.machine import CAUSES as NAMES
from xpfo_model.replay.run import FREED, Counts
from xpfo_model.strategies.kmaps import local_kunmap
from xpfo_model.studies.evidence import Half

PER: Final = 1000
"""User allocations that counts are given for."""
AT_KUNMAP: Final = NAMES[KUNMAP]
AT_ALLOC: Final = NAMES[ALLOC]
AT_REFILL: Final = NAMES[REFILL]
CAUSES: Final = tuple(name for name in NAMES if name != AT_KUNMAP)
"""Causes of a flush that a trace of the allocator shows."""


@dataclass(frozen=True)
class Design:
    """A strategy, and how its memory starts."""

    strategy: str
    start: str = MAPPED

    @property
    def name(self) -> str:
        """The strategy's name, and its start if it is not as posted."""
        return self.strategy + (f", {self.start}" if self.start != MAPPED else "")

    @property
    def how(self) -> dict[str, Any]:
        """Arguments of `replay.Run`.

        A page that is freed before anything else was held at the start, and mapped.
        """
        return {"start": self.start, "held": FREED} if self.start != MAPPED else {}

    def kunmap(self, counts: Counts) -> Kunmap:
        """Flushes at the last kunmap, by what was counted with zeroing."""
        hooks = strategies.functions(self.strategy)
        if self.strategy == strategies.BASELINE:
            return Kunmap.NOTHING
        if hooks["kunmap"] is local_kunmap:
            return Kunmap.OWN_MAPPING
        if counts.flushes_by_cause.get(AT_KUNMAP):
            return Kunmap.ALL_CPUS
        return Kunmap.DEFERRED


DESIGNS: Final = (
    Design("v6"),
    Design("v8"),
    Design("v9"),
    Design("per_frame"),
    Design("per_frame_local"),
    Design("per_frame_local", UNMAPPED),
    Design("per_frame_closed", UNMAPPED),
    Design("pcp_batch"),
    Design("pcp_batch_local"),
    Design(strategies.RECOMMENDED),
    Design(strategies.RECOMMENDED, UNMAPPED),
    Design("pageblock"),
    Design("freetype"),
)
"""The strategies that are billed, some from both starts."""
BILLED: Final = tuple(dict.fromkeys(design.strategy for design in DESIGNS))


@dataclass(frozen=True)
class Part:
    """Counts of a design in a part of a trace in which every zeroed page is kmapped."""

    users: int
    """User allocations."""
    zeroed: int
    """Of these, zeroed."""
    flushes: dict[str, int]
    """Flushes of all CPUs that a trace of the allocator shows, by cause."""
    full: dict[str, int]
    """Of these, in full."""
    at_kunmap: int
    """Flushes of all CPUs at a kunmap after zeroing."""
    local: int
    """Flushes of one CPU, kunmaps after zeroing left out."""
    local_full: int
    """Of these, in full."""
    writes: int
    """PTEs of the direct map that were written, those of kmaps left out."""
    splits: int
    """2M entries that were split."""

    def rates(
        self, kunmap: Kunmap, *, long_refills: bool = False, all_split: bool = False
    ) -> Rates:
        """The same for each user allocation, for the cost model.

        `long_refills` takes each flush at a refill for a full one: a machine of less
        than 1 GiB refills fewer pages than the ceiling, a larger one 63. `all_split`
        takes each flush at an allocation for one of a page: it is a full one where
        its 2M entry is not split, which happens once.
        """
        users = self.users or 1
        full = sum(self.full.values())
        if all_split:
            full -= self.full[AT_ALLOC]
        if long_refills:
            full += self.flushes[AT_REFILL] - self.full[AT_REFILL]
        spared = self.zeroed - self.at_kunmap if kunmap is Kunmap.ALL_CPUS else 0
        return Rates(
            one=(sum(self.flushes.values()) - full) / users,
            full=full / users,
            local_one=(self.local - self.local_full) / users,
            local_full=self.local_full / users,
            writes=self.writes / users,
            kunmap=kunmap,
            spared=spared / users,
        )


def part(
    kunmap: Kunmap, users: int, zeroed: int, whole: Counts, before: Counts | None = None
) -> Part:
    """Counts of a part of a trace, with zeroing through the strategy's kmap.

    Parameters
    ----------
    kunmap
        What the strategy does at a kunmap.
    users, zeroed : int
        User allocations of the part, all and those that are zeroed.
    whole, before
        Counts at its end and at its beginning.
    """

    def since(name: str) -> int:
        return int(getattr(whole, name)) - (getattr(before, name) if before else 0)

    def by_cause(name: str) -> dict[str, int]:
        counted, earlier = (
            getattr(some, name) if some else {} for some in (whole, before)
        )
        return {c: counted.get(c, 0) - earlier.get(c, 0) for c in NAMES}

    flushes, full = by_cause("flushes_by_cause"), by_cause("full_by_cause")
    at_kunmap, full_at_kunmap = flushes.pop(AT_KUNMAP), full.pop(AT_KUNMAP)
    if full_at_kunmap:
        raise ValueError("a kunmap flushes one page")
    # each access through the direct map writes its PTE twice, or its free does
    accesses = {Kunmap.ALL_CPUS: at_kunmap, Kunmap.DEFERRED: zeroed}.get(kunmap, 0)
    written = since("frames_unmapped") + since("frames_mapped")
    local = since("local_flushes")
    return Part(
        users=users,
        zeroed=zeroed,
        flushes=flushes,
        full=full,
        at_kunmap=at_kunmap,
        local=local - accesses if kunmap is Kunmap.DEFERRED else local,
        local_full=since("local_full"),
        writes=max(written - 2 * accesses, 0),
        splits=since("splits"),
    )


@dataclass(frozen=True)
class Halves:
    """A design's work over a trace: all of it, and its second half."""

    kunmap: Kunmap
    boot: Part
    warm: Part
    counts: Counts
    """Of all of it."""


class Halved(Protocol):
    """Who counts a strategy over the halves of a trace."""

    def halves(self, trace: str, strategy: str, /, **how: Any) -> tuple[Half, Half]:
        """See `Evidence.halves`."""


def halves(evidence: Halved, trace: str, design: Design) -> Halves:
    """A design's work over a trace in which every zeroed page is kmapped."""
    how = {"zeroing": True, **design.how}
    half, whole = evidence.halves(trace, design.strategy, **how)
    kunmap = design.kunmap(whole.counts)
    later = whole.users - half.users, whole.zeroed - half.zeroed
    return Halves(
        kunmap,
        part(kunmap, whole.users, whole.zeroed, whole.counts),
        part(kunmap, *later, whole.counts, half.counts),
        whole.counts,
    )


@dataclass(frozen=True)
class Bill:
    """Counts of a design over one trace, and the accesses that stay open."""

    design: Design
    trace: str
    cpus: int
    kunmap: Kunmap
    """Flushes at the last kunmap of a user's page."""
    boot: Part
    """All of the trace, from boot."""
    warm: Part
    """The second half of its user allocations."""
    start_splits: int
    """2M entries that were split as memory started."""
    handed: int
    """Frames that the kernel could reach when a user got them, after zeroing."""
    exposed: float
    """Percent of users' frame-time that the kernel could reach the frames."""
    violated: tuple[str, ...]
    """Invariants that the checker found violated."""
    exhausted: bool
    """Whether it visited every state."""

    @property
    def interrupts(self) -> int:
        """Interrupts that the other CPUs received, kunmaps left out."""
        return sum(self.boot.flushes.values()) * (self.cpus - 1)

    def per(self, count: float) -> float:
        """A count from boot, for each `PER` user allocations."""
        return PER * count / (self.boot.users or 1)
