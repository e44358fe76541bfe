# SPDX-License-Identifier: GPL-2.0-only
"""Tycho Andersen's reading, 20 September 2017: flush when the type alternates.

Not safe: PTEs change at every allocation, but a CPU flushes only when its
allocation is of the other kind than its previous one. What is unmapped between
two flushes is handed out stale.
"""

from typing import Final

from xpfo_model.machine import ALTERNATION, Frames, Machine, flush, map_back, unmap
from xpfo_model.strategies.guarantee import (
    go_on,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import physmap_kmap, physmap_kunmap

# cpu_state: the kind of the CPU's previous allocation
NEVER: Final = 0
WAS_KERNEL: Final = 1
WAS_USER: Final = 2


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Remap the frames; flush if this CPU's allocation is of the other kind."""
    if user:
        unmap(m, frames)
    else:
        map_back(m, frames)
    kind = WAS_USER if user else WAS_KERNEL
    if m.cpu_state[cpu] != NEVER and m.cpu_state[cpu] != kind:
        flush(m, ALTERNATION)
    m.cpu_state[cpu] = kind


free = leave
kmap = physmap_kmap
kunmap = physmap_kunmap
refill = ignore
drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
