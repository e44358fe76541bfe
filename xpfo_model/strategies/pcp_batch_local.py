# SPDX-License-Identifier: GPL-2.0-only
"""The proposal before its holes were closed: pcp_batch, mended by the checker.

The MOVABLE refill is unmapped with one flush, after the locks are dropped, with
interrupts on, and before the batch is on its list. A frame is mapped back only when
the kernel allocates it, so that a user's data is out of reach while it lies on a
list. The kernel's own access goes through a mapping of its CPU, so that kunmap
flushes no other CPU.
"""

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import REFILL, Frames, Machine, flush, unmap
from xpfo_model.strategies.guarantee import (
    go_on,
    guarantee,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import local_kmap, local_kunmap

alloc = guarantee
free = leave
kmap = local_kmap
kunmap = local_kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """After rmqueue_bulk(), before anybody can get it: unmap a batch, flush once."""
    if migratetype == MIGRATE_MOVABLE and unmap(m, frames):
        flush(m, REFILL)


drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
