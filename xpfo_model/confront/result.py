# SPDX-License-Identifier: GPL-2.0-only
"""Hold a kernel that runs XPFO against the model of its strategy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from xpfo_model.confront import around, differ
from xpfo_model.confront.counters import Mismatch, mismatches, read_counters
from xpfo_model.confront.differ import NONE, Difference
from xpfo_model.confront.drive import Driven, drive_model
from xpfo_model.confront.kmaps import Accesses, accesses
from xpfo_model.confront.reason import reason
from xpfo_model.confront.recorded import Recorded
from xpfo_model.confront.sides import Side, kernel_side, model_side
from xpfo_model.confront.watch import FLUSH, MAP, SPLIT, UNMAP
from xpfo_model.constants import PAGEBLOCK_ORDER, TLB_SINGLE_PAGE_FLUSH_CEILING
from xpfo_model.events import NANOSECONDS, EventLog
from xpfo_model.xpfo_events import (
    FULL_FLUSH,
    IN_INTERRUPT,
    IRQS_OFF,
    WAITS,
    XPFO_FLUSH,
)

_NS_A_SECOND = 1_000_000_000


@dataclass(frozen=True)
class First:
    """The first difference, told."""

    what: str
    """``flush``, ``unmap``, ``map`` or ``split``."""
    cpu: int
    number: int
    """The number of the flush of its CPU, change of its frame or split, from 1."""
    event: int
    """Number of the event in the trace, from 1: the earlier of the two."""
    time: str
    kernel: dict[str, Any] | None
    """The kernel's action there, or None if there is none."""
    model: dict[str, Any] | None
    reason: str
    neighbours: list[str]
    """Events of the CPU around it, as lines of the trace."""
    history: list[str]
    """Events of its frame until then."""

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return dict(vars(self))


@dataclass(frozen=True)
class Confrontation:
    """Actions of a kernel and of the model of its strategy on the same events."""

    found: Recorded
    kernel: Side
    model: Side
    first: First | None
    accesses: Accesses
    waiting: int
    """Frames that were kmapped and whose allocation the trace does not have."""
    counters: list[Mismatch] = field(default_factory=list)
    """Counters of the kernel that its events do not confirm."""
    counters_from: str | None = None
    """The file of the counters."""

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return self.first is None and not self.counters and not any(self.odd.values())

    @property
    def odd(self) -> dict[str, int]:
        """Events of the kernel that contradict themselves, by what they are."""
        xpfo = self.found.xpfo
        flush = xpfo.kind == XPFO_FLUSH
        full = xpfo.flags & FULL_FLUSH != 0
        waits = xpfo.flags & WAITS != 0
        atomic = xpfo.flags & (IRQS_OFF | IN_INTERRUPT) != 0
        large = xpfo.extent > TLB_SINGLE_PAGE_FLUSH_CEILING
        return {
            "full_not_by_span": int(np.count_nonzero(flush & (full != large))),
            "waits_not_by_context": int(np.count_nonzero(flush & (waits == atomic))),
        }

    def as_json(self) -> dict[str, Any]:
        """The object that ``confront --json`` prints."""
        start, kernel, model = self.found.start, self.kernel, self.model
        both = {"kernel": kernel, "model": model}
        return {
            **self.found.about.as_json(),
            "strategy": start.strategy,
            "start": start.start,
            "kmap": start.kmap,
            "test": start.test,
            "cpus": start.cpus,
            "equal": self.is_equal,
            "flushes": _of_kind(both, FLUSH),
            "by_cause": _by_cause(both, FLUSH),
            "frames_unmapped": _of_kind(both, UNMAP),
            "unmapped_by_cause": _by_cause(both, UNMAP),
            "frames_mapped": _of_kind(both, MAP),
            "mapped_by_cause": _by_cause(both, MAP),
            "splits": _of_kind(both, SPLIT),
            "unsafe": _unsafe(both),
            **self.accesses.as_json(),
            "unmatched": differ.unmatched(kernel, model),
            "displaced": differ.displaced(kernel, model),
            "waiting": self.waiting,
            "odd": self.odd,
            "counters_from": self.counters_from,
            "counters": [mismatch._asdict() for mismatch in self.counters],
            "first_difference": None if self.first is None else self.first.as_json(),
        }


def _of_kind(sides: dict[str, Side], kind: int) -> dict[str, int]:
    return {
        name: int(np.count_nonzero(side.kind == kind)) for name, side in sides.items()
    }


def _by_cause(sides: dict[str, Side], kind: int) -> dict[str, dict[str, int]]:
    """Per cause that either side has: how many each has."""
    counts = {name: side.by_cause(kind) for name, side in sides.items()}
    causes = counts["kernel"]
    return {
        cause: {name: counts[name][cause] for name in sides}
        for cause in causes
        if any(counts[name][cause] for name in sides)
    }


def _unsafe(sides: dict[str, Side]) -> dict[str, int]:
    """Flushes that could not wait."""
    return {
        name: int(np.count_nonzero((side.kind == FLUSH) & ~side.waits))
        for name, side in sides.items()
    }


def confront(
    log: EventLog,
    counters: str | Path | None = None,
    **replaced: Callable[..., Any],
) -> Confrontation:
    """Run the recorded kernel's strategy over its own events, and compare.

    Parameters
    ----------
    log : EventLog
        The trace of a kernel that runs XPFO, from its boot.
    counters : str or Path, optional
        The kernel's counters, to be held against its events.
    **replaced
        Other functions in the place of the strategy's hooks, for a what-if.

    Raises `TraceError` for a trace of a stock kernel or with losses.
    """
    found = Recorded.of_log(log)
    driven = drive_model(found, **replaced)
    kernel, model = kernel_side(found), model_side(driven)
    difference = differ.first_difference(kernel, model)
    first = None
    if difference is not None:
        first = _told(found, driven, kernel, model, difference)
    wrong: list[Mismatch] = []
    if counters is not None:
        values = read_counters(counters)
        wrong = mismatches(found, kernel, values, Path(counters).name)
    return Confrontation(
        found,
        kernel,
        model,
        first,
        accesses(found, driven),
        driven.waiting,
        wrong,
        None if counters is None else Path(counters).name,
    )


def _told(
    found: Recorded, driven: Driven, kernel: Side, model: Side, one: Difference
) -> First:
    sides = [
        (side, row)
        for side, row in ((kernel, one.kernel), (model, one.model))
        if row != NONE
    ]
    side, row = min(sides, key=lambda pair: int(pair[0].place[pair[1]]))
    place, cpu = int(side.place[row]), int(side.cpu[row])
    what = side.tell(row)
    pfn = int(side.pfn[row])
    frame = pfn << PAGEBLOCK_ORDER if side.kind[row] == SPLIT else pfn
    return First(
        what=what["what"],
        cpu=cpu,
        number=one.number + 1,
        event=place + 1,
        time=_time(int(side.time[row]), found.about.clock),
        kernel=None if one.kernel == NONE else kernel.tell(one.kernel),
        model=None if one.model == NONE else model.tell(one.model),
        reason=reason(found, driven, kernel, model, one),
        neighbours=around.of_cpu(found, cpu, place),
        history=around.of_frame(found, frame, place),
    )


def _time(time: int, clock: str) -> str:
    """A time as the trace has it."""
    if clock != NANOSECONDS:
        return f"{time} ticks"
    return f"{time / _NS_A_SECOND:.6f} s"
