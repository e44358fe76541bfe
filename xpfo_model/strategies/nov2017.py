# SPDX-License-Identifier: GPL-2.0-only
"""Tycho Andersen's prototype of the refill, 9 November 2017: `xpfo_pcp_refill`.

The first code for the batch: inside the loop of rmqueue_bulk(), with a flush for
each page that changes sides. Allocation trusts the list: a kernel page from the
MOVABLE list stays unmapped, and ext4 crashed on one. Mirrors the mail
20171110010907.qfkqhrbtdkt5y3hy@smitten.
"""

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import (
    REFILL,
    XPFO_UNMAPPED,
    XPFO_USER,
    Frames,
    Machine,
    flush,
    set_kpte,
)
from xpfo_model.strategies import none, v5, v6
from xpfo_model.strategies.guarantee import (
    go_on,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)

alloc = none.alloc
free = leave
kmap = v5.kmap
kunmap = v6.kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """rmqueue_bulk(): remap each page, and flush for each that changed."""
    for frame in frames:
        was_unmapped = m.marks[frame] & XPFO_UNMAPPED
        if migratetype == MIGRATE_MOVABLE:
            set_kpte(m, frame, mapped=False)
            m.marks[frame] = XPFO_USER | XPFO_UNMAPPED
            if not was_unmapped:
                flush(m, REFILL)
        else:
            set_kpte(m, frame, mapped=True)
            m.marks[frame] = 0
            if was_unmapped:
                flush(m, REFILL)


drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
