# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT003 - compiled calls pass flags by position  # noqa: RUF100
"""Run the model over a demand, beside the kernel's answers, and count.

After each operation the model is put where the kernel is; what it would have
done is what counts. A page that came to a list only because it was put there
makes the allocation that gets it one that was not predicted.
"""

from typing import Any, Final, NamedTuple

from xpfo_model.allocator.blocks import move_freepages_block
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
from xpfo_model.allocator.layout import BATCHES_HIGH_MIN
from xpfo_model.allocator.model import bound
from xpfo_model.allocator.pcp import (
    order_to_pindex,
    pcp_list,
    pcp_of,
)
from xpfo_model.allocator.profiles import CLAIM_THEN_STEAL, SIZE_AUTO
from xpfo_model.allocator.sizing import note_alloc, nr_pcp_free
from xpfo_model.allocator.state import (
    BATCH,
    COUNT,
    EVENT_FIELDS,
    EVENTS,
    FALLBACK_MIGRATETYPE,
    FALLBACK_ORDER,
    FLAGS,
    FREE_COUNT,
    FREE_FACTOR,
    HIGH,
    HIGH_MAX,
    HIGH_MIN,
    KIND,
    LISTS,
    MIGRATE_PCPTYPES,
    MIGRATETYPE,
    NR_ZONES,
    ON_PCP,
    OPERATION,
    ORDER,
    PCP_FIELDS,
    PCPS,
    PFN,
    RECLAIM_ACTIVE,
    USED,
    USED_MOVABLE,
    ZONE_FIELDS,
    State,
    emit,
    emit_extfrag,
    page_zone,
)
from xpfo_model.constants import MIGRATE_MOVABLE, PAGEBLOCK_ORDER
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_PCPU_DRAIN,
    Events,
)
from xpfo_model.fidelity.reading import AFTER_BULK, NONE, Read
from xpfo_model.fidelity.resync import (
    NOWHERE,
    block_around,
    carve,
    credit,
    depth_on,
    drop_first,
    enter_pcp,
    leave_pcp,
    length,
    pcp_around,
    put_back,
)

PCP: Final = 0
"""Level: the frames of refills are the kernel's."""
FULL: Final = 1
"""Level: the model chooses them."""

# Why the model was put right: index in Tally.counts.
BY_BULK: Final = 0
BY_FOREIGN: Final = 1
BY_BUDDY: Final = 2
BY_ORDER: Final = 3
BY_TYPE: Final = 4
BY_UNSEEN: Final = 5
BY_BATCH: Final = 6
BY_HIGH: Final = 7
BY_DRAIN: Final = 8
BY_LIST: Final = 9
BY_BOOT: Final = 10
BY_START: Final = 11
BY_REMOTE: Final = 12
REASONS: Final = (
    "bulk",
    "foreign",
    "buddy",
    "order",
    "type",
    "unseen",
    "batch",
    "high",
    "drain",
    "list",
    "boot",
    "start",
    "remote",
)
"""Names of the reasons, by number."""

# What else is counted there.
ALLOCATIONS: Final = 13
EXACT: Final = 14
REFILLS: Final = 15
REFILLS_ALSO: Final = 16
"""Refills of the kernel where the model refilled too."""
SAME_SIZE: Final = 17
SAME_FIRST: Final = 18
SAME_FRAMES: Final = 19
NEEDED: Final = 20
"""Allocations not predicted only because something before was put right."""
DRAINS: Final = 21
DRAINS_ALSO: Final = 22
"""Drains of the kernel where the model drained too."""
DRAINS_SAME_SIZE: Final = 23
DRAINS_SAME: Final = 24
NR_COUNTS: Final = 25

SIZES: Final = 3
"""Sizes of a zone's pcps in Tally.sizes."""
LOOK_AHEAD: Final = 1 << 13
"""Operations within which the kernel's drain is looked for."""


class Tally(NamedTuple):
    """What is counted, and scratch."""

    counts: Any
    """By reason, then ALLOCATIONS …, int64."""
    predicted: Any
    """Per allocation: the frame that the model chose, int64."""
    reason: Any
    """Per allocation: why it is not exact, or NR_COUNTS, int8."""
    instead: Any
    """Per frame on a list only because it was put there: what the model had there,
    plus 1; 0 for all others, int32."""
    why: Any
    """Per such frame: the reason, int8."""
    mine: Any
    """Frames that the model's operation took or drained, int64."""
    theirs: Any
    """Frames that the kernel's did, int64."""
    event: Any
    """Of `mine`: the event of the record, int64."""
    row: Any
    """Of `theirs`: the row of the trace, int64."""
    last: Any
    """Per frame: the last row that named it so far, or NONE, int64."""
    unseen: Any
    """Per frame: 1 if no event names it, uint8."""
    unknown: Any
    """Per pcp list: 1 while nobody knows what was on it as the trace began, uint8."""
    ghosts: Any
    """Per pcp, by its place in State.mem: frames of its lists that its count
    leaves out, because the kernel's lists must lack as many; int64."""
    sizes: Any
    """Batch, high and high_max of each zone once it is set up, int64."""
    level: int


