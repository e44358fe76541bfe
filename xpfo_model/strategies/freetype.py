# SPDX-License-Identifier: GPL-2.0-only
"""Brendan Jackman's FREETYPE_UNMAPPED, RFC of February 2026, as a pageblock rule.

Free lists and pcp lists come in two kinds, mapped and unmapped; a pageblock changes
kind as a whole, while the buddy allocator has all of it, outside the zone's lock, with
one flush, and not where the caller may not wait. It is zeroed before it is mapped. The
kernel's own access goes through a mapping of its CPU (mermap). The series serves pages
that ask for it and never move; here every user page asks, and a page that moves takes
its owner along, as in `pcp_batch_closed`. A trace cannot show which list its allocator
would have used: a frame that differs from its block is put right at allocation. From
20260225-page_alloc-unmapped-v1-0-e8808a03cd66@google.com.
"""

from typing import Final

from xpfo_model.constants import MIGRATE_MOVABLE, PAGE_ALLOC_COSTLY_ORDER
from xpfo_model.machine import (
    ABSENT,
    BLOCK,
    FREE,
    KERNEL,
    USER,
    Frames,
    Machine,
    flush,
    map_block,
    may_wait,
    unmap_block,
)
from xpfo_model.strategies import pcp_batch_closed
from xpfo_model.strategies.guarantee import go_on, guarantee
from xpfo_model.strategies.kmaps import local_kmap, local_kunmap
from xpfo_model.strategies.pageblock import KERNEL_BLOCK, USER_BLOCK

# marks: the buddy allocator has not got the frame, as PageBuddy says in the kernel;
# what a user left is in it
TAKEN: Final = 1
LEFT: Final = 2


def take(m: Machine, frames: Frames) -> None:
    """The frames are out of the buddy allocator."""
    for frame in frames:
        m.marks[frame] |= TAKEN


def give(m: Machine, frames: Frames) -> None:
    """The buddy allocator has the frames."""
    for frame in frames:
        m.marks[frame] &= ~TAKEN


def zero(m: Machine, frames: Frames) -> None:
    """kernel_init_pages(): nothing that a user left is in the frames any more."""
    for frame in frames:
        m.marks[frame] &= ~LEFT


def frames_of(m: Machine, block: int) -> Frames:
    """The frames of a pageblock."""
    return range(block << m.settings.block_order, (block + 1) << m.settings.block_order)


def is_whole(m: Machine, block: int) -> bool:
    """Whether the buddy allocator has all frames of a pageblock."""
    for frame in frames_of(m, block):
        if m.marks[frame] & TAKEN or m.owner[frame] not in (FREE, ABSENT):
            return False
    return True


def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """The guarantee, for a frame whose block could not flip."""
    take(m, frames)
    guarantee(m, cpu, frames, user, zeroed)
    if not user:
        zero(m, frames)  # the kernel has them, whatever is in them


def free(m: Machine, cpu: int, frames: Frames) -> None:
    """To a pcp list, or a large page to the buddy allocator; nothing is mapped."""
    for frame in frames:
        if m.owner[frame] == USER:
            m.marks[frame] |= LEFT
    if len(frames) <= 1 << PAGE_ALLOC_COSTLY_ORDER:
        take(m, frames)
    else:
        give(m, frames)


kmap = local_kmap
kunmap = local_kunmap


def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """rmqueue_bulk(): flip the blocks that feed the list, where that can be done."""
    for frame in frames:
        change_block(m, cpu, frame >> m.settings.block_order, migratetype)
    take(m, frames)


def drain(m: Machine, cpu: int, frames: Frames) -> None:
    """The buddy allocator has the frames again."""
    give(m, frames)


def change_block(m: Machine, cpu: int, block: int, migratetype: int) -> None:
    """__rmqueue_direct_map(): flip a whole block; zero what users left in it."""
    kind = USER_BLOCK if migratetype == MIGRATE_MOVABLE else KERNEL_BLOCK
    if m.block_state[block] != kind and may_wait(m) and is_whole(m, block):
        m.block_state[block] = kind
        if kind == USER_BLOCK:
            unmap_block(m, block, KERNEL)
            flush(m, BLOCK)
        else:
            zero(m, frames_of(m, block))
            map_block(m, block, USER)


isolate = pcp_batch_closed.isolate
migrate = pcp_batch_closed.migrate
context_switch = go_on
