# SPDX-License-Identifier: GPL-2.0-only
"""State that the scanner and its driver share: state slots, word values, outcomes."""

from typing import Final

from xpfo_model.events import EVENT_NAMES
from xpfo_model.xpfo_events import XPFO_NAMES

# Return values of `scan`.
DONE: Final = 0
"""Every line before the end was consumed."""
FULL: Final = 1
"""No row is free."""
NEW_WORD: Final = 2
"""The line at AT has a word that is not in the table: WORD_*."""
PUZZLE: Final = 3
"""The line at AT is not one that the scanner can read."""
ADDRESS: Final = 4
"""Not of `scan`: a word is an address, no key."""

# Slots of the state, an int64 array. First what lasts over lines.
AT: Final = 0
"""Index of the first byte of the next line."""
LINE: Final = 1
"""Lines consumed."""
ROW: Final = 2
"""Rows written."""
CLOCK: Final = 3
"""NO_CLOCK, SECONDS or TICKS: of all lines so far."""
LAST_TIME: Final = 4
"""Time of the row before."""
BACKWARDS: Final = 5
"""Rows that are earlier than the row before."""
BACKWARDS_LINE: Final = 6
"""Line of the first of them, 0 if none."""
ENTRIES: Final = 7
"""Lines of the trace consumed: events of any kind."""
# Then what was found on the line at AT.
PID: Final = 8
CPU: Final = 9
TIME: Final = 10
LINE_CLOCK: Final = 11
FLAGS_START: Final = 12
FLAGS_STOP: Final = 13
"""Flags column, empty if the line has none."""
WORD_SPACE: Final = 14
WORD_START: Final = 15
WORD_STOP: Final = 16
"""The subject of NEW_WORD."""
BODY: Final = 17
"""Index behind the event name and its colon."""
NULL_PAGE: Final = 18
"""1 if the event says page=(null)."""
NEXT_PID: Final = 19
FLAGS: Final = 20
"""Flags of the row."""
PREEMPT: Final = 21
LINE_END: Final = 22
"""Index of the newline."""
NAME_START: Final = 23
"""The event name, 0 if the line has no task, CPU and time."""
NAME_WORD: Final = 24
"""Where its record is in the table of words."""
GFP_WORD: Final = 25
"""Where the record of the last GFP text is, or 0: it often comes again."""
VALUE_START: Final = 26
"""The value of the key at hand."""
# Again what lasts over lines.
FRAMES: Final = 27
"""Lines of call chains consumed."""
BLOCK_ORDER: Final = 28
"""A pageblock_order that is not the model's, 0 if none was met."""
BLOCK_ORDER_LINE: Final = 29
BLOCK_ORDER_COUNT: Final = 30
BY_SOURCE: Final = 31
"""Whether a line may begin with the name of its instance or machine: trace-cmd."""
SOURCE: Final = 32
"""Hash of that name, of the first kmem event; NO_SOURCE before it."""
OTHER_SOURCE: Final = 33
"""Events of other sources, which are not counted."""
OTHER_SOURCE_LINE: Final = 34
XPFO_ROW: Final = 35
"""Rows of group xpfo written."""
ROWS_BEFORE: Final = 36
"""Rows that were given away before those of ROW."""
FIELD: Final = 37
"""First of FIELDS slots: the values of the fields."""

# Value of a word of space KEY: which field it names.
IGNORED: Final = 0
PAGE: Final = 1
PFN: Final = 2
ORDER: Final = 3
MIGRATETYPE: Final = 4
REFILL: Final = 5
ALLOC_ORDER: Final = 6
FALLBACK_ORDER: Final = 7
ALLOC_MIGRATETYPE: Final = 8
FALLBACK_MIGRATETYPE: Final = 9
OWNERSHIP: Final = 10
GFP_FLAGS: Final = 11
PAGEBLOCK: Final = 12
# Of group xpfo: first numbers, then words.
NR: Final = 13
SPAN: Final = 14
CLEARED: Final = 15
WHOLE: Final = 16
WAITS: Final = 17
BLOCK: Final = 18
SRC: Final = 19
DST: Final = 20
CAUSE: Final = 21
WAY: Final = 22
BY: Final = 23
OWNER: Final = 24
CALLER: Final = 25
FIELDS: Final = 26
WORDS: Final = (CAUSE, WAY, BY, OWNER, CALLER)
"""The keys whose values are words; no number has a larger one."""

KEYS: Final = {
    "page": PAGE,
    "pfn": PFN,
    "order": ORDER,
    "migratetype": MIGRATETYPE,
    "percpu_refill": REFILL,
    "alloc_order": ALLOC_ORDER,
    "fallback_order": FALLBACK_ORDER,
    "alloc_migratetype": ALLOC_MIGRATETYPE,
    "fallback_migratetype": FALLBACK_MIGRATETYPE,
    "change_ownership": OWNERSHIP,
    "gfp_flags": GFP_FLAGS,
    "pageblock_order": PAGEBLOCK,
    "nr": NR,
    "span": SPAN,
    "frames": CLEARED,
    "full": WHOLE,
    "waits": WAITS,
    "block": BLOCK,
    "src": SRC,
    "dst": DST,
    "cause": CAUSE,
    "way": WAY,
    "by": BY,
    "owner": OWNER,
    "caller": CALLER,
}
"""Fields that are read; others, such as fragmenting, follow from them."""

STATE_LENGTH: Final = FIELD + FIELDS

# Value of a word of space NAME: an event number of `events`, or one of these.
MARK: Final = len(EVENT_NAMES)
XPFO: Final = MARK + 1
"""XPFO + n: the n-th of group xpfo, see `xpfo_events`."""
SKIPPED: Final = XPFO + len(XPFO_NAMES)
"""SKIPPED + n: not read, but counted in the n-th counter."""

# Kinds of line, beyond those of any word.
OTHERS: Final = (1 << 40) - 1
"""An event of another source."""
FRAME: Final = 1 << 40
"""A line of a call chain; this and BLANK are no entries of a trace."""
BLANK: Final = FRAME + 1

NO_SOURCE: Final = -1

# Value of a word of space NUMBER, where it is not the number itself.
MINUS_ONE: Final = -1
NO_NUMBER: Final = -2

NO_CLOCK: Final = 0
SECONDS: Final = 1
TICKS: Final = 2

# enum migratetype with CMA and MEMORY_ISOLATION, include/linux/mmzone.h, v6.18
MIGRATE_TYPES: Final = 6
"""The number of migratetypes that any configuration has."""

PID_LIMIT: Final = 1 << 31

SPACE: Final = ord(" ")
NEWLINE: Final = ord("\n")
RETURN: Final = ord("\r")
TAB: Final = ord("\t")
EQUALS: Final = ord("=")
COLON: Final = ord(":")
DASH: Final = ord("-")
SLASH: Final = ord("/")
DOT: Final = ord(".")
OPENING: Final = ord("[")
CLOSING: Final = ord("]")
LEFT: Final = ord("(")
RIGHT: Final = ord(")")
ZERO: Final = ord("0")
NINE: Final = ord("9")
LOWER_A: Final = ord("a")
LOWER_F: Final = ord("f")
LOWER_M: Final = ord("m")
LOWER_N: Final = ord("n")
LOWER_X: Final = ord("x")
UPPER_A: Final = ord("A")
UPPER_F: Final = ord("F")
UPPER_Z: Final = ord("Z")
LOWER_Z: Final = ord("z")
