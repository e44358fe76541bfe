# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT003 - compiled calls pass flags by position
"""Compare a drain with the kernel's, and make it the kernel's."""

from xpfo_model.allocator.buddy import __free_one_page, pcp_allowed_order
from xpfo_model.allocator.demand import (
    ALLOC,
    BULK,
    FREE,
    FREE_COMMIT,
    Demand,
)
from xpfo_model.allocator.pcp import (
    order_to_pindex,
    pcp_of,
)
from xpfo_model.allocator.profiles import (
    BATCH_SCALE_MAX,
    DRAIN_CURRENT_TYPE,
    SIZE_AUTO,
    SIZING,
)
from xpfo_model.allocator.sizing import nr_pcp_free
from xpfo_model.allocator.state import (
    BATCH,
    COUNT,
    EVENTS,
    FREE_COUNT,
    FREE_FACTOR,
    HIGH,
    HIGH_MIN,
    MANAGED,
    MIGRATE_PCPTYPES,
    MIGRATETYPE,
    NR_ZONES,
    OPERATION,
    ORDER,
    PCP_FIELDS,
    PCPS,
    RECLAIM_ACTIVE,
    ZONE_FIELDS,
    State,
    emit,
    page_zone,
)
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.engine import seldom
from xpfo_model.events import (
    FAILED,
    MM_PAGE_PCPU_DRAIN,
    Events,
)
from xpfo_model.fidelity.answers import pages_of_rows
from xpfo_model.fidelity.later import in_buddy
from xpfo_model.fidelity.reading import Read
from xpfo_model.fidelity.refill import differ_at, retype
from xpfo_model.fidelity.resync import (
    carve,
    enter_pcp,
)
from xpfo_model.fidelity.tally import (
    BY_DRAIN,
    BY_HIGH,
    BY_LOCK,
    BY_REMOTE,
    DRAINS,
    DRAINS_ALSO,
    DRAINS_SAME,
    DRAINS_SAME_SIZE,
    LOOK_AHEAD,
    SIZES,
    Tally,
)


@seldom
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


@seldom
def learn_high(
    s: State, d: Demand, r: Read, t: Tally, i: int, pcp: int, mine: int, theirs: int
) -> None:
    """The kernel drained at another time than the model, or more, or less.

    Where high is known, it is the count that must be wrong: by pages that were
    taken with no event. Else high is what it must be.
    """
    zone = (pcp - PCPS) // PCP_FIELDS % NR_ZONES
    known = (
        t.sure != 0
        and s.mem[SIZING] != SIZE_AUTO
        and s.mem[pcp + BATCH] == t.sizes[zone * SIZES]
    )
    # before the first drain high is all there is: nothing is known of it
    learnt = s.mem[pcp + HIGH] < s.mem[zone * ZONE_FIELDS + MANAGED]
    count = s.mem[pcp + COUNT]
    # v6.18 lowers high every second with no event: decay_pcp_high()
    early = (
        s.mem[SIZING] != SIZE_AUTO and count - s.mem[pcp + HIGH] < -s.mem[pcp + BATCH]
    )
    reclaim = zone * ZONE_FIELDS + RECLAIM_ACTIVE
    if theirs and mine:
        learn_factor(s, pcp, theirs)
    elif mine and s.mem[reclaim]:
        s.mem[reclaim] = 0
    elif theirs and learnt and early:
        s.mem[reclaim] = 1
    elif not known:
        more = 0 if theirs else net_until_drain(s, d, r, i)
        s.mem[pcp + HIGH] = count + more
        s.mem[pcp + HIGH_MIN] = min(s.mem[pcp + HIGH_MIN], count + more)
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


@seldom
def learn_factor(s: State, pcp: int, size: int) -> None:
    """The kernel drained another number of frames than the model."""
    if s.mem[SIZING] == SIZE_AUTO:
        s.mem[pcp + FREE_COUNT] = size
        return
    factor = 0
    while s.mem[pcp + BATCH] << factor < size:
        factor += 1
    s.mem[pcp + FREE_FACTOR] = min(factor + 1, s.mem[BATCH_SCALE_MAX])


@seldom
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
        if theirs and in_buddy(e, r, t, pfn):
            # the kernel could not drain it: it was never on its lists
            c[BY_LOCK] += 1
            continue
        order = s.record[t.event[k] + ORDER]
        migratetype = s.record[t.event[k] + MIGRATETYPE]
        carve(s, t, pfn, order)
        s.tag[s.cached + pfn] = migratetype
        if migratetype >= MIGRATE_PCPTYPES:
            migratetype = MIGRATE_MOVABLE
        pindex = order_to_pindex(s, migratetype, order)
        enter_pcp(s, t, pcp_of(d.cpu[i], page_zone(s, pfn)), pindex, pfn, True)
        t.instead[pfn] = FAILED + 2
        t.why[pfn] = BY_DRAIN
    pfn = t.theirs[0] if theirs else t.mine[0]
    if start == min(mine, theirs):
        c[BY_HIGH] += 1
        pcp = pcp_of(d.cpu[i], page_zone(s, pfn))
        if not theirs:
            # it will come, at a later push
            s.mem[EVENTS] -= mine
            if s.mem[SIZING] != SIZE_AUTO:
                s.mem[pcp + FREE_FACTOR] = factor
        learn_high(s, d, r, t, i, pcp, mine, theirs)
    else:
        c[BY_DRAIN] += 1
    for k in range(start, theirs):
        pfn = t.theirs[k]
        order = e.order[t.row[k]]
        carve(s, t, pfn, order)
        migratetype = e.migratetype[t.row[k]]
        if s.mem[DRAIN_CURRENT_TYPE]:
            retype(s, pfn, order, migratetype)
        __free_one_page(s, pfn, page_zone(s, pfn), order, migratetype, False)


@seldom
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
    carve(s, t, pfn, order)
    t.instead[pfn] = 0
    __free_one_page(s, pfn, page_zone(s, pfn), order, migratetype, False)
    emit(s, MM_PAGE_PCPU_DRAIN, pfn, order, migratetype, 0)
