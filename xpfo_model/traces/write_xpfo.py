# SPDX-License-Identifier: GPL-2.0-only
"""Write the events of group xpfo as the text that ftrace would have written.

Mirrors the TP_printk of docs/kernel: include/trace/events/xpfo.h.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from xpfo_model.events import EventLog
from xpfo_model.xpfo_events import (
    FULL_FLUSH,
    IN_INTERRUPT,
    IRQS_OFF,
    WAITS,
    XPFO_DTYPES,
    XPFO_FAULT,
    XPFO_FLUSH,
    XPFO_HELD,
    XPFO_KMAP,
    XPFO_KUNMAP,
    XPFO_MAP,
    XPFO_MIGRATE,
    XPFO_NAMES,
    XPFO_SILENT_ALLOC,
    XPFO_SILENT_BLOCK,
    XPFO_SPLIT,
    XPFO_START,
    XPFO_UNMAP,
    XpfoEvents,
    XpfoStart,
)

Stamp = Callable[[int], str]
_CHUNK: Final = 1 << 16
_BODIES: Final = {
    XPFO_HELD: "pfn={0.pfn} nr={0.extent}",
    XPFO_FLUSH: "cause={1} pfn={0.pfn} span={0.extent} frames={0.frames} "
    "full={0.full} waits={0.waits}",
    XPFO_UNMAP: "pfn={0.pfn} cause={1}",
    XPFO_MAP: "pfn={0.pfn} cause={1}",
    XPFO_SPLIT: "block={0.pfn}",
    XPFO_KMAP: "pfn={0.pfn} way={1} caller={2}",
    XPFO_KUNMAP: "pfn={0.pfn} way={1} caller={2}",
    XPFO_SILENT_ALLOC: "pfn={0.pfn} order={0.order} migratetype={0.migratetype} "
    "gfp_flags={0.gfp:#x} by={1}",
    XPFO_SILENT_BLOCK: "pfn={0.pfn} migratetype={0.migratetype}",
    XPFO_MIGRATE: "src={0.pfn} dst={0.extent} nr={0.frames} owner={1}",
    XPFO_FAULT: "pfn={0.pfn} owner={1} caller={2}",
}


class Row(NamedTuple):
    """A row of `XpfoEvents`, as Python's integers."""

    row: int
    time: int
    cpu: int
    kind: int
    flags: int
    pfn: int
    extent: int
    frames: int
    order: int
    migratetype: int
    gfp: int
    word: int
    caller: int
    pid: int

    @property
    def full(self) -> int:
        """Of a flush: 1 if it was of the whole TLB."""
        return int(self.flags & FULL_FLUSH != 0)

    @property
    def waits(self) -> int:
        """Of a flush: 1 if it could wait for the other CPUs."""
        return int(self.flags & WAITS != 0)


def rows_of(events: XpfoEvents) -> Iterator[Row]:
    """The rows one by one."""
    for start in range(0, len(events.kind), _CHUNK):
        part = events.rows(slice(start, start + _CHUNK))
        columns = (getattr(part, name).tolist() for name in XPFO_DTYPES)
        yield from map(Row._make, zip(*columns, strict=True))


def body(row: Row, words: tuple[str, ...]) -> str:
    """An event without its task, CPU and time: its name and its fields."""
    cause = words[row.word] if row.word >= 0 else ""
    caller = words[row.caller] if row.caller >= 0 else ""
    return f"{XPFO_NAMES[row.kind]}: {_BODIES[row.kind].format(row, cause, caller)}"


def lines(log: EventLog, stamp: Stamp) -> Iterator[tuple[int, str]]:
    """Each line of the group, in order, with the kmem events that stand before it."""
    starts = iter(log.about.xpfo)
    start = next(starts, None)
    for number, row in enumerate(rows_of(log.xpfo)):
        while start is not None and start.event <= number:
            yield start.row, _start(start, stamp)
            start = next(starts, None)
        yield row.row, line(row, log.about.words, stamp)
    while start is not None:
        yield start.row, _start(start, stamp)
        start = next(starts, None)


def line(row: Row, words: tuple[str, ...], stamp: Stamp) -> str:
    """The line of an event."""
    flags = "d" if row.flags & IRQS_OFF else "."
    flags += ".s" if row.flags & IN_INTERRUPT else ".."
    return (
        f"           <...>-{row.pid:<7} [{row.cpu:03}] {flags}.. {stamp(row.time)}: "
        f"{body(row, words)}\n"
    )


def _start(start: XpfoStart, stamp: Stamp) -> str:
    front = f"           <...>-0       [000] ..... {stamp(start.time)}"
    return (
        f"{front}: {XPFO_NAMES[XPFO_START]}: strategy={start.strategy} "
        f"start={start.start} kmap={start.kmap} test={start.test} "
        f"end_pfn={start.end_pfn} block_order={start.block_order} cpus={start.cpus}\n"
    )
