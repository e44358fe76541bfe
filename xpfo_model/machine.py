# SPDX-License-Identifier: GPL-2.0-only
"""The machine: page frames, their aliases in the direct map, and the TLBs.

A frame's alias is *mapped* or not. Once unmapped it is *stale* on every CPU that
has not flushed since: that CPU may still translate it. Every function here is
short, and numba compiles the same text that Python runs.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from xpfo_model.constants import NR_CPUS, PAGEBLOCK_ORDER
from xpfo_model.engine import view

FREE: Final = 0
KERNEL: Final = 1
USER: Final = 2

# An alias in the direct map: it can be reached if any bit is set.
IS_MAPPED: Final = 1
IS_STALE: Final = 2

# Marks that posted versions keep on a page frame (PG_xpfo_user,
# PG_xpfo_unmapped in v8; flags of struct xpfo before).
XPFO_USER: Final = 1
XPFO_UNMAPPED: Final = 2

# What a synchronous flush was for: its cause is its index in Machine.counts.
ALLOC: Final = 0
REFILL: Final = 1
BLOCK: Final = 2
ALTERNATION: Final = 3
KUNMAP: Final = 4
CAUSES: Final = ("alloc", "refill", "block", "alternation", "kunmap")
"""Names of the causes of a flush, by number."""

# What else is counted.
UNMAPPED: Final = 5
MAPPED: Final = 6
EXPOSED: Final = 7
EXPOSED_TIME: Final = 8
STALE_FRAMES: Final = 9
FLUSHES: Final = 10
LOCAL_FLUSHES: Final = 11
FLUSHES_IRQS_OFF: Final = 12
SPLITS: Final = 13
NR_COUNTS: Final = 14

# Where the machine's settings stand in Machine.settings.
ALL_CPUS: Final = 0
BLOCK_ORDER: Final = 1
IRQS_OFF: Final = 2
NOW: Final = 3
ZEROING: Final = 4
COPY_PERCENT: Final = 5
COPY_DUE: Final = 6
UNANSWERED: Final = 7
NR_SETTINGS: Final = 8

MOST_CPUS: Final = 62
"""CPUs that have a bit of their own in `Machine.stale`."""


class Machine(NamedTuple):
    """The state that strategies act on; frames are numbered from 0.

    Arrays of integers, or memoryviews of them: see `engine.view`.
    """

    alias: Any
    """Per frame: IS_MAPPED if the direct map holds its alias, IS_STALE if a CPU may
    still translate what was unmapped, uint8."""
    stale: Any
    """Per frame: a bit for each CPU that may still translate it, int64."""
    stale_frames: Any
    """The stale frames, as a stack of counts[STALE_FRAMES] entries, int64."""
    owner: Any
    """Per frame: FREE, KERNEL or USER, by its last mm_page_alloc, uint8."""
    marks: Any
    """Per frame: XPFO_USER and XPFO_UNMAPPED, for strategies that mark, uint8."""
    mapcount: Any
    """Per frame: how often it is kmapped, uint8."""
    since: Any
    """Per frame: when a user's frame became reachable, int64."""
    split: Any
    """Per pageblock: 1 if its 2M entry in the direct map was split, uint8."""
    block_state: Any
    """Per pageblock: a strategy's own, 0 at the start, uint8."""
    cpu_state: Any
    """Per CPU: a strategy's own, 0 at the start, uint8."""
    settings: Any
    """ALL_CPUS mask … UNANSWERED, int64: see `replay.Run` for ZEROING to COPY_DUE."""
    counts: Any
    """Flushes by cause, then UNMAPPED … SPLITS, int64."""


