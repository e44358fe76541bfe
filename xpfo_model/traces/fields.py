# SPDX-License-Identifier: GPL-2.0-only
"""The body of a kmem or xpfo event: key=value, in any order. Compiled with `scan`.

Mirrors the TP_printk of include/trace/events/kmem.h, v4.14 to v6.18, and what
libtraceevent prints of the fields themselves; of group xpfo see `xpfo_events`.
"""

from typing import Any, Final

from xpfo_model.traces.context import blank, decimal, digits
from xpfo_model.traces.scan_state import (
    ADDRESS,
    BODY,
    CAUSE,
    CLOSING,
    EQUALS,
    FIELD,
    GFP_FLAGS,
    GFP_WORD,
    IGNORED,
    LEFT,
    LINE_END,
    LOWER_A,
    LOWER_F,
    LOWER_N,
    LOWER_X,
    NAME_WORD,
    NEW_WORD,
    NEWLINE,
    NINE,
    NO_NUMBER,
    NULL_PAGE,
    OPENING,
    PAGE,
    PUZZLE,
    RIGHT,
    SPACE,
    UPPER_A,
    UPPER_F,
    VALUE_START,
    WORD_SPACE,
    WORD_START,
    WORD_STOP,
    ZERO,
)
from xpfo_model.traces.symbols import (
    FOLD,
    GFP,
    GOLDEN,
    HIGH,
    KEY,
    LAST_SLOT,
    LOW,
    NUMBER,
    SAMPLES,
    SHIFT,
    SLOTS,
    WORD,
    WORD_FOLLOWER,
    WORD_HASH,
    WORD_LENGTH,
    WORD_TEXT,
    WORD_VALUE,
)

_HEX_DIGITS: Final = 15
_ADDRESS_DIGITS: Final = 8
_MOST_DIGITS: Final = 18
_HEX_SHIFT: Final = 4
_TEN: Final = 10


def find(data: Any, start: int, stop: int, state: Any, words: Any) -> int:
    """Where the record of a word of WORD_SPACE is in the table; or -NEW_WORD."""
    state[WORD_START] = start
    state[WORD_STOP] = stop
    # from the state, not an argument: numba would compile a version for each space
    value = state[WORD_SPACE] ^ (stop - start)
    i = start
    while i < stop:
        value = (value << SHIFT) ^ data[i]
        i += 1 + ((stop - start) >> SAMPLES)
    last = words[LAST_SLOT]
    slot = ((value ^ value >> FOLD) & LOW) * GOLDEN >> HIGH & last
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
    return -NEW_WORD


def _is_at(data: Any, i: int, word: int, words: Any) -> bool:
    """Whether the text at `i` begins with a word; 0 is no word."""
    if word == 0:
        return False
    text = word + WORD_TEXT
    stop = text + words[word + WORD_LENGTH]
    while text < stop and data[i] == words[text]:
        i += 1
        text += 1
    return bool(text == stop)


def fields(data: Any, state: Any, words: Any) -> int:
    """Read key=value until the end of the line; the set of keys as bits.

    -NEW_WORD for a word that is not in the table, -PUZZLE for anything else.
    """
    seen = 0
    state[NULL_PAGE] = 0
    word = state[NAME_WORD]
    i = blank(data, state[BODY])
    while data[i] != NEWLINE:
        if data[i] == OPENING or data[i] == LEFT:
            i = _note(data, i)
            if i == 0:
                return -PUZZLE
            continue
        word = _key(data, i, word, state, words)
        if word < 0:
            if word == -ADDRESS:  # perf, field ip: the caller follows
                return _end(data, i, seen, state)
            return word
        key = words[word + WORD_VALUE]
        start = state[VALUE_START]
        i = start
        while data[i] > SPACE:
            i += 1
        if key != IGNORED:
            # a key that comes twice: two lines have run into one
            if start == i or seen >> key & 1:
                return -PUZZLE
            seen |= 1 << key
            outcome = _value(data, start, i, word, state, words)
            if outcome < 0:
                return outcome
        i = blank(data, i)
    state[LINE_END] = i
    return seen


