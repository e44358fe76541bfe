# SPDX-License-Identifier: GPL-2.0-only
"""per_frame, with the kernel's own access through a mapping of its CPU.

A frame is unmapped when a user gets it and mapped when the kernel gets it; free and
refill change nothing. No kunmap touches the direct map, so that none flushes another
CPU: what a batch would save is what is left.
"""

from xpfo_model.strategies.guarantee import go_on, guarantee, ignore, leave
from xpfo_model.strategies.kmaps import local_kmap, local_kunmap

alloc = guarantee
free = leave
kmap = local_kmap
kunmap = local_kunmap
refill = ignore
drain = leave
change_block = ignore
context_switch = go_on
