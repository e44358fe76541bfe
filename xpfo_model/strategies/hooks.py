# SPDX-License-Identifier: GPL-2.0-only
"""Where a loop calls a strategy: a placeholder for each of its hooks.

`jit.compiled` puts the functions of a strategy in their places, see
`strategies.given`; a hook that has none raises `UnboundHookError`.
"""

from xpfo_model.jit import placeholder
from xpfo_model.machine import Frames, Machine


@placeholder
def alloc(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Hand out frames of one page, before anybody else has them.

    `user` says whether the mask passes the posted test, `zeroed` whether it has
    __GFP_ZERO. Called by mm/page_alloc.c: post_alloc_hook, v4.14 to v6.18.
    """


@placeholder
def free(m: Machine, cpu: int, frames: Frames) -> None:
    """Take back frames of one page, which have their last owner still.

    Called by mm/page_alloc.c: free_pages_prepare, v4.14 to v6.18.
    """


@placeholder
def kmap(m: Machine, cpu: int, frame: int) -> None:
    """Give the kernel access to a frame: kmap(), kmap_atomic(), kmap_local_page()."""


@placeholder
def kunmap(m: Machine, cpu: int, frame: int) -> None:
    """End an access that `kmap` gave."""


@placeholder
def refill(m: Machine, cpu: int, frames: Frames, migratetype: int) -> None:
    """Fill a pcp list of a CPU with frames from the buddy allocator.

    Called by mm/page_alloc.c: rmqueue_bulk, v4.14 to v6.18.
    """


@placeholder
def drain(m: Machine, cpu: int, frames: Frames) -> None:
    """Return frames of a pcp list to the buddy allocator.

    Called by mm/page_alloc.c: free_pcppages_bulk, v4.14 to v6.18.
    """


@placeholder
def change_block(m: Machine, cpu: int, block: int, migratetype: int) -> None:
    """Change the migratetype of a pageblock, as a fallback does.

    Called by mm/page_alloc.c: set_pageblock_migratetype, v4.14.
    """


@placeholder
def isolate(m: Machine, cpu: int, frames: Frames) -> None:
    """Take free frames out of the buddy allocator, to move pages there.

    post_alloc_hook() is called with __GFP_MOVABLE, which no test takes for a user's.
    Called by mm/compaction.c: split_map_pages, v6.1; map_pages, v4.14.
    """


@placeholder
def migrate(m: Machine, cpu: int, src: int, dst: int) -> None:
    """Copy a page that has an owner to a frame that the kernel took for it.

    The frame came by `isolate`, or by `alloc`. Afterwards it is the owner's of `src`.
    Called by mm/migrate.c: move_to_new_folio, v6.1; move_to_new_page, v4.14.
    """


@placeholder
def context_switch(m: Machine, cpu: int) -> None:
    """Switch a CPU to another task.

    Called by arch/x86/mm/tlb.c: switch_mm_irqs_off, v4.14 to v6.18.
    """


def use(m: Machine, cpu: int, frame: int) -> None:
    """The kernel maps a user's new frame for a moment, to zero it or to copy."""
    kmap(m, cpu, frame)
    kunmap(m, cpu, frame)
