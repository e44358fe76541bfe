# SPDX-License-Identifier: GPL-2.0-only
"""A chunk of the events of group xpfo as a few planes of bytes that compress well.

As `columns` has them for the kmem events: kind, flags, order, migratetype and word
are a number of the combination; pfn and pid are differences to the row before on the
same CPU, which is often about the same page; extent, frames, gfp and caller are
stored of the kinds only that have one.
"""

from typing import Any, Final

import numpy as np

from xpfo_model.constants import MAX_PAGE_ORDER, MAX_PFN, NR_CPUS
from xpfo_model.traces.columns import (
    Numbers,
    Planes,
    by_cpu,
    fill_time,
    pack,
    unpack,
)
from xpfo_model.traces.scan_state import MIGRATE_TYPES, PID_LIMIT
from xpfo_model.xpfo_events import (
    FULL_FLUSH,
    IN_INTERRUPT,
    IRQS_OFF,
    MOST_WORDS,
    NO_WORD,
    WAITS,
    XPFO_FAULT,
    XPFO_FLUSH,
    XPFO_HELD,
    XPFO_KMAP,
    XPFO_KUNMAP,
    XPFO_MIGRATE,
    XPFO_SILENT_ALLOC,
    XPFO_SILENT_BLOCK,
    XPFO_SPLIT,
    XPFO_START,
    Column,
    XpfoEvents,
)

_LARGEST: Final = (1 << 63) - 1
_RANGES: Final = {
    "row": (0, _LARGEST),
    "time": (0, _LARGEST),
    "cpu": (0, NR_CPUS - 1),
    "kind": (0, XPFO_FAULT),
    "flags": (0, FULL_FLUSH | WAITS | IRQS_OFF | IN_INTERRUPT),
    "pfn": (0, MAX_PFN - 1),
    "extent": (0, MAX_PFN),
    "frames": (0, MAX_PFN),
    "order": (0, MAX_PAGE_ORDER),
    "migratetype": (-1, MIGRATE_TYPES - 1),
    "gfp": (0, _LARGEST),
    "word": (NO_WORD, MOST_WORDS - 1),
    "caller": (NO_WORD, MOST_WORDS - 1),
    "pid": (-1, PID_LIMIT - 1),
}
"""The least and the largest value that the text of a trace can have."""
_OWN: Final = {
    "extent": ((XPFO_HELD, XPFO_FLUSH, XPFO_MIGRATE), 0),
    "frames": ((XPFO_FLUSH, XPFO_MIGRATE), 0),
    "gfp": ((XPFO_SILENT_ALLOC,), 0),
    "caller": ((XPFO_KMAP, XPFO_KUNMAP, XPFO_FAULT), NO_WORD),
}
"""Columns that only some kinds have: those kinds, and the value for all others."""
_ABSENT: Final = {
    "order": ((XPFO_SILENT_ALLOC,), 0),
    "migratetype": ((XPFO_SILENT_ALLOC, XPFO_SILENT_BLOCK), -1),
}
"""The same of columns that are a part of the combination."""
_WORDLESS: Final = (XPFO_HELD, XPFO_SPLIT, XPFO_SILENT_BLOCK)
_CODE: Final = (
    ("kind", 4, 0),
    ("flags", 4, 0),
    ("order", 4, 0),
    ("migratetype", 3, 1),
    ("word", 15, 1),
)
"""Columns whose combination is numbered, the bits of each, and how much more it is."""


def check(events: XpfoEvents) -> None:
    """Refuse events that no trace has. Raises `ValueError`."""
    for name, (low, high) in _RANGES.items():
        column = getattr(events, name)
        if len(column) and not low <= int(column.min()) <= int(column.max()) <= high:
            raise ValueError(f"{name} of an event of group xpfo is out of range")
    kind = events.kind
    wrong = kind == XPFO_START
    for name, (kinds, absent) in (_OWN | _ABSENT).items():
        value = getattr(events, name)
        own = np.isin(kind, kinds)
        wrong |= ~own & (value != absent)
        # a caller and a migratetype that are absent are not in the range of others
        wrong |= own & (absent < 0) & (value == absent)
    wrong |= (events.word == NO_WORD) != np.isin(kind, _WORDLESS)
    wrong |= (kind != XPFO_FLUSH) & (events.flags & (FULL_FLUSH | WAITS) != 0)
    wrong |= events.pfn & ((np.int64(1) << events.order.astype(np.int64)) - 1) != 0
    wrong |= np.isin(kind, (XPFO_HELD, XPFO_FLUSH)) & (
        events.pfn + events.extent > MAX_PFN
    )
    wrong[1:] |= np.diff(events.row) < 0
    if wrong.any():
        raise ValueError("an event of group xpfo is not in order")


