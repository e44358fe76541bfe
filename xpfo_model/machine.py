# SPDX-License-Identifier: GPL-2.0-only
"""The machine: page frames, their aliases in the direct map, and the TLBs.

A frame's alias is *mapped* or not. Once unmapped it is *stale* on every CPU that
has not flushed since: that CPU may still translate it. `state` has what is kept.
"""

from xpfo_model.constants import TLB_SINGLE_PAGE_FLUSH_CEILING
from xpfo_model.state import (
    ABSENT,
    ALLOC,
    ALTERNATION,
    BLOCK,
    CAUSES,
    CPUS_PER_WORD,
    FREE,
    IS_MAPPED,
    IS_STALE,
    KERNEL,
    KUNMAP,
    MAPPED,
    MIGRATE,
    REFILL,
    STARTS,
    UNMAPPED,
    USER,
    XPFO_UNMAPPED,
    XPFO_USER,
    Counts,
    Frames,
    Machine,
    Owners,
    Settings,
    boot,
    grow,
    hold,
)

__all__ = [
    "ABSENT",
    "ALLOC",
    "ALTERNATION",
    "BLOCK",
    "CAUSES",
    "CPUS_PER_WORD",
    "FREE",
    "IS_MAPPED",
    "IS_STALE",
    "KERNEL",
    "KUNMAP",
    "MAPPED",
    "MIGRATE",
    "REFILL",
    "STARTS",
    "UNMAPPED",
    "USER",
    "XPFO_UNMAPPED",
    "XPFO_USER",
    "Counts",
    "Frames",
    "Machine",
    "Owners",
    "Settings",
    "boot",
    "clear_pte",
    "drop_all_stale",
    "drop_stale",
    "end_exposure",
    "flush",
    "flush_local",
    "flush_mapping",
    "grow",
    "hand_to_kernel",
    "hand_to_user",
    "hold",
    "hold_since_start",
    "invlpg",
    "is_stale",
    "make_stale",
    "map_back",
    "map_block",
    "may_wait",
    "reachable",
    "set_kpte",
    "set_pte",
    "settle_stale",
    "shoot_down",
    "spares",
    "split_entry",
    "stale_pages",
    "take_back",
    "unmap",
    "unmap_block",
]


def reachable(m: Machine, frames: Frames) -> int:
    """How many of the frames the kernel can still reach through their alias."""
    reached = 0
    for frame in frames:
        reached += m.alias[frame] != 0
    return reached


def end_exposure(m: Machine, frame: int) -> None:
    """Count how long the kernel could reach a frame, if it is a user's."""
    if m.owner[frame] == USER:
        m.counts.exposed_time += m.settings.now - m.since[frame]


def hand_to_user(m: Machine, frames: Frames) -> int:
    """Make the frames a user's; how many of them the kernel can still reach."""
    reached = 0
    for frame in frames:
        if m.alias[frame]:
            end_exposure(m, frame)
            m.since[frame] = m.settings.now
            reached += 1
        m.owner[frame] = USER
    return reached


def take_back(m: Machine, frames: Frames, owner: int) -> None:
    """Make the frames the kernel's, or free: KERNEL or FREE."""
    for frame in frames:
        if m.alias[frame]:
            end_exposure(m, frame)
        m.owner[frame] = owner


def hand_to_kernel(m: Machine, frames: Frames) -> None:
    """Make the frames the kernel's, and count those that it cannot reach."""
    take_back(m, frames, KERNEL)
    for frame in frames:
        if not m.alias[frame] & IS_MAPPED:
            m.counts.faults += 1


def hold_since_start(m: Machine, frames: Frames) -> None:
    """The kernel turns out to hold frames since the start: they are mapped."""
    for frame in frames:
        m.owner[frame] = KERNEL
        m.marks[frame] = 0
        if not m.alias[frame] & IS_MAPPED:
            m.alias[frame] |= IS_MAPPED
            block = frame >> m.settings.block_order
            if m.settings.starts_unmapped and not m.split[block]:
                m.split[block] = 1
                m.counts.start_splits += 1


def may_wait(m: Machine) -> bool:
    """Whether the caller can wait until all CPUs have answered."""
    return bool(not m.settings.cannot_wait)


