# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT003 - compiled calls pass flags by position
"""Run the model over a demand, beside the kernel's answers, and count.

After each operation the model is put where the kernel is; what it would have
done is what counts. A page that came to a list only because it was put there
makes the allocation that gets it one that was not predicted.
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
from xpfo_model.allocator.model import bound
from xpfo_model.allocator.pcp import (
    order_to_pindex,
    pcp_list,
    pcp_of,
    pindex_to_order,
)
from xpfo_model.allocator.sizing import note_alloc
from xpfo_model.allocator.state import (
    EVENTS,
    FREE_FACTOR,
    LISTS,
    MIGRATE_PCPTYPES,
    ON_PCP,
    OPERATION,
    PCPS,
    USED,
    USED_MOVABLE,
    State,
    emit,
    page_zone,
)
from xpfo_model.constants import MIGRATE_MOVABLE, PAGEBLOCK_ORDER
from xpfo_model.engine import seldom
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_PCPU_DRAIN,
    Events,
)
from xpfo_model.fidelity.answers import pages_of_record, pages_of_rows, repeat_rows
from xpfo_model.fidelity.context import NONE
from xpfo_model.fidelity.drain import follow_drain, sync_drain
from xpfo_model.fidelity.later import gone, says_next
from xpfo_model.fidelity.names import exchange_later
from xpfo_model.fidelity.reading import AFTER_BULK, Read
from xpfo_model.fidelity.refill import (
    differ_at,
    redo_claims,
    redo_refill,
    sync_refill,
    undo_claims,
    undo_refill,
)
from xpfo_model.fidelity.resync import (
    NOWHERE,
    block_around,
    carve,
    credit,
    depth_on,
    drop_first,
    enter_pcp,
    length,
    pcp_around,
    put_back,
)
from xpfo_model.fidelity.tally import (
    ALLOCATIONS,
    BY_BUDDY,
    BY_BULK,
    BY_FOREIGN,
    BY_LOCK,
    BY_ORDER,
    BY_START,
    BY_TYPE,
    BY_UNSEEN,
    EXACT,
    NEEDED,
    NR_COUNTS,
    PCP,
    Tally,
)


def list_of(s: State, d: Demand, i: int, pfn: int) -> int:
    """Head of the pcp list of an operation, in the zone of a frame."""
    pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
    return pcp_list(s, pcp, order_to_pindex(s, d.migratetype[i], d.order[i]))


def refilled(s: State, d: Demand, t: Tally, i: int, mine: int) -> None:
    """Note which list the pages of the model's refill are on."""
    for k in range(mine):
        t.home[t.mine[k]] = list_of(s, d, i, t.mine[k])


def listed(s: State, d: Demand, e: Events, r: Read, t: Tally, i: int) -> None:
    """Note which list a page went to as it was freed."""
    pfn = e.pfn[r.row[i]]
    if s.tag[pfn] == ON_PCP:
        t.skipped[pfn] = 0
        migratetype = s.tag[s.block + (pfn >> PAGEBLOCK_ORDER)]
        if migratetype >= MIGRATE_PCPTYPES:
            migratetype = MIGRATE_MOVABLE
        pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
        t.home[pfn] = pcp_list(s, pcp, order_to_pindex(s, migratetype, d.order[i]))


@seldom
def pass_over(
    s: State, e: Events, r: Read, t: Tally, head: int, pfn: int, depth: int
) -> int:
    """The kernel took the page `depth` below `pfn`: what became of those above; why.

    `pfn` is off the list already. Pages that leave the buddy lists next went there
    as they were freed: an interrupt had come in under the pcp's lock. Pages that are
    freed next, or not named again, somebody took with no event.
    """
    pcp = pcp_around(s, head)
    order = pindex_to_order(s, head - s.mem[pcp + LISTS])
    to_buddy = says_next(e, r, t, pfn) == MM_PAGE_ALLOC_ZONE_LOCKED
    for above in range(depth + 1):
        if above:
            pfn = s.link[head]
            drop_first(s, t, head, 1)
        else:
            credit(s, t, pcp, 1 << order)
        kind = says_next(e, r, t, pfn)
        if to_buddy and (kind == MM_PAGE_ALLOC_ZONE_LOCKED or kind == NONE):  # noqa: PLR1714, SIM109
            block = s.tag[s.block + (pfn >> PAGEBLOCK_ORDER)]
            __free_one_page(s, pfn, page_zone(s, pfn), order, block, False)
    return BY_LOCK if to_buddy else BY_BULK


