# SPDX-License-Identifier: GPL-2.0-only
"""Tycho Andersen, 20 September 2017, 16:34: flush just before the return to user space.

PTEs change at the allocation, and the ranges to flush are kept until the task goes
back to user space. Said, never posted. The list is kept for a CPU here, and is worked
off where another task gets the CPU, since the first may go on elsewhere. Not safe in
between: other CPUs translate what its user may have by then.
"""

from xpfo_model.machine import ALLOC, Machine, flush
from xpfo_model.strategies import pcp_batch_consume
from xpfo_model.strategies.guarantee import (
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import physmap_kmap, physmap_kunmap
from xpfo_model.strategies.pcp_batch_consume import IDLE, WAITING

alloc = pcp_batch_consume.alloc
free = leave
kmap = physmap_kmap
kunmap = physmap_kunmap
refill = ignore
drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen


def context_switch(m: Machine, cpu: int) -> None:
    """Another task gets the CPU: work off the list of the one before."""
    return_to_user(m, cpu)


def return_to_user(m: Machine, cpu: int) -> None:
    """Before user space: one flush for all that was allocated since the entry."""
    if m.cpu_state[cpu] == WAITING:
        m.cpu_state[cpu] = IDLE
        flush(m, ALLOC)
