# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT003 - compiled calls pass flags by position
"""Compare a refill with the kernel's, and make it the kernel's."""

from xpfo_model.allocator.blocks import move_freepages_block
from xpfo_model.allocator.demand import (
    Demand,
)
from xpfo_model.allocator.layout import BATCHES_HIGH_MIN
from xpfo_model.allocator.pcp import (
    order_to_pindex,
    pcp_list,
    pcp_of,
)
from xpfo_model.allocator.profiles import (
    BATCH_SCALE_MAX,
    DRAIN_CURRENT_TYPE,
    MOVE_TO_TAIL,
    SIZE_AUTO,
    SIZING,
)
from xpfo_model.allocator.sizing import by_order
from xpfo_model.allocator.state import (
    BATCH,
    EVENT_FIELDS,
    EVENTS,
    FALLBACK_MIGRATETYPE,
    FALLBACK_ORDER,
    FLAGS,
    FREE_FACTOR,
    HIGH,
    HIGH_MAX,
    HIGH_MIN,
    KIND,
    ON_PCP,
    PFN,
    State,
    page_zone,
)
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.engine import seldom
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    Events,
)
from xpfo_model.fidelity.context import NONE
from xpfo_model.fidelity.names import exchange_later
from xpfo_model.fidelity.reading import Read
from xpfo_model.fidelity.resync import (
    carve,
    credit,
    drop_first,
    enter_pcp,
    leave_pcp,
    length,
    pcp_around,
    put_back,
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
    NR_COUNTS,
    PCP,
    REFILLS,
    REFILLS_ALSO,
    SAME_FIRST,
    SAME_FRAMES,
    SAME_SIZE,
    SIZES,
    Tally,
)


def differ_at(t: Tally, mine: int, theirs: int) -> int:
    """Index of the first page that the two sides chose differently."""
    for k in range(min(mine, theirs)):
        if t.mine[k] != t.theirs[k]:
            return k
    return min(mine, theirs)


def taint(s: State, t: Tally, k: int, mine: int, order: int, reason: int) -> None:
    """Page `k` of the kernel's came to its place only because it was put there."""
    if t.level == PCP:
        return
    chosen = t.mine[k] if k < mine else FAILED
    exchange_later(t, s.mem[EVENTS], chosen, t.theirs[k], order)
    if chosen != t.theirs[k]:
        t.instead[t.theirs[k]] = chosen + 2
        t.why[t.theirs[k]] = reason
        if reason == BY_BUDDY and t.midway and t.fresh[t.theirs[k]]:
            # free since before the trace, at a place that nobody knows
            t.why[t.theirs[k]] = BY_START


def learn_batch(s: State, t: Tally, zone: int, size: int) -> None:
    """A refill was larger or smaller than the model thought: from now on too.

    While the machine boots watermarks are 0, and high is its least.
    zone_highsize(), v6.1.
    """
    sizes = zone * SIZES
    for cpu in range(s.cpus):
        pcp = pcp_of(cpu, zone)
        s.mem[pcp + BATCH] = size
        s.mem[pcp + HIGH_MIN] = size * BATCHES_HIGH_MIN
        s.mem[pcp + HIGH_MAX] = t.sizes[sizes + 2]
        if size == t.sizes[sizes]:
            s.mem[pcp + HIGH_MIN] = t.sizes[sizes + 1]
        if s.mem[SIZING] != SIZE_AUTO:
            s.mem[pcp + HIGH] = s.mem[pcp + HIGH_MIN]


@seldom
def learn_refill(s: State, d: Demand, t: Tally, i: int, mine: int, size: int) -> None:
    """The kernel's refill had another size: batch is new, or how far it grew."""
    zone = page_zone(s, t.theirs[0])
    pcp = pcp_of(d.cpu[i], zone)
    batch = s.mem[pcp + BATCH]
    final = t.sizes[zone * SIZES]
    order = d.order[i]
    if batch != final and (
        size == by_order(final, order) if order else size * batch == mine * final
    ):
        learn_batch(s, t, zone, final)
        return
    if order:
        return
    if s.mem[SIZING] != SIZE_AUTO or batch == 1 or (size == final and batch != final):
        learn_batch(s, t, zone, size)
        return
    factor = 0
    while batch << factor < size:
        factor += 1
    s.mem[pcp + FREE_FACTOR] = min(factor + 1, s.mem[BATCH_SCALE_MAX])


@seldom
def isolated(e: Events, r: Read, t: Tally, pfn: int) -> bool:
    """Whether a page that the model has free was taken without an event.

    The trace names it again only as it is freed. The free scanner of compaction
    does that: isolate_freepages(), all versions.
    """
    row = t.last[pfn]
    if row == NONE:
        return False
    following = r.next_row[row]
    return following != NONE and e.kind[following] == MM_PAGE_FREE


