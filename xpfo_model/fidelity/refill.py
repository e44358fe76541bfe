# SPDX-License-Identifier: GPL-2.0-only
"""Compare a refill with the kernel's, and make it the kernel's."""

from xpfo_model.allocator.blocks import move_freepages_block
from xpfo_model.allocator.pcp import (
    order_to_pindex,
    pcp_list,
    pcp_of,
)
from xpfo_model.allocator.profiles import SIZE_AUTO
from xpfo_model.allocator.sizing import by_order
from xpfo_model.allocator.state import ON_PCP, Record, State, page_zone
from xpfo_model.allocator.zones import BATCHES_HIGH_MIN
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
)
from xpfo_model.fidelity.locks import NONE
from xpfo_model.fidelity.renaming import exchange_later
from xpfo_model.fidelity.resync import (
    carve,
    drop_first,
    enter_pcp,
    leave_pcp,
    length,
    pcp_around,
    put_back,
    settle_missing,
)
from xpfo_model.fidelity.tally import (
    BY_BATCH,
    BY_BOOT,
    BY_BUDDY,
    BY_BULK,
    BY_ISOLATED,
    BY_LIST,
    BY_START,
    FULL,
    PCP,
    RIGHT,
    Follow,
    Tally,
)
from xpfo_model.jit import noinline


def differ_at(t: Tally, mine: int, theirs: int) -> int:
    """Index of the first page that the two sides chose differently."""
    for k in range(min(mine, theirs)):
        if t.mine[k] != t.theirs[k]:
            return k
    return min(mine, theirs)


def mark_displaced(
    s: State, t: Tally, k: int, mine: int, order: int, reason: int
) -> None:
    """Mark page `k` of the kernel's refill: it is there in place of the model's."""
    if t.level == PCP:
        return
    chosen = t.mine[k] if k < mine else FAILED
    exchange_later(t, s.counters.events, chosen, t.theirs[k], order)
    if chosen != t.theirs[k]:
        t.frames[t.theirs[k]].displaced = chosen + 2
        t.frames[t.theirs[k]].why = reason
        if reason == BY_BUDDY and t.midway and t.frames[t.theirs[k]].fresh:
            # free since before the trace, at an unknown place of its list
            t.frames[t.theirs[k]].why = BY_START


def learn_batch(s: State, t: Tally, zone: Record, size: int) -> None:
    """A refill was larger or smaller than the model thought: from now on too.

    While the machine boots watermarks are 0, and high is its least.
    zone_highsize(), v6.1.
    """
    final = t.sizes[zone.index]
    for cpu in range(s.cpus):
        pcp = pcp_of(s, cpu, zone)
        pcp.batch = size
        pcp.high_min = size * BATCHES_HIGH_MIN
        pcp.high_max = final.high_max
        if size == final.batch:
            pcp.high_min = final.high
        if s.profile.sizing != SIZE_AUTO:
            pcp.high = pcp.high_min


@noinline
def learn_refill(f: Follow, i: int, mine: int, size: int) -> None:
    """The kernel's refill had another size: batch is new, or how far it grew."""
    s, d, t = f.state, f.demand, f.tally
    zone = page_zone(s, t.theirs[0])
    pcp = pcp_of(s, d.cpu[i], zone)
    batch = pcp.batch
    final = t.sizes[zone.index].batch
    order = int(d.order[i])
    if batch != final and (
        size == by_order(final, order) if order else size * batch == mine * final
    ):
        learn_batch(s, t, zone, final)
        return
    if order:
        return
    if (
        s.profile.sizing != SIZE_AUTO
        or batch == 1
        or (size == final and batch != final)
    ):
        learn_batch(s, t, zone, size)
        return
    factor = 0
    while batch << factor < size:
        factor += 1
    pcp.free_factor = min(factor + 1, s.profile.batch_scale_max)


@noinline
def isolated(f: Follow, pfn: int) -> bool:
    """Whether a page that the model has free was taken without an event.

    The trace names it again only as it is freed. The free scanner of compaction
    does that: isolate_freepages(), all versions.
    """
    e, r, t = f.events, f.read, f.tally
    row = t.frames[pfn].seen - 1
    if row == NONE:
        return False
    following = r.next_row[row]
    return following != NONE and e.kind[following] == MM_PAGE_FREE


@noinline
def undo_refill(
    f: Follow,
    start: int,
    mine: int,
    order: int,
    mt: int,
) -> None:
    """Give the model's pages from the `start`-th back, the last one first."""
    s, t = f.state, f.tally
    for k in range(mine - 1, start - 1, -1):
        if s.pages[t.mine[k]].use == ON_PCP:
            leave_pcp(s, t, t.mine[k])
        if t.frames[t.mine[k]].unseen:
            # it was never free: taken before the trace began
            t.reasons[BY_BOOT] += 1
            continue
        if isolated(f, t.mine[k]):
            t.reasons[BY_ISOLATED] += 1
            continue
        put_back(s, t.mine[k], order, mt)