@seldom
def sync_alloc(
    s: State, d: Demand, e: Events, r: Read, t: Tally, i: int, actual: int
) -> int:
    """Make the page that the model handed out the kernel's; why."""
    got = s.held[d.page[i]]
    order = d.order[i]
    listed = pcp_allowed_order(s, order) and not d.flags[i] & LOCKED
    reason = BY_UNSEEN
    if s.tag[actual] == ON_PCP:
        reason = BY_TYPE
    elif block_around(s, actual) != NOWHERE:
        reason = BY_BUDDY
    if listed:
        pindex = order_to_pindex(s, d.migratetype[i], order)
        pcp = pcp_of(d.cpu[i], page_zone(s, actual))
        head = pcp_list(s, pcp, pindex)
        depth = FAILED
        if reason == BY_TYPE and t.home[actual] == head:
            reason = BY_ORDER
            depth = depth_on(s, head, actual)
        elif t.unknown[head - s.mem[PCPS + LISTS]] and t.last[actual] == NONE:
            # below all that the trace has put on the list
            reason = BY_START
            depth = length(s, head)
        if got != FAILED and depth != FAILED and gone(e, r, t, got):  # noqa: PLR1714
            why = pass_over(s, e, r, t, head, got, depth)
            t.counts[why] += reason == BY_START
            reason = BY_START if reason == BY_START else why
        elif got != FAILED:
            pcp = pcp_of(d.cpu[i], page_zone(s, got))
            # passed over twice, it is not where the model has it
            enter_pcp(s, t, pcp, pindex, got, t.skipped[got] != 0)
            t.skipped[got] = 1
    elif got != FAILED:
        put_back(s, got, order, d.migratetype[i])
    carve(s, t, actual, order)
    s.held[d.page[i]] = actual
    t.counts[reason] += 1
    return reason


def follow_alloc(
    s: State, d: Demand, e: Events, r: Read, t: Tally, i: int, start: int
) -> None:
    """Compare and correct one allocation."""
    actual = e.pfn[r.row[i]]
    page = d.page[i]
    order = d.order[i]
    chosen = s.held[page]
    mine = pages_of_record(s, t, start, MM_PAGE_ALLOC_ZONE_LOCKED)
    theirs = pages_of_rows(s, e, r, i, MM_PAGE_ALLOC_ZONE_LOCKED, t)
    refilled(s, d, t, i, mine)
    reason = NR_COUNTS
    if pcp_allowed_order(s, order) and not d.flags[i] & LOCKED and (mine or theirs):
        reason = sync_refill(s, d, e, r, t, i, start, mine, theirs)
        if t.level == PCP and theirs:
            if mine:
                chosen = t.theirs[0]
                reason = NR_COUNTS
            repeat_rows(s, e, r, i, start)
            emit(s, MM_PAGE_ALLOC, chosen, order, d.migratetype[i], 0)
    if t.level == PCP or not (mine and theirs):
        exchange_later(t, s.mem[EVENTS], chosen, actual, order)
    later = NR_COUNTS
    if s.held[page] != actual:
        later = sync_alloc(s, d, e, r, t, i, actual)
    if reason == NR_COUNTS:
        reason = later
    if t.instead[actual]:
        chosen = t.instead[actual] - 2
        t.instead[actual] = 0
        reason = t.why[actual]
        t.counts[NEEDED] += 1
    if d.flags[i] & AFTER_BULK:
        chosen = FAILED
        reason = BY_BULK
    s.tag[actual] = USED_MOVABLE if d.migratetype[i] == MIGRATE_MOVABLE else USED
    t.predicted[page] = chosen
    t.counts[ALLOCATIONS] += 1
    if chosen == actual:
        t.counts[EXACT] += 1
        reason = NR_COUNTS
    t.reason[page] = reason
    t.last[actual] = r.row[i]


@seldom
def follow_bulk(
    s: State, d: Demand, e: Events, r: Read, t: Tally, i: int, start: int
) -> None:
    """Compare and correct what a bulk allocation refilled."""
    mine = pages_of_record(s, t, start, MM_PAGE_ALLOC_ZONE_LOCKED)
    theirs = pages_of_rows(s, e, r, i, MM_PAGE_ALLOC_ZONE_LOCKED, t)
    refilled(s, d, t, i, mine)
    t.counts[BY_BULK] += 1
    first = differ_at(t, mine, theirs)
    if first != mine or mine != theirs:
        undo_refill(s, e, r, t, first, mine, d.order[i], d.migratetype[i])
        if first < mine:
            undo_claims(s, start)
        redo_claims(s, e, r, i)
        redo_refill(s, d, t, i, first, mine, theirs, d.part[i], BY_BULK)
    if t.level == PCP and theirs:
        repeat_rows(s, e, r, i, start)


