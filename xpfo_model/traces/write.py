# SPDX-License-Identifier: GPL-2.0-only
"""Write a log as the text that ftrace would have written.

Mirrors kernel/trace/trace_output.c: trace_print_context, and the TP_printk of
include/trace/events: kmem.h, sched.h, syscalls.h, exceptions.h, v6.1; a pfn is decimal
up to v5.12. What a log does not keep is written the way the kernel writes what it does
not know: the task is ``<...>``, the page address a constant.
"""

import heapq
import itertools
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TextIO

from xpfo_model import gfp
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    EVENT_NAMES,
    FAILED,
    IRQS_OFF,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_FREE_BATCHED,
    PAGE_FAULT_USER,
    PERCPU_REFILL,
    SCHED_SWITCH,
    SYS_ENTER,
    SYS_EXIT,
    TICKS,
    UNKNOWN,
    About,
    EventLog,
    Events,
)
from xpfo_model.traces import write_xpfo

_OURS: Final = (
    "# tracer:",
    "# GFP flags of ",
    "# entries-in-buffer",
    "# zoneinfo: ",
)
"""Comment lines of a head that are written anew."""
_PIECE: Final = 1 << 12
"""Lines of a piece."""
_PAGE: Final = "page=00000000deadbeef"
_UNREAD: Final = {
    SYS_ENTER: "NR -1 (0, 0, 0, 0, 0, 0)",
    SYS_EXIT: "NR -1 = 0",
    PAGE_FAULT_USER: "address=0x0 ip=0x0 error_code=0x0",
}
"""Bodies of events of which a log keeps the task, the CPU and the time."""
_HEXADECIMAL_PFN: Final = (5, 14)
_DEPTHS: Final = ".123456789abcdef"
_NS_A_SECOND: Final = 1_000_000_000
_NS_A_MICROSECOND: Final = 1_000


class _Row(NamedTuple):
    """A row of `Events`, as Python's integers."""

    time: int
    cpu: int
    kind: int
    flags: int
    pfn: int
    order: int
    migratetype: int
    fallback_order: int
    fallback_migratetype: int
    preempt: int
    gfp: int
    pid: int
    next_pid: int


def write_text(log: EventLog, file: TextIO) -> None:
    """Write a log as ftrace text that reads back into equal events.

    Its head has what the head of the trace had, and the facts that the lines do not
    tell. Raises `ValueError` for what such text cannot say: a negative time, a depth
    of preemption above 15.
    """
    file.writelines(pieces(log))


def pieces(log: EventLog) -> Iterator[str]:
    """The text that `write_text` writes, in pieces of many lines."""
    about, events = log.about, log.events
    if len(log) and int(events.time.min()) < 0:
        raise ValueError(f"{about.name}: a time is negative")
    deep = (events.preempt >= len(_DEPTHS)) & (events.preempt != UNKNOWN)
    if deep.any():
        raise ValueError(f"{about.name}: a depth of preemption is above 15")
    yield "".join(f"{' '.join(line.splitlines())}\n" for line in _head(log))
    marked = _marked(log, stamp_of(about.clock))
    while some := list(itertools.islice(marked, _PIECE)):
        yield "".join(some)
    if about.lost is None:
        yield "CPU:0 [LOST EVENTS]\n"


def _head(log: EventLog) -> Iterator[str]:
    """The comment lines: those of the trace, and the facts that they do not tell."""
    about = log.about
    there = len(log) + len(about.marks) + len(log.xpfo.kind) + len(about.xpfo)
    written = there + (about.lost or 0)
    cpus = "" if about.cpus is None else f"   #P:{about.cpus}"
    yield "# tracer: nop"
    yield "#"
    yield f"# GFP flags of {about.kernel}"
    yield f"# entries-in-buffer/entries-written: {there}/{written}{cpus}"
    yield "#"
    known = [line for line in about.header if not line.startswith(_OURS)]
    for name, value in (
        ("kernel", about.release),
        ("events", about.recorded and " ".join(about.recorded)),
    ):
        if value and not any(line.startswith(f"# {name}: ") for line in known):
            yield f"# {name}: {value}"
    yield from (line if line.startswith("#") else f"# {line}" for line in known)
    yield from _origin(about)
    yield from (f"# zoneinfo: {line}" for line in about.zoneinfo.splitlines())


