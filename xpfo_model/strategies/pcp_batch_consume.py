# SPDX-License-Identifier: GPL-2.0-only
"""Dave Hansen, 20 September 2017, 16:21: after the entire list is consumed.

Not safe: a frame's PTE is cleared when it is handed to a user, but the flush
waits for the next refill of that CPU's MOVABLE list. Until then it is stale.
"""

from typing import Final

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import REFILL, Frames, Machine, flush, map_back, unmap
from xpfo_model.strategies.guarantee import (
    go_on,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import physmap_kmap, physmap_kunmap

# cpu_state: whether this CPU handed out frames that wait for a flush
IDLE: Final = 0
WAITING: Final = 1


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Unmap for a user and let the flush wait; map for the kernel."""
    if user:
        if unmap(m, frames):
            m.cpu_state[cpu] = WAITING
    else:
        map_back(m, frames)


free = leave
kmap = physmap_kmap
kunmap = physmap_kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """rmqueue_bulk(): the MOVABLE list was consumed, flush what waits."""
    if migratetype == MIGRATE_MOVABLE and m.cpu_state[cpu] == WAITING:
        flush(m, REFILL)
        m.cpu_state[cpu] = IDLE


drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
