# SPDX-License-Identifier: GPL-2.0-only
"""Run the model over a demand, beside the kernel's answers, and count.

The model's choice is compared first; then the model is put where the kernel is. A
page that came to a list only because it was put there makes the allocation that gets
it one that was not predicted.
"""

from xpfo_model.allocator.buddy import __free_one_page, pcp_allowed_order
from xpfo_model.allocator.demand import (
    ALLOC,
    BULK,
    DRAIN_CPU,
    FOREIGN,
    FREE,
    FREE_COMMIT,
    FREE_PREPARE,
    FREE_TO_BUDDY,
    LOCKED,
    Demand,
    operate,
)
from xpfo_model.allocator.lists import list_first
from xpfo_model.allocator.model import bound
from xpfo_model.allocator.pcp import (
    order_to_pindex,
    pcp_list,
    pcp_of,
    pindex_to_order,
)
from xpfo_model.allocator.sizing import note_alloc
from xpfo_model.allocator.state import (
    MIGRATE_PCPTYPES,
    ON_PCP,
    USED,
    USED_MOVABLE,
    State,
    emit,
    get_pageblock_migratetype,
    page_zone,
)
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_PCPU_DRAIN,
)
from xpfo_model.fidelity.answers import pages_of_record, pages_of_rows, repeat_rows
from xpfo_model.fidelity.drain import follow_drain, sync_drain
from xpfo_model.fidelity.extract import AFTER_BULK
from xpfo_model.fidelity.locks import NONE
from xpfo_model.fidelity.lookahead import gone, says_next
from xpfo_model.fidelity.refill import (
    differ_at,
    redo_claims,
    redo_refill,
    sync_refill,
    undo_claims,
    undo_refill,
)
from xpfo_model.fidelity.renaming import exchange_later
from xpfo_model.fidelity.resync import (
    NOWHERE,
    block_around,
    carve,
    depth_on,
    drop_first,
    enter_pcp,
    length,
    pcp_around,
    put_back,
    settle_missing,
)
from xpfo_model.fidelity.tally import (
    BY_BUDDY,
    BY_BULK,
    BY_FOREIGN,
    BY_LOCK,
    BY_ORDER,
    BY_START,
    BY_TYPE,
    BY_UNSEEN,
    PCP,
    RIGHT,
    Follow,
)
from xpfo_model.jit import noinline


def list_of(s: State, d: Demand, i: int, pfn: int) -> int:
    """Head of the pcp list of an operation, in the zone of a frame."""
    pcp = pcp_of(s, d.cpu[i], page_zone(s, pfn))
    return pcp_list(pcp, order_to_pindex(s, int(d.migratetype[i]), int(d.order[i])))


def listed_on_pcp(s: State, d: Demand, i: int) -> bool:
    """Whether the pages that an operation asks for are on a list of pcps."""
    return pcp_allowed_order(s, int(d.order[i])) and (
        0 <= int(d.migratetype[i]) < MIGRATE_PCPTYPES
    )


def refilled(f: Follow, i: int, mine: int) -> None:
    """Note which list the pages of the model's refill are on."""
    s, d, t = f.state, f.demand, f.tally
    for k in range(mine):
        t.frames[t.mine[k]].home = list_of(s, d, i, t.mine[k])


def listed(f: Follow, i: int) -> None:
    """Note which list a page went to as it was freed."""
    s, d, e, r, t = f.state, f.demand, f.events, f.read, f.tally
    pfn = e.pfn[r.row[i]]
    if s.pages[pfn].use == ON_PCP:
        t.frames[pfn].skipped = 0
        migratetype = get_pageblock_migratetype(s, pfn)
        if migratetype >= MIGRATE_PCPTYPES:
            migratetype = MIGRATE_MOVABLE
        pcp = pcp_of(s, d.cpu[i], page_zone(s, pfn))
        t.frames[pfn].home = pcp_list(
            pcp, order_to_pindex(s, migratetype, int(d.order[i]))
        )


@noinline
def pass_over(f: Follow, head: int, pfn: int, depth: int) -> int:
    """The kernel took the page `depth` below `pfn`: what became of those above; why.

    `pfn` is off the list already. Pages that leave the buddy lists next went there
    as they were freed: an interrupt had come in under the pcp's lock. Pages that are
    freed next, or not named again, were taken with no event.
    """
    s, t = f.state, f.tally
    pcp = pcp_around(s, head)
    order = pindex_to_order(s, head - pcp.lists)
    to_buddy = says_next(f, pfn) == MM_PAGE_ALLOC_ZONE_LOCKED
    for above in range(depth + 1):
        if above:
            pfn = list_first(s, head)
            drop_first(s, t, head, 1)
        else:
            settle_missing(t, pcp, 1 << order)
        kind = says_next(f, pfn)
        if to_buddy and (kind == MM_PAGE_ALLOC_ZONE_LOCKED or kind == NONE):  # noqa: PLR1714, SIM109
            block = get_pageblock_migratetype(s, pfn)
            __free_one_page(s, pfn, page_zone(s, pfn), order, block, False)
    return BY_LOCK if to_buddy else BY_BULK