def split_entry(m: Machine, frame: int) -> None:
    """A frame differs from its pageblock: the 2M entry is split, for good.

    x86 re-forms none of those that single pages split. Mirrors
    arch/x86/mm/pat/set_memory.c: __split_large_page, v6.1.
    """
    block = frame >> m.settings.block_order
    if not m.split[block]:
        m.split[block] = 1
        m.counts.splits += 1


def make_stale(m: Machine, frame: int) -> None:
    """Every CPU may still translate a frame that is unmapped."""
    if not m.alias[frame] & IS_STALE:
        m.alias[frame] |= IS_STALE
        m.stale_frames[m.counts.stale_frames] = frame
        m.counts.stale_frames += 1
    for word in range(len(m.all_cpus)):
        m.stale[frame, word] = m.all_cpus[word]


def clear_pte(m: Machine, frame: int, splits: bool) -> int:
    """Unmap the alias of a frame; 1 if it was mapped, 0 if not.

    It is stale on all CPUs until a flush. `splits`: not with the rest of its block.
    """
    if not m.alias[frame] & IS_MAPPED:
        return 0
    make_stale(m, frame)
    m.alias[frame] = IS_STALE
    if splits:
        split_entry(m, frame)
    return 1


def set_pte(m: Machine, frame: int, splits: bool) -> int:
    """Map the alias of a frame; 1 if it was unmapped, 0 if not.

    x86 does not cache translations that are not present, so that none is stale.
    """
    if m.alias[frame] & IS_MAPPED:
        return 0
    if not m.alias[frame]:
        m.since[frame] = m.settings.now
    m.alias[frame] |= IS_MAPPED
    if splits:
        split_entry(m, frame)
    return 1


def unmap(m: Machine, frames: Frames) -> int:
    """Take the aliases of frames out of the direct map; how many were mapped.

    They are stale on all CPUs until a flush. The first one of a pageblock splits
    its 2M entry; see `unmap_block`.
    """
    unmapped = 0
    for frame in frames:
        unmapped += clear_pte(m, frame, splits=True)
    m.counts.unmapped += unmapped
    return unmapped


def map_back(m: Machine, frames: Frames) -> int:
    """Put the aliases of frames back; how many were unmapped. No flush."""
    mapped = 0
    for frame in frames:
        mapped += set_pte(m, frame, splits=True)
    m.counts.mapped += mapped
    return mapped


def set_kpte(m: Machine, frame: int, mapped: bool) -> None:
    """Map or unmap the alias of one frame, without a flush.

    Mirrors mm/xpfo.c: set_kpte, v9.
    """
    if mapped:
        m.counts.mapped += set_pte(m, frame, splits=True)
    else:
        m.counts.unmapped += clear_pte(m, frame, splits=True)


def spares(m: Machine, block: int, owner: int) -> bool:
    """Whether frames of a pageblock are an owner's, so that it cannot flip whole."""
    first = block << m.settings.block_order
    for frame in range(first, first + (1 << m.settings.block_order)):
        if m.owner[frame] == owner:
            return True
    return False


def unmap_block(m: Machine, block: int, spared: int) -> int:
    """Unmap a pageblock, except frames of the owner `spared`; how many were mapped.

    If none is spared, the 2M entry goes as one and is not split. Mirrors
    arch/x86/mm/pat/set_memory.c: __should_split_large_page, v6.1.
    """
    splits = spares(m, block, spared)
    unmapped = 0
    first = block << m.settings.block_order
    for frame in range(first, first + (1 << m.settings.block_order)):
        if m.owner[frame] != spared and m.owner[frame] != ABSENT:
            unmapped += clear_pte(m, frame, splits)
    m.counts.unmapped += unmapped
    return unmapped


def map_block(m: Machine, block: int, spared: int) -> int:
    """Map a pageblock back, except frames of the owner `spared`; how many.

    The 2M entry is split as in `unmap_block`.
    """
    splits = spares(m, block, spared)
    mapped = 0
    first = block << m.settings.block_order
    for frame in range(first, first + (1 << m.settings.block_order)):
        if m.owner[frame] != spared and m.owner[frame] != ABSENT:
            mapped += set_pte(m, frame, splits)
    m.counts.mapped += mapped
    return mapped


