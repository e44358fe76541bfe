# SPDX-License-Identifier: GPL-2.0-only
"""XPFO v3, 4 November 2016: freed kernel frames go to the cold end of the list.

The second patch of v3 puts a frame that the kernel had at the tail of its pcp
list, and one that a user had at the head, so that users get users' frames again.
That steers the allocator, and a recorded trace cannot show it: on a trace this is
v5's state machine. The code of v3 itself was not read; v5 is the nearest that was.
"""

from xpfo_model.strategies import v5

alloc = v5.alloc
free = v5.free
kmap = v5.kmap
kunmap = v5.kunmap
refill = v5.refill
drain = v5.drain
change_block = v5.change_block
isolate = v5.isolate
migrate = v5.migrate
context_switch = v5.context_switch
