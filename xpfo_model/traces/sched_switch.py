# SPDX-License-Identifier: GPL-2.0-only
"""The body of a sched_switch: who is switched to whom. Compiled with `scan`.

    prev_comm=sh prev_pid=12 prev_prio=120 prev_state=S ==> next_comm=cc1 next_pid=34
        next_prio=120
    sh:12 [120] S ==> cc1:34 [120]

A task's name may hold any of these words, but has at most 15 bytes: so a line that
has swallowed the next one is noticed. Mirrors include/trace/events/sched.h:
sched_switch, v4.14 to v6.18, and the plugin of libtraceevent.
"""

from typing import Any, Final

from xpfo_model.traces.context import (
    LONGEST_NAME,
    blank,
    decimal,
    digits,
    digits_before,
    is_at,
)
from xpfo_model.traces.scan_state import (
    BODY,
    CLOSING,
    COLON,
    DASH,
    LINE_END,
    NEWLINE,
    NEXT_PID,
    OPENING,
    PID,
    PUZZLE,
    SPACE,
)

_PREV_COMM: Final = b"prev_comm="
_PREV_PID: Final = b" prev_pid="
_PREV_PRIO: Final = b" prev_prio="
_PREV_STATE: Final = b" prev_state="
_ARROW: Final = b" ==> "
_NEXT_COMM: Final = b"next_comm="
_NEXT_PID: Final = b" next_pid="
_NEXT_PRIO: Final = b" next_prio="


def switch(data: Any, state: Any) -> int:
    """Read PID and NEXT_PID of a sched_switch; 0, or -PUZZLE."""
    start = blank(data, state[BODY])
    if is_at(data, start, _PREV_COMM):
        found = _fields(data, start + len(_PREV_COMM), state)
    else:
        found = _short(data, start, _end(data, start, state), state)
    if found:
        return 0
    return -PUZZLE


def _end(data: Any, i: int, state: Any) -> int:
    """Set LINE_END, from `i` on; index behind the last byte that is not blank."""
    start = i
    while data[i] != NEWLINE:
        i += 1
    state[LINE_END] = i
    while i > start and data[i - 1] <= SPACE:
        i -= 1
    return i


def _fields(data: Any, start: int, state: Any) -> bool:
    i = _prev_pid(data, start, state)
    if i == 0:
        return False
    i = _number(data, i + len(_PREV_PRIO))
    if not is_at(data, i, _PREV_STATE):
        return False
    i += len(_PREV_STATE)
    while data[i] > SPACE:
        i += 1
    i = blank(data, i)
    if is_at(data, i - 1, _ARROW):  # not among the bare fields
        i += len(_ARROW) - 1
    if not is_at(data, i, _NEXT_COMM):
        return False
    name = i + len(_NEXT_COMM)
    # the rest is read from its end, behind a name of unknown length
    i = _number_before(data, name, _end(data, name, state)) - len(_NEXT_PRIO)
    if i < name or not is_at(data, i, _NEXT_PRIO):
        return False
    end = i
    i = digits_before(data, name, end)
    if i == end or i - len(_NEXT_PID) < name:
        return False
    state[NEXT_PID] = decimal(data, i, end)
    i -= len(_NEXT_PID)
    return i - name <= LONGEST_NAME and is_at(data, i, _NEXT_PID)


def _prev_pid(data: Any, start: int, state: Any) -> int:
    """Index behind the pid of the task whose name begins at `start`, or 0."""
    i = start
    while i <= start + LONGEST_NAME and data[i] != NEWLINE:
        if data[i] == SPACE and is_at(data, i, _PREV_PID):
            pid = i + len(_PREV_PID)
            stop = digits(data, pid)
            if stop > pid and is_at(data, stop, _PREV_PRIO):
                state[PID] = decimal(data, pid, stop)
                return stop
        i += 1
    return 0


def _short(data: Any, start: int, stop: int, state: Any) -> bool:
    colon = _short_task(data, start, stop, state, NEXT_PID)
    i = colon - len(_ARROW)
    while i > start and colon - i - len(_ARROW) <= LONGEST_NAME:
        if data[i] == SPACE and is_at(data, i, _ARROW):
            while i > start and data[i - 1] > SPACE:  # the state, such as R+
                i -= 1
            colon = _short_task(data, start, i - 1, state, PID)
            return 0 < colon <= start + LONGEST_NAME
        i -= 1
    return False


def _short_task(data: Any, start: int, stop: int, state: Any, slot: int) -> int:
    """Read "...:pid [prio]" that ends at `stop`; index of the colon, or 0."""
    if stop <= start or data[stop - 1] != CLOSING:
        return 0
    end = _number_before(data, start, stop - 1) - 2
    if end <= start or data[end] != SPACE or data[end + 1] != OPENING:
        return 0
    i = digits_before(data, start, end)
    if i in (end, start) or data[i - 1] != COLON:
        return 0
    state[slot] = decimal(data, i, end)
    return i - 1


def _number(data: Any, i: int) -> int:
    """Index behind a number that may be negative: a deadline task has -1."""
    if data[i] == DASH:
        i += 1
    return digits(data, i)


def _number_before(data: Any, start: int, stop: int) -> int:
    """Index of a number, perhaps negative, that ends at `stop`."""
    i = digits_before(data, start, stop)
    if start < i < stop and data[i - 1] == DASH:
        i -= 1
    return i
