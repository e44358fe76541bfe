# SPDX-License-Identifier: GPL-2.0-only
"""A step: an action, up to its end or to the flush that it waits for.

A flush is where a task waits: other CPUs act before it is answered, and see what it
has changed so far. What it is about to hand out or to list is in flight until then:
nobody else knows of it.
"""

from typing import Final

from xpfo_model.checker.actions import (
    ALLOC_ATOMIC,
    ALLOC_USER,
    ALLOC_ZEROED,
    ANSWER,
    BOUNCE,
    CHANGE_BLOCK,
    DRAIN,
    ENTER,
    FREE_PAGE,
    KMAP,
    KUNMAP,
    MOVE_PAGE,
    REFILL,
    REFILL_ATOMIC,
    RETURN,
    SWITCH,
    Actions,
)
from xpfo_model.checker.invariants import kmapped
from xpfo_model.checker.scope import ALONE
from xpfo_model.checker.world import (
    BUDDY,
    IN_FLIGHT,
    KERNEL_HAS,
    MOVABLE_LIST,
    OTHER_LIST,
    RUNS,
    TO_CLEARED,
    TO_KERNEL,
    TO_KUNMAPPED,
    TO_MOVABLE,
    TO_NOBODY,
    TO_OTHER,
    TO_USER,
    TO_ZEROED,
    USER_HAS,
    World,
)
from xpfo_model.machine import (
    FREE,
    IS_MAPPED,
    KERNEL,
    Frames,
    drop_all_stale,
    hand_to_user,
    make_stale,
    take_back,
)
from xpfo_model.strategies.border import kernel_entry, return_to_user
from xpfo_model.strategies.freetype import LEFT
from xpfo_model.strategies.hooks import (
    alloc,
    change_block,
    context_switch,
    drain,
    free,
    isolate,
    kmap,
    kunmap,
    migrate,
    refill,
)

IN_INTERRUPT: Final = (ALLOC_ATOMIC, REFILL_ATOMIC, BOUNCE)
"""Actions of interrupts, too: their flush has to be answered before they end."""

# Hooks that the strategy's place in the kernel calls with interrupts off.
REFILL_IRQS_OFF: Final = 1
BLOCK_IRQS_OFF: Final = 2
# A refill is on its list before its flush is answered.
LISTED_FIRST: Final = 4
# A block that flips is out of the buddy allocator until its flush is answered.
TAKES_BLOCKS: Final = 8


def asked(w: World) -> bool:
    """Whether the action asked for a flush that nobody has answered yet."""
    return bool(w.m.settings.unanswered and w.m.counts.flushes)


def land(w: World, frame: int, target: int) -> None:
    """A frame comes to where an action takes it."""
    page = range(frame, frame + 1)
    if target <= TO_CLEARED:
        hand_to_user(w.m, page)
        w.place[frame] = USER_HAS
        w.was_user[frame] = 1
    elif target == TO_KERNEL:
        take_back(w.m, page, KERNEL)
        w.place[frame] = KERNEL_HAS
        w.was_user[frame] = 0
    elif target == TO_MOVABLE:
        w.place[frame] = MOVABLE_LIST
    elif target == TO_OTHER:
        w.place[frame] = OTHER_LIST
    else:
        w.place[frame] = BUDDY


def clear(w: World, cpu: int) -> None:
    """clear_highpage(): the frames in flight are the user's, who does not know yet."""
    for frame in range(len(w.place)):
        if w.place[frame] == IN_FLIGHT + cpu:
            hand_to_user(w.m, range(frame, frame + 1))
            kmap(w.m, cpu, frame)
            kunmap(w.m, cpu, frame)


def arrive(w: World, cpu: int, target: int) -> None:
    """Land the page that a CPU has in flight, once it is zeroed if it has to be."""
    w.waits[cpu] = RUNS
    if target == TO_ZEROED:
        clear(w, cpu)
    if target == TO_ZEROED and asked(w):
        w.waits[cpu] = TO_CLEARED
    else:
        for frame in range(len(w.place)):
            if w.place[frame] == IN_FLIGHT + cpu:
                land(w, frame, target)


def finish(w: World, cpu: int, target: int) -> None:
    """End an action, or let it wait for the flush that it asked for."""
    if asked(w):
        w.waits[cpu] = target
    else:
        arrive(w, cpu, target)


def come(w: World, cpu: int, dst: int) -> None:
    """A page has come to frame `dst`; the one that it left, also in flight, is free."""
    w.waits[cpu] = RUNS
    for src in range(len(w.place)):
        if w.place[src] == IN_FLIGHT + cpu and src != dst:
            land(w, dst, TO_USER if w.was_user[src] else TO_KERNEL)
            let_go(w, cpu, src, MOVABLE_LIST)


