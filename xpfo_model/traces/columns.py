# SPDX-License-Identifier: GPL-2.0-only
"""A chunk of events as a few planes of bytes that compress well.

* time: differences to the row before, in the largest unit that divides them all;
* kind, flags, order, migratetype and preempt: a number of the combination;
* gfp: a number of the mask; only of mm_page_alloc;
* pfn, next_pid and the fallback columns: only of the kinds that have one;
* pid: the difference to the task that the row before on the same CPU left there.

Each is counted from its least value, and stored byte by byte of equal weight, the
lowest bytes first: an array of uint8, one row a byte.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model.constants import MAX_PAGE_ORDER, MAX_PFN, NR_CPUS
from xpfo_model.events import (
    EVENT_NAMES,
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    SCHED_SWITCH,
    UNKNOWN,
    Column,
    Events,
)
from xpfo_model.traces.scan_state import MIGRATE_TYPES, PID_LIMIT

Planes = npt.NDArray[np.uint8]
Numbers = dict[str, Any]

_LARGEST: Final = (1 << 63) - 1
_ROUGHLY: Final = 1 << 40
"""More than sums of times in floating point can be off, and far from wrapping."""
_RANGES: Final = {
    "time": (0, _LARGEST),
    "cpu": (0, NR_CPUS - 1),
    "kind": (0, len(EVENT_NAMES) - 1),
    "flags": (0, 7),
    "pfn": (FAILED, MAX_PFN - 1),
    "order": (0, MAX_PAGE_ORDER),
    "migratetype": (-1, MIGRATE_TYPES - 1),
    "fallback_order": (0, MAX_PAGE_ORDER),
    "fallback_migratetype": (-1, MIGRATE_TYPES - 1),
    "preempt": (0, UNKNOWN),
    "gfp": (0, _LARGEST),
    "pid": (-1, PID_LIMIT - 1),
    "next_pid": (0, PID_LIMIT - 1),
}
"""The least and the largest value that the text of a trace can have."""
_DEEPEST: Final = 15
"""Largest depth of preemption that a trace tells."""
_OWN: Final = {
    "pfn": (tuple(range(SCHED_SWITCH)), 0),
    "gfp": ((MM_PAGE_ALLOC,), 0),
    "next_pid": ((SCHED_SWITCH,), 0),
    "fallback_order": ((MM_PAGE_ALLOC_EXTFRAG,), 0),
    "fallback_migratetype": ((MM_PAGE_ALLOC_EXTFRAG,), -1),
}
"""Columns that only some kinds have: those kinds, and the value for all others."""
_CODE: Final = (
    ("kind", 4),
    ("flags", 3),
    ("order", 4),
    ("migratetype", 3),
    ("preempt", 5),
)
"""Columns whose combination is numbered, and the bits of each in it. What may be -1
is one more in it, and so is preempt, of which UNKNOWN is the largest uint8."""
_ONE_MORE: Final = ("migratetype", "preempt")
_CODES: Final = 1 << sum(bits for _, bits in _CODE)


def check(events: Events) -> None:
    """Refuse events that no trace has, so that who counts them need not look.

    Raises `ValueError`.
    """
    for name, (low, high) in _RANGES.items():
        column = getattr(events, name)
        if len(column) and not low <= int(column.min()) <= int(column.max()) <= high:
            raise ValueError(f"{name} of an event is out of range")
    if ((events.preempt > _DEEPEST) & (events.preempt != UNKNOWN)).any():
        raise ValueError("preempt of an event is out of range")
    for name, (kinds, absent) in _OWN.items():
        column = getattr(events, name)
        own = column.take(_rows(events.kind, kinds))
        if np.count_nonzero(column != absent) != np.count_nonzero(own != absent):
            raise ValueError(f"{name} of an event is set, which its kind does not have")
    failed = events.kind[events.pfn == FAILED]
    if not np.isin(failed, (MM_PAGE_ALLOC, MM_PAGE_ALLOC_ZONE_LOCKED)).all():
        raise ValueError("an event that allocates nothing has failed")
    beyond = (np.int64(1) << np.arange(MAX_PAGE_ORDER + 1)) - 1
    misaligned = events.pfn & beyond.take(events.order)
    odd = np.flatnonzero(misaligned)
    whole = (MM_PAGE_ALLOC_EXTFRAG, *range(SCHED_SWITCH, len(EVENT_NAMES)))
    if ((events.pfn[odd] != FAILED) & ~np.isin(events.kind[odd], whole)).any():
        raise ValueError("pfn of an event is not aligned to its order")


def encode(events: Events) -> tuple[dict[str, Planes], Numbers]:
    """The planes by their names, and the numbers that `decode` needs with them.

    Raises `ValueError`, as `check` does.
    """
    check(events)
    columns: dict[str, Column] = {}
    steps = np.diff(events.time)
    unit = max(1, int(np.gcd.reduce(steps))) if len(steps) else 1
    columns["time"] = steps // unit if unit > 1 else steps
    columns["cpu"] = events.cpu
    codes, columns["code"] = _codes(events)
    for name, (kinds, _) in _OWN.items():
        columns[name] = getattr(events, name).take(_rows(events.kind, kinds))
    masks = np.unique(columns["gfp"])
    columns["gfp"] = np.searchsorted(masks, columns["gfp"])
    order, first = by_cpu(events.cpu)
    pid = events.pid.take(order).astype(np.int64)
    left = np.where(events.kind == SCHED_SWITCH, events.next_pid, events.pid)
    pid[1:] -= np.where(first[1:], 0, left.take(order)[:-1])
    columns["pid"] = pid
    packed = {name: pack(column) for name, column in columns.items()}
    return {name: planes for name, (planes, _) in packed.items()}, {
        "rows": len(events.kind),
        "start": int(events.time[0]) if len(events.time) else 0,
        "unit": unit,
        "least": {name: least for name, (_, least) in packed.items()},
        "codes": codes.tolist(),
        "masks": masks.tolist(),
    }


def decode(planes: dict[str, Planes], numbers: Numbers) -> Events:
    """The events that `encode` has made these planes of.

    Raises `ValueError`, `LookupError`, `TypeError` or `OverflowError` for others.
    """
    rows = numbers["rows"]
    events = Events.empty(rows)

    def column(name: str, length: int) -> Column:
        return unpack(planes[name], numbers["least"][name], length)

    if rows:
        steps = np.concatenate([[0], column("time", rows - 1)])
        fill_time(events.time, steps, numbers["unit"], numbers["start"])
    fill(events, "cpu", column("cpu", rows))
    code = column("code", rows)
    codes = np.array(numbers["codes"], np.int64)
    for name, bits in reversed(_CODE):
        small = (codes & ((1 << bits) - 1)) - (name in _ONE_MORE)
        if name == "preempt":
            small[small == -1] = UNKNOWN
        codes >>= bits
        fill(events, name, small.take(code))
    masks = np.array(numbers["masks"], np.uint64)
    for name, (kinds, absent) in _OWN.items():
        own = _rows(events.kind, kinds)
        values = column(name, len(own))
        if name == "gfp":
            values = masks.take(values)
        getattr(events, name).fill(absent)
        fill(events, name, values, own)
    fill(events, "pid", _pids(events, column("pid", rows)))
    check(events)
    return events


def _pids(events: Events, steps: Column) -> Column:
    """Who ran, from the differences to what the row before on the same CPU left."""
    order, first = by_cpu(events.cpu)
    before = np.roll(order, 1)
    switched = events.kind.take(before) == SCHED_SWITCH
    # where it does not follow from the row before: there the sum begins anew
    at = np.flatnonzero(first | switched)
    known = np.where(first[at], 0, events.next_pid.take(before.take(at)))
    total = np.cumsum(steps)
    lift = known + steps.take(at) - total.take(at)
    pid = np.empty_like(total)
    pid[order] = total + np.repeat(lift, np.diff(at, append=len(total)))
    return pid


def _rows(kind: Column, kinds: tuple[int, ...]) -> Column:
    """Indices of the rows of some kinds."""
    if len(kinds) == 1:
        return np.flatnonzero(kind == kinds[0])
    return np.flatnonzero(kind <= kinds[-1])


def _codes(events: Events) -> tuple[Column, Column]:
    """The combinations that occur, ascending, and which of them each row has."""
    code = np.zeros(len(events.kind), np.intp)
    for name, bits in _CODE:
        code <<= bits
        code |= getattr(events, name).view(np.uint8) + np.uint8(name in _ONE_MORE)
    seen = np.zeros(_CODES, np.bool_)
    seen[code] = True
    codes = np.flatnonzero(seen)
    place = np.zeros(_CODES, np.uint32)
    place[codes] = np.arange(len(codes))
    return codes, place.take(code)


def by_cpu(cpu: Column) -> tuple[Column, Column]:
    """Rows ordered by CPU, then as they came; and whether each is its CPU's first."""
    order = np.argsort(cpu, kind="stable")
    first = np.ones(len(cpu), np.bool_)
    ordered = cpu.take(order)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return order, first