def pages_of_rows(s: State, e: Events, r: Read, i: int, kind: int, t: Tally) -> int:
    """The pages that the kernel's answers hand out or drain; how many."""
    n = 0
    last = FAILED
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        t.last[e.pfn[row]] = row
        this = e.kind[row]
        if this == kind:
            t.theirs[n] = e.pfn[row]
            t.row[n] = row
            n += 1
            last = e.pfn[row]
        elif (
            this == MM_PAGE_ALLOC_EXTFRAG
            and kind == MM_PAGE_ALLOC_ZONE_LOCKED
            and s.profile.fallback == CLAIM_THEN_STEAL
            and e.pfn[row] != last
        ):
            t.theirs[n] = e.pfn[row]
            t.row[n] = row
            n += 1
    return n


def pages_of_record(s: State, t: Tally, start: int, kind: int) -> int:
    """The pages that the model handed out or drained since event `start`."""
    n = 0
    last = FAILED
    for event in range(start, s.mem[EVENTS]):
        at = event * EVENT_FIELDS
        this = s.record[at + KIND]
        if this == kind:
            last = s.record[at + PFN]
            t.mine[n] = last
            t.event[n] = at
            n += 1
        elif (
            this == MM_PAGE_ALLOC_EXTFRAG
            and kind == MM_PAGE_ALLOC_ZONE_LOCKED
            and s.profile.fallback == CLAIM_THEN_STEAL
            and s.record[at + PFN] != last
        ):
            t.mine[n] = s.record[at + PFN]
            t.event[n] = at
            n += 1
    return n


def differ_at(t: Tally, mine: int, theirs: int) -> int:
    """Index of the first page that the two sides chose differently."""
    for k in range(min(mine, theirs)):
        if t.mine[k] != t.theirs[k]:
            return k
    return min(mine, theirs)


def taint(t: Tally, k: int, mine: int, reason: int) -> None:
    """Page `k` of the kernel's came to its place only because it was put there."""
    if t.level == PCP:
        return
    chosen = t.mine[k] if k < mine else FAILED
    if chosen != t.theirs[k]:
        t.instead[t.theirs[k]] = chosen + 2
        t.why[t.theirs[k]] = reason


def learn_batch(s: State, t: Tally, zone: int, size: int) -> None:
    """A refill was larger or smaller than the model thought: from now on too."""
    sizes = zone * SIZES
    for cpu in range(s.cpus):
        pcp = pcp_of(cpu, zone)
        s.mem[pcp + BATCH] = size
        s.mem[pcp + HIGH_MIN] = size * BATCHES_HIGH_MIN
        s.mem[pcp + HIGH_MAX] = t.sizes[sizes + 2]
        if size == t.sizes[sizes]:
            s.mem[pcp + HIGH_MIN] = t.sizes[sizes + 1]
            if s.profile.sizing != SIZE_AUTO:
                s.mem[pcp + HIGH] = t.sizes[sizes + 1]


def learn_refill(s: State, d: Demand, t: Tally, i: int, size: int) -> None:
    """The kernel's refill had another size: batch is new, or how far it grew."""
    zone = page_zone(s, t.theirs[0])
    pcp = pcp_of(d.cpu[i], zone)
    batch = s.mem[pcp + BATCH]
    final = t.sizes[zone * SIZES]
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
    s.mem[pcp + FREE_FACTOR] = min(factor + 1, s.profile.batch_scale_max)


def undo_refill(s: State, t: Tally, start: int, mine: int, order: int, mt: int) -> None:
    """Give the model's pages from the `start`-th back, the last one first."""
    for k in range(mine - 1, start - 1, -1):
        if s.tag[t.mine[k]] == ON_PCP:
            leave_pcp(s, t.mine[k])
        if t.unseen[t.mine[k]]:
            # it was never free: taken before the trace began
            t.counts[BY_BOOT] += 1
            continue
        put_back(s, t.mine[k], order, mt)


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
        carve(s, pfn, order)
        s.tag[s.cached + pfn] = d.migratetype[i]
        if k >= gone:
            pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
            pindex = order_to_pindex(s, d.migratetype[i], order)
            enter_pcp(s, pcp, pindex, pfn, True)
        taint(t, k, mine, reason)


