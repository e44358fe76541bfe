# SPDX-License-Identifier: GPL-2.0-only
"""The events of a kernel that runs XPFO: its tracepoints of group ``xpfo``.

They stand beside the kmem events of `events`, in a table of their own, so that a
trace of a stock kernel has none of it. Mirrors docs/kernel: include/trace/events/
xpfo.h, on Linux 6.1.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

XPFO_HELD: Final = 0
XPFO_START: Final = 1
XPFO_FLUSH: Final = 2
XPFO_UNMAP: Final = 3
XPFO_MAP: Final = 4
XPFO_SPLIT: Final = 5
XPFO_KMAP: Final = 6
XPFO_KUNMAP: Final = 7
XPFO_SILENT_ALLOC: Final = 8
XPFO_SILENT_BLOCK: Final = 9
XPFO_MIGRATE: Final = 10
XPFO_FAULT: Final = 11

XPFO_NAMES: Final = (
    "xpfo_held",
    "xpfo_start",
    "xpfo_flush",
    "xpfo_unmap",
    "xpfo_map",
    "xpfo_split",
    "xpfo_kmap",
    "xpfo_kunmap",
    "xpfo_silent_alloc",
    "xpfo_silent_block",
    "xpfo_migrate",
    "xpfo_fault",
)
"""Tracepoint names by number. XPFO_START is no row: see `XpfoStart`."""

FULL_FLUSH: Final = 1
"""Flag of xpfo_flush: full=1, the whole TLB."""
WAITS: Final = 2
"""Flag of xpfo_flush: waits=1; without it only the kernel's own CPU was flushed."""
IRQS_OFF: Final = 4
"""Flag of every event: it fired with interrupts off, as in `events`."""
IN_INTERRUPT: Final = 8
"""Flag of every event: it fired in an interrupt, hard or soft."""

NO_WORD: Final = -1
"""A word or a caller that an event has not."""
MOST_WORDS: Final = (1 << 15) - 1
"""Different words that a trace may have."""

Column = npt.NDArray[Any]


class XpfoEvents(NamedTuple):
    """Columns of equal length, one row an event, in trace order."""

    row: Column
    """How many kmem events stand before it."""
    time: Column
    """As in `Events`."""
    cpu: Column
    kind: Column
    """XPFO_HELD … XPFO_FAULT, never XPFO_START."""
    flags: Column
    """FULL_FLUSH, WAITS, IRQS_OFF, IN_INTERRUPT."""
    pfn: Column
    """Page frame number; of split the block's number, of migrate the source."""
    extent: Column
    """Frames of held, span of flush, destination of migrate, else 0."""
    frames: Column
    """Of flush: entries that were cleared for it; of migrate: frames; else 0."""
    order: Column
    """Of silent_alloc, else 0."""
    migratetype: Column
    """Of silent_alloc and silent_block, else -1."""
    gfp: Column
    """Bits of the mask of silent_alloc, else 0."""
    word: Column
    """Its cause, way, by or owner, as an index of `About.words`, or NO_WORD."""
    caller: Column
    """Of kmap, kunmap and fault, as an index of `About.words`, or NO_WORD."""
    pid: Column
    """The task that ran."""

    @classmethod
    def empty(cls, length: int = 0) -> Self:
        """Columns of `length` zeros, with the dtypes of this class."""
        return cls(*(np.zeros(length, dtype) for dtype in XPFO_DTYPES.values()))

    @classmethod
    def concatenate(cls, parts: "list[XpfoEvents]") -> Self:
        """The rows of all parts in one, in their order."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def rows(self, which: slice | npt.NDArray[np.bool_]) -> "XpfoEvents":
        """The rows that a slice or a mask selects."""
        return XpfoEvents(*(column[which] for column in self))


XPFO_DTYPES: Final = {
    "row": np.dtype(np.int64),
    "time": np.dtype(np.int64),
    "cpu": np.dtype(np.uint16),
    "kind": np.dtype(np.uint8),
    "flags": np.dtype(np.uint8),
    "pfn": np.dtype(np.int64),
    "extent": np.dtype(np.int64),
    "frames": np.dtype(np.int64),
    "order": np.dtype(np.int8),
    "migratetype": np.dtype(np.int8),
    "gfp": np.dtype(np.uint64),
    "word": np.dtype(np.int16),
    "caller": np.dtype(np.int16),
    "pid": np.dtype(np.int32),
}
"""Column name to dtype, in the order of `XpfoEvents`."""


@dataclass(frozen=True)
class XpfoStart:
    """The event xpfo_start: XPFO begins, and counts from here on."""

    row: int
    """How many kmem events stand before it."""
    event: int
    """How many other events of the group stand before it."""
    time: int
    strategy: str
    start: str
    """``mapped`` or ``unmapped``: whether free memory has an alias."""
    kmap: str
    """``direct``, ``local`` or ``none``: the way of the kernel's own access."""
    test: str
    """The test that decides whose page it is."""
    end_pfn: int
    """The frame behind the last that exists."""
    block_order: int
    cpus: int

    def in_words(self) -> str:
        """The strategy, start and kmap of the kernel, in words."""
        return (
            f"the kernel that was traced ran XPFO: strategy {self.strategy}, memory "
            f"starts {self.start}, kmap {self.kmap}, user's pages by the {self.test} "
            "test"
        )
