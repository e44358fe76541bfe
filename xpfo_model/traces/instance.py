# SPDX-License-Identifier: GPL-2.0-only
"""Which instance or machine a line of trace-cmd is of. Compiled with `scan`.

Where a report has several, a line begins with the name of its file, aligned to the
right, and a colon; with blanks where it is of the first file's top instance.
Mirrors tracecmd/trace-read.c: print_handle_file, trace-cmd 3.1.
"""

from typing import Any, Final

from xpfo_model.traces.context import blank
from xpfo_model.traces.scan_state import (
    AT,
    COLON,
    LINE,
    NO_SOURCE,
    OTHER_SOURCE,
    OTHER_SOURCE_LINE,
    OTHERS,
    SOURCE,
    SPACE,
)

_SHIFT: Final = 5
_BITS: Final = (1 << 56) - 1


def of_source(data: Any, state: Any, kind: int) -> int:
    """`kind`, or OTHERS if the line is not of the source of the first kmem event."""
    start = blank(data, state[AT])
    i = start
    value = 0
    while data[i] > SPACE:
        value = ((value << _SHIFT) ^ data[i]) & _BITS
        i += 1
    if i == start or data[i - 1] != COLON:
        value = 0
    if state[SOURCE] == NO_SOURCE:
        state[SOURCE] = value
    if state[SOURCE] == value:
        return kind
    if state[OTHER_SOURCE] == 0:
        state[OTHER_SOURCE_LINE] = state[LINE] + 1
    state[OTHER_SOURCE] += 1
    return OTHERS
