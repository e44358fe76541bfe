# SPDX-License-Identifier: GPL-2.0-only
"""The first form of a saved log, which is only read: all events in one piece.

* time: differences to the row before, in the largest unit that divides them all,
  byte by byte of equal weight, the lowest bytes first;
* the seven small columns of a row: which of a few dozen combinations;
* pfn, gfp, next_pid: only of the kinds of event that have one;
* pid: only where it is not the next_pid of that CPU's last sched_switch.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model.events import SCHED_SWITCH, Events
from xpfo_model.traces import columns

Array = npt.NDArray[Any]

_SMALL: Final = (
    "kind",
    "flags",
    "order",
    "migratetype",
    "fallback_order",
    "fallback_migratetype",
    "preempt",
)
_SPARSE: Final = ("pfn", "gfp", "next_pid")


def decode(arrays: dict[str, Array], coding: dict[str, Any]) -> Events:
    """The events of the arrays of a file.

    Raises `ValueError`, `LookupError`, `TypeError` or `OverflowError` for arrays of
    another kind.
    """
    combinations = arrays["combinations"][arrays["row"]]
    if combinations.shape[1:] != (len(_SMALL),):
        raise ValueError("its combinations are of another width")
    rows = Events.empty(len(combinations))
    for column, name in enumerate(_SMALL):
        columns.fill(rows, name, combinations[:, column])
    columns.fill(rows, "cpu", arrays["cpu"])
    steps = np.ascontiguousarray(arrays["time"].T).view(str(coding["step"])).ravel()
    columns.fill_time(rows.time, steps.astype(np.int64), int(coding["unit"]))
    arrays["gfp"] = arrays["masks"][arrays["gfp"]]
    for name in _SPARSE:
        where = np.flatnonzero(np.isin(rows.kind, coding["kinds"][name]))
        columns.fill(rows, name, arrays[name], where)
    columns.fill(rows, "pid", arrays["pid"] + _expected_pid(rows))
    columns.check(rows)
    return rows


def _expected_pid(events: Events) -> npt.NDArray[np.int64]:
    """The task that each row's CPU switched to last, 0 before its first switch."""
    by_cpu, first = columns.by_cpu(events.cpu)
    before = np.roll(by_cpu, 1)
    switched = ~first & (events.kind.take(before) == SCHED_SWITCH)
    at = np.flatnonzero(first | switched)
    known = np.where(first[at], 0, events.next_pid.take(before.take(at)))
    expected = np.empty(len(events.kind), np.int64)
    expected[by_cpu] = np.repeat(known, np.diff(at, append=len(expected)))
    return expected