def relocate(w: World, cpu: int, src: int, dst: int) -> bool:
    """Compaction: take a free frame, and move a page there that nobody has kmapped."""
    if w.place[src] not in (KERNEL_HAS, USER_HAS) or w.held[src]:
        return False
    if w.place[dst] != BUDDY:
        return False
    taken = range(dst, dst + 1)
    isolate(w.m, cpu, taken)
    take_back(w.m, taken, KERNEL)
    migrate(w.m, cpu, src, dst)
    w.place[src] = IN_FLIGHT + cpu
    w.place[dst] = IN_FLIGHT + cpu
    if asked(w):
        w.waits[cpu] = TO_KUNMAPPED + len(w.place) + dst
    else:
        come(w, cpu, dst)
    return True


def let_go(w: World, cpu: int, frame: int, target: int) -> None:
    """Free a frame to one of the lists."""
    page = range(frame, frame + 1)
    free(w.m, cpu, page)
    take_back(w.m, page, FREE)
    w.place[frame] = target


def answer(w: World, cpu: int) -> None:
    """All CPUs have done what a waiting CPU asked for; it goes on."""
    target = w.waits[cpu]
    frames = len(w.place)
    drop_all_stale(w.m)
    if target >= TO_KUNMAPPED + frames:
        come(w, cpu, target - TO_KUNMAPPED - frames)
    elif target >= TO_KUNMAPPED:
        w.held[target - TO_KUNMAPPED] -= 1
        w.waits[cpu] = RUNS
    else:
        arrive(w, cpu, target)


def stay_stale(w: World) -> None:
    """No flush but its own covers a frame in flight, as far as anybody knows."""
    for frame in range(len(w.place)):
        if w.place[frame] >= IN_FLIGHT and not w.m.alias[frame] & IS_MAPPED:
            make_stale(w.m, frame)


def together(w: World, frames: Frames) -> int:
    """Where all of the frames are; KERNEL_HAS if they are not at one place."""
    place = w.place[frames[0]]
    for frame in frames:
        if w.place[frame] != place:
            return KERNEL_HAS
    return int(place)


def allocate(w: World, cpu: int, frames: Frames, op: int) -> bool:
    """Hand the frames out, if they are free and at one place."""
    if together(w, frames) >= KERNEL_HAS:
        return False
    user = op in (ALLOC_USER, ALLOC_ZEROED)
    page = range(frames[0], frames[0] + len(frames))
    w.m.settings.irqs_off = op == ALLOC_ATOMIC
    alloc(w.m, cpu, page, user, op == ALLOC_ZEROED)
    if op == ALLOC_ATOMIC:  # perhaps on a CPU that waits, and has frames in flight
        for frame in page:
            land(w, frame, TO_KERNEL)
        return True
    for frame in page:
        w.place[frame] = IN_FLIGHT + cpu
    target = TO_KERNEL
    if user:
        target = TO_ZEROED if op == ALLOC_ZEROED else TO_USER
    finish(w, cpu, target)
    return True


def release(w: World, cpu: int, frames: Frames, target: int) -> bool:
    """Free a frame that nobody has kmapped, to one of the lists."""
    frame = frames[0]
    if w.place[frame] not in (KERNEL_HAS, USER_HAS) or w.held[frame]:
        return False
    let_go(w, cpu, frame, target)
    return True


def frames_of(w: World, block: int) -> Frames:
    """The frames of a pageblock that the machine has."""
    order = w.m.settings.block_order
    return range(block << order, min((block + 1) << order, len(w.place)))


def take(w: World, cpu: int, block: int) -> None:
    """A block is out of the buddy allocator; what is marked holds a user's data."""
    for frame in frames_of(w, block):
        w.place[frame] = IN_FLIGHT + cpu
        w.was_user[frame] = w.m.marks[frame] & LEFT != 0


def flip(w: World, cpu: int, block: int, migratetype: int, how: int) -> None:
    """Change a block's owner; if it is taken for that, nobody else has it meanwhile."""
    w.m.settings.irqs_off = how & BLOCK_IRQS_OFF
    before = w.m.block_state[block]
    change_block(w.m, cpu, block, migratetype)
    if how & TAKES_BLOCKS and w.m.block_state[block] != before:
        take(w, cpu, block)
        finish(w, cpu, TO_NOBODY)


def fill(w: World, cpu: int, frames: Frames, migratetype: int, how: int) -> None:
    """Take frames from the buddy allocator for a list, and blocks that flip for it.

    All of such a block goes to the list: what was not asked for may be drained next.
    """
    before = 0
    for block in range(len(w.m.block_state)):
        before |= w.m.block_state[block] << block
    refill(w.m, cpu, frames, migratetype)
    for frame in frames:
        w.place[frame] = IN_FLIGHT + cpu
        block = frame >> w.m.settings.block_order
        if how & TAKES_BLOCKS and w.m.block_state[block] != before >> block & 1:
            take(w, cpu, block)