def encode(events: XpfoEvents) -> tuple[dict[str, Planes], Numbers]:
    """The planes by their names, and the numbers that `decode` needs with them.

    Raises `ValueError`, as `check` does.
    """
    check(events)
    columns: dict[str, Column] = {"cpu": events.cpu}
    starts = {}
    for name in ("row", "time"):
        column = getattr(events, name)
        starts[name] = int(column[0]) if len(column) else 0
        columns[name] = np.diff(column)
    unit = int(np.gcd.reduce(columns["time"])) if len(columns["time"]) else 1
    unit = max(1, unit)
    columns["time"] = columns["time"] // unit
    code = np.zeros(len(events.kind), np.int64)
    for name, bits, more in _CODE:
        code = code << bits | (getattr(events, name).astype(np.int64) + more)
    codes, columns["code"] = np.unique(code, return_inverse=True)
    for name, (kinds, _) in _OWN.items():
        columns[name] = getattr(events, name)[np.isin(events.kind, kinds)]
    masks, columns["gfp"] = np.unique(columns["gfp"], return_inverse=True)
    order, first = by_cpu(events.cpu)
    for name in ("pfn", "pid"):
        steps = getattr(events, name).take(order).astype(np.int64)
        steps[1:] -= np.where(first[1:], 0, steps[:-1])
        columns[name] = steps
    packed = {name: pack(column) for name, column in columns.items()}
    return {name: planes for name, (planes, _) in packed.items()}, {
        "rows": len(events.kind),
        "start": starts["time"],
        "row": starts["row"],
        "unit": unit,
        "least": {name: least for name, (_, least) in packed.items()},
        "codes": codes.tolist(),
        "masks": masks.tolist(),
    }


def decode(planes: dict[str, Planes], numbers: Numbers) -> XpfoEvents:
    """The events that `encode` has made these planes of.

    Raises `ValueError`, `LookupError`, `TypeError` or `OverflowError` for others.
    """
    rows = numbers["rows"]
    events = XpfoEvents.empty(rows)

    def column(name: str, length: int) -> Column:
        return unpack(planes[name], numbers["least"][name], length)

    def fill(name: str, values: Column, which: Any = slice(None)) -> None:
        low, high = _RANGES[name]
        if len(values) and not low <= int(values.min()) <= int(values.max()) <= high:
            raise ValueError(f"{name} of an event of group xpfo is out of range")
        getattr(events, name)[which] = values

    if rows:
        for name, unit, start in (
            ("time", numbers["unit"], numbers["start"]),
            ("row", 1, numbers["row"]),
        ):
            steps = np.concatenate([[0], column(name, rows - 1)])
            fill_time(getattr(events, name), steps, unit, start)
    fill("cpu", column("cpu", rows))
    code = column("code", rows)
    codes = np.array(numbers["codes"], np.int64)
    for name, bits, more in reversed(_CODE):
        fill(name, ((codes & ((1 << bits) - 1)) - more).take(code))
        codes >>= bits
    masks = np.array(numbers["masks"], np.uint64)
    for name, (kinds, absent) in _OWN.items():
        own = np.isin(events.kind, kinds)
        values = column(name, int(np.count_nonzero(own)))
        getattr(events, name).fill(absent)
        fill(name, masks.take(values) if name == "gfp" else values, own)
    order, first = by_cpu(events.cpu)
    at = np.flatnonzero(first)
    for name in ("pfn", "pid"):
        total = np.cumsum(column(name, rows))
        if rows:  # each CPU's sum begins anew
            lift = np.concatenate([[0], total[at[1:] - 1]])
            total -= np.repeat(lift, np.diff(at, append=rows))
        values = np.empty_like(total)
        values[order] = total
        fill(name, values)
    check(events)
    return events
