# SPDX-License-Identifier: GPL-2.0-only
"""Call a strategy's hooks for the steps of a recording, in the kernel's order.

A kernel traces the allocation of a page after the hook has run and the page has been
zeroed. So a kmap of a frame that is free waits for the allocation that names it.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model import strategies
from xpfo_model.confront import watch
from xpfo_model.confront.recorded import Recorded
from xpfo_model.confront.steps import (
    ALLOC,
    CHANGE_BLOCK,
    FAULT,
    FREE,
    ISOLATE,
    KMAP,
    KUNMAP,
    MIGRATE,
    REFILL_PAGE,
    Steps,
    steps_of,
)
from xpfo_model.confront.watch import (
    FOR_ALLOC,
    FOR_BLOCK,
    FOR_FAULT,
    FOR_FREE,
    FOR_KMAP,
    FOR_KUNMAP,
    FOR_MIGRATE,
    FOR_REFILL,
    begin,
)
from xpfo_model.jit import compiled, noinline, placeholder
from xpfo_model.machine import FREE as NOBODY
from xpfo_model.machine import (
    KERNEL,
    USER,
    boot,
    hand_to_user,
    map_back,
    take_back,
)
from xpfo_model.strategies.guarantee import move_unseen
from xpfo_model.strategies.hooks import (
    alloc,
    change_block,
    free,
    isolate,
    kmap,
    kunmap,
    migrate,
    refill,
)
from xpfo_model.strategies.kmaps import (
    local_kmap,
    local_kunmap,
    physmap_kmap,
    physmap_kunmap,
)

NOWHERE: Final = -1
_ROOM: Final = 1 << 16
"""Notes beyond those that the kernel traced for which there is room at first."""


class Carry(NamedTuple):
    """Entries that wait: accesses for allocations, pages of refills for their end."""

    first: npt.NDArray[np.int64]
    """Per frame: the first step that waits for its allocation, or NOWHERE."""
    last: npt.NDArray[np.int64]
    """Per frame: the last such step."""
    head: npt.NDArray[np.int64]
    """Per CPU: the first step of its open refill, or NOWHERE."""
    tail: npt.NDArray[np.int64]
    """Per CPU: the last step of its open refill."""
    follow: npt.NDArray[np.int64]
    """Per step: the next one that waits for the same, or NOWHERE."""
    frames: npt.NDArray[np.int64]
    """Room for the frames of the largest refill."""
    page: npt.NDArray[np.int64]
    """Per frame: the step that allocated it, or NOWHERE."""
    kmaps: npt.NDArray[np.int64]
    """Per step that allocates: how often the kernel has reached its page."""


@placeholder
def kmap_elsewhere(m: Any, cpu: int, frame: int) -> None:
    """Give the kernel access to a frame, not through the direct map."""


@placeholder
def kunmap_elsewhere(m: Any, cpu: int, frame: int) -> None:
    """End an access that `kmap_elsewhere` gave."""


@placeholder
def follow(m: Any, src: int, dst: int) -> None:
    """Say whose a frame is to which a page was moved."""


def follow_source(m: Any, src: int, dst: int) -> None:
    """The frame is whose the page's old frame is."""
    if m.owner[src] == USER:
        hand_to_user(m, range(dst, dst + 1))
    else:
        take_back(m, range(dst, dst + 1), KERNEL)


def follow_allocation(m: Any, src: int, dst: int) -> None:
    """The frame stays whose it was when it was allocated: nobody told XPFO."""


@noinline
def access(m: Any, e: Any, s: Steps, c: Carry, i: int) -> None:
    """Begin or end an access of the kernel to a frame: step `i`."""
    cpu, frame = s.cpu[i], s.start[i]
    m.settings.irqs_off = s.atomic[i]
    if s.op[i] == KMAP:
        if c.page[frame] != NOWHERE:
            c.kmaps[c.page[frame]] += 1
        begin(m, i, cpu, FOR_KMAP, frame, frame)
        if s.direct[i]:
            kmap(m, cpu, frame)
        else:
            kmap_elsewhere(e, cpu, frame)
    else:
        begin(m, i, cpu, FOR_KUNMAP, frame, frame)
        if s.direct[i]:
            kunmap(m, cpu, frame)
        else:
            kunmap_elsewhere(e, cpu, frame)


def wait(s: Steps, c: Carry, i: int) -> None:
    """Let step `i` wait for the allocation of its frame."""
    frame = s.start[i]
    if c.first[frame] == NOWHERE:
        c.first[frame] = i
    else:
        c.follow[c.last[frame]] = i
    c.last[frame] = i


