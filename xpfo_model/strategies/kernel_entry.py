# SPDX-License-Identifier: GPL-2.0-only
"""Dave Hansen, 5 April 2019: v9 with its deferred flush at each entry of the kernel.

A CPU in user space may keep stale entries of the kernel as long as it stays there;
one that enters the kernel flushes first, as at a context switch. Said, never posted.
Andy Lutomirski's answer: a CPU that waits in the kernel flushes neither.
"""

from xpfo_model.strategies import v9
from xpfo_model.strategies.deferral import switch_mm_irqs_off

alloc = v9.alloc
free = v9.free
kmap = v9.kmap
kunmap = v9.kunmap
refill = v9.refill
drain = v9.drain
change_block = v9.change_block
isolate = v9.isolate
migrate = v9.migrate
context_switch = v9.context_switch
kernel_entry = switch_mm_irqs_off
