# SPDX-License-Identifier: GPL-2.0-only
"""per_frame, with the kernel's own access through a mapping of its CPU.

A frame is unmapped when a user gets it and mapped when the kernel gets it; free and
refill change nothing. No kunmap touches the direct map, so that none flushes another
CPU: what a batch would save is what is left. A page that moves takes its owner along,
as in `pcp_batch_closed`.
"""

from xpfo_model.strategies import pcp_batch_closed
from xpfo_model.strategies.guarantee import go_on, guarantee, ignore, leave
from xpfo_model.strategies.kmaps import local_kmap, local_kunmap

alloc = guarantee
free = leave
kmap = local_kmap
kunmap = local_kunmap
refill = ignore
drain = leave
change_block = ignore
isolate = pcp_batch_closed.isolate
migrate = pcp_batch_closed.migrate
context_switch = go_on
