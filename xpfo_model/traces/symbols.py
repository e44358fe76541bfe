# SPDX-License-Identifier: GPL-2.0-only
"""SymbolTable that the scanner has met, in one open-address table.

The scanner knows no word itself. It looks each one up here, and returns to
Python for one that it has not met before. The whole table is one array, because
every array that compiled functions hand on costs them time:

    LAST_SLOT | slots: 0 or where the record of a word is | records | free
    record: WORD_HASH WORD_LENGTH WORD_VALUE WORD_FOLLOWER WORD_TEXT

A word's follower is the key that came after it last: the scanner tries that one
first. WORD_TEXT has one byte an element.

A space says what a word is: the same bytes may name an event in one place and a
key in another. Each starts the hash differently. A word has at most WORD_LIMIT
bytes.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

NAME: Final = 1 << 12
"""Name of an event."""
KEY: Final = 2 << 12
"""Key of a field."""
GFP: Final = 3 << 12
"""Text of a GFP mask."""
NUMBER: Final = 4 << 12
"""Number that is written in an unusual way."""
WORD: Final = 5 << 12
"""Value of a field that is no number, such as a cause or a caller."""

LAST_SLOT: Final = 0
SLOTS: Final = 1
WORD_HASH: Final = 0
WORD_LENGTH: Final = 1
WORD_VALUE: Final = 2
WORD_FOLLOWER: Final = 3
WORD_TEXT: Final = 4

SAMPLES: Final = 3
"""Log2 of the bytes of a word that its hash looks at; one more, if need be."""
SHIFT: Final = 5
FOLD: Final = 31
LOW: Final = (1 << FOLD) - 1
GOLDEN: Final = 0x9E3779B1
"""2**32 over the golden ratio: Fibonacci hashing. The product has 63 bits."""
HIGH: Final = 24

WORD_LIMIT: Final = (1 << 12) - 1

_FIRST_SLOTS: Final = 1 << 9
_ROOM: Final = 24
"""Elements a slot."""


def _hash(space: int, text: bytes) -> int:
    """Hash of a word: its length and up to nine bytes spread over it.

    The same as in `fields.find`, which compares all bytes afterwards. Nothing is
    lost to an overflow: words of one text and two spaces differ.
    """
    value = space ^ len(text)
    for i in range(0, len(text), 1 + (len(text) >> SAMPLES)):
        value = (value << SHIFT) ^ text[i]
    return value


def _slot(value: int, last: int) -> int:
    return ((value ^ value >> FOLD) & LOW) * GOLDEN >> HIGH & last


class SymbolTable:
    """A growing table of words and what they mean to the scanner."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, bytes], int] = {}
        self._rebuild(_FIRST_SLOTS)

    def __setitem__(self, word: tuple[int, bytes], value: int) -> None:
        if word in self._values:
            raise KeyError(word)
        self._values[word] = value
        slots = int(self._table[LAST_SLOT]) + 1
        room = len(self._table) - self._free
        if 2 * len(self._values) > slots or WORD_TEXT + len(word[1]) > room:
            self._rebuild(2 * slots)
        else:
            self._place(word, value)

    def __getitem__(self, word: tuple[int, bytes]) -> int:
        return self._values[word]

    def __contains__(self, word: object) -> bool:
        return word in self._values

    @property
    def table(self) -> Any:
        """The table as `scan` takes it.

        A word that is added may replace the table, and move all records.
        """
        return self._table

    def _rebuild(self, slots: int) -> None:
        texts = sum(WORD_TEXT + len(text) for _, text in self._values)
        self._table: npt.NDArray[np.int64] = np.zeros(
            SLOTS + slots * _ROOM + 2 * texts, np.int64
        )
        self._table[LAST_SLOT] = slots - 1
        self._free = SLOTS + slots
        for word, value in self._values.items():
            self._place(word, value)

    def _place(self, word: tuple[int, bytes], value: int) -> None:
        hashed = _hash(*word)
        last = self._table[LAST_SLOT]
        slot = _slot(hashed, last)
        while self._table[SLOTS + slot]:
            slot = (slot + 1) & last
        record = self._free
        text = np.frombuffer(word[1], np.uint8)
        self._table[SLOTS + slot] = record
        self._table[record + WORD_HASH] = hashed
        self._table[record + WORD_LENGTH] = len(text)
        self._table[record + WORD_VALUE] = value
        self._table[record + WORD_TEXT : record + WORD_TEXT + len(text)] = text
        self._free = record + WORD_TEXT + len(text)
