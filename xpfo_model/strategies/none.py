# SPDX-License-Identifier: GPL-2.0-only
"""No XPFO: the baseline. Every frame stays mapped."""

from xpfo_model.machine import Frames, Machine
from xpfo_model.strategies.guarantee import (
    go_on,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import local_kmap, local_kunmap


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """post_alloc_hook(): nothing."""


free = leave
kmap = local_kmap
kunmap = local_kunmap
refill = ignore
drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