def is_stale(m: Machine, frame: int) -> bool:
    """Whether a CPU may still translate what was unmapped."""
    left = 0
    for word in range(len(m.all_cpus)):
        left |= m.stale[frame, word]
    return left != 0


def drop_all_stale(m: Machine) -> None:
    """No TLB holds a stale translation any more."""
    for i in range(m.counts.stale_frames):
        frame = m.stale_frames[i]
        for word in range(len(m.all_cpus)):
            m.stale[frame, word] = 0
        m.alias[frame] &= ~IS_STALE
        if not m.alias[frame]:
            end_exposure(m, frame)
    m.counts.stale_frames = 0


def drop_stale(m: Machine, cpu: int, frames: Frames) -> None:
    """The TLB of a CPU holds no stale translation of the frames any more."""
    word = cpu // CPUS_PER_WORD
    for frame in frames:
        m.stale[frame, word] &= ~(1 << cpu % CPUS_PER_WORD)


def settle_stale(m: Machine) -> None:
    """Take the frames that are stale on no CPU off the stack of stale frames."""
    kept = 0
    for i in range(m.counts.stale_frames):
        frame = m.stale_frames[i]
        if is_stale(m, frame):
            m.stale_frames[kept] = frame
            kept += 1
        else:
            m.alias[frame] &= ~IS_STALE
            if not m.alias[frame]:
                end_exposure(m, frame)
    m.counts.stale_frames = kept


def stale_pages(m: Machine) -> int:
    """Pages from the first stale frame to the last: what one range must cover."""
    count = m.counts.stale_frames
    if not count:
        return 0
    first = m.stale_frames[0]
    last = first
    for i in range(1, count):
        first = min(first, m.stale_frames[i])
        last = max(last, m.stale_frames[i])
    return int(last - first) + 1


def flush(m: Machine, cause: int) -> None:
    """Do a synchronous shootdown on every CPU: nothing is stale after it.

    The range is from the first stale frame to the last; above the ceiling the whole
    TLB is flushed. With interrupts off it may wait for ever; that is counted, too.
    With `unanswered` set it is only asked for: the checker lets other CPUs act before
    they answer. Mirrors arch/x86/mm/tlb.c: flush_tlb_kernel_range, v4.14 to v6.18.
    """
    if stale_pages(m) > TLB_SINGLE_PAGE_FLUSH_CEILING:
        m.counts.full_by_cause[cause] += 1
    shoot_down(m, cause)


def shoot_down(m: Machine, cause: int) -> None:
    """Count a synchronous flush, and let nothing be stale unless it is unanswered."""
    m.counts.flushes_by_cause[cause] += 1
    m.counts.flushes += 1
    if m.settings.irqs_off:
        m.counts.flushes_irqs_off += 1
    if not m.settings.unanswered:
        drop_all_stale(m)


def flush_mapping(m: Machine, cause: int, frames: Frames) -> None:
    """A flush for frames whose PTEs are as they were, of the size of their mapping.

    Where the 2M entry is not split, the range is 2M for each page, and the whole TLB
    is flushed. Mirrors arch/x86/mm/xpfo.c: xpfo_flush_kernel_tlb, v6.
    """
    pages = 0
    for frame in frames:
        is_split = m.split[frame >> m.settings.block_order]
        pages += 1 if is_split else 1 << m.settings.block_order
    if max(pages, stale_pages(m)) > TLB_SINGLE_PAGE_FLUSH_CEILING:
        m.counts.full_by_cause[cause] += 1
    shoot_down(m, cause)


def flush_local(m: Machine, cpu: int) -> None:
    """Flush everything on one CPU. Mirrors arch/x86/mm/tlb.c: __flush_tlb_all."""
    m.counts.local_flushes += 1
    m.counts.local_full += 1
    drop_stale(m, cpu, m.stale_frames[: m.counts.stale_frames])
    settle_stale(m)


def invlpg(m: Machine, cpu: int, frames: Frames) -> None:
    """Flush the aliases of frames on one CPU. Mirrors __flush_tlb_one, v4.14."""
    m.counts.local_flushes += 1
    drop_stale(m, cpu, frames)
    for frame in frames:
        if m.alias[frame] & IS_STALE and not is_stale(m, frame):
            settle_stale(m)
