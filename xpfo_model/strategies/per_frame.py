# SPDX-License-Identifier: GPL-2.0-only
"""The least that is safe: unmap at allocation, and let free be a no-op.

A frame that users had stays unmapped, and costs a flush again only after the
kernel had it. What `will_map` means to do, without its flushes for nothing.
"""

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
refill = ignore
drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
