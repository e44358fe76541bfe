# SPDX-License-Identifier: GPL-2.0-only
"""The state of the machine: what is kept of frames, blocks and CPUs, and its start."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from xpfo_model.constants import PAGEBLOCK_ORDER

FREE: Final = 0
KERNEL: Final = 1
USER: Final = 2
ABSENT: Final = 3
"""In the place of an owner: memory ends before the last block does."""

MAPPED: Final = "mapped"
UNMAPPED: Final = "unmapped"
STARTS: Final = (MAPPED, UNMAPPED)
"""How memory that nobody has had may start: with an alias, as every posted version
has it, or without one until somebody gets it."""

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
MIGRATE: Final = 5
CAUSES: Final = ("alloc", "refill", "block", "alternation", "kunmap", "migrate")
"""Names of the causes of a flush, by number."""

CPUS_PER_WORD: Final = 62
"""CPUs that have a bit in a word of `Machine.stale`: it is signed, and stays so."""

Frames = Sequence[int] | npt.NDArray[np.int64]
"""Numbers of page frames: a range, or an array."""
Owners = npt.NDArray[np.uint8]
"""An owner for each frame."""


class Settings(np.record):  # type: ignore[misc]  # NumPy allows it
    """The settings of a machine."""

    block_order: int
    """Frames per pageblock as a power of two."""
    irqs_off: int
    """Whether interrupts are off."""
    now: int
    """Time of the event that is replayed, in the trace's clock."""
    zeroing: int
    """As in `replay.Run`, as are the two shares below."""
    copied: int
    """Of 10,000 pages that are not zeroed: pages that are copied into."""
    copied_due: int
    """The part of a page that is due: a whole one makes the next page be copied."""
    again: int
    """Of 10,000 pages that are copied into: accesses beyond the first of each."""
    again_due: int
    """The part of an access that is due."""
    unanswered: int
    """Whether a flush is only asked for: other CPUs answer it later."""
    starts_unmapped: int
    """Whether a frame that nobody has had has no alias."""
    start_marks: int
    """Marks of a frame that starts without an alias."""
    infers_held: int
    """Whether a page that is freed before anything else was the kernel's."""
    user_test: int
    """The test for a user's page, by its number in `gfp.USER_TESTS`."""
    cannot_wait: int
    """Whether the caller may not wait: interrupts off, or a lock held that whoever
    has to answer may want."""
    task: int
    """The task that runs, by its number; of a context switch, the next one."""


class Counts(np.record):  # type: ignore[misc]  # NumPy allows it
    """The counts of a machine."""

    flushes_by_cause: npt.NDArray[np.int64]
    """Synchronous flushes, by cause."""
    full_by_cause: npt.NDArray[np.int64]
    """Of these, flushes of the whole TLB, by cause."""
    flushes: int
    """Synchronous flushes, all causes together."""
    flushes_irqs_off: int
    """Synchronous flushes that were asked for with interrupts off."""
    local_flushes: int
    """Flushes of one CPU's TLB by itself."""
    local_full: int
    """Of these, flushes of the whole TLB."""
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
    start_splits: int
    """2M entries that were split before: not all of their frames start alike."""
    faults: int
    """Frames handed to the kernel without an alias: its first access faults."""
    moved: int
    """Users' frames whose contents were moved to other frames."""
    moved_exposed: int
    """Of these, frames that the kernel could still reach afterwards."""