def retype(s: State, pfn: int, order: int, migratetype: int) -> None:
    """Give the blocks of a page a type, with the free pages in them."""
    blocks = 1 << max(order - PAGEBLOCK_ORDER, 0)
    first = pfn >> PAGEBLOCK_ORDER
    for block in range(first, first + blocks):
        if s.tag[s.block + block] != migratetype:
            s.tag[s.block + block] = migratetype
            frame = block << PAGEBLOCK_ORDER
            move_freepages_block(s, frame, page_zone(s, frame), migratetype)


def undo_claims(s: State, start: int) -> None:
    """Take the model's changes of ownership since event `start` back."""
    for event in range(start, s.mem[EVENTS]):
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


def redo_claims(s: State, e: Events, r: Read, i: int) -> None:
    """Make the kernel's changes of ownership."""
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        if e.kind[row] == MM_PAGE_ALLOC_EXTFRAG and e.flags[row] & CHANGE_OWNERSHIP:
            retype(s, e.pfn[row], e.fallback_order[row], e.migratetype[row])
        elif e.kind[row] == MM_PAGE_ALLOC_ZONE_LOCKED and s.profile.drain_current_type:
            # a page on a list is in a block of that type
            retype(s, e.pfn[row], e.order[row], e.migratetype[row])


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
        drop_first(s, t.ghosts, head, length(s, head))
        credit(s, t.ghosts, pcp_around(s, head), 1 << order)
    else:
        undo_refill(s, t, start, mine, order, d.migratetype[i])
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
        if mine and mine != theirs and not order:
            learn_refill(s, d, t, i, theirs)
    if t.level == FULL or reason != BY_BUDDY:
        c[reason] += 1
    return reason


def taken_silently(e: Events, r: Read, t: Tally, pfn: int) -> bool:
    """Whether the next that the trace says of a page is that it is freed."""
    row = t.last[pfn]
    if row == NONE:
        return True
    following = r.next_row[row]
    return following == NONE or e.kind[following] == MM_PAGE_FREE


def sync_alloc(
    s: State, d: Demand, e: Events, r: Read, t: Tally, i: int, actual: int
) -> int:
    """Make the page that the model handed out the kernel's; why, or NR_COUNTS."""
    got = s.held[d.page[i]]
    if got == actual:
        return NR_COUNTS
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
        if reason == BY_TYPE:
            depth = depth_on(s, head, actual)
        if got != FAILED and depth != FAILED and taken_silently(e, r, t, got):  # noqa: PLR1714
            reason = BY_BULK
            drop_first(s, t.ghosts, head, depth)
            credit(s, t.ghosts, pcp, 1 << order)
        elif got != FAILED:
            reason = BY_ORDER if depth != FAILED else reason
            pcp = pcp_of(d.cpu[i], page_zone(s, got))
            enter_pcp(s, pcp, pindex, got, False)
    elif got != FAILED:
        put_back(s, got, order, d.migratetype[i])
    carve(s, actual, order)
    s.held[d.page[i]] = actual
    t.counts[reason] += 1
    return reason


def net_until_drain(s: State, d: Demand, r: Read, i: int) -> int:
    """Frames that the CPU's pcp gains from operation `i` to the kernel's drain."""
    net = 0
    most = 0
    for j in range(i + 1, min(i + LOOK_AHEAD, len(d.op))):
        if d.cpu[j] != d.cpu[i] or not pcp_allowed_order(s, d.order[j]):
            continue
        answers = r.first[j + 1] - r.first[j]
        if d.op[j] == FREE or d.op[j] == FREE_COMMIT:
            net += 1 << d.order[j]
            if answers:
                return net
        elif d.op[j] == ALLOC:
            net += (answers - 1) << d.order[j]
        elif d.op[j] == BULK:
            net += answers - d.part[j]
        most = max(most, net)
    return most + 1