@seldom
def follow_strange(s: State, d: Demand, e: Events, r: Read, t: Tally, i: int) -> None:
    """A refill of a list that the version followed does not have."""
    theirs = pages_of_rows(s, e, r, i, MM_PAGE_ALLOC_ZONE_LOCKED, t)
    t.counts[BY_BULK] += 1
    for k in range(theirs):
        carve(s, t, t.theirs[k], d.order[i])


def before(s: State, d: Demand, e: Events, r: Read, t: Tally, i: int) -> None:
    """Make ready what the demand names by the trace: bulk, pages never allocated."""
    if d.op[i] == BULK and pcp_allowed_order(s, d.order[i]):
        d.count[i] = d.part[i]
        pfn = e.pfn[r.row[i]]
        pindex = order_to_pindex(s, d.migratetype[i], 0)
        pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
        d.count[i] += length(s, pcp_list(s, pcp, pindex))
    elif FREE <= d.op[i] <= FREE_TO_BUDDY:
        foreign = d.page[i] == FOREIGN
        pfn = e.pfn[r.row[i]]
        if d.op[i] != FREE_COMMIT:
            found = carve(s, t, pfn, d.order[i])
            t.counts[BY_FOREIGN] += foreign
            t.counts[BY_UNSEEN] += found > 0 and not foreign
        t.instead[pfn] = 0


def from_the_dark(s: State, d: Demand, e: Events, r: Read, t: Tally, i: int) -> bool:
    """An allocation from what was on a list before the trace began: nobody can
    know. Whether it was one; then it is done.
    """  # noqa: D205
    order = d.order[i]
    if d.op[i] != ALLOC or not pcp_allowed_order(s, order) or d.flags[i] & LOCKED:
        return False
    actual = e.pfn[r.row[i]]
    head = list_of(s, d, i, actual)
    first = s.mem[PCPS + LISTS]
    if r.first[i + 1] > r.first[i]:
        t.unknown[head - first] = 0
    if not t.unknown[head - first] or s.link[head] != head:
        return False
    note_alloc(s, pcp_of(d.cpu[i], page_zone(s, actual)))
    carve(s, t, actual, order)
    s.held[d.page[i]] = actual
    s.mem[OPERATION] = i
    emit(s, MM_PAGE_ALLOC, actual, order, d.migratetype[i], 0)
    s.tag[actual] = USED_MOVABLE if d.migratetype[i] == MIGRATE_MOVABLE else USED
    t.instead[actual] = 0
    t.last[actual] = r.row[i]
    t.reason[d.page[i]] = BY_START
    t.counts[ALLOCATIONS] += 1
    t.counts[BY_START] += 1
    return True


def follow(  # noqa: C901
    s: State, d: Demand, e: Events, r: Read, t: Tally, first: int, room: int
) -> int:
    """Run operations from `first` until the record is full; the next to run."""
    for i in range(first, len(d.op)):
        if s.mem[EVENTS] + bound(s, d, i) > room:
            return i
        before(s, d, e, r, t, i)
        start = s.mem[EVENTS]
        if from_the_dark(s, d, e, r, t, i):
            continue
        if d.op[i] == DRAIN_CPU:
            follow_drain(s, d, e, r, t, i)
            continue
        if d.op[i] == BULK and not pcp_allowed_order(s, d.order[i]):
            follow_strange(s, d, e, r, t, i)
            continue
        pcp = pcp_of(d.cpu[i], page_zone(s, e.pfn[r.row[i]]))
        factor = s.mem[pcp + FREE_FACTOR]
        operate(s, d, i)
        op = d.op[i]
        if op == ALLOC:
            follow_alloc(s, d, e, r, t, i, start)
        elif op == BULK:
            follow_bulk(s, d, e, r, t, i, start)
        elif op != FREE_PREPARE:
            listed(s, d, e, r, t, i)
            mine = pages_of_record(s, t, start, MM_PAGE_PCPU_DRAIN)
            theirs = pages_of_rows(s, e, r, i, MM_PAGE_PCPU_DRAIN, t)
            if mine or theirs:
                sync_drain(s, d, e, r, t, i, mine, theirs, factor)
        if op != ALLOC and op != BULK:  # noqa: PLR1714
            t.last[e.pfn[r.row[i]]] = r.row[i]
    return len(d.op)
