# SPDX-License-Identifier: GPL-2.0-only
"""The body of an event: key=value fields, or who is switched to whom.

Compiled with `scan`. Mirrors the TP_printk of include/trace/events/kmem.h and
sched.h, v4.14 to v6.18, and the sched_switch plugin of libtraceevent.
"""

from typing import Any, Final

from xpfo_model.traces.context import blank, decimal, digits
from xpfo_model.traces.layout import (
    BODY,
    CLOSING,
    COLON,
    EQUALS,
    FIELD,
    GFP_FLAGS,
    IGNORED,
    LEFT,
    LINE_END,
    LOWER_A,
    LOWER_F,
    LOWER_N,
    LOWER_X,
    NEW_WORD,
    NEWLINE,
    NEXT_PID,
    NINE,
    NO_NUMBER,
    NULL_PAGE,
    OPENING,
    PAGE,
    PID,
    PUZZLE,
    SPACE,
    UPPER_A,
    UPPER_F,
    WORD_SPACE,
    WORD_START,
    WORD_STOP,
    ZERO,
)
from xpfo_model.traces.words import (
    FOLD,
    GFP,
    KEY,
    LAST_SLOT,
    NUMBER,
    SAMPLES,
    SHIFT,
    SLOTS,
    WORD_HASH,
    WORD_LENGTH,
    WORD_TEXT,
    WORD_VALUE,
)

_HEX_DIGITS: Final = 15
_MOST_DIGITS: Final = 18
_HEX_SHIFT: Final = 4
_TEN: Final = 10
_PREV_PID: Final = tuple(b" prev_pid=")
_PREV_PRIO: Final = tuple(b" prev_prio=")
_NEXT_PID: Final = tuple(b" next_pid=")
_NEXT_PRIO: Final = tuple(b" next_prio=")
_ARROW: Final = tuple(b" ==> ")
_NEW: Final = -3
"""Of `_number`: a text that needs the table, and is not in it."""


def find(data: Any, start: int, stop: int, space: int, words: Any) -> int:
    """Where the record of a word is in the table, -1 if it has none."""
    value = space ^ (stop - start)
    for i in range(start, stop, 1 + ((stop - start) >> SAMPLES)):
        value = (value << SHIFT) ^ data[i]
    last = words[LAST_SLOT]
    slot = (value ^ value >> FOLD ^ value >> 2 * FOLD ^ value >> 3 * FOLD) & last
    record = words[SLOTS + slot]
    while record:
        if words[record + WORD_HASH] == value and (
            words[record + WORD_LENGTH] == stop - start
        ):
            text = record + WORD_TEXT - start
            i = start
            while i < stop and data[i] == words[text + i]:
                i += 1
            if i == stop:
                return int(record)
        slot = (slot + 1) & last
        record = words[SLOTS + slot]
    return -1


def fields(data: Any, state: Any, words: Any) -> int:
    """Read key=value until the end of the line; the set of keys as bits.

    -NEW_WORD for a word that is not in the table, -PUZZLE for anything else.
    A key that comes twice is a puzzle: two lines run into one.
    """
    seen = 0
    state[NULL_PAGE] = 0
    i = blank(data, state[BODY])
    while data[i] != NEWLINE:
        if data[i] == OPENING:  # libtraceevent: [FAILED TO PARSE]
            while data[i] != NEWLINE and data[i] != CLOSING:
                i += 1
            if data[i] == NEWLINE:
                return -PUZZLE
            i = blank(data, i + 1)
            continue
        start = i
        while data[i] > SPACE and data[i] != EQUALS:
            i += 1
        if data[i] != EQUALS:
            return -PUZZLE
        word = find(data, start, i, KEY, words)
        if word < 0:
            return _new(state, KEY, start, i)
        key = words[word + WORD_VALUE]
        start = i + 1
        i = start
        if key == PAGE:
            # v4.14 pads: page=          (null)
            start = blank(data, start)
            i = start
        while data[i] > SPACE:
            i += 1
        if key == IGNORED:
            i = blank(data, i)
            continue
        if start == i or seen >> key & 1:
            return -PUZZLE
        seen |= 1 << key
        if key == PAGE:
            state[NULL_PAGE] = _is_null(data, start, i)
        elif key == GFP_FLAGS:
            word = find(data, start, i, GFP, words)
            if word < 0:
                return _new(state, GFP, start, i)
            state[FIELD + key] = words[word + WORD_VALUE]
        else:
            value = _number(data, start, i, words)
            if value == _NEW:
                return _new(state, NUMBER, start, i)
            if value == NO_NUMBER:
                return -PUZZLE
            state[FIELD + key] = value
        i = blank(data, i)
    state[LINE_END] = i
    return seen


