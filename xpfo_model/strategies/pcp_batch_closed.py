# SPDX-License-Identifier: GPL-2.0-only
"""pcp_batch_local with its holes closed: THP, NOFS scopes, migration, no waiting.

A user's page is told by what its mask says of the page, not of how the allocation
may wait. Frames that compaction isolates stay as they are, and are unmapped before a
user's page is copied there. A refill that may not wait leaves its batch mapped: the
guarantee flushes when a user gets a frame of it, and a user's allocation can wait.
"""

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import (
    MIGRATE,
    REFILL,
    USER,
    Frames,
    Machine,
    flush,
    may_wait,
    set_kpte,
    unmap,
)
from xpfo_model.strategies.guarantee import go_on, guarantee, ignore, leave
from xpfo_model.strategies.kmaps import local_kmap, local_kunmap

alloc = guarantee
free = leave
kmap = local_kmap
kunmap = local_kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """After rmqueue_bulk(), as pcp_batch_local: only where it can wait."""
    if migratetype == MIGRATE_MOVABLE and may_wait(m) and unmap(m, frames):
        flush(m, REFILL)


drain = leave
change_block = ignore
isolate = leave


def migrate(m: Machine, cpu: int, src: int, dst: int) -> None:
    """The guarantee for a page that moves: its frame is as its owner needs it."""
    if m.owner[src] != USER:
        set_kpte(m, dst, mapped=True)
    elif unmap(m, range(dst, dst + 1)):
        flush(m, MIGRATE)


context_switch = go_on
