# SPDX-License-Identifier: GPL-2.0-only
"""The tiny machine with all that surrounds it, and its state as one number."""

from itertools import permutations
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model.checker.scope import ALONE, HAS_MODES, Scope
from xpfo_model.machine import (
    FREE,
    IS_MAPPED,
    IS_STALE,
    KERNEL,
    MAPPED,
    USER,
    XPFO_UNMAPPED,
    XPFO_USER,
    Machine,
    boot,
)

# Where a frame is. A pcp list serves any CPU here: that only adds interleavings.
BUDDY: Final = 0
MOVABLE_LIST: Final = 1
OTHER_LIST: Final = 2
KERNEL_HAS: Final = 3
USER_HAS: Final = 4

IN_FLIGHT: Final = 5
"""A CPU's number above it: that CPU waits for its flush, and nobody else knows the
frame."""

# A frame's place and last user in one code: 2 * place + was_user while it is free,
# these two, and 2 * CPU + was_user above the last while it is in flight.
CODE_KERNEL: Final = 6
CODE_USER: Final = 7
CODE_IN_FLIGHT: Final = 8

# What happens when the flush that a CPU waits for is answered: where the frames in
# flight go. ZEROED is to be zeroed before it is the user's, CLEARED was.
RUNS: Final = 0
TO_USER: Final = 1
TO_ZEROED: Final = 2
TO_CLEARED: Final = 3
TO_KERNEL: Final = 4
TO_MOVABLE: Final = 5
TO_OTHER: Final = 6
TO_NOBODY: Final = 7
TO_KUNMAPPED: Final = 8
"""A frame's number above it: that frame is no longer kmapped. As much above that as
there are frames: the page of the other frame in flight has come to that frame."""

BITS_CPU: Final = 2

# Indices of World.bits.
BITS_COUNT: Final = 0
BITS_MARKS: Final = 1
BITS_PLACE: Final = 2
BITS_WAITS: Final = 3
BITS_MODE: Final = 4


class World(NamedTuple):
    """A machine, and what the strategy does not know."""

    m: Machine
    place: npt.NDArray[np.uint8]
    """Per frame: BUDDY … USER_HAS, or IN_FLIGHT + CPU."""
    was_user: npt.NDArray[np.uint8]
    """Per frame: 1 if a user had it last, and neither the kernel nor zeroes since."""
    held: npt.NDArray[np.uint8]
    """Per frame: kmaps that were not undone yet."""
    waits: npt.NDArray[np.uint8]
    """Per CPU: RUNS, or what it waits for."""
    in_user: npt.NDArray[np.int64]
    """A bit for each CPU that is in user space, of shape (1,)."""
    orders_of_cpus: npt.NDArray[np.int64]
    """Every permutation of the CPUs, of shape (n!, n)."""
    bits: npt.NDArray[np.int64]
    """Bits in a state's number of a count of kmaps, of the marks, of a place, of what a
    CPU waits for, and of whether it is in user space."""


def bits_of(
    scope: Scope, *, marks: bool, how: int = 0
) -> tuple[int, int, int, int, int]:
    """Bits of each part of a state's number, in the order of BITS_COUNT … BITS_MODE."""
    return (
        scope.nesting.bit_length(),
        (XPFO_USER | XPFO_UNMAPPED).bit_length() * marks,
        (CODE_IN_FLIGHT + 2 * scope.cpus - 1).bit_length(),
        (TO_KUNMAPPED + 2 * scope.frames - 1).bit_length(),
        1 if how & HAS_MODES else 0,
    )


def create(
    scope: Scope,
    *,
    marks: bool,
    start: str = MAPPED,
    start_marks: int = 0,
    how: int = 0,
) -> World:
    """A machine of a scope, everything free, and mapped or unmapped.

    Without `marks` a state has no room for a strategy's marks on frames.
    `start_marks` are those of frames that start unmapped. `how` has HAS_MODES for
    strategies that heed modes: all CPUs begin in the kernel, with ALONE the first one.
    """
    frames = scope.frames
    m = boot(
        scope.blocks << scope.block_order,
        scope.block_order,
        cpus=scope.cpus,
        start=start,
        start_marks=start_marks,
    )
    in_user = np.zeros(1, np.int64)
    if how & ALONE:
        in_user[:] = m.all_cpus[0] & ~1
    orders = np.array(list(permutations(range(scope.cpus))), np.int64)
    return World(
        m,
        np.zeros(frames, np.uint8),
        np.zeros(frames, np.uint8),
        np.zeros(frames, np.uint8),
        np.zeros(scope.cpus, np.uint8),
        in_user,
        orders,
        np.array(bits_of(scope, marks=marks, how=how), np.int64),
    )


