# SPDX-License-Identifier: GPL-2.0-only
"""The loop that calls a strategy's hooks for the steps of a trace.

The loop is written once; it is bound to a strategy by replacing the hooks that
it calls, so that the code that is counted is the strategy's own.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from xpfo_model.machine import (
    FREE,
    KERNEL,
    KUNMAP,
    USER,
    Frames,
    Machine,
    hand_to_kernel,
    hand_to_user,
    hold_since_start,
    reachable,
    take_back,
)
from xpfo_model.replay.calls import ALLOC as ALLOC_PAGES
from xpfo_model.replay.calls import (
    BEFORE_BITS,
    CHANGE_BLOCK,
    CONTEXT_SWITCH,
    ISOLATE,
    KERNEL_ENTRY,
    MIGRATE,
    REFILL,
    RETURN_TO_USER,
    Calls,
)
from xpfo_model.replay.calls import FREE as FREE_PAGES
from xpfo_model.replay.quarters import NO_USER, SHIFT, USERS, Tally
from xpfo_model.strategies.border import kernel_entry, return_to_user
from xpfo_model.strategies.hooks import (
    alloc,
    change_block,
    context_switch,
    drain,
    free,
    isolate,
    migrate,
    refill,
    use,
)

WHOLE: Final = 10_000
"""What the shares of a machine's settings are parts of."""
MOVES: Final = (ISOLATE, MIGRATE)
OF_CPU: Final = (CONTEXT_SWITCH, KERNEL_ENTRY, RETURN_TO_USER)


def use_new(m: Machine, cpu: int, frames: Frames, zeroed: bool) -> None:
    """Let the kernel use new user pages: to zero them, or to copy into some."""
    times = 1
    if not zeroed:
        m.settings.copied_due += m.settings.copied
        times = m.settings.copied_due // WHOLE
        m.settings.copied_due %= WHOLE
        if times:
            m.settings.again_due += m.settings.again
            times += m.settings.again_due // WHOLE
            m.settings.again_due %= WHOLE
    for _ in range(times):
        for frame in frames:
            use(m, cpu, frame)


def hand_out(m: Machine, cpu: int, frames: Frames, user: bool, zeroed: bool) -> None:
    """Allocate a page, and let its new owner have it."""
    alloc(m, cpu, frames, user, zeroed)
    if user:
        reached = hand_to_user(m, frames)
        if m.settings.zeroing:
            use_new(m, cpu, frames, zeroed)
            reached = reachable(m, frames)
        m.counts.exposed += reached
    else:
        hand_to_kernel(m, frames)


def move(m: Machine, cpu: int, src: int, dst: int) -> None:
    """Move a page to another frame, which is then its owner's."""
    migrate(m, cpu, src, dst)
    page = range(dst, dst + 1)
    if m.owner[src] == USER:
        m.counts.moved += 1
        m.counts.moved_exposed += hand_to_user(m, page)
    else:
        hand_to_kernel(m, page)


def hand_out_next(m: Machine, s: Calls, i: int) -> None:
    """Hand out the page of step `i`, to whom the strategy's test says."""
    user = (s.user[i] >> m.settings.user_test & 1) != 0
    hand_out(m, s.cpu[i], range(s.start[i], s.stop[i]), user, s.zeroed[i] != 0)


def take_page(m: Machine, s: Calls, i: int) -> None:
    """Take back the page of step `i`, which may turn out to be held since the start."""
    frames = range(s.start[i], s.stop[i])
    if s.user[i] and m.settings.infers_held:
        hold_since_start(m, frames)
    free(m, s.cpu[i], frames)
    take_back(m, frames, FREE)


def change_lists(m: Machine, s: Calls, i: int) -> None:
    """Refill a list, drain one, or change the type of a block."""
    op, cpu = s.op[i], s.cpu[i]
    if op == REFILL:
        m.settings.cannot_wait = s.user[i]
        refill(m, cpu, s.frames[s.start[i] : s.stop[i]], s.migratetype[i])
        m.settings.cannot_wait = 0
    elif op == CHANGE_BLOCK:
        change_block(m, cpu, s.start[i], s.migratetype[i])
    else:
        drain(m, cpu, range(s.start[i], s.stop[i]))


def move_pages(m: Machine, s: Calls, i: int) -> None:
    """Isolate frames for pages to move to, or move one."""
    if s.op[i] == ISOLATE:
        frames = range(s.start[i], s.stop[i])
        isolate(m, s.cpu[i], frames)
        take_back(m, frames, KERNEL)
    else:
        move(m, s.cpu[i], s.start[i], s.stop[i])


def go_elsewhere(m: Machine, s: Calls, i: int) -> None:
    """Let a CPU go to another task, into the kernel or back to user space."""
    if s.op[i] == CONTEXT_SWITCH:
        context_switch(m, s.cpu[i])
    elif s.op[i] == KERNEL_ENTRY:
        kernel_entry(m, s.cpu[i])
    else:
        return_to_user(m, s.cpu[i])


def note_flushes(m: Machine, s: Calls, i: int, t: Tally) -> None:
    """Note what step `i` flushed: in its cell, and by who had the frames before."""
    row = min(t.at[USERS] >> t.at[SHIFT], len(t.cells) - 1)
    for cause in range(len(t.before)):
        more = m.counts.flushes_by_cause[cause] - t.before[cause]
        t.cells[row, cause] += more
        t.before[cause] += more
        if s.op[i] == ALLOC_PAGES and cause != KUNMAP:
            test = m.settings.user_test
            who = s.before[i] >> (BEFORE_BITS * test) & ((1 << BEFORE_BITS) - 1)
            t.owners[who if s.user[i] >> test & 1 else NO_USER] += more


def run_steps(m: Machine, s: Calls, t: Tally, history: npt.NDArray[np.int64]) -> None:
    """Call a strategy's hooks, step by step; bound with `jit.compiled`.

    `history`, unless empty, gets the flushes so far after each step.
    """
    flushes = m.counts.flushes
    for i in range(len(s.op)):
        op = s.op[i]
        m.settings.now = s.time[i]
        m.settings.task = s.task[i]
        if op == ALLOC_PAGES:
            hand_out_next(m, s, i)
        elif op == FREE_PAGES:
            take_page(m, s, i)
        elif op in OF_CPU:
            go_elsewhere(m, s, i)
        elif op in MOVES:
            move_pages(m, s, i)
        else:
            change_lists(m, s, i)
        if m.counts.flushes != flushes:
            note_flushes(m, s, i, t)
            flushes = m.counts.flushes
        if op == ALLOC_PAGES:
            t.at[USERS] += s.user[i] & 1
        if len(history):
            history[i] = m.counts.flushes
