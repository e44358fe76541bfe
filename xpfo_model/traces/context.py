# SPDX-License-Identifier: GPL-2.0-only
"""The front of a trace line: task, CPU, flags and time. Compiled with `scan`.

    ftrace      cc1-123   [001] d..2.    12.345678: mm_page_free: ...
    with tgid   cc1-123   (    99) [001] d..2.    12.345678: mm_page_free: ...
    trace-cmd   cc1-123   [001]    12.345678: mm_page_free:   ...
    its -l      cc1-123     1d..2.    12.345678901: mm_page_free:   ...
    perf        cc1   123 [001]    12.345678:    kmem:mm_page_free: ...
    perf        cc1    99/123  [001]    12.345678901:    kmem:mm_page_free: ...

A task may have nearly any name, so the line is read from its CPU outwards. The
kernel and perf pad the name to 16 characters; where the 17th fits that, a
bracket in the name is not mistaken for the CPU's.
Mirrors kernel/trace/trace_output.c: trace_print_context, v4.14 to v6.18.
"""

from typing import Any, Final

from xpfo_model.traces.scan_state import (
    CLOSING,
    COLON,
    CPU,
    DASH,
    DOT,
    FLAGS_START,
    FLAGS_STOP,
    LEFT,
    LINE_CLOCK,
    NEWLINE,
    NINE,
    OPENING,
    PID,
    RIGHT,
    SECONDS,
    SLASH,
    SPACE,
    TICKS,
    TIME,
    ZERO,
)

_COMM_WIDTH: Final = 16
LONGEST_NAME: Final = 15
"""TASK_COMM_LEN - 1. include/linux/sched.h."""
_MOST_DIGITS: Final = 18
_SECOND_DIGITS: Final = 10
"""A wall clock has ten."""
_MICROSECONDS: Final = 6
_NANOSECONDS: Final = 9
_NS_A_SECOND: Final = 1_000_000_000
_MOST_SECONDS: Final = (1 << 63) // _NS_A_SECOND - 1
_MOST_TENTHS: Final = (1 << 63) // 10 - 1
_NS_A_MICROSECOND: Final = 1_000


def context(data: Any, at: int, state: Any) -> int:
    """Index behind the time and its colon, 0 if the line at `at` has none.

    Fills PID, CPU, FLAGS_*, TIME and LINE_CLOCK of the state.
    """
    begin = at
    while begin < at + _COMM_WIDTH and data[begin] != NEWLINE:
        begin += 1
    if data[begin] not in (DASH, SPACE):
        begin = at
    found = 0
    while found == 0 and begin >= at:
        found = _bracketed(data, at, begin, state)
        begin = at if begin > at else at - 1
    if found == 0:
        found = _latency(data, at, state)
    return found


def _bracketed(data: Any, at: int, begin: int, state: Any) -> int:
    i = begin
    while data[i] != NEWLINE:
        if data[i] == OPENING:
            stop = digits(data, i + 1)
            if stop > i + 1 and data[stop] == CLOSING and _task(data, at, i, state):
                behind = _flags_and_time(data, stop + 1, state)
                if behind:
                    state[CPU] = decimal(data, i + 1, stop)
                    return behind
        i += 1
    return 0


def _task(data: Any, at: int, bracket: int, state: Any) -> bool:
    """Read backwards from the CPU: spaces, an optional (tgid), the pid."""
    stop = blank_before(data, at, bracket)
    if stop == bracket:
        return False
    if stop > at and data[stop - 1] == RIGHT:
        while stop > at and data[stop - 1] != LEFT:
            stop -= 1
        stop = blank_before(data, at, max(stop - 1, at))
    start = digits_before(data, at, stop)
    if start in (stop, at):
        return False
    name = start - 1
    sign = 1
    if data[name] == SLASH:  # perf: process/thread
        name = digits_before(data, at, name) - 1
        if name < at or data[name] != SPACE:
            return False
    elif data[name] == DASH:
        # a pid of -1 behind the padded name: perf has lost the task
        if name - at > _COMM_WIDTH and data[name - 1] in (SPACE, DASH):
            sign = -1
            name -= 1
    elif data[name] != SPACE:
        return False
    state[PID] = sign * decimal(data, start, stop)
    return name == at + _COMM_WIDTH or _is_name(data, at, name)