def width(scope: Scope, *, marks: bool, how: int = 0) -> int:
    """Bits of a state's number."""
    bits = bits_of(scope, marks=marks, how=how)
    count_bits, mark_bits, place_bits, wait_bits, mode_bits = bits
    frame = place_bits + 2 * count_bits + mark_bits + 1 + scope.cpus
    cpu = BITS_CPU + wait_bits + mode_bits
    return frame * scope.frames + scope.blocks + cpu * scope.cpus


def named(w: World, order: int, cpu: int) -> int:
    """The name that a row of `orders_of_cpus` gives a CPU."""
    name = 0
    while w.orders_of_cpus[order, name] != cpu:
        name += 1
    return name


def code_of(w: World, frame: int, order: int) -> int:
    """A frame's place and last user in one number, its CPU renamed."""
    place = w.place[frame]
    if place == KERNEL_HAS:
        return CODE_KERNEL
    if place == USER_HAS:
        return CODE_USER
    if place >= IN_FLIGHT:
        name = named(w, order, place - IN_FLIGHT)
        return int(CODE_IN_FLIGHT + 2 * name + w.was_user[frame])
    return int(2 * place + w.was_user[frame])


def renamed(w: World, bits: int, order: int) -> int:
    """Bits of CPUs, renamed by a row of `orders_of_cpus`, the first one highest."""
    if bits in (0, w.m.all_cpus[0]):
        return bits  # whatever their names are
    cpus = len(w.m.cpu_state)
    new = 0
    for cpu in range(cpus):
        bit = bits >> w.orders_of_cpus[order, cpu] & 1
        new |= bit << (cpus - 1 - cpu)
    return new


def bits_of_cpus(w: World, bits: int) -> int:
    """Bits of CPUs, the first lowest, from those of `renamed`."""
    cpus = len(w.m.cpu_state)
    new = 0
    for cpu in range(cpus):
        new |= (bits >> (cpus - 1 - cpu) & 1) << cpu
    return new


def pack(w: World, order: int) -> int:
    """The state as a number, its CPUs renamed by a row of `orders_of_cpus`."""
    m = w.m
    cpus = len(m.cpu_state)
    count_bits, mark_bits = w.bits[BITS_COUNT], w.bits[BITS_MARKS]
    frame_bits = w.bits[BITS_PLACE] + 2 * count_bits + mark_bits + 1 + cpus
    key = 0
    for block in range(len(m.block_state) - 1):
        key = (key << 1) | m.block_state[block]
    for frame in range(len(w.place)):
        one = (code_of(w, frame, order) << count_bits) | w.held[frame]
        one = (one << count_bits) | m.mapcount[frame]
        one = (one << mark_bits) | m.marks[frame]
        one = (one << 1) | (m.alias[frame] & IS_MAPPED)
        one = (one << cpus) | renamed(w, m.stale[frame, 0], order)
        key = (key << frame_bits) | one
    for cpu in range(cpus):
        key = (key << BITS_CPU) | m.cpu_state[w.orders_of_cpus[order, cpu]]
        key = (key << w.bits[BITS_WAITS]) | w.waits[w.orders_of_cpus[order, cpu]]
        in_user = w.in_user[0] >> w.orders_of_cpus[order, cpu] & 1
        key = (key << w.bits[BITS_MODE]) | in_user
    return key


def canonical(w: World) -> int:
    """The smallest of the state's numbers: CPUs that swap names are one state."""
    best = pack(w, 0)
    for order in range(1, len(w.orders_of_cpus)):
        best = min(best, pack(w, order))
    return best


def twins(w: World) -> int:
    """Bits of the CPUs that could have a lower one's name, and nobody could tell."""
    key = pack(w, 0)
    bits = 0
    for order in range(1, len(w.orders_of_cpus)):
        if pack(w, order) == key:
            for cpu in range(len(w.m.cpu_state)):
                if w.orders_of_cpus[order, cpu] > cpu:
                    bits |= 1 << w.orders_of_cpus[order, cpu]
    return bits


