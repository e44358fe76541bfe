# SPDX-License-Identifier: GPL-2.0-only
"""pcp_batch_closed without its batch: per_frame_local with the wider test.

A user's page is told by what its mask says of the page, not of how the allocation
may wait, so that readahead's and huge pages are unmapped, too. What `pcp_batch_closed`
flushes less is the gain of the batch.
"""

from xpfo_model.strategies import per_frame_local

alloc = per_frame_local.alloc
free = per_frame_local.free
kmap = per_frame_local.kmap
kunmap = per_frame_local.kunmap
refill = per_frame_local.refill
drain = per_frame_local.drain
change_block = per_frame_local.change_block
isolate = per_frame_local.isolate
migrate = per_frame_local.migrate
context_switch = per_frame_local.context_switch
