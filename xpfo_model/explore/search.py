# SPDX-License-Identifier: GPL-2.0-only
"""Breadth-first search over every interleaving, bound to a strategy's hooks.

The hooks are those that `replay` counts. States are numbers in a hash table, so
that a million of them take seconds and megabytes.
"""

from typing import Any, Final

from xpfo_model.explore.actions import (
    ALLOC_ATOMIC,
    ALLOC_USER,
    ALLOC_ZEROED,
    CHANGE_BLOCK,
    DRAIN,
    FREE_PAGE,
    KMAP,
    KUNMAP,
    REFILL,
    SWITCH,
    Actions,
)
from xpfo_model.explore.invariants import violated
from xpfo_model.explore.world import (
    BUDDY,
    KERNEL_HAS,
    MOVABLE_LIST,
    OTHER_LIST,
    USER_HAS,
    World,
    canonical,
    twins,
    unpack,
)
from xpfo_model.machine import FREE, IRQS_OFF, KERNEL, give, take
from xpfo_model.strategies.none import (
    alloc,
    change_block,
    context_switch,
    drain,
    free,
    kmap,
    kunmap,
    refill,
)

EMPTY: Final = -1
# Hooks that the strategy's place in the kernel calls with interrupts off.
REFILL_IRQS_OFF: Final = 1
BLOCK_IRQS_OFF: Final = 2

# 2^64 divided by the golden ratio, odd: Knuth's multiplicative hash, kept to 63
# bits for signed arithmetic.
HASH: Final = 0x1E3779B97F4A7C15
HASH_SHIFT: Final = 20


def together(w: World, frames: Any) -> int:
    """Where all of the frames are; KERNEL_HAS if they are not at one place."""
    place = w.place[frames[0]]
    for frame in frames:
        if w.place[frame] != place:
            return KERNEL_HAS
    return int(place)


def allocate(w: World, cpu: int, frames: Any, op: int) -> bool:
    """Hand the frames out, if they are free and at one place."""
    if together(w, frames) >= KERNEL_HAS:
        return False
    user = op in (ALLOC_USER, ALLOC_ZEROED)
    page = range(frames[0], frames[0] + len(frames))
    w.m.settings[IRQS_OFF] = op == ALLOC_ATOMIC
    alloc(w.m, cpu, page, user, op == ALLOC_ZEROED)
    if user:
        give(w.m, page)
    else:
        take(w.m, page, KERNEL)
    if op == ALLOC_ZEROED:  # clear_highpage(), before the user gets the page
        for frame in page:
            kmap(w.m, cpu, frame)
            kunmap(w.m, cpu, frame)
    for frame in page:
        w.place[frame] = USER_HAS if user else KERNEL_HAS
        w.was_user[frame] = user
    return True


def release(w: World, cpu: int, frames: Any, target: int) -> bool:
    """Free a frame that nobody has kmapped, to one of the lists."""
    frame = frames[0]
    if w.place[frame] < KERNEL_HAS or w.held[frame]:
        return False
    page = range(frame, frame + 1)
    free(w.m, cpu, page)
    take(w.m, page, FREE)
    w.place[frame] = target
    return True


def move(w: World, a: Actions, i: int, frames: Any, irqs_off: int) -> bool:
    """Move frames between the buddy allocator and a list, if they are there."""
    cpu = a.cpu[i]
    if a.op[i] == REFILL:
        if together(w, frames) != BUDDY:
            return False
        w.m.settings[IRQS_OFF] = irqs_off & REFILL_IRQS_OFF
        refill(w.m, cpu, frames, a.migratetype[i])
        for frame in frames:
            w.place[frame] = MOVABLE_LIST if a.migratetype[i] else OTHER_LIST
        return True
    frame = frames[0]
    if w.place[frame] not in (MOVABLE_LIST, OTHER_LIST):
        return False
    drain(w.m, cpu, range(frame, frame + 1))
    w.place[frame] = BUDDY
    return True


def access(w: World, cpu: int, frame: int, op: int, nesting: int) -> bool:
    """kmap, kunmap, or both in an interrupt, if somebody has the frame."""
    if w.place[frame] < KERNEL_HAS:
        return False
    if op == KMAP:
        if w.held[frame] >= nesting:
            return False
        kmap(w.m, cpu, frame)
        w.held[frame] += 1
    elif op == KUNMAP:
        if not w.held[frame]:
            return False
        kunmap(w.m, cpu, frame)
        w.held[frame] -= 1
    else:
        w.m.settings[IRQS_OFF] = 1
        kmap(w.m, cpu, frame)
        kunmap(w.m, cpu, frame)
    return True


def act(w: World, a: Actions, i: int, nesting: int, irqs_off: int) -> bool:
    """Do action `i` if it is possible; whether it was. If not, nothing changed."""
    op = a.op[i]
    cpu = a.cpu[i]
    w.m.settings[IRQS_OFF] = 0
    done = True
    if op == SWITCH:
        context_switch(w.m, cpu)
    elif op == CHANGE_BLOCK:
        w.m.settings[IRQS_OFF] = irqs_off & BLOCK_IRQS_OFF
        change_block(w.m, cpu, a.start[i], a.migratetype[i])
    else:
        frames = a.frames[a.start[i] : a.stop[i]]
        if op <= ALLOC_ATOMIC:
            done = allocate(w, cpu, frames, op)
        elif op == FREE_PAGE:
            target = MOVABLE_LIST if a.migratetype[i] else OTHER_LIST
            done = release(w, cpu, frames, target)
        elif op in (REFILL, DRAIN):
            done = move(w, a, i, frames, irqs_off)
        else:
            done = access(w, cpu, frames[0], op, nesting)
    return done


def slot_of(table: Any, states: Any, key: int) -> int:
    """Where a state is in the hash table, or the empty slot where it belongs."""
    mask = len(table) - 1
    slot = ((key * HASH) >> HASH_SHIFT) & mask
    while table[slot] != EMPTY and states[table[slot]] != key:
        slot = (slot + 1) & mask
    return slot


def bfs(
    w: World,
    a: Actions,
    options: Any,
    table: Any,
    states: Any,
    parent: Any,
    via: Any,
    first: Any,
) -> tuple[int, bool]:
    """Explore all states; how many there are, and whether that is all of them.

    `options` are the nesting, the hooks with interrupts off, the invariants to check
    and those at whose violation to stop. `first` gets, per invariant, the state that
    violates it first. Of CPUs that are alike in a state only the first one acts: the
    others lead to the same states.
    """
    nesting, irqs_off, checks, until = options[0], options[1], options[2], options[3]
    states[0] = canonical(w)
    table[slot_of(table, states, states[0])] = 0
    parent[0] = EMPTY
    known = 1
    done = 0
    while done < known:
        unpack(w, states[done])
        alike = twins(w)
        for i in range(len(a.op)):
            if alike >> a.cpu[i] & 1 or not act(w, a, i, nesting, irqs_off):
                continue
            found = violated(w, checks)
            key = canonical(w)
            unpack(w, states[done])
            slot = slot_of(table, states, key)
            fresh = table[slot] == EMPTY
            if fresh:
                if known == len(states):
                    return known, False
                table[slot] = known
                states[known] = key
                parent[known] = done
                via[known] = i
                known += 1
            for n in range(len(first)):
                if found >> n & 1 and first[n, 0] == EMPTY:
                    # the action counts, too: a flush leaves no trace in a state
                    first[n, 0] = done
                    first[n, 1] = i
            if found & until:
                return known, False
        done += 1
    return known, True
