# SPDX-License-Identifier: GPL-2.0-only
"""Dave Hansen, 20 September 2017: hook where a pageblock's migratetype changes.

A pageblock is the user's or the kernel's, and all start as the kernel's. It
flips as a whole, except frames that the other side has now, with one flush when
it becomes the user's. Its 2M entry is split only if frames are excepted. A frame
may differ from its block later; the guarantee sees to it.
"""

from typing import Final

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import (
    BLOCK,
    KERNEL,
    USER,
    Frames,
    Machine,
    flush,
    map_block,
    unmap_block,
)
from xpfo_model.strategies.guarantee import (
    go_on,
    guarantee,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import physmap_kmap, physmap_kunmap

# block_state: whose block it is
KERNEL_BLOCK: Final = 0
USER_BLOCK: Final = 1

alloc = guarantee
free = leave
kmap = physmap_kmap
kunmap = physmap_kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """rmqueue_bulk(): the blocks that feed the MOVABLE list are the user's."""
    if migratetype == MIGRATE_MOVABLE:
        for frame in frames:
            change_block(m, cpu, frame >> m.settings.block_order, migratetype)


drain = leave


def change_block(m: Machine, cpu: int, block: int, migratetype: int) -> None:
    """set_pageblock_migratetype() and the fallback: flip the block if needed."""
    if migratetype == MIGRATE_MOVABLE:
        if m.block_state[block] == KERNEL_BLOCK:
            m.block_state[block] = USER_BLOCK
            unmap_block(m, block, KERNEL)
            flush(m, BLOCK)
    elif m.block_state[block] == USER_BLOCK:
        m.block_state[block] = KERNEL_BLOCK
        map_block(m, block, USER)


isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