def _zero(kind: type[np.record]) -> np.record:
    """A record of a class, each of its fields an int64, or an array by cause."""
    fields = [
        (name, np.int64, (len(CAUSES),) if name.endswith("_by_cause") else ())
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
    task_state: npt.NDArray[np.uint8]
    """Per task and CPU: a strategy's own, 0 at the start."""
    all_cpus: npt.NDArray[np.int64]
    """The bits of all CPUs, in words as in `stale`."""
    settings: Settings
    counts: Counts


def boot(
    frames: int,
    block_order: int = PAGEBLOCK_ORDER,
    *,
    cpus: int,
    start: str = MAPPED,
    held: Owners | None = None,
    start_marks: int = 0,
) -> Machine:
    """A machine of so many CPUs and frames, and of as many tasks as CPUs.

    Parameters
    ----------
    frames, block_order
        Its memory, and how many frames a pageblock has, as a power of two.
    start : str
        MAPPED or UNMAPPED: whether free frames start with an alias.
    held : array of `frames` uint8, optional
        Per frame its owner at the start: FREE, KERNEL or ABSENT. All are FREE without.
    start_marks : int
        Marks of frames that start without an alias, for strategies that mark.

    Raises `ValueError` for another `start`.
    """
    if start not in STARTS:
        raise ValueError(f"memory starts {' or '.join(STARTS)}, not {start!r}")
    settings = cast("Settings", _zero(Settings))
    settings.block_order = block_order
    settings.starts_unmapped = start == UNMAPPED
    settings.start_marks = start_marks
    m = _empty(frames, cpus, cpus, settings)
    if held is not None:
        hold(m, 0, held)
    return m


def _empty(frames: int, cpus: int, tasks: int, settings: Settings) -> Machine:
    """A machine whose frames are all free and as they start."""
    blocks = (frames >> settings.block_order) + 1
    words = -(-cpus // CPUS_PER_WORD)
    in_word = np.clip(cpus - CPUS_PER_WORD * np.arange(words), 0, CPUS_PER_WORD)
    is_unmapped = bool(settings.starts_unmapped)
    return Machine(
        alias=np.full(frames, 0 if is_unmapped else IS_MAPPED, np.int8),
        stale=np.zeros((frames, words), np.int64),
        stale_frames=np.zeros(frames, np.int64),
        owner=np.zeros(frames, np.uint8),
        marks=np.full(frames, settings.start_marks if is_unmapped else 0, np.int8),
        mapcount=np.zeros(frames, np.uint8),
        since=np.zeros(frames, np.int64),
        split=np.zeros(blocks, np.uint8),
        block_state=np.zeros(blocks, np.uint8),
        cpu_state=np.zeros(cpus, np.uint8),
        task_state=np.zeros((tasks, cpus), np.uint8),
        all_cpus=(1 << in_word) - 1,
        settings=settings,
        counts=cast("Counts", _zero(Counts)),
    )


def grow(m: Machine, frames: int, cpus: int, tasks: int = 0) -> Machine:
    """The same machine with at least so many frames, CPUs and tasks.

    New frames are free and start as the machine's others did; see `hold`. A new CPU
    holds no stale translation.
    """
    cpus = max(cpus, len(m.cpu_state))
    frames = _room(frames, len(m.alias))
    tasks = _room(tasks, len(m.task_state))
    if (frames, cpus, tasks) == (len(m.alias), len(m.cpu_state), len(m.task_state)):
        return m
    grown = _empty(frames, cpus, tasks, m.settings)
    arrays: Any = zip(m[:-3], grown[:-3], strict=True)
    for old, new in arrays:
        new[tuple(map(slice, old.shape))] = old
    return grown._replace(settings=m.settings, counts=m.counts)


def _room(wanted: int, has: int) -> int:
    """Room for so many; more than that, so that it need not grow often."""
    return max(wanted, 2 * has) if wanted > has else has


def hold(m: Machine, first: int, owners: Owners) -> None:
    """Say who has frames at the start, from frame `first` on, before anybody acts.

    `owners` holds FREE, KERNEL or ABSENT for each, uint8. What the kernel holds is
    mapped. A block is unmapped whole at the start, and its 2M entry split only if
    some of it is held; a block that is all free or all held splits none.
    """
    last = first + len(owners)
    m.owner[first:last] = owners
    m.marks[first:last][owners != FREE] = 0
    m.alias[first:last][owners == KERNEL] = IS_MAPPED
    m.alias[first:last][owners == ABSENT] = 0
    for block in range(first >> m.settings.block_order, len(m.split)):
        begin = block << m.settings.block_order
        there = m.owner[begin : begin + (1 << m.settings.block_order)]
        there = there[there != ABSENT]
        if begin >= last:
            break
        is_mixed = bool((there == KERNEL).any() and (there == FREE).any())
        if m.settings.starts_unmapped and is_mixed and not m.split[block]:
            m.split[block] = 1
            m.counts.start_splits += 1
