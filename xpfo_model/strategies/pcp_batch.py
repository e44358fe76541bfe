# SPDX-License-Identifier: GPL-2.0-only
"""Dave Hansen, 20 September 2017, 17:27: when pages are added to the pcp list.

The frames of a refill of the MOVABLE list are unmapped together, with one flush,
before any of them is handed out. Other lists are mapped back, without a flush.
"""

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import REFILL, Frames, Machine, flush, map_back, unmap
from xpfo_model.strategies.guarantee import (
    go_on,
    guarantee,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import physmap_kmap, physmap_kunmap

alloc = guarantee
free = leave
kmap = physmap_kmap
kunmap = physmap_kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """rmqueue_bulk(): unmap a MOVABLE batch with one flush, map any other."""
    if migratetype == MIGRATE_MOVABLE:
        if unmap(m, frames):
            flush(m, REFILL)
    else:
        map_back(m, frames)


drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
