# SPDX-License-Identifier: GPL-2.0-only
"""The event log: what a kernel's page allocator did, in the order it did it.

The joint of the whole design: named after the kernel's tracepoints, produced by
the readers of `traces` or by a model of the allocator, consumed by `steps`.
Mirrors include/trace/events/kmem.h, v4.14 to v6.18.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

MM_PAGE_ALLOC: Final = 0
MM_PAGE_FREE: Final = 1
MM_PAGE_FREE_BATCHED: Final = 2
MM_PAGE_ALLOC_ZONE_LOCKED: Final = 3
MM_PAGE_PCPU_DRAIN: Final = 4
MM_PAGE_ALLOC_EXTFRAG: Final = 5
SCHED_SWITCH: Final = 6

EVENT_NAMES: Final = (
    "mm_page_alloc",
    "mm_page_free",
    "mm_page_free_batched",
    "mm_page_alloc_zone_locked",
    "mm_page_pcpu_drain",
    "mm_page_alloc_extfrag",
    "sched_switch",
)
"""Tracepoint names by event number."""

PERCPU_REFILL: Final = 1
"""Flag of mm_page_alloc_zone_locked: percpu_refill=1."""
CHANGE_OWNERSHIP: Final = 2
"""Flag of mm_page_alloc_extfrag: change_ownership=1."""
IRQS_OFF: Final = 4
"""Flag of every event: it fired with interrupts off, if the trace says so."""

FAILED: Final = -1
"""The pfn of an allocation that failed."""
UNKNOWN: Final = 255
"""A `preempt` that the trace did not say."""


Column = npt.NDArray[Any]
"""One value per event, of the dtype that `DTYPES` names."""


class Events(NamedTuple):
    """Columns of equal length, one row an event, in trace order."""

    time: Column
    """Nanoseconds, or ticks of the trace clock where it has no unit."""
    cpu: Column
    kind: Column
    """MM_PAGE_ALLOC … SCHED_SWITCH."""
    flags: Column
    """PERCPU_REFILL, CHANGE_OWNERSHIP, IRQS_OFF."""
    pfn: Column
    """Page frame number; FAILED for a failed allocation, 0 for sched_switch."""
    order: Column
    """Order; of extfrag the alloc_order."""
    migratetype: Column
    """Migratetype, -1 where the event has none; of extfrag alloc_migratetype."""
    fallback_order: Column
    """Of extfrag, else 0."""
    fallback_migratetype: Column
    """Of extfrag, else -1."""
    preempt: Column
    """Depth of preemption disabling, UNKNOWN where the trace does not say."""
    gfp: Column
    """Bits of the mask in the log's kernel version; of mm_page_alloc, else 0."""
    pid: Column
    """The task that ran; of sched_switch the previous one."""
    next_pid: Column
    """Of sched_switch, else 0."""

    @classmethod
    def empty(cls, length: int = 0) -> Self:
        """Columns of `length` zeros, with the dtypes of this class."""
        return cls(*(np.zeros(length, dtype) for dtype in DTYPES.values()))

    @classmethod
    def concatenate(cls, parts: "list[Events]") -> Self:
        """The rows of all parts in one, in their order."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def rows(self, which: slice | npt.NDArray[np.bool_]) -> "Events":
        """The rows that a slice or a mask selects."""
        return Events(*(column[which] for column in self))


DTYPES: Final = {
    "time": np.dtype(np.int64),
    "cpu": np.dtype(np.uint16),
    "kind": np.dtype(np.uint8),
    "flags": np.dtype(np.uint8),
    "pfn": np.dtype(np.int64),
    "order": np.dtype(np.int8),
    "migratetype": np.dtype(np.int8),
    "fallback_order": np.dtype(np.int8),
    "fallback_migratetype": np.dtype(np.int8),
    "preempt": np.dtype(np.uint8),
    "gfp": np.dtype(np.uint64),
    "pid": np.dtype(np.int32),
    "next_pid": np.dtype(np.int32),
}
"""Column name to dtype, in the order of `Events`."""


@dataclass
class Warned:
    """One kind of trouble met while reading, counted, with where it was first."""

    what: str
    count: int = 0
    line: int | None = None
    """First line, from 1."""


@dataclass
class About:
    """Where a log comes from and what was wrong or left out on the way."""

    name: str
    """File name without folder, or ``<stdin>``."""
    kernel: str = "v6.1"
    """The GFP table that the masks are in, one of `gfp.KERNELS`."""
    sha256: str = ""
    """Of the raw text, uncompressed, as the kernel wrote it."""
    lines: int = 0
    """Lines of raw text."""
    clock: str = "ns"
    """Unit of `Events.time`: ``ns`` or ``ticks``."""
    lost: int = 0
    """Events that the trace itself says it lost; not all say how many."""
    warnings: dict[str, Warned] = field(default_factory=dict)
    """By a short name, such as ``lost-events`` or ``unrecognised-lines``."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Events of other kinds, by name."""
    marks: list[tuple[int, int, str]] = field(default_factory=list)
    """Texts written to trace_marker: row of the next event, time, text."""

    def warn(self, code: str, what: str, line: int | None, count: int = 1) -> None:
        """Count a warning; the first line of its kind is kept."""
        warned = self.warnings.setdefault(code, Warned(what, 0, line))
        warned.count += count

    def notes(self) -> list[str]:
        """One sentence a warning, with file and first line."""
        return [
            f"{self.name}{'' if w.line is None else f':{w.line}'}: "
            f"{w.what} ({w.count:,} times)"
            for w in self.warnings.values()
        ]


@dataclass
class EventLog:
    """A whole trace in memory: its events and where they come from."""

    events: Events
    about: About

    def __len__(self) -> int:
        return len(self.events.kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EventLog):
            return NotImplemented
        return self.about == other.about and all(
            np.array_equal(a, b) for a, b in zip(self.events, other.events, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]

    def chunks(self, length: int = 1 << 20) -> Iterator[Events]:
        """The events in pieces of at most `length` rows, in order."""
        for start in range(0, len(self), length):
            yield self.events.rows(slice(start, start + length))

    def between_marks(self, start: str, end: str) -> Events:
        """The events from the mark that starts with `start` to that with `end`.

        Raises `KeyError` if the trace has no such marks.
        """
        rows: dict[str, int] = {}
        for row, _, text in self.about.marks:
            for wanted in (start, end):
                if text.startswith(wanted):
                    rows.setdefault(wanted, row)
        if start not in rows or end not in rows:
            raise KeyError(f"{self.about.name} has no marks {start!r} and {end!r}")
        return self.events.rows(slice(rows[start], rows[end]))
