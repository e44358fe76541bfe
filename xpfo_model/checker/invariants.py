# SPDX-License-Identifier: GPL-2.0-only
"""The states that must never be: named, and checked after every action."""

from typing import Final

from xpfo_model.checker.world import (
    IN_FLIGHT,
    KERNEL_HAS,
    TO_KUNMAPPED,
    USER_HAS,
    World,
)
from xpfo_model.machine import IS_MAPPED, XPFO_UNMAPPED

HANDED_OUT_UNMAPPED: Final = 1 << 0
MARK_AGREES: Final = 1 << 1
NO_STALE_TRANSLATION: Final = 1 << 2
FREED_STAYS_UNREACHABLE: Final = 1 << 3
FLUSH_WITH_IRQS_ON: Final = 1 << 4
KERNEL_FINDS_IT_MAPPED: Final = 1 << 5
KMAP_FINDS_IT_MAPPED: Final = 1 << 6
KMAP_KEEPS_IT_PRIVATE: Final = 1 << 7

INVARIANTS: Final = {
    "handed-out-unmapped": "A user's frame that is not kmapped has no PTE.",
    "mark-agrees": "The mark for unmapped and the absence of the PTE agree.",
    "no-stale-translation": "No CPU can translate a user's frame that is not kmapped.",
    "freed-stays-unreachable": "A frame that a user freed is out of reach until the "
    "kernel allocates it.",
    "flush-with-irqs-on": "A flush that waits for other CPUs runs with interrupts on.",
    "kernel-finds-it-mapped": "The kernel finds its own frames mapped, with no kmap.",
    "kmap-finds-it-mapped": "A frame that is kmapped through the direct map is mapped.",
    "kmap-keeps-it-private": "A kmap does not put a user's frame back into the direct "
    "map.",
}
"""Name and text; the bit of the n-th is 1 << n."""

# Which invariants a strategy can be held to: marks, kmap through the direct map.
CHECK_MARKS: Final = 1
CHECK_KMAP: Final = 2


def is_stale(w: World, frame: int) -> bool:
    """Whether a CPU that runs the kernel may still translate what was unmapped."""
    return bool(w.m.stale[frame, 0] & ~w.in_user[0])


def leaving(w: World, frame: int) -> int:
    """How many CPUs have cleared the frame's PTE in kunmap and wait for the flush."""
    count = 0
    for cpu in range(len(w.waits)):
        if w.waits[cpu] == TO_KUNMAPPED + frame:
            count += 1
    return count


def kmapped(w: World, frame: int) -> int:
    """How often a frame is kmapped, without those that are in kunmap."""
    return int(w.held[frame]) - leaving(w, frame)


def violated_by(w: World, frame: int, checks: int) -> int:  # noqa: C901 - a list
    """The invariants that a frame violates, a bit for each."""
    m = w.m
    found = 0
    mapped = m.alias[frame] & IS_MAPPED
    if w.place[frame] >= IN_FLIGHT:
        return 0  # nobody has it yet
    if checks & CHECK_MARKS:
        marked = (m.marks[frame] & XPFO_UNMAPPED) != 0
        if marked == (mapped != 0):
            found = MARK_AGREES
    if w.place[frame] == KERNEL_HAS:
        if not mapped:
            found |= KERNEL_FINDS_IT_MAPPED
    elif w.place[frame] != USER_HAS:
        if w.was_user[frame] and (mapped or is_stale(w, frame)):
            found |= FREED_STAYS_UNREACHABLE
    elif kmapped(w, frame):
        if mapped:
            found |= KMAP_KEEPS_IT_PRIVATE
        elif checks & CHECK_KMAP:
            found |= KMAP_FINDS_IT_MAPPED
    elif mapped:
        found |= HANDED_OUT_UNMAPPED
    elif is_stale(w, frame) and not leaving(w, frame):
        found |= NO_STALE_TRANSLATION
    return found


def violated(w: World, checks: int) -> int:
    """The invariants that the state violates, a bit for each."""
    found = FLUSH_WITH_IRQS_ON if w.m.counts.flushes_irqs_off else 0
    for frame in range(len(w.place)):
        found |= violated_by(w, frame, checks)
    return found