@noinline
def redo_refill(
    f: Follow,
    i: int,
    start: int,
    mine: int,
    theirs: int,
    gone: int,
    reason: int,
) -> None:
    """Fetch the kernel's pages; the first `gone` of all are handed out already."""
    s, d, t = f.state, f.demand, f.tally
    order = int(d.order[i])
    for k in range(start, theirs):
        pfn = t.theirs[k]
        carve(s, t, pfn, order)
        s.pages[pfn].migratetype = int(d.migratetype[i])
        if k >= gone:
            pcp = pcp_of(s, d.cpu[i], page_zone(s, pfn))
            pindex = order_to_pindex(s, int(d.migratetype[i]), order)
            enter_pcp(s, t, pcp, pindex, pfn, True)
        mark_displaced(s, t, k, mine, order, reason)


@noinline
def retype(s: State, pfn: int, order: int, migratetype: int) -> None:
    """Give the blocks of a page a type, with the free pages in them."""
    blocks = 1 << max(order - PAGEBLOCK_ORDER, 0)
    first = pfn >> PAGEBLOCK_ORDER
    for block in range(first, min(first + blocks, len(s.pageblocks))):
        if s.pageblocks[block] != migratetype:
            s.pageblocks[block] = migratetype
            frame = block << PAGEBLOCK_ORDER
            move_freepages_block(s, frame, page_zone(s, frame), migratetype)


@noinline
def undo_claims(s: State, start: int) -> None:
    """Take the model's changes of ownership since event `start` back.

    What was claimed was at the head of its list, and comes there again.
    """
    to_tail = s.profile.move_to_tail
    s.profile.move_to_tail = 0
    for event in range(s.counters.events - 1, start - 1, -1):
        done = s.record[event]
        if done.kind == MM_PAGE_ALLOC_EXTFRAG and done.flags & CHANGE_OWNERSHIP:
            retype(s, done.pfn, done.fallback_order, done.fallback_migratetype)
    s.profile.move_to_tail = to_tail


@noinline
def redo_claims(f: Follow, i: int) -> None:
    """Make the kernel's changes of ownership."""
    s, e, r = f.state, f.events, f.read
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        if e.kind[row] == MM_PAGE_ALLOC_EXTFRAG and e.flags[row] & CHANGE_OWNERSHIP:
            retype(s, e.pfn[row], int(e.fallback_order[row]), int(e.migratetype[row]))
        elif e.kind[row] == MM_PAGE_ALLOC_ZONE_LOCKED and s.profile.drain_current_type:
            # a page on a list is in a block of that type
            retype(s, e.pfn[row], int(e.order[row]), int(e.migratetype[row]))


@noinline
def sync_refill(
    f: Follow,
    i: int,
    began: int,
    mine: int,
    theirs: int,
) -> int:
    """Make the model's refill the kernel's; why it had to be, or RIGHT.

    After it `s.held` of the allocation is the first page, if there was a refill.
    """
    s, d, t = f.state, f.demand, f.tally
    order = int(d.order[i])
    page = d.page[i]
    t.score.refills += theirs > 0
    if theirs and mine:
        t.score.refills_also += 1
        t.score.refills_same_size += mine == theirs
        t.score.refills_same_first += t.mine[0] == t.theirs[0]
    start = differ_at(t, mine, theirs)
    if start == mine == theirs:
        t.score.refills_same_frames += 1
        return RIGHT
    if not mine:
        # the kernel's list was empty: what the model still has is gone
        reason = BY_BULK
        got = s.held[page]
        head = pcp_list(
            pcp_of(s, d.cpu[i], page_zone(s, got)),
            order_to_pindex(s, int(d.migratetype[i]), order),
        )
        drop_first(s, t, head, length(s, head))
        settle_missing(t, pcp_around(s, head), 1 << order)
    else:
        undo_refill(f, start, mine, order, int(d.migratetype[i]))
        if not theirs:
            reason = BY_LIST
            s.held[page] = FAILED
        elif start < min(mine, theirs):
            reason = BY_BUDDY
        else:
            reason = BY_BATCH
        if start < mine:
            undo_claims(s, began)
    redo_claims(f, i)
    redo_refill(f, i, start, mine, theirs, 1, reason)
    if theirs:
        s.held[page] = t.theirs[0]
        if mine and mine != theirs:
            learn_refill(f, i, mine, theirs)
    if t.level == FULL or reason != BY_BUDDY:
        t.reasons[reason] += 1
    return reason
