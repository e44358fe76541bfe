# SPDX-License-Identifier: GPL-2.0-only
"""The event log: what a kernel's page allocator did, in the order it did it.

The joint of the whole design: named after the kernel's tracepoints, produced by
the readers of `traces` or by a model of the allocator, consumed by `steps`.
Mirrors include/trace/events/kmem.h, v4.14 to v6.18; of sched.h, syscalls.h and
exceptions.h it has who runs, and where user space is left and entered.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from xpfo_model.plural import count
from xpfo_model.xpfo_events import XpfoEvents, XpfoStart

MM_PAGE_ALLOC: Final = 0
MM_PAGE_FREE: Final = 1
MM_PAGE_FREE_BATCHED: Final = 2
MM_PAGE_ALLOC_ZONE_LOCKED: Final = 3
MM_PAGE_PCPU_DRAIN: Final = 4
MM_PAGE_ALLOC_EXTFRAG: Final = 5
SCHED_SWITCH: Final = 6
SYS_ENTER: Final = 7
SYS_EXIT: Final = 8
PAGE_FAULT_USER: Final = 9

EVENT_NAMES: Final = (
    "mm_page_alloc",
    "mm_page_free",
    "mm_page_free_batched",
    "mm_page_alloc_zone_locked",
    "mm_page_pcpu_drain",
    "mm_page_alloc_extfrag",
    "sched_switch",
    "sys_enter",
    "sys_exit",
    "page_fault_user",
)
"""Tracepoint names by event number: those below SCHED_SWITCH name pages."""

PERCPU_REFILL: Final = 1
"""Flag of mm_page_alloc_zone_locked: percpu_refill=1."""
CHANGE_OWNERSHIP: Final = 2
"""Flag of mm_page_alloc_extfrag: change_ownership=1."""
IRQS_OFF: Final = 4
"""Flag of every event: it fired with interrupts off, if the trace says so."""

FAILED: Final = -1
"""The pfn of an allocation that failed."""
SHOWN: Final = 3
"""Names of skipped events that a text lists."""

UNKNOWN: Final = 255
"""A `preempt` that the trace did not say."""


MODEL: Final = "model"
"""The format of a log that no kernel wrote."""
NANOSECONDS: Final = "ns"
TICKS: Final = "ticks"

Column = npt.NDArray[Any]
"""A column: a value per event, of the dtype that `DTYPES` names."""


class Events(NamedTuple):
    """Columns of equal length, one row an event, in trace order."""

    time: Column
    """Nanoseconds, or ticks of the trace clock where it has no unit."""
    cpu: Column
    kind: Column
    """MM_PAGE_ALLOC … PAGE_FAULT_USER."""
    flags: Column
    """PERCPU_REFILL, CHANGE_OWNERSHIP, IRQS_OFF."""
    pfn: Column
    """Page frame number; FAILED for a failed allocation, 0 from SCHED_SWITCH on."""
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


@dataclass(frozen=True)
class Warned:
    """A kind of trouble met while reading, counted, with where it was first."""

    what: str
    count: int = 0
    line: int | None = None
    """First line, from 1."""


@dataclass(frozen=True)
class About:
    """Where a log comes from, how it was read, and what was wrong or left out.

    A reader makes it when the last event has been read; nothing changes it after.
    """

    name: str
    """File name without folder, or ``<stdin>``."""
    format: str = MODEL
    """Whose text the events were read from: ``ftrace``, ``trace-cmd`` or ``perf``."""
    kernel: str = "v6.1"
    """The GFP table that the masks are in, one of `gfp.KERNELS`."""
    kernel_from: str = "chosen by the caller"
    """How that table was chosen."""
    release: str | None = None
    """The kernel's release, such as ``6.6.12-amd64``, if the trace names it."""
    clock: str = NANOSECONDS
    """Unit of `Events.time`: NANOSECONDS or TICKS."""
    cpus: int | None = None
    """CPUs of the machine, if the head of the trace says how many."""
    recorded: tuple[str, ...] | None = None
    """Names of the recorded tracepoints, if the head of the trace lists them."""
    header: tuple[str, ...] = ()
    """Comment lines before the first event."""
    zoneinfo: str = ""
    """/proc/zoneinfo of the machine when the recording began, if the trace has it."""
    sha256: str = ""
    """Of the raw text, uncompressed, as the kernel wrote it."""
    lines: int = 0
    """Lines of raw text."""
    lost: int | None = 0
    """Events that the trace itself says it lost; None if it does not say how many."""
    warnings: Mapping[str, Warned] = field(default_factory=dict)
    """By a short name, such as ``lost-events`` or ``unrecognised-lines``."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """Events of other kinds, by name."""
    marks: tuple[tuple[int, int, str], ...] = ()
    """Texts written to trace_marker: row of the next event, time, text."""
    xpfo: tuple[XpfoStart, ...] = ()
    """Where XPFO began, in the trace of a kernel that runs it: once a boot."""
    words: tuple[str, ...] = ()
    """Causes, ways and callers of the events of group xpfo."""

    def as_json(self) -> dict[str, Any]:
        """The facts that a result rests on, as every JSON output has them."""
        return {
            "trace": self.name,
            "format": self.format,
            "sha256": self.sha256,
            "kernel": self.kernel,
            "kernel_from": self.kernel_from,
            "release": self.release,
            "clock": self.clock,
            "cpus": self.cpus,
            "recorded": None if self.recorded is None else list(self.recorded),
            "lost": self.lost,
            "warnings": {
                code: {"what": w.what, "count": w.count, "line": w.line}
                for code, w in self.warnings.items()
            },
            "skipped": dict(self.skipped),
            "xpfo": self.xpfo[0].strategy if self.xpfo else None,
        }

    def fate(self) -> str:
        """How many events were lost, in words."""
        if self.lost is None:
            return "an unknown number of events LOST"
        return f"{count(self.lost, 'event')} LOST" if self.lost else "no events lost"

    def masks(self) -> str:
        """The GFP table and how it was chosen, in words."""
        said = f"release {self.release}"
        release = f", {said}" if self.release and said != self.kernel_from else ""
        return f"GFP masks of {self.kernel}, {self.kernel_from}{release}"

    def left_out(self) -> str:
        """Events of other kinds that were skipped, in words; empty if none were."""
        if not self.skipped:
            return ""
        names = sorted(self.skipped, key=lambda name: -self.skipped[name])
        some = ", ".join(f"{name} {self.skipped[name]:,}" for name in names[:SHOWN])
        more = ", …" if len(names) > SHOWN else ""
        skipped = count(sum(self.skipped.values()), "other event")
        return f"{skipped} skipped: {some}{more}"

    def ran(self) -> str:
        """The strategy of the kernel, in words; empty for a stock kernel."""
        return "; then ".join(start.in_words() for start in self.xpfo)

    def notes(self) -> list[str]:
        """A sentence for each warning, with file and first line."""
        return [
            f"{self.name}{'' if w.line is None else f':{w.line}'}: "
            f"{w.what}{f' ({w.count:,} times)' if w.count > 1 else ''}"
            for w in self.warnings.values()
        ]


Observer = Callable[[XpfoEvents], None]
"""Gets the events of group xpfo, in chunks."""


class Recording(Protocol):
    """A trace that can be consumed: an open one, or one in memory.

    Nobody gets the events without the facts: `stream` returns them with the last one.
    """

    @property
    def kernel(self) -> str:
        """The GFP table of its masks, known before the first event."""

    @property
    def cpus(self) -> int | None:
        """CPUs of its machine, if its head says how many."""

    def stream(
        self, consume: Callable[[Events], None], observe: Observer | None = None
    ) -> About:
        """Give all events to `consume`, in order, in chunks; return the facts.

        `observe` gets those of group xpfo, in chunks of their own.
        """


@dataclass
class EventLog:
    """A whole trace in memory: its events and where they come from."""

    events: Events
    about: About
    xpfo: XpfoEvents = field(default_factory=XpfoEvents.empty)
    """Events of group xpfo; none in the trace of a stock kernel."""

    def __len__(self) -> int:
        return len(self.events.kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EventLog):
            return NotImplemented
        pairs = zip(
            (*self.events, *self.xpfo), (*other.events, *other.xpfo), strict=True
        )
        return self.about == other.about and all(np.array_equal(*two) for two in pairs)

    __hash__ = None  # type: ignore[assignment]

    @property
    def kernel(self) -> str:
        """The GFP table of its masks."""
        return self.about.kernel

    @property
    def cpus(self) -> int | None:
        """CPUs of its machine, if the trace said how many."""
        return self.about.cpus

    def chunks(self, length: int = 1 << 20) -> Iterator[Events]:
        """The events in pieces of at most `length` rows, in order."""
        for start in range(0, len(self), length):
            yield self.events.rows(slice(start, start + length))

    def stream(
        self, consume: Callable[[Events], None], observe: Observer | None = None
    ) -> About:
        """Give all events to `consume`, in order, in chunks; return the facts."""
        if observe is not None and len(self.xpfo.kind):
            observe(self.xpfo)
        for chunk in self.chunks():
            consume(chunk)
        return self.about

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