def own(m: Any, e: Any, start: int, stop: int) -> None:
    """A new owner of frames has kmapped none of them yet."""
    for frame in range(start, stop):
        m.mapcount[frame] = 0
        e.mapcount[frame] = 0


@noinline
def hand_out(m: Any, e: Any, s: Steps, c: Carry, i: int) -> None:
    """Allocate the page of step `i`; take the accesses that have waited for it."""
    cpu, start = s.cpu[i], s.start[i]
    stop = start + (1 << s.order[i])
    user = s.user[i] != 0
    begin(m, i, cpu, FOR_ALLOC, start, stop - 1)
    alloc(m, cpu, range(start, stop), user, s.zeroed[i] != 0)
    own(m, e, start, stop)
    if user:
        hand_to_user(m, range(start, stop))
    else:
        take_back(m, range(start, stop), KERNEL)
    for frame in range(start, stop):
        c.page[frame] = i
        waiting = c.first[frame]
        c.first[frame] = NOWHERE
        while waiting != NOWHERE:
            access(m, e, s, c, waiting)
            waiting = c.follow[waiting]


@noinline
def join_refill(s: Steps, c: Carry, m: Any, i: int) -> None:
    """Add the page of step `i` to its CPU's open refill, or begin another one."""
    cpu = s.cpu[i]
    if c.head[cpu] != NOWHERE:
        last = c.tail[cpu]
        if s.order[last] != s.order[i] or s.migratetype[last] != s.migratetype[i]:
            end_refill(m, s, c, cpu, i)
    if c.head[cpu] == NOWHERE:
        c.head[cpu] = i
    else:
        c.follow[c.tail[cpu]] = i
    c.tail[cpu] = i


@noinline
def end_refill(m: Any, s: Steps, c: Carry, cpu: int, i: int) -> None:
    """Call the hook for a CPU's open refill, if it has one, at step `i`."""
    page = c.head[cpu]
    if page == NOWHERE:
        return
    migratetype = s.migratetype[page]
    atomic = m.settings.irqs_off
    m.settings.irqs_off = 0  # the lock is dropped
    m.settings.cannot_wait = atomic
    filled = 0
    while page != NOWHERE:
        for offset in range(1 << s.order[page]):
            c.frames[filled] = s.start[page] + offset
            filled += 1
        page = c.follow[page]
    c.head[cpu] = NOWHERE
    begin(m, i, cpu, FOR_REFILL, c.frames[0], c.frames[filled - 1])
    refill(m, cpu, c.frames[:filled], migratetype)
    m.settings.irqs_off = atomic
    m.settings.cannot_wait = 0


@noinline
def take_page(m: Any, e: Any, s: Steps, c: Carry, i: int) -> None:
    """Free, isolate or move the page of step `i`."""
    op, cpu, start = s.op[i], s.cpu[i], s.start[i]
    stop = start + (1 << s.order[i])
    if op == FREE:
        begin(m, i, cpu, FOR_FREE, start, stop - 1)
        free(m, cpu, range(start, stop))
        own(m, e, start, stop)
        take_back(m, range(start, stop), NOBODY)
    elif op == ISOLATE:
        end_refill(m, s, c, cpu, i)
        begin(m, i, cpu, FOR_ALLOC, start, stop - 1)
        isolate(m, cpu, range(start, stop))
        own(m, e, start, stop)
        take_back(m, range(start, stop), KERNEL)
    elif op == MIGRATE:
        first, number = s.other[i], s.number[i]
        begin(m, i, cpu, FOR_MIGRATE, first, first + number - 1)
        for k in range(number):
            migrate(m, cpu, start + k, first + k)
            follow(m, start + k, first + k)