def boot(
    frames: int, block_order: int = PAGEBLOCK_ORDER, cpus: int = NR_CPUS
) -> Machine:
    """A machine of at least `frames` frames, all free and all mapped."""
    blocks = (frames >> block_order) + 1
    settings = np.zeros(NR_SETTINGS, np.int64)
    settings[ALL_CPUS] = (1 << min(cpus, MOST_CPUS)) - 1
    settings[BLOCK_ORDER] = block_order
    return Machine(
        alias=view(np.full(frames, IS_MAPPED, np.uint8)),
        stale=view(np.zeros(frames, np.int64)),
        stale_frames=view(np.zeros(frames, np.int64)),
        owner=view(np.zeros(frames, np.uint8)),
        marks=view(np.zeros(frames, np.uint8)),
        mapcount=view(np.zeros(frames, np.uint8)),
        since=view(np.zeros(frames, np.int64)),
        split=view(np.zeros(blocks, np.uint8)),
        block_state=view(np.zeros(blocks, np.uint8)),
        cpu_state=view(np.zeros(cpus, np.uint8)),
        settings=view(settings),
        counts=view(np.zeros(NR_COUNTS, np.int64)),
    )


def hotplug(m: Machine, frames: int) -> Machine:
    """The same machine with at least `frames` frames; the new ones as at boot."""
    if frames <= len(m.alias):
        return m
    more = max(frames, 2 * len(m.alias))
    grown = boot(more, int(m.settings[BLOCK_ORDER]), len(m.cpu_state))
    for old, new in zip(m, grown, strict=True):
        np.asarray(new)[: len(old)] = np.asarray(old)
    return grown


def of_cpus(m: Machine, cpus: int) -> Machine:
    """The same machine, before its first step, with so many CPUs.

    A flush that is deferred for a CPU that is not there would never happen.
    """
    m.settings[ALL_CPUS] = (1 << min(cpus, MOST_CPUS)) - 1
    return m._replace(cpu_state=view(np.zeros(cpus, np.uint8)))


def reachable(m: Machine, frames: Any) -> int:
    """How many of the frames the kernel can still reach through their alias."""
    reached = 0
    for frame in frames:
        if m.alias[frame]:
            reached += 1
    return reached


def conceal(m: Machine, frame: int) -> None:
    """A user's frame is out of reach, or no longer a user's: count its time."""
    if m.owner[frame] == USER:
        m.counts[EXPOSED_TIME] += m.settings[NOW] - m.since[frame]


def give(m: Machine, frames: Any) -> int:
    """Make the frames a user's; how many of them the kernel can still reach."""
    reached = 0
    for frame in frames:
        if m.alias[frame]:
            conceal(m, frame)
            m.since[frame] = m.settings[NOW]
            reached += 1
        m.owner[frame] = USER
    return reached


def take(m: Machine, frames: Any, owner: int) -> None:
    """Make the frames the kernel's, or free: KERNEL or FREE."""
    for frame in frames:
        if m.alias[frame]:
            conceal(m, frame)
        m.owner[frame] = owner


def split_entry(m: Machine, frame: int) -> None:
    """A frame differs from its pageblock: the 2M entry is split, for good.

    x86 re-forms none of those that single pages split. Mirrors
    arch/x86/mm/pat/set_memory.c: __split_large_page, v6.1.
    """
    block = frame >> m.settings[BLOCK_ORDER]
    if not m.split[block]:
        m.split[block] = 1
        m.counts[SPLITS] += 1


def unmap(m: Machine, frames: Any) -> int:
    """Take the aliases of frames out of the direct map; how many were mapped.

    They are stale on all CPUs until a flush. The first one of a pageblock splits
    its 2M entry; see `unmap_block`. Mirrors mm/xpfo.c: set_kpte(…, 0), v9.
    """
    unmapped = 0
    for frame in frames:
        if m.alias[frame] & IS_MAPPED:
            unmapped += 1
            if not m.alias[frame] & IS_STALE:
                m.stale_frames[m.counts[STALE_FRAMES]] = frame
                m.counts[STALE_FRAMES] += 1
            m.alias[frame] = IS_STALE
            m.stale[frame] = m.settings[ALL_CPUS]
            split_entry(m, frame)
    m.counts[UNMAPPED] += unmapped
    return unmapped


