# SPDX-License-Identifier: GPL-2.0-only
"""v6 with the thread's fixes: unmap at allocation, and let free be a no-op.

A frame that users had stays unmapped, and costs a flush again only after the
kernel had it. Mirrors the working tree of 12 to 20 September 2017 (`will_map`),
for frames that the kernel does not map for zeroing.
"""

from xpfo_model.strategies.guarantee import guarantee, ignore, leave

alloc = guarantee
free = leave
refill = ignore
change_block = ignore