def drive(m: Any, e: Any, s: Steps, c: Carry) -> int:
    """Call the hooks, step by step; how many accesses are left that wait.

    `m` is a machine of `watch.watched`; `e` is the same one, but counts the accesses
    that do not go through the direct map. Bound with `jit.compiled`.
    """
    for i in range(len(s.op)):
        op, cpu, start = s.op[i], s.cpu[i], s.start[i]
        m.settings.now = s.time[i]
        m.settings.irqs_off = s.atomic[i]
        if op == ALLOC:
            end_refill(m, s, c, cpu, i)
            hand_out(m, e, s, c, i)
        elif op == REFILL_PAGE:
            join_refill(s, c, m, i)
        elif op == CHANGE_BLOCK:
            m.settings.irqs_off = 0  # as in `end_refill`
            begin(m, i, cpu, FOR_BLOCK, start, start)
            change_block(m, cpu, start, s.migratetype[i])
        elif op in (KMAP, KUNMAP):
            if m.owner[start] == NOBODY:
                wait(s, c, i)
            else:
                access(m, e, s, c, i)
        elif op == FAULT:
            begin(m, i, cpu, FOR_FAULT, start, start)
            map_back(m, range(start, start + 1))
        else:
            take_page(m, e, s, c, i)
    for cpu in range(len(c.head)):
        end_refill(m, s, c, cpu, len(s.op) - 1)
    waiting = 0
    for frame in range(len(c.first)):
        waiting += c.first[frame] != NOWHERE
    return waiting


class Driven(NamedTuple):
    """The model's flushes and changes of entries for the steps of a recording."""

    steps: Steps
    notes: watch.Notes
    kmaps: npt.NDArray[np.int64]
    """Per step that allocates: how often the kernel reached its page."""
    waiting: int
    """Frames that were kmapped and whose allocation the trace does not have."""


def hooks_of(found: Recorded) -> dict[str, Callable[..., Any]]:
    """The hooks of the recorded kernel's strategy, with an access of each way.

    `kmap` and `kunmap` go through the direct map, the others elsewhere. A local way
    that strategies do not have themselves is that of `kmaps`.
    """
    name = found.start.strategy
    hooks = strategies.functions(name)
    is_local = hooks["kmap"] is local_kmap
    own_kmap, own_kunmap = hooks["kmap"], hooks["kunmap"]
    return hooks | {
        "kmap": physmap_kmap if is_local else own_kmap,
        "kunmap": physmap_kunmap if is_local else own_kunmap,
        "kmap_elsewhere": own_kmap if is_local else local_kmap,
        "kunmap_elsewhere": own_kunmap if is_local else local_kunmap,
        "follow": follow_source if _heeds_moves(name) else follow_allocation,
    }


def _heeds_moves(name: str) -> bool:
    """Whether a strategy acts where a page is moved. Raises `UnknownStrategyError`."""
    return strategies.load(name).migrate is not move_unseen


def drive_model(found: Recorded, **replaced: Callable[..., Any]) -> Driven:
    """Run the recorded kernel's strategy over its own events.

    `replaced` are other functions in the place of those of `hooks_of`, for a what-if.
    Raises `UnknownStrategyError`.
    """
    hooks = hooks_of(found) | replaced
    places = {
        "kmap_elsewhere": kmap_elsewhere,
        "kunmap_elsewhere": kunmap_elsewhere,
        "follow": follow,
    }
    given = strategies.given({n: f for n, f in hooks.items() if n not in places})
    given = {**given, **{places[n]: hooks[n] for n in places}, **watch.GIVEN}
    loop = compiled(drive, given)
    steps = steps_of(found)
    room = len(found.xpfo.kind) + _ROOM
    while True:
        m = watch.watched(_booted(found), watch.Notes.room(room))
        elsewhere = m._replace(mapcount=np.zeros_like(m.mapcount))
        carry = _carry(found, steps)
        waiting = loop(m, elsewhere, steps, carry)
        count = int(m.at[watch.COUNT])
        if count <= room:
            notes = watch.Notes(*(column[:count] for column in m.notes))
            return Driven(steps, notes, carry.kmaps, waiting)
        room = count


def _booted(found: Recorded) -> Any:
    start = found.start
    entry = strategies.REGISTRY[start.strategy]
    return boot(
        len(found.owners),
        cpus=start.cpus,
        start=start.start,
        held=found.owners,
        start_marks=entry.start_marks,
    )


def _carry(found: Recorded, steps: Steps) -> Carry:
    frames, cpus = len(found.owners), found.start.cpus
    in_refills = steps.order[steps.op == REFILL_PAGE].astype(np.int64)
    return Carry(
        first=np.full(frames, NOWHERE, np.int64),
        last=np.full(frames, NOWHERE, np.int64),
        head=np.full(cpus, NOWHERE, np.int64),
        tail=np.full(cpus, NOWHERE, np.int64),
        follow=np.full(len(steps.op), NOWHERE, np.int64),
        frames=np.zeros(int((np.int64(1) << in_refills).sum()), np.int64),
        page=np.full(frames, NOWHERE, np.int64),
        kmaps=np.zeros(len(steps.op), np.int64),
    )
