# SPDX-License-Identifier: GPL-2.0-only
"""The scanner: bytes of trace text to rows of events, one pass, no regex.

Written in the subset of Python that numba compiles; `jit.compiled` runs it
at a few hundred megabytes a second, plain Python gives the same rows. It digests
only lines that are in order. Whatever else it meets, a word that it has not seen
or a line that it cannot read, it leaves to Python: see `text`.

Every line ends with a newline, the sentinel of all loops in `context`, `fields`
and here: they need no other bound.
"""

from typing import Any, Final

from xpfo_model.constants import MAX_PAGE_ORDER, MAX_PFN, NR_CPUS, PAGEBLOCK_ORDER
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    IRQS_OFF,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_FREE_BATCHED,
    PERCPU_REFILL,
    SCHED_SWITCH,
    UNKNOWN,
)
from xpfo_model.traces.callchain import no_event
from xpfo_model.traces.context import blank, context, is_at
from xpfo_model.traces.fields import fields, find
from xpfo_model.traces.instance import of_source
from xpfo_model.traces.scan_state import (
    ALLOC_MIGRATETYPE,
    ALLOC_ORDER,
    AT,
    BACKWARDS,
    BACKWARDS_LINE,
    BLOCK_ORDER,
    BLOCK_ORDER_COUNT,
    BLOCK_ORDER_LINE,
    BODY,
    BY_SOURCE,
    CLOCK,
    COLON,
    CPU,
    DONE,
    DOT,
    ENTRIES,
    FALLBACK_MIGRATETYPE,
    FALLBACK_ORDER,
    FIELD,
    FLAGS,
    FLAGS_START,
    FLAGS_STOP,
    FRAME,
    FULL,
    GFP_FLAGS,
    LAST_TIME,
    LINE,
    LINE_CLOCK,
    LINE_END,
    LOWER_A,
    LOWER_F,
    LOWER_M,
    MARK,
    MIGRATE_TYPES,
    MIGRATETYPE,
    MINUS_ONE,
    NAME_START,
    NAME_WORD,
    NEWLINE,
    NEXT_PID,
    NINE,
    NO_CLOCK,
    NULL_PAGE,
    ORDER,
    OWNERSHIP,
    PAGE,
    PAGEBLOCK,
    PFN,
    PID,
    PID_LIMIT,
    PREEMPT,
    PUZZLE,
    REFILL,
    ROW,
    SKIPPED,
    SPACE,
    TIME,
    WORD_SPACE,
    XPFO,
    XPFO_ROW,
    ZERO,
)
from xpfo_model.traces.scan_xpfo import settle_xpfo, write_xpfo
from xpfo_model.traces.sched_switch import switch
from xpfo_model.traces.symbols import NAME, WORD_VALUE
from xpfo_model.xpfo_events import XPFO_START

_COMMON: Final = b"mm_page_"
"""How the names of all kmem events begin."""
_LOWER_D: Final = ord("d")
_UPPER_D: Final = ord("D")
_DEPTH: Final = 3
_MOST_FLAGS: Final = 5
_TEN: Final = 10

# Keys that each kind must have, as bits, by event number.
REQUIRED: Final = (
    1 << PFN | 1 << ORDER | 1 << MIGRATETYPE | 1 << GFP_FLAGS,
    1 << PFN | 1 << ORDER,
    1 << PFN,
    1 << PFN | 1 << ORDER | 1 << MIGRATETYPE,
    1 << PFN | 1 << ORDER | 1 << MIGRATETYPE,
    1 << PFN
    | 1 << ALLOC_ORDER
    | 1 << FALLBACK_ORDER
    | 1 << ALLOC_MIGRATETYPE
    | 1 << FALLBACK_MIGRATETYPE
    | 1 << OWNERSHIP,
    *(0,) * (MARK - SCHED_SWITCH),
)


def scan(
    data: Any, end: int, state: Any, words: Any, counts: Any, rows: Any, xpfo: Any
) -> int:
    """Scan the lines from AT to `end`, which follows a newline.

    `data` is the text as uint8, `counts` counts the skipped events by number,
    `rows` takes the events from ROW on, `xpfo` those of that group from XPFO_ROW on.
    Returns DONE, FULL, NEW_WORD or PUZZLE; the last two leave AT at the line in
    question.
    """
    at = state[AT]
    while at < end:
        row = state[ROW]
        if row == len(rows.time) or state[XPFO_ROW] == len(xpfo.time):
            return FULL
        kind = _line(data, state, words, counts)
        if kind < 0:
            return -kind
        if (kind < SCHED_SWITCH or MARK < kind < SKIPPED) and state[BY_SOURCE]:
            kind = of_source(data, state, kind)
        if kind < MARK:
            state[ROW] = row + 1
            rows.time[row] = state[TIME]
            rows.cpu[row] = state[CPU]
            rows.kind[row] = kind
            rows.flags[row] = state[FLAGS]
            rows.pfn[row] = state[FIELD + PFN]
            rows.order[row] = state[FIELD + ORDER]
            rows.migratetype[row] = state[FIELD + MIGRATETYPE]
            rows.fallback_order[row] = state[FIELD + FALLBACK_ORDER]
            rows.fallback_migratetype[row] = state[FIELD + FALLBACK_MIGRATETYPE]
            rows.preempt[row] = state[PREEMPT]
            rows.gfp[row] = state[FIELD + GFP_FLAGS]
            rows.pid[row] = state[PID]
            rows.next_pid[row] = state[NEXT_PID]
        elif kind < SKIPPED:
            write_xpfo(state, xpfo, kind)
        at = state[LINE_END] + 1
        state[AT] = at
        state[LINE] += 1
        if kind < FRAME:
            state[ENTRIES] += 1
    return DONE