def bits_from(key: int, bits: int) -> int:
    """The lowest bits of a number."""
    return key & ((1 << bits) - 1)


def unpack(w: World, key: int) -> None:
    """Put the world into the state of a number."""
    m = w.m
    cpus = len(m.cpu_state)
    count_bits, mark_bits = w.bits[BITS_COUNT], w.bits[BITS_MARKS]
    frame_bits = w.bits[BITS_PLACE] + 2 * count_bits + mark_bits + 1 + cpus
    m.counts.stale_frames = 0
    m.counts.flushes_irqs_off = 0
    w.in_user[0] = 0
    for cpu in range(len(m.cpu_state) - 1, -1, -1):
        w.in_user[0] |= bits_from(key, w.bits[BITS_MODE]) << cpu
        key >>= w.bits[BITS_MODE]
        w.waits[cpu] = bits_from(key, w.bits[BITS_WAITS])
        key >>= w.bits[BITS_WAITS]
        m.cpu_state[cpu] = bits_from(key, BITS_CPU)
        key >>= BITS_CPU
    for frame in range(len(w.place) - 1, -1, -1):
        one = bits_from(key, frame_bits)
        key >>= frame_bits
        stale = bits_of_cpus(w, bits_from(one, cpus))
        one >>= cpus
        m.stale[frame, 0] = stale
        m.alias[frame] = (one & 1) * IS_MAPPED
        if stale:
            m.alias[frame] = (one & 1) * IS_MAPPED + IS_STALE
            m.stale_frames[m.counts.stale_frames] = frame
            m.counts.stale_frames += 1
        one >>= 1
        m.marks[frame] = bits_from(one, mark_bits)
        one >>= mark_bits
        m.mapcount[frame] = bits_from(one, count_bits)
        one >>= count_bits
        w.held[frame] = bits_from(one, count_bits)
        put(w, frame, one >> count_bits)
    for spare in range(len(w.place), len(m.alias)):
        m.alias[spare] = IS_MAPPED  # fills up the last block, nobody has it
    for block in range(len(m.block_state) - 2, -1, -1):
        m.block_state[block] = key & 1
        key >>= 1


def copy(w: World, to: World) -> None:
    """Put another world into the state of this one; faster than `unpack`."""
    m, other = w.m, to.m
    for frame in range(len(w.place)):
        to.place[frame] = w.place[frame]
        to.was_user[frame] = w.was_user[frame]
        to.held[frame] = w.held[frame]
        other.stale[frame, 0] = m.stale[frame, 0]
        other.owner[frame] = m.owner[frame]
        other.marks[frame] = m.marks[frame]
        other.mapcount[frame] = m.mapcount[frame]
    for frame in range(len(m.alias)):
        other.alias[frame] = m.alias[frame]
    for block in range(len(m.block_state)):
        other.block_state[block] = m.block_state[block]
    for cpu in range(len(m.cpu_state)):
        other.cpu_state[cpu] = m.cpu_state[cpu]
        to.waits[cpu] = w.waits[cpu]
    to.in_user[0] = w.in_user[0]
    other.counts.stale_frames = m.counts.stale_frames
    other.counts.flushes_irqs_off = m.counts.flushes_irqs_off
    for i in range(m.counts.stale_frames):
        other.stale_frames[i] = m.stale_frames[i]


def put(w: World, frame: int, code: int) -> None:
    """Put a frame where its code says."""
    w.place[frame] = code >> 1
    w.was_user[frame] = code & 1
    w.m.owner[frame] = FREE
    if code >= CODE_IN_FLIGHT:
        cpu = (code - CODE_IN_FLIGHT) >> 1
        w.place[frame] = IN_FLIGHT + cpu
        if w.waits[cpu] == TO_CLEARED:
            w.m.owner[frame] = USER
        elif w.waits[cpu] == TO_KUNMAPPED + len(w.place) + frame:
            w.m.owner[frame] = KERNEL  # isolated
        elif w.waits[cpu] >= TO_KUNMAPPED + len(w.place):
            w.m.owner[frame] = USER if w.was_user[frame] else KERNEL
    elif code == CODE_KERNEL:
        w.was_user[frame] = 0
        w.m.owner[frame] = KERNEL
    elif code == CODE_USER:
        w.place[frame] = USER_HAS
        w.m.owner[frame] = USER
