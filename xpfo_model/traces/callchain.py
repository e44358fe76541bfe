# SPDX-License-Identifier: GPL-2.0-only
"""Lines of a call chain under an event, and blank ones. Compiled with `scan`.

perf script -g    ffffffff811a3d4e __alloc_pages+0x28e ([kernel.kallsyms])
ftrace            => __alloc_pages+0x28e/0x3f0
trace-cmd         => __alloc_pages (ffffffff811a3d4e)
"""

from typing import Any, Final

from xpfo_model.traces.context import is_at
from xpfo_model.traces.scan_state import (
    AT,
    BLANK,
    COLON,
    FRAME,
    FRAMES,
    LINE_END,
    LOWER_A,
    LOWER_F,
    NEWLINE,
    NINE,
    PUZZLE,
    RETURN,
    SPACE,
    TAB,
    ZERO,
)

_ARROW: Final = b"=> "
_FEWEST_DIGITS: Final = 4
"""Of an address."""


def no_event(data: Any, state: Any) -> int:
    """BLANK or FRAME, where a line without task, CPU and time is one; or -PUZZLE.

    A line that has swallowed an event is none of them.
    """
    start = state[AT]
    while data[start] == SPACE or data[start] == TAB or data[start] == RETURN:
        start += 1
    i = start
    if data[i] == NEWLINE:
        state[LINE_END] = i
        return BLANK
    while ZERO <= data[i] <= NINE or LOWER_A <= data[i] <= LOWER_F:
        i += 1
    if start == state[AT] or not (
        is_at(data, start, _ARROW) or (i >= start + _FEWEST_DIGITS and data[i] <= SPACE)
    ):
        return -PUZZLE
    while data[i] != NEWLINE:
        if data[i] == COLON and data[i + 1] <= SPACE:
            return -PUZZLE
        i += 1
    state[LINE_END] = i
    state[FRAMES] += 1
    return FRAME