def _key(data: Any, i: int, before: int, state: Any, words: Any) -> int:
    """The key at `i`, its value at VALUE_START; or -NEW_WORD, -PUZZLE."""
    word = words[before + WORD_FOLLOWER]
    stop = i
    if _is_at(data, i, word, words):
        stop = i + words[word + WORD_LENGTH]
    if stop == i or data[stop] != EQUALS:
        stop = i
        while data[stop] > SPACE and data[stop] != EQUALS:
            stop += 1
        if data[stop] != EQUALS:
            return -_no_key(data, i, stop)
        state[WORD_SPACE] = KEY
        word = find(data, i, stop, state, words)
        if word < 0:
            return word
        words[before + WORD_FOLLOWER] = word
    state[VALUE_START] = stop + 1
    if words[word + WORD_VALUE] == PAGE:
        # v4.14 pads: page=          (null)
        state[VALUE_START] = blank(data, stop + 1)
    return int(word)


def _no_key(data: Any, start: int, stop: int) -> int:
    """ADDRESS if a word is the address of an instruction, else PUZZLE."""
    i = start
    while ZERO <= data[i] <= NINE or LOWER_A <= data[i] <= LOWER_F:
        i += 1
    if i == stop and _ADDRESS_DIGITS <= stop - start <= _HEX_DIGITS + 1:
        return ADDRESS
    return PUZZLE


def _end(data: Any, i: int, seen: int, state: Any) -> int:
    """`seen`, or -PUZZLE if more fields follow on the line."""
    while data[i] != NEWLINE:
        if data[i] == EQUALS:
            return -PUZZLE
        i += 1
    state[LINE_END] = i
    return seen


def _note(data: Any, i: int) -> int:
    """Index behind a note in brackets, 0 if it does not end.

    ``[FAILED TO PARSE]`` of libtraceevent, and the number again that ftrace prints
    with its option fields: ``pfn=0x1234 (4660)``.
    """
    if data[i] == OPENING:
        while data[i] != NEWLINE and data[i] != CLOSING:
            i += 1
        return blank(data, i + (data[i] == CLOSING))
    i += 1
    while ZERO <= data[i] <= LOWER_X and data[i] != EQUALS:
        i += 1
    if data[i] != RIGHT:
        return 0
    return blank(data, i + 1)


def _value(data: Any, start: int, stop: int, word: int, state: Any, words: Any) -> int:
    """Read the value of a key; 0, -NEW_WORD or -PUZZLE."""
    key = words[word + WORD_VALUE]
    if key == PAGE:
        state[NULL_PAGE] = _is_null(data, start, stop)
        return 0
    if key == GFP_FLAGS:
        state[WORD_SPACE] = GFP
        word = state[GFP_WORD]
        if not _is_at(data, start, word, words) or (
            words[word + WORD_LENGTH] != stop - start
        ):
            word = find(data, start, stop, state, words)
            state[GFP_WORD] = max(word, 0)
    else:
        state[WORD_SPACE] = WORD
        if key < CAUSE:
            state[WORD_SPACE] = NUMBER
            value = _number(data, start, stop)
            if value >= 0:
                state[FIELD + key] = value
                return 0
        word = find(data, start, stop, state, words)
    if word < 0:
        return word
    value = words[word + WORD_VALUE]
    if value == NO_NUMBER:
        return -PUZZLE
    state[FIELD + key] = value
    return 0


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


def _number(data: Any, start: int, stop: int) -> int:
    """A number in decimal or after 0x; -1 for anything unusual."""
    i = start
    value = 0
    if data[i] == ZERO and data[i + 1] == LOWER_X:
        i += 2
        if not i < stop <= i + _HEX_DIGITS:
            return -1
        while i < stop:
            byte = data[i]
            if ZERO <= byte <= NINE:
                value = (value << _HEX_SHIFT) + (byte - ZERO)
            elif LOWER_A <= byte <= LOWER_F:
                value = (value << _HEX_SHIFT) + (byte - LOWER_A + _TEN)
            elif UPPER_A <= byte <= UPPER_F:
                value = (value << _HEX_SHIFT) + (byte - UPPER_A + _TEN)
            else:
                return -1
            i += 1
        return value
    if stop - start <= _MOST_DIGITS and digits(data, start) == stop:
        return decimal(data, start, stop)
    return -1