def map_back(m: Machine, frames: Any) -> int:
    """Put the aliases of frames back; how many were unmapped. No flush.

    x86 does not cache translations that are not present, so nothing can be
    stale. Mirrors mm/xpfo.c: set_kpte(…, PAGE_KERNEL), v9.
    """
    mapped = 0
    for frame in frames:
        if not m.alias[frame] & IS_MAPPED:
            if not m.alias[frame]:
                m.since[frame] = m.settings[NOW]
            m.alias[frame] |= IS_MAPPED
            mapped += 1
            split_entry(m, frame)
    m.counts[MAPPED] += mapped
    return mapped


def spares(m: Machine, block: int, owner: int) -> bool:
    """Whether frames of a pageblock are an owner's, so that it cannot flip whole."""
    first = block << m.settings[BLOCK_ORDER]
    for frame in range(first, first + (1 << m.settings[BLOCK_ORDER])):
        if m.owner[frame] == owner:
            return True
    return False


def unmap_block(m: Machine, block: int, spared: int) -> int:
    """Unmap a pageblock, except frames of the owner `spared`; how many were mapped.

    If none is spared, the 2M entry goes as one and is not split. Mirrors
    arch/x86/mm/pat/set_memory.c: __should_split_large_page, v6.1.
    """
    whole = not spares(m, block, spared)
    was_split = m.split[block]
    if whole:
        m.split[block] = 1  # one entry for all: no frame can split it
    unmapped = 0
    first = block << m.settings[BLOCK_ORDER]
    for frame in range(first, first + (1 << m.settings[BLOCK_ORDER])):
        if m.owner[frame] != spared:
            unmapped += unmap(m, range(frame, frame + 1))
    if whole:
        m.split[block] = was_split
    return unmapped


def map_block(m: Machine, block: int, spared: int) -> int:
    """Map a pageblock back, except frames of the owner `spared`; how many.

    The 2M entry is split as in `unmap_block`.
    """
    whole = not spares(m, block, spared)
    was_split = m.split[block]
    if whole:
        m.split[block] = 1  # one entry for all: no frame can split it
    mapped = 0
    first = block << m.settings[BLOCK_ORDER]
    for frame in range(first, first + (1 << m.settings[BLOCK_ORDER])):
        if m.owner[frame] != spared:
            mapped += map_back(m, range(frame, frame + 1))
    if whole:
        m.split[block] = was_split
    return mapped


def forget(m: Machine, cpus: int) -> None:
    """The TLBs of a mask of CPUs hold no stale translation any more."""
    kept = 0
    for i in range(m.counts[STALE_FRAMES]):
        frame = m.stale_frames[i]
        m.stale[frame] &= ~cpus
        if m.stale[frame]:
            m.stale_frames[kept] = frame
            kept += 1
        else:
            m.alias[frame] &= ~IS_STALE
            if not m.alias[frame]:
                conceal(m, frame)
    m.counts[STALE_FRAMES] = kept


def flush(m: Machine, cause: int) -> None:
    """One synchronous shootdown on every CPU: nothing is stale after it.

    With interrupts off it may wait for ever; that is counted, too. With UNANSWERED
    set it is only asked for: the checker lets other CPUs act before they answer.
    Mirrors arch/x86/mm/tlb.c: flush_tlb_kernel_range, v4.14 to v6.18.
    """
    m.counts[cause] += 1
    m.counts[FLUSHES] += 1
    if m.settings[IRQS_OFF]:
        m.counts[FLUSHES_IRQS_OFF] += 1
    if not m.settings[UNANSWERED]:
        forget(m, m.settings[ALL_CPUS])


def flush_local(m: Machine, cpu: int) -> None:
    """Flush everything on one CPU. Mirrors arch/x86/mm/tlb.c: __flush_tlb_all."""
    m.counts[LOCAL_FLUSHES] += 1
    forget(m, 1 << cpu)


def invlpg(m: Machine, cpu: int, frames: Any) -> None:
    """Flush the aliases of frames on one CPU. Mirrors __flush_tlb_one, v4.14."""
    m.counts[LOCAL_FLUSHES] += 1
    for frame in frames:
        m.stale[frame] &= ~(1 << cpu)
        if m.alias[frame] & IS_STALE and not m.stale[frame]:
            forget(m, 0)