def _new(state: Any, space: int, start: int, stop: int) -> int:
    state[WORD_SPACE] = space
    state[WORD_START] = start
    state[WORD_STOP] = stop
    return -NEW_WORD


def _is_null(data: Any, start: int, stop: int) -> int:
    """Whether a pointer is (null), (nil) or all zeros."""
    if data[start] == LEFT:
        if data[start + 1] == LOWER_N:
            return 1
        return 0
    i = start
    if data[i] == ZERO and data[i + 1] == LOWER_X:
        i += 2
    while i < stop and data[i] == ZERO:
        i += 1
    if i == stop:
        return 1
    return 0


def _number(data: Any, start: int, stop: int, words: Any) -> int:
    """A number in decimal or after 0x; anything unusual is a word of the table."""
    i = start
    value = 0
    if data[i] == ZERO and data[i + 1] == LOWER_X:
        i += 2
        if i < stop <= i + _HEX_DIGITS:
            while i < stop:
                byte = data[i]
                if ZERO <= byte <= NINE:
                    value = (value << _HEX_SHIFT) + (byte - ZERO)
                elif LOWER_A <= byte <= LOWER_F:
                    value = (value << _HEX_SHIFT) + (byte - LOWER_A + _TEN)
                elif UPPER_A <= byte <= UPPER_F:
                    value = (value << _HEX_SHIFT) + (byte - UPPER_A + _TEN)
                else:
                    break
                i += 1
            if i == stop:
                return value
    elif stop - start <= _MOST_DIGITS and digits(data, start) == stop:
        return decimal(data, start, stop)
    word = find(data, start, stop, NUMBER, words)
    if word < 0:
        return _NEW
    return words[word + WORD_VALUE]


def switch(data: Any, state: Any) -> int:
    """Read PID and NEXT_PID of a sched_switch; 0, or -PUZZLE."""
    start = blank(data, state[BODY])
    stop = start
    while data[stop] != NEWLINE:
        stop += 1
    state[LINE_END] = stop
    while stop > start and data[stop - 1] <= SPACE:
        stop -= 1
    if _switch_fields(data, start, stop, state):
        return 0
    if _switch_short(data, start, stop, state):
        return 0
    return -PUZZLE


def _switch_fields(data: Any, start: int, stop: int, state: Any) -> bool:
    """prev_comm=a prev_pid=1 prev_prio=... next_comm=b next_pid=2 next_prio=...

    A task's name may hold any of this: the first prev_pid that a prev_prio
    follows counts, and the last next_pid that a next_prio follows.
    """
    i = start
    previous = 0
    while i < stop and not previous:
        if data[i] == SPACE and _matches(data, i, _PREV_PID):
            end = digits(data, i + len(_PREV_PID))
            if end > i + len(_PREV_PID) and _matches(data, end, _PREV_PRIO):
                state[PID] = decimal(data, i + len(_PREV_PID), end)
                previous = end
        i += 1
    i = stop
    while i > previous > 0:
        i -= 1
        if data[i] == SPACE and _matches(data, i, _NEXT_PID):
            end = digits(data, i + len(_NEXT_PID))
            if end > i + len(_NEXT_PID) and _matches(data, end, _NEXT_PRIO):
                state[NEXT_PID] = decimal(data, i + len(_NEXT_PID), end)
                return True
    return False


def _switch_short(data: Any, start: int, stop: int, state: Any) -> bool:
    """sh:12 [120] S ==> swapper/0:0 [120], read from its end."""
    i = _short_task(data, start, stop, state, NEXT_PID)
    while i > start:
        i -= 1
        if data[i] == SPACE and _matches(data, i, _ARROW):
            while i > start and data[i - 1] > SPACE:  # the state, such as R+
                i -= 1
            return _short_task(data, start, i - 1, state, PID) > 0
    return False


def _short_task(data: Any, start: int, stop: int, state: Any, slot: int) -> int:
    """Read "...:pid [prio]" that ends at `stop`; index of the colon, or 0."""
    i = stop - 1
    if i <= start or data[i] != CLOSING:
        return 0
    while i > start and data[i] != OPENING:
        i -= 1
    end = i - 1
    if end <= start or data[end] != SPACE:
        return 0
    i = end
    while i > start and ZERO <= data[i - 1] <= NINE:
        i -= 1
    if i == end or i == start or data[i - 1] != COLON:
        return 0
    state[slot] = decimal(data, i, end)
    return i - 1


def _matches(data: Any, i: int, text: Any) -> bool:
    for k in range(len(text)):
        if data[i + k] != text[k]:
            return False
    return True