def learn_high(
    s: State, d: Demand, r: Read, t: Tally, i: int, pcp: int, mine: int, theirs: int
) -> None:
    """The kernel drained at another time than the model, or more, or less.

    Where high is known, it is the count that must be wrong: by pages that were
    taken with no event. Else high is what it must be.
    """
    zone = (pcp - PCPS) // PCP_FIELDS % NR_ZONES
    known = s.profile.sizing != SIZE_AUTO and (
        s.mem[pcp + BATCH] == t.sizes[zone * SIZES]
    )
    count = s.mem[pcp + COUNT]
    reclaim = zone * ZONE_FIELDS + RECLAIM_ACTIVE
    if theirs and mine:
        learn_factor(s, pcp, theirs)
    elif mine and s.mem[reclaim]:
        s.mem[reclaim] = 0
    elif theirs and count - s.mem[pcp + HIGH] < -s.mem[pcp + BATCH]:
        s.mem[reclaim] = 1
    elif not known:
        more = 0 if theirs else net_until_drain(s, d, r, i)
        s.mem[pcp + HIGH] = count + more
    elif theirs:
        # less is missing than was thought
        more = min(s.mem[pcp + HIGH] - count, t.ghosts[pcp])
        s.mem[pcp + COUNT] += more
        t.ghosts[pcp] -= more
        if nr_pcp_free(s, pcp, s.mem[pcp + HIGH], False) != theirs:
            learn_factor(s, pcp, theirs)
    else:
        less = max(s.mem[pcp + HIGH] - net_until_drain(s, d, r, i), 0)
        s.mem[pcp + COUNT] = min(less, count)
        t.ghosts[pcp] += count - s.mem[pcp + COUNT]


def learn_factor(s: State, pcp: int, size: int) -> None:
    """The kernel drained another number of frames than the model."""
    if s.profile.sizing == SIZE_AUTO:
        s.mem[pcp + FREE_COUNT] = size
        return
    factor = 0
    while s.mem[pcp + BATCH] << factor < size:
        factor += 1
    s.mem[pcp + FREE_FACTOR] = min(factor + 1, s.profile.batch_scale_max)


def sync_drain(  # noqa: C901
    s: State,
    d: Demand,
    e: Events,
    r: Read,
    t: Tally,
    i: int,
    mine: int,
    theirs: int,
    factor: int,
) -> None:
    """Make the pages that the model drained the kernel's.

    `factor` is what the pcp's free_factor was before the operation.
    """
    c = t.counts
    c[DRAINS] += theirs > 0
    start = differ_at(t, mine, theirs)
    if theirs and mine:
        c[DRAINS_ALSO] += 1
        c[DRAINS_SAME_SIZE] += mine == theirs
    for k in range(theirs):
        t.instead[t.theirs[k]] = 0
    if start == mine == theirs:
        c[DRAINS_SAME] += 1
        return
    for k in range(mine - 1, start - 1, -1):
        pfn = t.mine[k]
        order = s.record[t.event[k] + ORDER]
        migratetype = s.record[t.event[k] + MIGRATETYPE]
        carve(s, pfn, order)
        s.tag[s.cached + pfn] = migratetype
        if migratetype >= MIGRATE_PCPTYPES:
            migratetype = MIGRATE_MOVABLE
        pindex = order_to_pindex(s, migratetype, order)
        enter_pcp(s, pcp_of(d.cpu[i], page_zone(s, pfn)), pindex, pfn, True)
        t.instead[pfn] = FAILED + 2
        t.why[pfn] = BY_DRAIN
    pfn = t.theirs[0] if theirs else t.mine[0]
    if start == min(mine, theirs):
        c[BY_HIGH] += 1
        pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
        if not theirs:
            # it will come, at a later push
            s.mem[EVENTS] -= mine
            if s.profile.sizing != SIZE_AUTO:
                s.mem[pcp + FREE_FACTOR] = factor
        learn_high(s, d, r, t, i, pcp, mine, theirs)
    else:
        c[BY_DRAIN] += 1
    for k in range(start, theirs):
        pfn = t.theirs[k]
        order = e.order[t.row[k]]
        carve(s, pfn, order)
        migratetype = e.migratetype[t.row[k]]
        if s.profile.drain_current_type:
            retype(s, pfn, order, migratetype)
        __free_one_page(s, pfn, page_zone(s, pfn), order, migratetype, False)


def repeat_rows(s: State, e: Events, r: Read, i: int, start: int) -> None:
    """Record the kernel's refill in place of the model's: level PCP."""
    s.mem[EVENTS] = start
    for at in range(r.first[i], r.first[i + 1]):
        row = r.answers[at]
        if e.kind[row] == MM_PAGE_ALLOC_ZONE_LOCKED:
            emit(
                s,
                MM_PAGE_ALLOC_ZONE_LOCKED,
                e.pfn[row],
                e.order[row],
                e.migratetype[row],
                e.flags[row],
            )
        else:
            emit_extfrag(
                s,
                e.pfn[row],
                e.order[row],
                e.migratetype[row],
                e.fallback_order[row],
                e.fallback_migratetype[row],
                e.flags[row] & CHANGE_OWNERSHIP != 0,
            )


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
    reason = NR_COUNTS
    if pcp_allowed_order(s, order) and not d.flags[i] & LOCKED and (mine or theirs):
        reason = sync_refill(s, d, e, r, t, i, start, mine, theirs)
        if t.level == PCP and theirs:
            if mine:
                chosen = t.theirs[0]
                reason = NR_COUNTS
            repeat_rows(s, e, r, i, start)
            emit(s, MM_PAGE_ALLOC, chosen, order, d.migratetype[i], 0)
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