@noinline
def sync_alloc(f: Follow, i: int, actual: int) -> int:
    """Make the page that the model handed out the kernel's; why."""
    s, d, t = f.state, f.demand, f.tally
    got = s.held[d.page[i]]
    order = int(d.order[i])
    listed = pcp_allowed_order(s, order) and not d.flags[i] & LOCKED
    reason = BY_UNSEEN
    if s.pages[actual].use == ON_PCP:
        reason = BY_TYPE
    elif block_around(s, actual) != NOWHERE:
        reason = BY_BUDDY
    if listed:
        pindex = order_to_pindex(s, int(d.migratetype[i]), order)
        pcp = pcp_of(s, d.cpu[i], page_zone(s, actual))
        head = pcp_list(pcp, pindex)
        depth = FAILED
        if reason == BY_TYPE and t.frames[actual].home == head:
            reason = BY_ORDER
            depth = depth_on(s, head, actual)
        elif t.unknown[head - s.pcps[0].lists] and t.frames[actual].seen == 0:
            # below all that the trace has put on the list
            reason = BY_START
            depth = length(s, head)
        if got != FAILED and depth != FAILED and gone(f, got):  # noqa: PLR1714
            why = pass_over(f, head, got, depth)
            t.reasons[why] += reason == BY_START
            reason = BY_START if reason == BY_START else why
        elif got != FAILED:
            pcp = pcp_of(s, d.cpu[i], page_zone(s, got))
            # passed over twice, it is not where the model has it
            enter_pcp(s, t, pcp, pindex, got, t.frames[got].skipped != 0)
            t.frames[got].skipped = 1
    elif got != FAILED:
        put_back(s, got, order, int(d.migratetype[i]))
    carve(s, t, actual, order)
    s.held[d.page[i]] = actual
    t.reasons[reason] += 1
    return reason


def follow_alloc(f: Follow, i: int, start: int) -> None:
    """Compare and correct one allocation."""
    s, d, e, r, t = f.state, f.demand, f.events, f.read, f.tally
    actual = e.pfn[r.row[i]]
    page = d.page[i]
    order = int(d.order[i])
    chosen = s.held[page]
    mine = pages_of_record(s, t, start, MM_PAGE_ALLOC_ZONE_LOCKED)
    theirs = pages_of_rows(f, i, MM_PAGE_ALLOC_ZONE_LOCKED)
    refilled(f, i, mine)
    reason = RIGHT
    if pcp_allowed_order(s, order) and not d.flags[i] & LOCKED and (mine or theirs):
        reason = sync_refill(f, i, start, mine, theirs)
        if t.level == PCP and theirs:
            if mine:
                chosen = t.theirs[0]
                reason = RIGHT
            repeat_rows(f, i, start)
            emit(s, MM_PAGE_ALLOC, chosen, order, int(d.migratetype[i]), 0)
    if t.level == PCP or not (mine and theirs):
        exchange_later(t, s.counters.events, chosen, actual, order)
    later = RIGHT
    if s.held[page] != actual:
        later = sync_alloc(f, i, actual)
    if reason == RIGHT:
        reason = later
    if t.frames[actual].displaced:
        chosen = t.frames[actual].displaced - 2
        t.frames[actual].displaced = 0
        reason = t.frames[actual].why
        t.score.displaced += 1
    if d.flags[i] & AFTER_BULK:
        chosen = FAILED
        reason = BY_BULK
    s.pages[actual].use = (
        USED_MOVABLE if int(d.migratetype[i]) == MIGRATE_MOVABLE else USED
    )
    t.predicted[page] = chosen
    t.score.allocations += 1
    if chosen == actual:
        t.score.exact += 1
        reason = RIGHT
    t.reason[page] = reason
    t.frames[actual].seen = r.row[i] + 1


@noinline
def follow_bulk(f: Follow, i: int, start: int) -> None:
    """Compare and correct what a bulk allocation refilled."""
    s, d, t = f.state, f.demand, f.tally
    mine = pages_of_record(s, t, start, MM_PAGE_ALLOC_ZONE_LOCKED)
    theirs = pages_of_rows(f, i, MM_PAGE_ALLOC_ZONE_LOCKED)
    refilled(f, i, mine)
    t.reasons[BY_BULK] += 1
    first = differ_at(t, mine, theirs)
    if first != mine or mine != theirs:
        undo_refill(f, first, mine, int(d.order[i]), int(d.migratetype[i]))
        if first < mine:
            undo_claims(s, start)
        redo_claims(f, i)
        redo_refill(f, i, first, mine, theirs, d.part[i], BY_BULK)
    if t.level == PCP and theirs:
        repeat_rows(f, i, start)


