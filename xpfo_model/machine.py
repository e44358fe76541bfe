# SPDX-License-Identifier: GPL-2.0-only
"""The machine: page frames, their aliases in the direct map, and the TLBs.

A frame's alias is *mapped* or not. Once unmapped it is *stale* on every CPU that
has not flushed since: that CPU may still translate it.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from xpfo_model.constants import PAGEBLOCK_ORDER

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

# What a synchronous flush was for: its index in Counts.flushes_by_cause.
ALLOC: Final = 0
REFILL: Final = 1
BLOCK: Final = 2
ALTERNATION: Final = 3
KUNMAP: Final = 4
CAUSES: Final = ("alloc", "refill", "block", "alternation", "kunmap")
"""Names of the causes of a flush, by number."""

CPUS_PER_WORD: Final = 62
"""CPUs that have a bit in a word of `Machine.stale`: it is signed, and stays so."""

Frames = Sequence[int] | npt.NDArray[np.int64]
"""Numbers of page frames: a range, or an array."""


class Settings(np.record):  # type: ignore[misc]  # NumPy allows it
    """What the machine is told."""

    block_order: int
    """Frames per pageblock as a power of two."""
    irqs_off: int
    """Whether interrupts are off."""
    now: int
    """Time of the event that is replayed, in the trace's clock."""
    zeroing: int
    copy_percent: int
    """Both as in `replay.Run`."""
    copy_due: int
    """Percent of a copy that is due: a whole one makes the next page be copied."""
    unanswered: int
    """Whether a flush is only asked for: other CPUs answer it later."""


class Counts(np.record):  # type: ignore[misc]  # NumPy allows it
    """What is counted."""

    flushes_by_cause: npt.NDArray[np.int64]
    """Synchronous flushes, by cause."""
    flushes: int
    """Synchronous flushes, all causes together."""
    flushes_irqs_off: int
    """Synchronous flushes that were asked for with interrupts off."""
    local_flushes: int
    """Flushes of one CPU's TLB by itself."""
    unmapped: int
    """Direct-map entries cleared."""
    mapped: int
    """Direct-map entries set again."""
    exposed: int
    """Frames handed to users while the kernel could still reach them."""
    exposed_time: int
    """Sum over users' frames of the time that the kernel could reach them."""
    stale_frames: int
    """Entries of `Machine.stale_frames`."""
    splits: int
    """2M entries of the direct map that were split."""


def _zero(kind: type[np.record]) -> np.record:
    """A record of a class, each of its fields an int64, or an array by cause."""
    fields = [
        (name, np.int64, (len(CAUSES),) if name == "flushes_by_cause" else ())
        for name in kind.__annotations__
    ]
    return cast("np.record", np.zeros((), np.dtype((kind, fields)))[()])


class Machine(NamedTuple):
    """The state that strategies act on; frames are numbered from 0."""

    alias: npt.NDArray[np.int8]
    """Per frame: IS_MAPPED if the direct map holds its alias, IS_STALE if a CPU may
    still translate what was unmapped."""
    stale: npt.NDArray[np.int64]
    """Per frame, in words of CPUS_PER_WORD CPUs: a bit for each CPU that may still
    translate it."""
    stale_frames: npt.NDArray[np.int64]
    """The stale frames, as a stack of `counts.stale_frames` entries."""
    owner: npt.NDArray[np.uint8]
    """Per frame: FREE, KERNEL or USER, by its last mm_page_alloc."""
    marks: npt.NDArray[np.int8]
    """Per frame: XPFO_USER and XPFO_UNMAPPED, for strategies that mark."""
    mapcount: npt.NDArray[np.uint8]
    """Per frame: how often it is kmapped."""
    since: npt.NDArray[np.int64]
    """Per frame: when a user's frame became reachable."""
    split: npt.NDArray[np.uint8]
    """Per pageblock: 1 if its 2M entry in the direct map was split."""
    block_state: npt.NDArray[np.uint8]
    """Per pageblock: a strategy's own, 0 at the start."""
    cpu_state: npt.NDArray[np.uint8]
    """Per CPU: a strategy's own, 0 at the start."""
    all_cpus: npt.NDArray[np.int64]
    """The bits of all CPUs, in words as in `stale`."""
    settings: Settings
    counts: Counts


def boot(frames: int, block_order: int = PAGEBLOCK_ORDER, *, cpus: int) -> Machine:
    """A machine of so many CPUs and frames, which are all free and all mapped."""
    blocks = (frames >> block_order) + 1
    words = -(-cpus // CPUS_PER_WORD)
    settings = cast("Settings", _zero(Settings))
    settings.block_order = block_order
    in_word = np.clip(cpus - CPUS_PER_WORD * np.arange(words), 0, CPUS_PER_WORD)
    return Machine(
        alias=np.full(frames, IS_MAPPED, np.int8),
        stale=np.zeros((frames, words), np.int64),
        stale_frames=np.zeros(frames, np.int64),
        owner=np.zeros(frames, np.uint8),
        marks=np.zeros(frames, np.int8),
        mapcount=np.zeros(frames, np.uint8),
        since=np.zeros(frames, np.int64),
        split=np.zeros(blocks, np.uint8),
        block_state=np.zeros(blocks, np.uint8),
        cpu_state=np.zeros(cpus, np.uint8),
        all_cpus=(1 << in_word) - 1,
        settings=settings,
        counts=cast("Counts", _zero(Counts)),
    )


def grow(m: Machine, frames: int, cpus: int) -> Machine:
    """The same machine with at least so many frames and CPUs.

    New frames are as at boot. A new CPU holds no stale translation.
    """
    has, cpus = len(m.alias), max(cpus, len(m.cpu_state))
    if frames <= has and cpus == len(m.cpu_state):
        return m
    frames = max(frames, 2 * has) if frames > has else has
    grown = boot(frames, int(m.settings.block_order), cpus=cpus)
    arrays: Any = zip(m[:-3], grown[:-3], strict=True)
    for old, new in arrays:
        new[tuple(map(slice, old.shape))] = old
    return grown._replace(settings=m.settings, counts=m.counts)


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
        if m.owner[frame] != spared:
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
        if m.owner[frame] != spared:
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


def flush(m: Machine, cause: int) -> None:
    """One synchronous shootdown on every CPU: nothing is stale after it.

    With interrupts off it may wait for ever; that is counted, too. With `unanswered`
    set it is only asked for: the checker lets other CPUs act before they answer.
    Mirrors arch/x86/mm/tlb.c: flush_tlb_kernel_range, v4.14 to v6.18.
    """
    m.counts.flushes_by_cause[cause] += 1
    m.counts.flushes += 1
    if m.settings.irqs_off:
        m.counts.flushes_irqs_off += 1
    if not m.settings.unanswered:
        drop_all_stale(m)


def flush_local(m: Machine, cpu: int) -> None:
    """Flush everything on one CPU. Mirrors arch/x86/mm/tlb.c: __flush_tlb_all."""
    m.counts.local_flushes += 1
    drop_stale(m, cpu, m.stale_frames[: m.counts.stale_frames])
    settle_stale(m)


def invlpg(m: Machine, cpu: int, frames: Frames) -> None:
    """Flush the aliases of frames on one CPU. Mirrors __flush_tlb_one, v4.14."""
    m.counts.local_flushes += 1
    drop_stale(m, cpu, frames)
    for frame in frames:
        if m.alias[frame] & IS_STALE and not is_stale(m, frame):
            settle_stale(m)