def _line(data: Any, state: Any, words: Any, counts: Any) -> int:
    """Kind of the line at AT, its values in the state; or -NEW_WORD, -PUZZLE."""
    kind = _kind(data, state, words)
    if kind == -PUZZLE and state[NAME_START] == 0:
        kind = no_event(data, state)
    if kind < 0 or kind >= FRAME:
        return kind
    if kind >= SKIPPED:
        return _skip(data, state, counts, kind)
    if kind == MARK or kind == XPFO + XPFO_START or not _same_clock(state):
        return -PUZZLE
    if SCHED_SWITCH < kind < MARK:
        outcome = _to_end(data, state)
    elif kind == SCHED_SWITCH:
        outcome = switch(data, state)
    else:
        outcome = fields(data, state, words)
    if outcome < 0:
        return outcome
    if not _taken(data, state, kind, outcome):
        return -PUZZLE
    return kind


def _taken(data: Any, state: Any, kind: int, seen: int) -> bool:
    """Whether the fields of an event are in order; then they are a row's."""
    if state[CPU] >= NR_CPUS:
        return False
    if kind > MARK:
        taken = settle_xpfo(data, state, seen, kind - XPFO)
        if taken:
            _note_time(state)
        return bool(taken)
    taken = _in_range(state, kind, seen)
    if taken:
        _settle(data, state, kind)
    return bool(taken)


def _skip(data: Any, state: Any, counts: Any, kind: int) -> int:
    """Count an event; -PUZZLE if its line has swallowed a kmem event."""
    if _to_end(data, state):
        return -PUZZLE
    counts[kind - SKIPPED] += 1
    return kind


def _to_end(data: Any, state: Any) -> int:
    """Set LINE_END; 0, or -PUZZLE if the line has swallowed a kmem event."""
    i = state[BODY]
    while data[i] != NEWLINE:
        if (
            data[i] == LOWER_M
            and (data[i - 1] == SPACE or data[i - 1] == COLON)
            and is_at(data, i, _COMMON)
        ):
            return -PUZZLE
        i += 1
    state[LINE_END] = i
    return 0


def _kind(data: Any, state: Any, words: Any) -> int:
    """Read the line up to the event's name; what that name is."""
    state[NAME_START] = 0
    i = context(data, state[AT], state)
    if i == 0:
        return -PUZZLE
    start = blank(data, i)
    i = start
    while data[i] > SPACE:
        i += 1
    state[NAME_START] = start
    state[BODY] = i
    if i - start <= 1 or data[i - 1] != COLON:
        return -PUZZLE
    state[WORD_SPACE] = NAME
    word = find(data, start, i - 1, state, words)
    if word < 0:
        return word
    state[NAME_WORD] = word
    return int(words[word + WORD_VALUE])


def _same_clock(state: Any) -> bool:
    """Whether the line has the clock of the lines before; the first one sets it."""
    if state[CLOCK] == NO_CLOCK:
        state[CLOCK] = state[LINE_CLOCK]
        state[LAST_TIME] = state[TIME]
    return bool(state[CLOCK] == state[LINE_CLOCK])


def _in_range(state: Any, kind: int, seen: int) -> bool:
    """Check the fields of an event, and find a failed allocation."""
    if kind >= SCHED_SWITCH:
        other = kind == SCHED_SWITCH and state[NEXT_PID] >= PID_LIMIT
        return bool(state[PID] < PID_LIMIT and not other)
    if state[PID] >= PID_LIMIT or seen & REQUIRED[kind] != REQUIRED[kind]:
        return False
    if kind == MM_PAGE_ALLOC_ZONE_LOCKED and not seen >> REFILL & 1:
        # the bare fields of versions before v5.19, which print order == 0
        if seen >> PAGE & 1:
            return False
        state[FIELD + REFILL] = int(state[FIELD + ORDER] == 0)
    pfn = state[FIELD + PFN]
    # v4.14 fires zone_locked with no page, too
    if (kind in (MM_PAGE_ALLOC, MM_PAGE_ALLOC_ZONE_LOCKED)) and (
        pfn == MINUS_ONE or (pfn == 0 and state[NULL_PAGE])
    ):
        state[FIELD + PFN] = FAILED
        pfn = 0
    if kind == MM_PAGE_ALLOC_EXTFRAG:
        return bool(0 <= pfn < MAX_PFN) and _extfrag(state, seen)
    order = 0
    if seen >> ORDER & 1:
        order = state[FIELD + ORDER]
    return bool(
        0 <= pfn < MAX_PFN
        and _order(order)
        and pfn & ((1 << order) - 1) == 0
        and (not seen >> MIGRATETYPE & 1 or _migratetype(state[FIELD + MIGRATETYPE]))
        and (not seen >> REFILL & 1 or 0 <= state[FIELD + REFILL] <= 1)
    )


