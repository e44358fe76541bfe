# SPDX-License-Identifier: GPL-2.0-only
"""From events to steps: the calls that a strategy's hooks would have seen.

A refill is one call of rmqueue_bulk() in the kernel but a run of events in a
trace; here the runs are put together again. Frames are renumbered densely, so
that the machine needs memory for the frames that the trace touches, not for the
physical address space.
"""

from typing import Any, Final, NamedTuple

from xpfo_model.constants import (
    MAX_PAGE_ORDER,
    MIGRATE_MOVABLE,
    PAGEBLOCK_NR_PAGES,
    PAGEBLOCK_ORDER,
)
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_PCPU_DRAIN,
    PERCPU_REFILL,
    SCHED_SWITCH,
    SYS_EXIT,
    Events,
)

# Operations of a step, named after the hook that they call.
ALLOC: Final = 0
FREE: Final = 1
REFILL: Final = 2
CHANGE_BLOCK: Final = 3
DRAIN: Final = 4
CONTEXT_SWITCH: Final = 5
ISOLATE: Final = 6
MIGRATE: Final = 7
KERNEL_ENTRY: Final = 8
RETURN_TO_USER: Final = 9

# Frames are renumbered in units of the largest page, so that every page and
# every block keeps its frames side by side.
UNIT_ORDER: Final = MAX_PAGE_ORDER
UNIT_FRAMES: Final = 1 << UNIT_ORDER
NOWHERE: Final = -1
UNNUMBERED: Final = 0

# Totals that the loop counts: their index in Carry.totals.
REFILLS: Final = 0
REFILLS_MOVABLE: Final = 1
REFILLS_NO_WAIT: Final = 2
UNITS: Final = 3
HELD: Final = 4
NR_TOTALS: Final = 5

# Who had a frame by the last mm_page_alloc that names it: values of Carry.previous;
# the first three of `before`, and columns of Carry.owners, too.
NOBODY: Final = 0
KERNEL: Final = 1
USER: Final = 2
# Nobody by mm_page_alloc; but an event named it as free, or showed that it was held.
WAS_FREE: Final = 3
WAS_HELD: Final = 4
# Column of Carry.owners: nobody by mm_page_alloc, yet some frame was held.
FIRST_TOUCH_HELD: Final = 3
NR_OWNERS: Final = 4

BEFORE_BITS: Final = 2
"""Bits of Calls.before for each test for a user's page."""


class Calls(NamedTuple):
    """Columns, one row a step, in the order in which the kernel took them."""

    op: Any
    """ALLOC … RETURN_TO_USER, uint8."""
    cpu: Any
    user: Any
    """Of ALLOC: a bit for each of `gfp.USER_TESTS` that the mask passes; of FREE: 1 if
    the page is the kernel's since the trace begins; of REFILL: 1 if the allocation
    that it serves may not wait, uint8."""
    zeroed: Any
    """Of ALLOC: 1 if the mask asks for zeroed pages, uint8."""
    migratetype: Any
    """Of ALLOC, REFILL and CHANGE_BLOCK, int8."""
    start: Any
    """First frame; of REFILL first index into `frames`; of CHANGE_BLOCK the
    block; of MIGRATE the frame that a page leaves, int64."""
    stop: Any
    """The end, behind the last frame or index; of MIGRATE the frame that it goes to,
    int64."""
    frames: Any
    """Frames of the refills, int64."""
    time: Any
    """Of the event that made the step, in the log's clock, int64."""
    before: Any
    """Of ALLOC for a user: NOBODY, KERNEL or USER had its frames before, in
    BEFORE_BITS for each of `gfp.USER_TESTS`, the first lowest, uint8."""
    task: Any
    """The task that ran; of CONTEXT_SWITCH the next one, 0 of REFILL, int32."""