def move(w: World, a: Actions, i: int, frames: Frames, how: int) -> bool:
    """Move frames between the buddy allocator and a list, if they are there."""
    cpu = a.cpu[i]
    if a.op[i] != DRAIN:
        atomic = a.op[i] == REFILL_ATOMIC
        if together(w, frames) != BUDDY:
            return False
        w.m.settings.irqs_off = atomic or how & REFILL_IRQS_OFF
        w.m.settings.cannot_wait = atomic
        target = TO_MOVABLE if a.migratetype[i] else TO_OTHER
        if atomic:  # perhaps on a CPU that waits, and has frames in flight
            refill(w.m, cpu, frames, a.migratetype[i])
            for frame in frames:
                land(w, frame, target)
            return True
        fill(w, cpu, frames, a.migratetype[i], how)
        if how & LISTED_FIRST:
            arrive(w, cpu, target)
        else:
            finish(w, cpu, target)
        return True
    frame = frames[0]
    if w.place[frame] not in (MOVABLE_LIST, OTHER_LIST):
        return False
    drain(w.m, cpu, range(frame, frame + 1))
    w.place[frame] = BUDDY
    return True


def access(w: World, cpu: int, frame: int, op: int, nesting: int) -> bool:
    """kmap, kunmap, or both in an interrupt, if somebody has the frame."""
    if w.place[frame] not in (KERNEL_HAS, USER_HAS):
        return False
    if op == KMAP:
        if w.held[frame] >= nesting:
            return False
        kmap(w.m, cpu, frame)
        w.held[frame] += 1
    elif op == KUNMAP:
        if not kmapped(w, frame):
            return False
        kunmap(w.m, cpu, frame)
        if asked(w):
            w.waits[cpu] = TO_KUNMAPPED + frame
        else:
            w.held[frame] -= 1
    else:
        w.m.settings.irqs_off = 1
        kmap(w.m, cpu, frame)
        kunmap(w.m, cpu, frame)
    return True


def can_begin(w: World, cpu: int, op: int) -> bool:
    """Whether a CPU is free to: one that waits, for interrupts; else see ENTER."""
    if (op == ENTER) != (w.in_user[0] >> cpu & 1 != 0):
        return False
    if op == ANSWER:
        return bool(w.waits[cpu] != RUNS)
    return bool(w.waits[cpu] == RUNS) or op in IN_INTERRUPT or op == FREE_PAGE


def cross(w: World, cpu: int, op: int, how: int) -> bool:
    """Return to user space, unless that asks for a flush, or enter the kernel."""
    others = w.m.all_cpus[0] & ~(1 << cpu)
    if op == RETURN:
        return_to_user(w.m, cpu)
        if not asked(w):
            w.in_user[0] |= 1 << cpu
    elif how & ALONE and w.in_user[0] & others != others:
        return False
    else:
        kernel_entry(w.m, cpu)
        w.in_user[0] &= ~(1 << cpu)
    return True


def use_frames(w: World, a: Actions, i: int, nesting: int, how: int) -> bool:
    """Do action `i`, which names frames, if it is possible; whether it was."""
    op = a.op[i]
    cpu = a.cpu[i]
    frames = a.frames[a.start[i] : a.stop[i]]
    if op <= ALLOC_ATOMIC:
        return allocate(w, cpu, frames, op)
    if op == FREE_PAGE:
        target = MOVABLE_LIST if a.migratetype[i] else OTHER_LIST
        return release(w, cpu, frames, target)
    if op in (REFILL, REFILL_ATOMIC, DRAIN):
        return move(w, a, i, frames, how)
    if op == MOVE_PAGE:
        return relocate(w, cpu, frames[0], frames[1])
    return access(w, cpu, frames[0], op, nesting)


def act(w: World, a: Actions, i: int, nesting: int, how: int) -> bool:
    """Do action `i` if it is possible; whether it was. If not, nothing changed.

    A flush that a task asks for is not answered yet as the action ends; one that an
    interrupt asks for is. `how` has REFILL_IRQS_OFF … ALONE.
    """
    op = a.op[i]
    cpu = a.cpu[i]
    if not can_begin(w, cpu, op):
        return False
    runs = w.waits[cpu] == RUNS or op == ANSWER
    w.m.counts.flushes = 0
    w.m.settings.irqs_off = w.m.settings.cannot_wait = 0
    w.m.settings.task = cpu  # a task stays where it is
    w.m.settings.unanswered = runs and op not in IN_INTERRUPT
    done = True
    if op == SWITCH:
        context_switch(w.m, cpu)
    elif op in (RETURN, ENTER):
        done = cross(w, cpu, op, how)
    elif op == ANSWER:
        answer(w, cpu)
    elif op == CHANGE_BLOCK:
        flip(w, cpu, a.start[i], a.migratetype[i], how)
    else:
        done = use_frames(w, a, i, nesting, how)
    if done:
        if asked(w) and w.waits[cpu] == RUNS:
            w.waits[cpu] = TO_NOBODY
        stay_stale(w)
    return done
