# SPDX-License-Identifier: GPL-2.0-only
"""Dave Hansen, 20 September 2017, 16:21: remap the entire list at once.

The MOVABLE list is remapped as a whole when it is filled, and flushed once it is
consumed: at the next refill. So the mail has it, which does not say when the list is
remapped. Said, never posted. Not safe: the frames of a list are with their users
before it is flushed.
"""

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import REFILL, Frames, Machine, flush, map_back, unmap
from xpfo_model.strategies import pcp_batch_consume
from xpfo_model.strategies.guarantee import (
    go_on,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import physmap_kmap, physmap_kunmap
from xpfo_model.strategies.pcp_batch_consume import IDLE, WAITING

alloc = pcp_batch_consume.alloc
free = leave
kmap = physmap_kmap
kunmap = physmap_kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """rmqueue_bulk(): flush the list that was consumed, and remap the new one."""
    if migratetype == MIGRATE_MOVABLE:
        if m.cpu_state[cpu] == WAITING:
            flush(m, REFILL)
            m.cpu_state[cpu] = IDLE
        if unmap(m, frames):
            m.cpu_state[cpu] = WAITING
    else:
        map_back(m, frames)


drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
