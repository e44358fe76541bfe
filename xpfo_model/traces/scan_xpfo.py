# SPDX-License-Identifier: GPL-2.0-only
"""The events of group xpfo: which fields each has, and its row. Compiled with `scan`.

Kept out of the loop over the lines: most traces are of stock kernels.
"""

from typing import Any, Final

from xpfo_model.constants import MAX_PAGE_ORDER, MAX_PFN, PAGEBLOCK_ORDER
from xpfo_model.jit import noinline
from xpfo_model.traces.scan_state import (
    BLOCK,
    BY,
    CALLER,
    CAUSE,
    CLEARED,
    CPU,
    DST,
    FIELD,
    FIELDS,
    FLAGS,
    FLAGS_START,
    FLAGS_STOP,
    GFP_FLAGS,
    MIGRATE_TYPES,
    MIGRATETYPE,
    NR,
    ORDER,
    OWNER,
    PFN,
    PID,
    PID_LIMIT,
    ROW,
    ROWS_BEFORE,
    SPAN,
    SRC,
    TIME,
    WAITS,
    WAY,
    WHOLE,
    WORDS,
    XPFO,
    XPFO_ROW,
)
from xpfo_model.xpfo_events import (
    FULL_FLUSH,
    IN_INTERRUPT,
    IRQS_OFF,
    XPFO_FLUSH,
    XPFO_HELD,
    XPFO_MIGRATE,
    XPFO_SILENT_ALLOC,
    XPFO_SPLIT,
)
from xpfo_model.xpfo_events import WAITS as WAITS_FLAG

_LOWER_D: Final = ord("d")
_UPPER_D: Final = ord("D")
_INTERRUPTS: Final = b"hsHzZ"
"""Hard, soft, hard inside soft, and what cannot be masked."""
_INTERRUPT_COLUMN: Final = 2

# Keys that each kind must have, as bits, by its number.
XPFO_REQUIRED: Final = (
    1 << PFN | 1 << NR,
    0,
    1 << CAUSE | 1 << PFN | 1 << SPAN | 1 << CLEARED | 1 << WHOLE | 1 << WAITS,
    1 << PFN | 1 << CAUSE,
    1 << PFN | 1 << CAUSE,
    1 << BLOCK,
    1 << PFN | 1 << WAY | 1 << CALLER,
    1 << PFN | 1 << WAY | 1 << CALLER,
    1 << PFN | 1 << ORDER | 1 << MIGRATETYPE | 1 << GFP_FLAGS | 1 << BY,
    1 << PFN | 1 << MIGRATETYPE,
    1 << SRC | 1 << DST | 1 << NR | 1 << OWNER,
    1 << PFN | 1 << OWNER | 1 << CALLER,
)

_ABSENT: Final = tuple(
    -1 if key in (MIGRATETYPE, *WORDS) else 0 for key in range(FIELDS)
)
"""The value of each key that an event has not: a word has NO_WORD."""


@noinline
def settle_xpfo(data: Any, state: Any, seen: int, kind: int) -> bool:
    """Bring the fields of an event to the columns of a row; False if one is wrong."""
    required = XPFO_REQUIRED[kind]
    if state[PID] >= PID_LIMIT or seen & required != required:
        return False
    for key in range(FIELDS):
        if not required >> key & 1:
            state[FIELD + key] = _ABSENT[key]
    if kind == XPFO_MIGRATE:
        state[FIELD + CLEARED] = state[FIELD + NR]
        state[FIELD + NR] = 0
    # of each sum and of each maximum all terms but one are absent
    state[FIELD + PFN] += state[FIELD + BLOCK] + state[FIELD + SRC]
    state[FIELD + NR] += state[FIELD + SPAN] + state[FIELD + DST]
    state[FIELD + CAUSE] = max(
        state[FIELD + CAUSE],
        state[FIELD + WAY],
        state[FIELD + BY],
        state[FIELD + OWNER],
    )
    state[FLAGS] = _flags(data, state, kind)
    return bool(state[FLAGS] >= 0) and _in_range(state, kind)


def _flags(data: Any, state: Any, kind: int) -> int:
    """Flags of the row, -1 if full or waits is neither 0 nor 1."""
    flags = 0
    start, stop = state[FLAGS_START], state[FLAGS_STOP]
    if start < stop and (data[start] == _LOWER_D or data[start] == _UPPER_D):
        flags |= IRQS_OFF
    if stop - start > _INTERRUPT_COLUMN:
        for i in range(len(_INTERRUPTS)):
            if data[start + _INTERRUPT_COLUMN] == _INTERRUPTS[i]:
                flags |= IN_INTERRUPT
    if kind != XPFO_FLUSH:
        return flags
    full, waits = state[FIELD + WHOLE], state[FIELD + WAITS]
    if not (0 <= full <= 1 and 0 <= waits <= 1):
        return -1
    return int(flags | full * FULL_FLUSH | waits * WAITS_FLAG)


def _in_range(state: Any, kind: int) -> bool:
    pfn, extent = state[FIELD + PFN], state[FIELD + NR]
    order = state[FIELD + ORDER]
    most = MAX_PFN
    if kind == XPFO_SPLIT:
        most = MAX_PFN >> PAGEBLOCK_ORDER
    if not (
        0 <= pfn < most
        and 0 <= extent <= most
        and 0 <= order <= MAX_PAGE_ORDER
        and pfn & ((1 << order) - 1) == 0
        and 0 <= state[FIELD + CLEARED] <= MAX_PFN
    ):
        return False
    if kind in (XPFO_HELD, XPFO_FLUSH) and pfn + extent > MAX_PFN:
        return False
    return bool(kind != XPFO_SILENT_ALLOC or state[FIELD + MIGRATETYPE] >= 0) and bool(
        -1 <= state[FIELD + MIGRATETYPE] < MIGRATE_TYPES
    )


@noinline
def write_xpfo(state: Any, xpfo: Any, kind: int) -> None:
    """Write the row of an event that `settle_xpfo` has taken up."""
    row = state[XPFO_ROW]
    state[XPFO_ROW] = row + 1
    xpfo.row[row] = state[ROWS_BEFORE] + state[ROW]
    xpfo.time[row] = state[TIME]
    xpfo.cpu[row] = state[CPU]
    xpfo.kind[row] = kind - XPFO
    xpfo.flags[row] = state[FLAGS]
    xpfo.pfn[row] = state[FIELD + PFN]
    xpfo.extent[row] = state[FIELD + NR]
    xpfo.frames[row] = state[FIELD + CLEARED]
    xpfo.order[row] = state[FIELD + ORDER]
    xpfo.migratetype[row] = state[FIELD + MIGRATETYPE]
    xpfo.gfp[row] = state[FIELD + GFP_FLAGS]
    xpfo.word[row] = state[FIELD + CAUSE]
    xpfo.caller[row] = state[FIELD + CALLER]
    xpfo.pid[row] = state[PID]