def pack(column: Column) -> tuple[Planes, int]:
    """Integers as planes of bytes, counted from the least of them, which follows."""
    if not len(column):
        return np.zeros((1, 0), np.uint8), 0
    least = int(column.min())
    span = int(column.max()) - least
    size = next(size for size in (1, 2, 4, 8) if span < 1 << 8 * size)
    modulo = np.array(least % (1 << 8 * size), f"<u{size}")
    counted = column.astype(f"<u{size}") - modulo
    return np.ascontiguousarray(counted.view(np.uint8).reshape(-1, size).T), least


def unpack(planes: Planes, least: int, length: int) -> Column:
    """As `pack` had them, int64; refuses planes of another length."""
    size, found = planes.shape
    if found != length or size not in {1, 2, 4, 8} or planes.dtype != np.uint8:
        raise ValueError(f"an array of {size} x {found} where {length} values belong")
    counted = np.ascontiguousarray(planes.T).view(f"<u{size}").ravel()
    return counted.astype(np.int64) + np.int64(least)


def fill_time(time: Column, steps: Column, unit: int, start: int = 0) -> None:
    """Set times from the differences, in a unit, to the one before."""
    np.cumsum(steps * np.int64(unit), out=time)
    time += start
    # floating point is not exact, but nothing wraps around there
    rough = np.cumsum(steps, dtype=np.float64) * unit + start
    if len(rough) and (
        time.min() < 0 or not -_ROUGHLY <= rough.min() <= rough.max() <= _LARGEST
    ):
        raise ValueError("a time is out of range")


def fill(events: Events, name: str, values: Column, rows: Column | None = None) -> None:
    """Set a column, or some rows of it, to as many values, in its range."""
    column = getattr(events, name)
    if values.shape != (column if rows is None else rows).shape:
        raise ValueError(f"{values.shape} values of {name}")
    low, high = _RANGES[name]
    if len(values) and not low <= int(values.min()) <= int(values.max()) <= high:
        raise ValueError(f"{name} of an event is out of range")
    column[slice(None) if rows is None else rows] = values