def _is_name(data: Any, at: int, stop: int) -> bool:
    """Whether what stands before the pid is short enough for a task's name.

    Longer, it is the rest of a line that was cut, and this line follows it without
    a newline. trace-cmd begins a line with the name of the instance and a colon.
    """
    stop = blank_before(data, at, stop)
    start = blank(data, at)
    if stop - start > LONGEST_NAME:
        while data[start] > SPACE:
            start += 1
        if data[start - 1] == COLON:
            start = blank(data, start)
    return stop - start <= LONGEST_NAME


def _latency(data: Any, at: int, state: Any) -> int:
    """trace-cmd report -l: task-pid, then CPU and flags without a space."""
    i = at
    while data[i] != NEWLINE:
        if data[i] == DASH:
            stop = digits(data, i + 1)
            cpu = blank(data, stop)
            cpu_stop = digits(data, cpu)
            # behind the space that follows the CPU are no flags
            if (
                stop > i + 1
                and cpu > stop
                and cpu_stop > cpu
                and data[cpu_stop] > SPACE
            ):
                behind = _flags_and_time(data, cpu_stop, state)
                if behind and _is_name(data, at, i):
                    state[PID] = decimal(data, i + 1, stop)
                    state[CPU] = decimal(data, cpu, cpu_stop)
                    return behind
        i += 1
    return 0


def _flags_and_time(data: Any, i: int, state: Any) -> int:
    i = blank(data, i)
    state[FLAGS_START] = i
    state[FLAGS_STOP] = i
    if data[i] < ZERO or data[i] > NINE:
        while data[i] > SPACE:
            i += 1
        state[FLAGS_STOP] = i
        i = blank(data, i)
    stop = digits(data, i)
    whole = _whole(data, i, stop)
    if whole < 0:
        return 0
    if data[stop] == DOT:
        fraction = stop + 1
        end = digits(data, fraction)
        if stop - i > _SECOND_DIGITS or whole > _MOST_SECONDS:
            return 0
        part = decimal(data, fraction, end)
        if end - fraction == _MICROSECONDS:
            part *= _NS_A_MICROSECOND
        elif end - fraction != _NANOSECONDS:
            return 0
        state[TIME] = whole * _NS_A_SECOND + part
        state[LINE_CLOCK] = SECONDS
        stop = end
    else:
        state[TIME] = whole
        state[LINE_CLOCK] = TICKS
    if data[stop] != COLON or data[stop + 1] > SPACE:
        return 0
    return stop + 1


def _whole(data: Any, i: int, stop: int) -> int:
    """Value of up to 19 digits, -1 if there are none or they pass 63 bits."""
    if stop == i or stop - i > _MOST_DIGITS + 1:
        return -1
    if stop - i <= _MOST_DIGITS:
        return decimal(data, i, stop)
    # nanoseconds of a wall clock
    tenths = decimal(data, i, stop - 1)
    if tenths > _MOST_TENTHS:
        return -1
    return tenths * 10 + int(data[stop - 1] - ZERO)


def blank(data: Any, i: int) -> int:
    """Index of the first byte from `i` that is not blank, or of the newline."""
    while data[i] <= SPACE and data[i] != NEWLINE:
        i += 1
    return i


def digits(data: Any, i: int) -> int:
    """Index of the first byte from `i` that is not a decimal digit."""
    while ZERO <= data[i] <= NINE:
        i += 1
    return i


def decimal(data: Any, i: int, stop: int) -> int:
    """Value of at most 18 digits; of more, the largest such number."""
    value = 0
    if stop - i > _MOST_DIGITS:
        i = stop
        value = 10**_MOST_DIGITS
    while i < stop:
        value = value * 10 + (data[i] - ZERO)
        i += 1
    return value


def blank_before(data: Any, at: int, i: int) -> int:
    """Index of the first of the spaces that end at `i`, from `at` on."""
    while i > at and data[i - 1] == SPACE:
        i -= 1
    return i


def digits_before(data: Any, at: int, i: int) -> int:
    """Index of the first of the digits that end at `i`, from `at` on."""
    while i > at and ZERO <= data[i - 1] <= NINE:
        i -= 1
    return i


def is_at(data: Any, i: int, text: Any) -> bool:
    """Whether the line has a text, without a newline, at `i`."""
    for k in range(len(text)):  # noqa: SIM110 - numba compiles no generator
        if data[i + k] != text[k]:
            return False
    return True