@noinline
def follow_strange(f: Follow, i: int) -> None:
    """A refill of a list that the version followed does not have."""
    s, d, t = f.state, f.demand, f.tally
    theirs = pages_of_rows(f, i, MM_PAGE_ALLOC_ZONE_LOCKED)
    t.reasons[BY_BULK] += 1
    for k in range(theirs):
        carve(s, t, t.theirs[k], int(d.order[i]))


def before(f: Follow, i: int) -> None:
    """Make ready what the demand names by the trace: bulk, pages never allocated."""
    s, d, e, r, t = f.state, f.demand, f.events, f.read, f.tally
    if d.op[i] == BULK and listed_on_pcp(s, d, i):
        d.wanted[i] = d.part[i]
        pfn = e.pfn[r.row[i]]
        pindex = order_to_pindex(s, int(d.migratetype[i]), 0)
        pcp = pcp_of(s, d.cpu[i], page_zone(s, pfn))
        d.wanted[i] += length(s, pcp_list(pcp, pindex))
    elif FREE <= d.op[i] <= FREE_TO_BUDDY:
        foreign = d.page[i] == FOREIGN
        pfn = e.pfn[r.row[i]]
        if d.op[i] != FREE_COMMIT:
            found = carve(s, t, pfn, int(d.order[i]))
            t.reasons[BY_FOREIGN] += foreign
            t.reasons[BY_UNSEEN] += found > 0 and not foreign
        t.frames[pfn].displaced = 0


def alloc_before_trace(f: Follow, i: int) -> bool:
    """Allocate a page that was on a list before the trace began.

    The order of such a list is unknown, so that the page is taken from the trace.
    Returns whether the allocation was one of these.
    """
    s, d, e, r, t = f.state, f.demand, f.events, f.read, f.tally
    order = int(d.order[i])
    if d.op[i] != ALLOC or not pcp_allowed_order(s, order) or d.flags[i] & LOCKED:
        return False
    actual = e.pfn[r.row[i]]
    head = list_of(s, d, i, actual)
    first = s.pcps[0].lists
    if r.first[i + 1] > r.first[i]:
        t.unknown[head - first] = 0
    if not t.unknown[head - first] or list_first(s, head) != head:
        return False
    note_alloc(s, pcp_of(s, d.cpu[i], page_zone(s, actual)))
    carve(s, t, actual, order)
    s.held[d.page[i]] = actual
    s.counters.operation = i
    emit(s, MM_PAGE_ALLOC, actual, order, int(d.migratetype[i]), 0)
    s.pages[actual].use = (
        USED_MOVABLE if int(d.migratetype[i]) == MIGRATE_MOVABLE else USED
    )
    t.frames[actual].displaced = 0
    t.frames[actual].seen = r.row[i] + 1
    t.reason[d.page[i]] = BY_START
    t.score.allocations += 1
    t.reasons[BY_START] += 1
    return True


def follow(f: Follow, first: int) -> int:  # noqa: C901
    """Run operations from `first` until the record is full; the next to run.

    An operation exchanges the names of at most as many pages as answer it, and of
    one more.
    """
    s, d, e, r, t = f.state, f.demand, f.events, f.read, f.tally
    for i in range(first, len(d.op)):
        near = s.counters.events + bound(s, d, i) > len(s.record)
        near = near or t.numbers.swaps + len(t.theirs) + 1 > len(t.swaps)
        if near and i > first:
            return i
        before(f, i)
        start = s.counters.events
        if alloc_before_trace(f, i):
            continue
        if d.op[i] == DRAIN_CPU:
            follow_drain(f, i)
            continue
        if d.op[i] == BULK and not listed_on_pcp(s, d, i):
            follow_strange(f, i)
            continue
        pcp = pcp_of(s, d.cpu[i], page_zone(s, e.pfn[r.row[i]]))
        factor = pcp.free_factor
        operate(s, d, i)
        op = d.op[i]
        if op == ALLOC:
            follow_alloc(f, i, start)
        elif op == BULK:
            follow_bulk(f, i, start)
        elif op != FREE_PREPARE:
            listed(f, i)
            mine = pages_of_record(s, t, start, MM_PAGE_PCPU_DRAIN)
            theirs = pages_of_rows(f, i, MM_PAGE_PCPU_DRAIN)
            if mine or theirs:
                sync_drain(f, i, mine, theirs, factor)
        if op != ALLOC and op != BULK:  # noqa: PLR1714
            t.frames[e.pfn[r.row[i]]].seen = r.row[i] + 1
    return len(d.op)
