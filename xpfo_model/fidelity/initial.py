# SPDX-License-Identifier: GPL-2.0-only
"""The free lists as the trace begins, which no trace shows.

Known are the rules by which a kernel fills them at boot, the memory map, and for
each frame whether the trace first sees it leave the free lists. Frames that a
boot's trace never sees are free if they lie above the first page it hands out:
memory is handed out from below.
"""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator.model import free_range
from xpfo_model.allocator.sizing import PAGE_ALLOC_COSTLY_ORDER
from xpfo_model.allocator.state import State, page_zone
from xpfo_model.allocator.zones import Layout
from xpfo_model.constants import (
    MAX_PAGE_ORDER,
    MIGRATE_UNMOVABLE,
    PAGEBLOCK_ORDER,
)
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_FREE_BATCHED,
    SCHED_SWITCH,
    Events,
)
from xpfo_model.fidelity.locks import NONE
from xpfo_model.jit import compiled

Frames: TypeAlias = npt.NDArray[np.int64]
Kinds: TypeAlias = npt.NDArray[np.uint8]
Free: TypeAlias = npt.NDArray[np.bool_]

UNSEEN: Final = 255
"""In place of a kind of event: the trace never names the frame."""
BEGINNING: Final = 16
"""Events in which a boot shows."""
BOOT_REFILLS: Final = 4
"""Events of the boot pageset: refills of one page, each with its allocation."""


def first_sightings(e: Events, first: Kinds) -> None:
    """Write, per frame, the kind of event that names it first.

    A fallback names a page that leaves the free lists; from v6.10 on often no
    other event says so.
    """
    for i in range(len(e.kind) - 1, -1, -1):
        kind = e.kind[i]
        if kind >= SCHED_SWITCH or e.pfn[i] == FAILED:
            continue
        if kind == MM_PAGE_ALLOC_EXTFRAG:
            kind = MM_PAGE_ALLOC_ZONE_LOCKED
        for frame in range(e.pfn[i], e.pfn[i] + (1 << int(e.order[i]))):
            first[frame] = kind


def sightings(events: Events, frames: int) -> Kinds:
    """Per frame: the kind of event that names it first, or UNSEEN."""
    kind = np.full(frames, UNSEEN, np.uint8)
    compiled(first_sightings)(events, kind)
    return kind