def follow_bulk(
    s: State, d: Demand, e: Events, r: Read, t: Tally, i: int, start: int
) -> None:
    """Compare and correct what a bulk allocation refilled."""
    mine = pages_of_record(s, t, start, MM_PAGE_ALLOC_ZONE_LOCKED)
    theirs = pages_of_rows(s, e, r, i, MM_PAGE_ALLOC_ZONE_LOCKED, t)
    t.counts[BY_BULK] += 1
    first = differ_at(t, mine, theirs)
    if first != mine or mine != theirs:
        undo_refill(s, t, first, mine, d.order[i], d.migratetype[i])
        if first < mine:
            undo_claims(s, start)
        redo_claims(s, e, r, i)
        redo_refill(s, d, t, i, first, mine, theirs, d.part[i], BY_BULK)
    if t.level == PCP and theirs:
        repeat_rows(s, e, r, i, start)


def before(s: State, d: Demand, e: Events, r: Read, t: Tally, i: int) -> None:
    """Make ready what the demand names by the trace: bulk, pages never allocated."""
    if d.op[i] == BULK:
        d.count[i] = d.part[i]
        pfn = e.pfn[r.row[i]]
        pindex = order_to_pindex(s, d.migratetype[i], 0)
        pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
        d.count[i] += length(s, pcp_list(s, pcp, pindex))
    elif FREE <= d.op[i] <= FREE_TO_BUDDY:
        foreign = d.page[i] == FOREIGN
        pfn = e.pfn[r.row[i]]
        if d.op[i] != FREE_COMMIT:
            found = carve(s, pfn, d.order[i])
            t.counts[BY_FOREIGN] += foreign
            t.counts[BY_UNSEEN] += found > 0 and not foreign
        t.instead[pfn] = 0


def list_of(s: State, d: Demand, i: int, pfn: int) -> int:
    """Head of the pcp list of an operation, in the zone of a frame."""
    pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
    return pcp_list(s, pcp, order_to_pindex(s, d.migratetype[i], d.order[i]))


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
    carve(s, actual, order)
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


def follow_drain(s: State, d: Demand, e: Events, r: Read, t: Tally, i: int) -> None:  # noqa: ARG001
    """Drain what the kernel drained with no free: whose pcps, it does not say."""
    theirs = pages_of_rows(s, e, r, i, MM_PAGE_PCPU_DRAIN, t)
    s.mem[OPERATION] = i
    t.counts[BY_REMOTE] += 1
    for k in range(theirs):
        drain_row(s, e, t, t.row[k])


def drain_row(s: State, e: Events, t: Tally, row: int) -> None:
    """Take one page from wherever it is to the buddy lists, as the kernel did."""
    pfn = e.pfn[row]
    order = e.order[row]
    migratetype = e.migratetype[row]
    carve(s, pfn, order)
    t.instead[pfn] = 0
    __free_one_page(s, pfn, page_zone(s, pfn), order, migratetype, False)
    emit(s, MM_PAGE_PCPU_DRAIN, pfn, order, migratetype, 0)


def follow(
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
        pcp = pcp_of(d.cpu[i], page_zone(s, e.pfn[r.row[i]]))
        factor = s.mem[pcp + FREE_FACTOR]
        operate(s, d, i)
        op = d.op[i]
        if op == ALLOC:
            follow_alloc(s, d, e, r, t, i, start)
        elif op == BULK:
            follow_bulk(s, d, e, r, t, i, start)
        elif op != FREE_PREPARE:
            mine = pages_of_record(s, t, start, MM_PAGE_PCPU_DRAIN)
            theirs = pages_of_rows(s, e, r, i, MM_PAGE_PCPU_DRAIN, t)
            if mine or theirs:
                sync_drain(s, d, e, r, t, i, mine, theirs, factor)
        if op != ALLOC and op != BULK:  # noqa: PLR1714
            t.last[e.pfn[r.row[i]]] = r.row[i]
    return len(d.op)
