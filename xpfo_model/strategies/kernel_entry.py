# SPDX-License-Identifier: GPL-2.0-only
"""Dave Hansen, 10 January 2019: the deferred flush at each entry of the kernel, too.

A CPU in user space may keep stale entries of the kernel as long as it stays there;
one that enters the kernel flushes first, as at a context switch. Said of v7, with its
downside: a CPU that is in the kernel already flushes neither. Said again of v9, on
5 April, and Andy Lutomirski answered the same. Never posted; built on v9 here.
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