def _origin(about: About) -> Iterator[str]:
    """The facts of a trace that was read, its faults and what was left out."""
    yield f"# converted from: {about.name}, {about.format}, {about.masks()}"
    yield f"# converted from: sha256 {about.sha256 or 'unknown'}"
    yield from (f"# converted with a warning: {note}" for note in about.notes())
    if about.skipped:
        yield f"# converted without: {about.left_out()}"


def _marked(log: EventLog, stamp: Callable[[int], str]) -> Iterator[str]:
    """The lines of the events, with the marks and those of group xpfo between them."""
    marks = (
        (row, _mark(time, text, stamp))
        for row, time, text in sorted(log.about.marks, key=lambda mark: mark[0])
    )
    others = heapq.merge(marks, write_xpfo.lines(log, stamp), key=lambda one: one[0])
    other = next(others, None)
    row = 0
    for chunk in log.chunks():
        for line in lines(chunk, log.about.kernel, stamp):
            while other is not None and other[0] <= row:
                yield other[1]
                other = next(others, None)
            yield line
            row += 1
    if other is not None:
        yield other[1]
    yield from (line for _, line in others)


def _mark(time: int, text: str, stamp: Callable[[int], str]) -> str:
    words = " ".join(text.split("\n"))
    front = f"           <...>-0       [000] ..... {stamp(time)}"
    return f"{front}: tracing_mark_write: {words}\n"


def stamp_of(clock: str) -> Callable[[int], str]:
    """The function that writes times of a clock, NANOSECONDS or TICKS."""
    return _ticks if clock == TICKS else _seconds


def _seconds(time: int) -> str:
    seconds, rest = divmod(time, _NS_A_SECOND)
    if rest % _NS_A_MICROSECOND:
        return f"{seconds:5}.{rest:09}"
    return f"{seconds:5}.{rest // _NS_A_MICROSECOND:06}"


def _ticks(time: int) -> str:
    return f"{time:12}"


def lines(events: Events, kernel: str, stamp: Callable[[int], str]) -> Iterator[str]:
    """The line of each event."""
    number = hex if gfp.version(kernel) >= _HEXADECIMAL_PFN else str
    masks = {bits: gfp.encode(bits, kernel) for bits in set(events.gfp.tolist())}
    for row in map(
        _Row._make, zip(*(column.tolist() for column in events), strict=True)
    ):
        flags = " d.." if row.flags & IRQS_OFF else ""
        if row.preempt != UNKNOWN:
            flags = f"{flags or ' ...'}{_DEPTHS[row.preempt]}."
        yield (
            f"           <...>-{row.pid:<7} [{row.cpu:03}]{flags} {stamp(row.time)}: "
            f"{EVENT_NAMES[row.kind]}: "
            f"{_UNREAD.get(row.kind) or _body(row, number, masks)}\n"
        )


def _body(row: _Row, number: Callable[[int], str], masks: dict[int, str]) -> str:
    if row.kind == SCHED_SWITCH:
        return (
            f"prev_comm=<...> prev_pid={row.pid} prev_prio=120 prev_state=R ==> "
            f"next_comm=<...> next_pid={row.next_pid} next_prio=120"
        )
    frame = f"{_PAGE} pfn={number(row.pfn)}"
    if row.pfn == FAILED:
        frame = f"page=(null) pfn={number(0)}"
    if row.kind == MM_PAGE_ALLOC_EXTFRAG:
        return (
            f"{frame} alloc_order={row.order} fallback_order={row.fallback_order} "
            f"pageblock_order={PAGEBLOCK_ORDER} alloc_migratetype={row.migratetype} "
            f"fallback_migratetype={row.fallback_migratetype} "
            f"fragmenting={int(row.fallback_order < PAGEBLOCK_ORDER)} "
            f"change_ownership={int(row.flags & CHANGE_OWNERSHIP != 0)}"
        )
    frame += f" order={row.order}"
    if row.kind in {MM_PAGE_FREE, MM_PAGE_FREE_BATCHED}:
        return frame
    frame += f" migratetype={row.migratetype}"
    if row.kind == MM_PAGE_ALLOC:
        return f"{frame} gfp_flags={masks[row.gfp]}"
    if row.kind == MM_PAGE_ALLOC_ZONE_LOCKED:
        return f"{frame} percpu_refill={int(row.flags & PERCPU_REFILL != 0)}"
    return frame
