# SPDX-License-Identifier: GPL-2.0-only
"""v6 with the fixes of its thread, 12 to 20 September 2017: `will_map`.

Allocation clears the PTEs, unless the kernel will map the frame at once to zero
it; free is a no-op. A frame is flushed again although it is unmapped already, if
it was a user's and will not be zeroed. Mirrors the working tree's mm/xpfo.c.
"""

from xpfo_model.machine import (
    ALLOC,
    XPFO_UNMAPPED,
    XPFO_USER,
    Frames,
    Machine,
    flush,
    set_kpte,
)
from xpfo_model.strategies import v5, v6
from xpfo_model.strategies.guarantee import (
    go_on,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Unmap for a user what the kernel had or will not map; map for the kernel."""
    changed = 0
    for frame in frames:
        if user:
            was_kernel = not m.marks[frame] & XPFO_USER
            m.marks[frame] |= XPFO_USER
            if was_kernel or not zeroed:
                m.marks[frame] |= XPFO_UNMAPPED
                set_kpte(m, frame, mapped=False)
                changed = 1
        else:
            m.marks[frame] &= ~XPFO_USER
            if m.marks[frame] & XPFO_UNMAPPED:
                m.marks[frame] &= ~XPFO_UNMAPPED
                set_kpte(m, frame, mapped=True)
                changed = 1
    if changed:
        flush(m, ALLOC)


free = leave
kmap = v5.kmap
kunmap = v6.kunmap
refill = ignore
drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