@seldom
def undo_refill(
    s: State,
    e: Events,
    r: Read,
    t: Tally,
    start: int,
    mine: int,
    order: int,
    mt: int,
) -> None:
    """Give the model's pages from the `start`-th back, the last one first."""
    for k in range(mine - 1, start - 1, -1):
        if s.tag[t.mine[k]] == ON_PCP:
            leave_pcp(s, t, t.mine[k])
        if t.unseen[t.mine[k]]:
            # it was never free: taken before the trace began
            t.counts[BY_BOOT] += 1
            continue
        if isolated(e, r, t, t.mine[k]):
            t.counts[BY_ISOLATED] += 1
            continue
        put_back(s, t.mine[k], order, mt)


@seldom
def redo_refill(
    s: State,
    d: Demand,
    t: Tally,
    i: int,
    start: int,
    mine: int,
    theirs: int,
    gone: int,
    reason: int,
) -> None:
    """Fetch the kernel's pages; the first `gone` of all are handed out already."""
    order = d.order[i]
    for k in range(start, theirs):
        pfn = t.theirs[k]
        carve(s, t, pfn, order)
        s.tag[s.cached + pfn] = d.migratetype[i]
        if k >= gone:
            pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
            pindex = order_to_pindex(s, d.migratetype[i], order)
            enter_pcp(s, t, pcp, pindex, pfn, True)
        taint(s, t, k, mine, order, reason)


@seldom
def retype(s: State, pfn: int, order: int, migratetype: int) -> None:
    """Give the blocks of a page a type, with the free pages in them."""
    blocks = 1 << max(order - PAGEBLOCK_ORDER, 0)
    first = pfn >> PAGEBLOCK_ORDER
    for block in range(first, first + blocks):
        if s.tag[s.block + block] != migratetype:
            s.tag[s.block + block] = migratetype
            frame = block << PAGEBLOCK_ORDER
            move_freepages_block(s, frame, page_zone(s, frame), migratetype)


@seldom
def undo_claims(s: State, start: int) -> None:
    """Take the model's changes of ownership since event `start` back.

    What was claimed was at the head of its list, and comes there again.
    """
    to_tail = s.mem[MOVE_TO_TAIL]
    s.mem[MOVE_TO_TAIL] = 0
    for event in range(s.mem[EVENTS] - 1, start - 1, -1):
        at = event * EVENT_FIELDS
        if (
            s.record[at + KIND] == MM_PAGE_ALLOC_EXTFRAG
            and s.record[at + FLAGS] & CHANGE_OWNERSHIP
        ):
            retype(
                s,
                s.record[at + PFN],
                s.record[at + FALLBACK_ORDER],
                s.record[at + FALLBACK_MIGRATETYPE],
            )
    s.mem[MOVE_TO_TAIL] = to_tail


@seldom
def redo_claims(s: State, e: Events, r: Read, i: int) -> None:
    """Make the kernel's changes of ownership."""
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        if e.kind[row] == MM_PAGE_ALLOC_EXTFRAG and e.flags[row] & CHANGE_OWNERSHIP:
            retype(s, e.pfn[row], e.fallback_order[row], e.migratetype[row])
        elif e.kind[row] == MM_PAGE_ALLOC_ZONE_LOCKED and s.mem[DRAIN_CURRENT_TYPE]:
            # a page on a list is in a block of that type
            retype(s, e.pfn[row], e.order[row], e.migratetype[row])


@seldom
def sync_refill(
    s: State,
    d: Demand,
    e: Events,
    r: Read,
    t: Tally,
    i: int,
    began: int,
    mine: int,
    theirs: int,
) -> int:
    """Make the model's refill the kernel's; why it had to be, or NR_COUNTS.

    After it `s.held` of the allocation is the first page, if there was a refill.
    """
    c = t.counts
    order = d.order[i]
    page = d.page[i]
    c[REFILLS] += theirs > 0
    if theirs and mine:
        c[REFILLS_ALSO] += 1
        c[SAME_SIZE] += mine == theirs
        c[SAME_FIRST] += t.mine[0] == t.theirs[0]
    start = differ_at(t, mine, theirs)
    if start == mine == theirs:
        c[SAME_FRAMES] += 1
        return NR_COUNTS
    if not mine:
        # the kernel's list was empty: what the model still has is gone
        reason = BY_BULK
        got = s.held[page]
        head = pcp_list(
            s,
            pcp_of(d.cpu[i], page_zone(s, got)),
            order_to_pindex(s, d.migratetype[i], order),
        )
        drop_first(s, t, head, length(s, head))
        credit(s, t, pcp_around(s, head), 1 << order)
    else:
        undo_refill(s, e, r, t, start, mine, order, d.migratetype[i])
        if not theirs:
            reason = BY_LIST
            s.held[page] = FAILED
        elif start < min(mine, theirs):
            reason = BY_BUDDY
        else:
            reason = BY_BATCH
        if start < mine:
            undo_claims(s, began)
    redo_claims(s, e, r, i)
    redo_refill(s, d, t, i, start, mine, theirs, 1, reason)
    if theirs:
        s.held[page] = t.theirs[0]
        if mine and mine != theirs:
            learn_refill(s, d, t, i, mine, theirs)
    if t.level == FULL or reason != BY_BUDDY:
        c[reason] += 1
    return reason