class Masks(NamedTuple):
    """The meaning of the masks of a chunk of events, a row an event, uint8."""

    user: Any
    """A bit for each of `gfp.USER_TESTS` that it passes."""
    zeroed: Any
    may_wait: Any
    """1 if the allocation can wait until other CPUs have answered."""


class Carry(NamedTuple):
    """State that one chunk of a trace leaves for the next."""

    units: Any
    """The dense number, from 1, of a unit of UNIT_FRAMES pfns, or UNNUMBERED,
    int32."""
    previous: Any
    """Per test for a user's page and frame: NOBODY … WAS_HELD, by its last
    mm_page_alloc, uint8."""
    totals: Any
    """REFILLS … HELD so far, int64."""
    owners: Any
    """Per test for a user's page: user allocations so far by who had a frame before,
    NOBODY … FIRST_TOUCH_HELD, int64."""
    returned: Any
    """Per CPU: 1 if its last event is that it returns to user space, uint8."""
    head: Any
    """Per CPU: the first entry of its open refill, or NOWHERE, int64."""
    tail: Any
    """Per CPU: the last entry of its open refill, int64."""
    key: Any
    """Per CPU: order and migratetype of its open refill, int64."""
    entry_first: Any
    """Entries of open refills: first frame, int64."""
    entry_next: Any
    """Entries of open refills: next entry or NOWHERE, int64."""


SHOWS_FREE: Final = (MM_PAGE_ALLOC_ZONE_LOCKED, MM_PAGE_PCPU_DRAIN)
"""Events that name a page on its way from or to the buddy allocator."""

KEY_ORDER_BITS: Final = 8
"""A key is migratetype << KEY_ORDER_BITS | order."""


def dense(c: Carry, pfn: int) -> int:
    """The frame of a pfn, with a new number if its unit is new."""
    unit = pfn >> UNIT_ORDER
    if c.units[unit] == UNNUMBERED:
        c.totals[UNITS] += 1
        c.units[unit] = c.totals[UNITS]
    frame: int = ((int(c.units[unit]) - 1) << UNIT_ORDER) | (pfn & (UNIT_FRAMES - 1))
    return frame


def close_refill(
    c: Carry, s: Calls, n: int, filled: int, cpu: int, time: int, no_wait: int
) -> int:
    """Make step `n` of a CPU's open refill; the new fill of `s.frames`.

    `no_wait` says that the allocation that it serves may not wait.
    """
    order = c.key[cpu] & ((1 << KEY_ORDER_BITS) - 1)
    migratetype = c.key[cpu] >> KEY_ORDER_BITS
    s.op[n] = REFILL
    s.cpu[n] = cpu
    s.migratetype[n] = migratetype
    s.time[n] = time
    s.user[n] = no_wait
    s.start[n] = filled
    entry = c.head[cpu]
    while entry != NOWHERE:
        for offset in range(1 << order):
            s.frames[filled] = c.entry_first[entry] + offset
            filled += 1
        entry = c.entry_next[entry]
    s.stop[n] = filled
    c.head[cpu] = NOWHERE
    c.totals[REFILLS] += 1
    if migratetype == MIGRATE_MOVABLE:
        c.totals[REFILLS_MOVABLE] += 1
        c.totals[REFILLS_NO_WAIT] += no_wait
    return filled


def join_refill(
    e: Events, i: int, c: Carry, s: Calls, n: int, filled: int, used: int
) -> tuple[int, int]:
    """Add event `i` to its CPU's open refill; the new `n` and `filled`."""
    cpu = e.cpu[i]
    key = (int(e.migratetype[i]) << KEY_ORDER_BITS) | int(e.order[i])
    if c.head[cpu] != NOWHERE and c.key[cpu] != key:
        filled = close_refill(c, s, n, filled, cpu, e.time[i], 0)
        n += 1
    c.entry_first[used] = dense(c, e.pfn[i])
    c.entry_next[used] = NOWHERE
    if c.head[cpu] == NOWHERE:
        c.head[cpu] = used
        c.key[cpu] = key
    else:
        c.entry_next[c.tail[cpu]] = used
    c.tail[cpu] = used
    return n, filled