def _extfrag(state: Any, seen: int) -> bool:
    """Check the orders and types of an extfrag, and note a foreign pageblock_order."""
    if not (
        _order(state[FIELD + ALLOC_ORDER])
        and _order(state[FIELD + FALLBACK_ORDER])
        and _migratetype(state[FIELD + ALLOC_MIGRATETYPE])
        and _migratetype(state[FIELD + FALLBACK_MIGRATETYPE])
        and 0 <= state[FIELD + OWNERSHIP] <= 1
    ):
        return False
    if seen >> PAGEBLOCK & 1 and state[FIELD + PAGEBLOCK] != PAGEBLOCK_ORDER:
        state[BLOCK_ORDER] = state[FIELD + PAGEBLOCK]
        state[BLOCK_ORDER_COUNT] += 1
        if state[BLOCK_ORDER_LINE] == 0:
            state[BLOCK_ORDER_LINE] = state[LINE] + 1
    return True


def _order(value: int) -> bool:
    return 0 <= value <= MAX_PAGE_ORDER


def _migratetype(value: int) -> bool:
    return 0 <= value < MIGRATE_TYPES


def _settle(data: Any, state: Any, kind: int) -> None:
    """Bring the fields of all kinds to the columns of a row."""
    _note_time(state)
    state[PREEMPT] = _preempt(data, state[FLAGS_START], state[FLAGS_STOP])
    flags = _irqs_off(data, state[FLAGS_START], state[FLAGS_STOP])
    if kind == MM_PAGE_ALLOC_EXTFRAG:
        state[FIELD + ORDER] = state[FIELD + ALLOC_ORDER]
        state[FIELD + MIGRATETYPE] = state[FIELD + ALLOC_MIGRATETYPE]
        if state[FIELD + OWNERSHIP]:
            flags |= CHANGE_OWNERSHIP
    else:
        state[FIELD + FALLBACK_ORDER] = 0
        state[FIELD + FALLBACK_MIGRATETYPE] = -1
    if kind == MM_PAGE_ALLOC_ZONE_LOCKED and state[FIELD + REFILL]:
        flags |= PERCPU_REFILL
    if kind != MM_PAGE_ALLOC:
        state[FIELD + GFP_FLAGS] = 0
    if kind in (MM_PAGE_FREE, MM_PAGE_FREE_BATCHED):
        state[FIELD + MIGRATETYPE] = -1
    if kind >= SCHED_SWITCH:
        state[FIELD + PFN] = 0
        state[FIELD + ORDER] = 0
        state[FIELD + MIGRATETYPE] = -1
    if kind != SCHED_SWITCH:
        state[NEXT_PID] = 0
    if kind == MM_PAGE_FREE_BATCHED:
        state[FIELD + ORDER] = 0
    state[FLAGS] = flags


def _note_time(state: Any) -> None:
    """Note the time of a row, and whether it is earlier than that of the row before."""
    if state[TIME] < state[LAST_TIME]:
        state[BACKWARDS] += 1
        if state[BACKWARDS_LINE] == 0:
            state[BACKWARDS_LINE] = state[LINE] + 1
    state[LAST_TIME] = state[TIME]


def _irqs_off(data: Any, start: int, stop: int) -> int:
    """The first flag. kernel/trace/trace_output.c: trace_print_lat_fmt."""
    if start < stop and (data[start] == _LOWER_D or data[start] == _UPPER_D):
        return IRQS_OFF
    return 0


def _preempt(data: Any, start: int, stop: int) -> int:
    """The fourth flag of four (before v5.17) or five: depth in hex, or a dot.

    PREEMPT_RT before v6.12 has a lazy column in between: UNKNOWN. The kernel
    prints the low four bits of the depth. kernel/trace/trace_output.c:
    trace_print_lat_fmt.
    """
    if stop - start <= _DEPTH or stop - start > _MOST_FLAGS:
        return UNKNOWN
    if ZERO <= data[start + 1] <= NINE:  # trace-cmd report -R: flags in hex
        return UNKNOWN
    byte = data[start + _DEPTH]
    if byte == DOT:
        return 0
    if ZERO <= byte <= NINE:
        return int(byte - ZERO)
    if LOWER_A <= byte <= LOWER_F:
        return int(byte - LOWER_A + _TEN)
    return UNKNOWN