def is_boot(events: Events) -> bool:
    """Whether the trace begins as the machine does: with refills of one page.

    The events are switched on one after another, so that the first allocations may
    lack their refills. Orders that no pcp list holds show one page at any time.
    """
    begin = events.rows(slice(0, BEGINNING))
    if not len(begin.kind):
        return False
    refill = begin.kind == MM_PAGE_ALLOC_ZONE_LOCKED
    alloc = begin.kind == MM_PAGE_ALLOC
    first = int(np.argmax(refill))
    pairs = slice(first, first + BOOT_REFILLS)
    return bool(
        alloc[:first].all()
        and refill[pairs].tolist() == [True, False] * (BOOT_REFILLS // 2)
        and alloc[pairs].tolist() == [False, True] * (BOOT_REFILLS // 2)
        and (begin.order[pairs] <= PAGE_ALLOC_COSTLY_ORDER).all()
    )


def handed_over(events: Events, kind: Kinds) -> Frames:
    """First frames of the blocks that boot frees late, as it initialises them."""
    large = (events.kind == MM_PAGE_FREE) & (events.order >= PAGEBLOCK_ORDER)
    first = events.pfn[large]
    return np.unique(first[kind[first] == MM_PAGE_FREE])


def free_at_start(events: Events, layout: Layout, kind: Kinds) -> Free:
    """Per frame: whether it is taken to be on a free list as the trace begins."""
    free = kind == MM_PAGE_ALLOC_ZONE_LOCKED
    if is_boot(events):
        lowest = int(events.pfn[0])
        given = handed_over(events, kind)
        highest = int(given.min()) if len(given) else layout.frames
        free[lowest:highest] |= kind[lowest:highest] == UNSEEN
        # no list held pages: what has no refill left the free lists with no event
        free[lowest + 1 : highest] |= kind[lowest + 1 : highest] == MM_PAGE_ALLOC
        left = events.pfn[events.kind == MM_PAGE_ALLOC_ZONE_LOCKED]
        large, at = np.unique(left >> MAX_PAGE_ORDER, return_index=True)
        for start, first in zip(large << MAX_PAGE_ORDER, left[at], strict=True):
            # what is below the first page of a large one was handed out before
            free[start:first] &= kind[start:first] != UNSEEN
    return free


def earliest(rows: Frames, blocks: Frames, count: int, never: int) -> Frames:
    """Per pageblock the first of the rows that name it, or `never`."""
    result = np.full(count, never, np.int64)
    result[blocks[::-1]] = rows[::-1]
    return result


def types_by_use(events: Events, next_row: Frames, count: int) -> Kinds:
    """Per pageblock the type that its pages' way shows, or UNSEEN.

    A page that is freed and then allocated without leaving the pcp was on the
    list of its block's type. Only for traces that do not begin with the machine.
    """
    freed = np.flatnonzero(
        (events.kind == MM_PAGE_FREE) | (events.kind == MM_PAGE_FREE_BATCHED)
    )
    after = next_row[freed]
    freed, after = freed[after != NONE], after[after != NONE]
    direct = events.kind[after] == MM_PAGE_ALLOC
    block = events.pfn[freed[direct]] >> PAGEBLOCK_ORDER
    evidence = np.full(count, UNSEEN, np.uint8)
    evidence[block[::-1]] = events.migratetype[after[direct]][::-1]
    return evidence


def block_types(
    events: Events, count: int, deferred: Frames, used: Kinds | None = None
) -> Kinds:
    """Per pageblock its type as the trace begins, or UNSEEN for what boot gives.

    A block whose pages leave a list of a type before any fallback names it was
    of that type. `deferred` are first frames of blocks that boot handed over
    late: above the lowest of them all other blocks keep type 0.
    deferred_free_range(), v6.1. `used` says more of the blocks, and is right before
    a neighbour is.
    """
    types = np.full(count, UNSEEN, np.uint8)
    if len(deferred):
        types[int(deferred.min()) >> PAGEBLOCK_ORDER :] = MIGRATE_UNMOVABLE
        types[deferred >> PAGEBLOCK_ORDER] = UNSEEN
    never = len(events.kind)
    left = np.flatnonzero(events.kind == MM_PAGE_ALLOC_ZONE_LOCKED)
    at = earliest(left, events.pfn[left] >> PAGEBLOCK_ORDER, count, never)
    fallbacks = np.flatnonzero(events.kind == MM_PAGE_ALLOC_EXTFRAG)
    start = events.pfn[fallbacks] >> PAGEBLOCK_ORDER
    named = earliest(fallbacks, start, count, never)
    large = events.fallback_order[fallbacks] > PAGEBLOCK_ORDER
    second = earliest(fallbacks[large], start[large] + 1, count, never)
    known = at < np.minimum(named, second)
    types[known] = events.migratetype[at[known]]
    if used is not None:
        types = np.where(types == UNSEEN, used, types)
    # before the trace, too, blocks were claimed by twos
    before = types.copy()
    before[at > fallbacks.min(initial=never)] = UNSEEN
    neighbour = before[np.arange(count) ^ 1] if count % 2 == 0 else before
    alone = (types == UNSEEN) & (named == never) & (second == never)
    types[alone] = neighbour[alone]
    return types


def claimed(events: Events, free: Free, start: int) -> Frames:
    """Blocks whose pages were all handed out before a boot's trace began.

    Those from the last page that is still free below, to the largest page that the
    trace begins in, in the zone that begins at `start`: UNMOVABLE takes the largest
    pages first, from below, and nothing asks for MOVABLE yet. __rmqueue_fallback().
    """
    largest = 1 << MAX_PAGE_ORDER
    end = int(events.pfn[0]) & -largest
    below = np.flatnonzero(free[start:end])
    first = start + int(below[-1]) + largest & -largest if len(below) else end
    return np.arange(first >> PAGEBLOCK_ORDER, end >> PAGEBLOCK_ORDER)


def fill(
    s: State, events: Events, layout: Layout, kind: Kinds, next_row: Frames
) -> int:
    """Set up the lists as the trace begins; how many runs of frames were free."""
    free = free_at_start(events, layout, kind)
    deferred = handed_over(events, kind) if is_boot(events) else events.pfn[:0]
    count = s.frames >> PAGEBLOCK_ORDER
    if is_boot(events):
        types = block_types(events, count, deferred)
        zone = page_zone(s, int(events.pfn[0])).index
        taken = claimed(events, free, layout.zones[zone].start)
        types[taken[types[taken] == UNSEEN]] = MIGRATE_UNMOVABLE
    else:
        used = types_by_use(events, next_row, count)
        types = block_types(events, count, deferred, used)
    known = np.flatnonzero(types != UNSEEN)
    blocks = s.pageblocks
    blocks[known] = types[known]
    retyped = np.flatnonzero(np.diff(blocks)) + 1
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.view(np.uint8), [0]])))
    # a run of free frames ends where its block's type does, too
    borders = np.union1d(
        edges, (retyped << PAGEBLOCK_ORDER)[free[retyped << PAGEBLOCK_ORDER]]
    )
    starts = borders[np.flatnonzero(free[np.minimum(borders, s.frames - 1)])]
    starts = starts[starts < s.frames]
    ends = borders[np.searchsorted(borders, starts, side="right")]
    compiled(free_runs)(s, starts, ends)
    return len(starts)


def free_runs(s: State, starts: Frames, ends: Frames) -> None:
    """Free runs of frames, one after the other. memblock_free_all()."""
    for run in range(len(starts)):
        free_range(s, starts[run], ends[run], True)