def change_blocks(e: Events, i: int, c: Carry, s: Calls, n: int) -> int:
    """A step for each pageblock that event `i` moves; the new `n`."""
    blocks = 1
    if e.fallback_order[i] > PAGEBLOCK_ORDER:
        blocks = 1 << (e.fallback_order[i] - PAGEBLOCK_ORDER)
    for k in range(blocks):
        s.op[n] = CHANGE_BLOCK
        s.cpu[n] = e.cpu[i]
        s.migratetype[n] = e.migratetype[i]
        s.start[n] = dense(c, e.pfn[i] + (k << PAGEBLOCK_ORDER)) >> PAGEBLOCK_ORDER
        s.stop[n] = s.start[n] + 1
        s.time[n] = e.time[i]
        s.task[n] = e.pid[i]
        n += 1
    return n


def page_step(e: Events, i: int, c: Carry, s: Calls, n: int) -> None:
    """Fill in step `n`, which hands out or takes back the page of event `i`."""
    s.cpu[n] = e.cpu[i]
    s.migratetype[n] = e.migratetype[i]
    s.start[n] = dense(c, e.pfn[i])
    s.stop[n] = s.start[n] + (1 << e.order[i])
    s.time[n] = e.time[i]
    s.task[n] = e.pid[i]


def hand_over(c: Carry, start: int, stop: int, user: int) -> int:
    """Note the new owner of frames; who had a user's frames before, as `before` has it.

    By each test for a user's page, of which `user` has a bit.
    """
    before = 0
    for test in range(len(c.owners)):
        is_user = user >> test & 1
        before |= hand_over_by(c, test, start, stop, is_user) << (BEFORE_BITS * test)
    return before


def hand_over_by(c: Carry, test: int, start: int, stop: int, is_user: int) -> int:
    """Note the new owner of frames by a test; who had a user's frames before, counted.

    A user allocation is from the kernel if the kernel had any of its frames last,
    else a first touch if nobody had one of them yet, else from a user.
    """
    kernel = False
    nobody = False
    held = False
    for frame in range(start, stop):
        was = c.previous[test, frame]
        if was == KERNEL:
            kernel = True
        elif was != USER:
            nobody = True
            held |= was == WAS_HELD
        c.previous[test, frame] = USER if is_user else KERNEL
    if not is_user:
        return NOBODY
    if kernel:
        who = KERNEL
    elif nobody:
        who = NOBODY
        c.owners[test, FIRST_TOUCH_HELD] += held
    else:
        who = USER
    c.owners[test, who] += 1
    return who


def see_free(e: Events, i: int, c: Carry) -> None:
    """Note the frames that event `i` shows to be free, so that nobody holds them."""
    order = e.order[i]
    if e.kind[i] == MM_PAGE_ALLOC_EXTFRAG:
        order = e.fallback_order[i]
    elif e.kind[i] not in SHOWS_FREE or e.pfn[i] == FAILED:
        return
    first = dense(c, e.pfn[i])
    # a page ends where its unit does, at the latest
    stop = min(first + (1 << order), (first | (UNIT_FRAMES - 1)) + 1)
    for test in range(len(c.owners)):
        for frame in range(first, stop):
            if c.previous[test, frame] == NOBODY:
                c.previous[test, frame] = WAS_FREE


def was_held(c: Carry, start: int, stop: int) -> int:
    """A page is freed: 1 if somebody had it before the trace began, or its events.

    Its first event says so, except where boot frees whole blocks for the first time,
    as it initialises them. mm/page_alloc.c: deferred_free_range, v6.1.
    """
    for frame in range(start, stop):
        if c.previous[0, frame] != NOBODY:
            return 0
    whole = stop - start >= PAGEBLOCK_NR_PAGES
    for test in range(len(c.owners)):
        for frame in range(start, stop):
            c.previous[test, frame] = WAS_FREE if whole else WAS_HELD
    if whole:
        return 0
    c.totals[HELD] += stop - start
    return 1


