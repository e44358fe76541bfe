# SPDX-License-Identifier: GPL-2.0-only
"""pcp_batch that zeroes a refill before it unmaps it: no second flush for zeroes.

Each frame of a MOVABLE refill is mapped, zeroed and unmapped with the others, with
one flush; an allocation that wants zeroes and gets such a frame needs no kmap. A
frame that comes back to the pcp list and is handed out again without a refill has
to be zeroed through kmap, and copies flush as before. Proposed here; 4.14 knew
such frames as free_pages_prezeroed().
"""

from typing import Final

from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import REFILL, Frames, Machine, flush, map_back, set_kpte, unmap
from xpfo_model.strategies.guarantee import (
    go_on,
    guarantee,
    ignore,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import physmap_kmap, physmap_kunmap

# marks: the frame holds zeroes since its refill
XPFO_ZEROED: Final = 1


def forget_zeroes(m: Machine, frames: Frames) -> None:
    """Somebody may write to the frames from now on."""
    for frame in frames:
        m.marks[frame] &= ~XPFO_ZEROED


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """The guarantee; whether the frames need zeroes is for `use` to see."""
    guarantee(m, cpu, frames, user, zeroed)
    if not user or not zeroed:
        forget_zeroes(m, frames)


def free(m: Machine, cpu: int, frames: Frames) -> None:
    """A frame that was used holds no zeroes; its alias is left as it is."""
    forget_zeroes(m, frames)


kmap = physmap_kmap
kunmap = physmap_kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """rmqueue_bulk(): zero a MOVABLE batch through the direct map, then unmap it.

    All of it with one flush; what still holds zeroes from an earlier refill is
    left alone.
    """
    if migratetype == MIGRATE_MOVABLE:
        for frame in frames:
            if not m.marks[frame] & XPFO_ZEROED:
                set_kpte(m, frame, mapped=True)
                m.marks[frame] |= XPFO_ZEROED
        if unmap(m, frames):
            flush(m, REFILL)
    else:
        map_back(m, frames)
        forget_zeroes(m, frames)


drain = leave
change_block = ignore
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on


def use(m: Machine, cpu: int, frame: int) -> None:
    """The kernel's own use of a new user page: none if it only wants zeroes.

    In the place of `hooks.use`. Mirrors mm/page_alloc.c: prep_new_page, v4.14.
    """
    if m.marks[frame] & XPFO_ZEROED:
        m.marks[frame] &= ~XPFO_ZEROED
    else:
        kmap(m, cpu, frame)
        kunmap(m, cpu, frame)
