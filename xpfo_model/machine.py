# SPDX-License-Identifier: GPL-2.0-only
"""The machine: page frames, their aliases in the direct map, and the TLBs.

A frame's alias is *mapped* or not. Once unmapped it is *stale* until a flush:
some CPU may still translate it. Every function here is short, and numba compiles
the same text that Python runs.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from xpfo_model.constants import NR_CPUS, PAGEBLOCK_ORDER
from xpfo_model.engine import view

FREE: Final = 0
KERNEL: Final = 1
USER: Final = 2

# What a flush was for: its cause is its index in Machine.counts.
ALLOC: Final = 0
REFILL: Final = 1
BLOCK: Final = 2
ALTERNATION: Final = 3
CAUSES: Final = ("alloc", "refill", "block", "alternation")
"""Names of the causes of a flush, by number."""

# What else is counted.
UNMAPPED: Final = 4
MAPPED: Final = 5
EXPOSED: Final = 6
STALE_FRAMES: Final = 7
FLUSHES: Final = 8
NR_COUNTS: Final = 9


class Machine(NamedTuple):
    """The state that strategies act on; frames are numbered from 0.

    Arrays of integers, or memoryviews of them: see `engine.view`.
    """

    mapped: Any
    """Per frame: 1 if the direct map holds its alias, uint8."""
    stale: Any
    """Per frame: 1 if it was unmapped and no flush has come since, uint8."""
    stale_frames: Any
    """The stale frames, as a stack of counts[STALE_FRAMES] entries, int64."""
    owner: Any
    """Per frame: FREE, KERNEL or USER, by its last mm_page_alloc, uint8."""
    block_state: Any
    """Per pageblock: a strategy's own, 0 at the start, uint8."""
    cpu_state: Any
    """Per CPU: a strategy's own, 0 at the start, uint8."""
    counts: Any
    """Flushes by cause, then UNMAPPED … FLUSHES, int64."""


def boot(frames: int) -> Machine:
    """A machine of at least `frames` frames, all free and all mapped."""
    blocks = (frames >> PAGEBLOCK_ORDER) + 1
    return Machine(
        mapped=view(np.ones(frames, np.uint8)),
        stale=view(np.zeros(frames, np.uint8)),
        stale_frames=view(np.zeros(frames, np.int64)),
        owner=view(np.zeros(frames, np.uint8)),
        block_state=view(np.zeros(blocks, np.uint8)),
        cpu_state=view(np.zeros(NR_CPUS, np.uint8)),
        counts=view(np.zeros(NR_COUNTS, np.int64)),
    )


def hotplug(m: Machine, frames: int) -> Machine:
    """The same machine with at least `frames` frames; the new ones as at boot."""
    if frames <= len(m.mapped):
        return m
    grown = boot(max(frames, 2 * len(m.mapped)))
    for old, new in zip(m, grown, strict=True):
        np.asarray(new)[: len(old)] = np.asarray(old)
    return grown


def unmap(m: Machine, frames: Any) -> int:
    """Take the aliases of frames out of the direct map; how many were mapped.

    They are stale until `flush`. Mirrors mm/xpfo.c: set_kpte(…, 0), v9.
    """
    unmapped = 0
    for frame in frames:
        if m.mapped[frame]:
            m.mapped[frame] = 0
            unmapped += 1
            if not m.stale[frame]:
                m.stale[frame] = 1
                m.stale_frames[m.counts[STALE_FRAMES]] = frame
                m.counts[STALE_FRAMES] += 1
    m.counts[UNMAPPED] += unmapped
    return unmapped


def map_back(m: Machine, frames: Any) -> int:
    """Put the aliases of frames back; how many were unmapped. No flush.

    x86 does not cache translations that are not present, so nothing can be
    stale. Mirrors mm/xpfo.c: set_kpte(…, PAGE_KERNEL), v9.
    """
    mapped = 0
    for frame in frames:
        if not m.mapped[frame]:
            m.mapped[frame] = 1
            mapped += 1
    m.counts[MAPPED] += mapped
    return mapped


def flush(m: Machine, cause: int) -> None:
    """One synchronous shootdown on every CPU: nothing is stale after it.

    Mirrors arch/x86/mm/tlb.c: flush_tlb_kernel_range, v4.14 to v6.18.
    """
    m.counts[cause] += 1
    m.counts[FLUSHES] += 1
    for i in range(m.counts[STALE_FRAMES]):
        m.stale[m.stale_frames[i]] = 0
    m.counts[STALE_FRAMES] = 0


def reachable(m: Machine, frames: Any) -> int:
    """How many of the frames the kernel can still reach through their alias."""
    reached = 0
    for frame in frames:
        if m.mapped[frame] or m.stale[frame]:
            reached += 1
    return reached


def own(m: Machine, frames: Any, owner: int) -> None:
    """Record who has the frames: FREE, KERNEL or USER."""
    for frame in frames:
        m.owner[frame] = owner