def walk(
    e: Events, masks: Masks, c: Carry, s: Calls, used: int, everything: bool
) -> tuple[int, int]:
    """Turn a chunk of events into steps; how many steps and refilled frames.

    `used` is the number of entries of refills left open by earlier chunks;
    `everything` adds drains, context switches and what happens at the border of user
    space, which few strategies heed.
    """
    n = 0
    filled = 0
    for i in range(len(e.kind)):
        kind = e.kind[i]
        see_free(e, i, c)
        if kind == MM_PAGE_ALLOC and e.pfn[i] != FAILED:
            cpu = e.cpu[i]
            if c.head[cpu] != NOWHERE:
                late = 1 - masks.may_wait[i]
                filled = close_refill(c, s, n, filled, cpu, e.time[i], late)
                n += 1
            s.op[n] = ALLOC
            s.user[n] = masks.user[i]
            s.zeroed[n] = masks.zeroed[i]
            page_step(e, i, c, s, n)
            s.before[n] = hand_over(c, s.start[n], s.stop[n], masks.user[i])
            n += 1
        elif kind == MM_PAGE_FREE:
            s.op[n] = FREE
            page_step(e, i, c, s, n)
            s.user[n] = was_held(c, s.start[n], s.stop[n])
            n += 1
        elif kind == MM_PAGE_ALLOC_ZONE_LOCKED:
            # v4.14 prints a refill that found no page, too
            if e.flags[i] & PERCPU_REFILL and e.pfn[i] != FAILED:
                n, filled = join_refill(e, i, c, s, n, filled, used)
                used += 1
        elif kind == MM_PAGE_ALLOC_EXTFRAG and e.flags[i] & CHANGE_OWNERSHIP:
            n = change_blocks(e, i, c, s, n)
        elif everything:
            n = do_the_rest(e, i, c, s, n)
        c.returned[e.cpu[i]] = kind == SYS_EXIT
    return n, filled


def cpu_step(e: Events, i: int, s: Calls, n: int, op: int) -> int:
    """Make step `n` of event `i`, which is a CPU's alone; the new `n`."""
    s.op[n] = op
    s.cpu[n] = e.cpu[i]
    s.time[n] = e.time[i]
    s.task[n] = e.next_pid[i] if op == CONTEXT_SWITCH else e.pid[i]
    return n + 1


def do_the_rest(e: Events, i: int, c: Carry, s: Calls, n: int) -> int:
    """Steps of event `i` that few strategies heed, if it makes any; the new `n`.

    The return from a page fault or an interrupt has no event. But who enters the
    kernel from user space was there: unless the CPU's last event is the return of a
    system call, there was one since, and its step is made now, the latest time.
    """
    if e.kind[i] == MM_PAGE_PCPU_DRAIN:
        s.op[n] = DRAIN
        page_step(e, i, c, s, n)
        return n + 1
    if e.kind[i] < SCHED_SWITCH:
        return n
    if e.kind[i] == SCHED_SWITCH:
        return cpu_step(e, i, s, n, CONTEXT_SWITCH)
    if e.kind[i] == SYS_EXIT:
        return cpu_step(e, i, s, n, RETURN_TO_USER)
    if not c.returned[e.cpu[i]]:
        n = cpu_step(e, i, s, n, RETURN_TO_USER)
    return cpu_step(e, i, s, n, KERNEL_ENTRY)


def close_all(c: Carry, s: Calls, time: int) -> tuple[int, int]:
    """End of the trace: the refills that are still open take effect."""
    n = 0
    filled = 0
    for cpu in range(len(c.head)):
        if c.head[cpu] != NOWHERE:
            filled = close_refill(c, s, n, filled, cpu, time, 0)
            n += 1
    return n, filled
