# SPDX-License-Identifier: GPL-2.0-only
"""Compare a drain with the kernel's, and make it the kernel's."""

from xpfo_model.allocator.buddy import __free_one_page, pcp_allowed_order
from xpfo_model.allocator.demand import (
    ALLOC,
    BULK,
    FREE,
    FREE_COMMIT,
)
from xpfo_model.allocator.pcp import (
    order_to_pindex,
    pcp_of,
)
from xpfo_model.allocator.profiles import SIZE_AUTO
from xpfo_model.allocator.sizing import nr_pcp_free
from xpfo_model.allocator.state import (
    MIGRATE_PCPTYPES,
    Record,
    State,
    emit,
    page_zone,
)
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.events import (
    FAILED,
    MM_PAGE_PCPU_DRAIN,
)
from xpfo_model.fidelity.answers import pages_of_rows
from xpfo_model.fidelity.lookahead import in_buddy
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
    LOOK_AHEAD,
    Follow,
)
from xpfo_model.jit import noinline


@noinline
def net_until_drain(f: Follow, i: int) -> int:
    """Frames that the CPU's pcp gains from operation `i` to the kernel's drain."""
    s, d, r = f.state, f.demand, f.read
    net = 0
    most = 0
    for j in range(i + 1, min(i + LOOK_AHEAD, len(d.op))):
        if d.cpu[j] != d.cpu[i] or not pcp_allowed_order(s, int(d.order[j])):
            continue
        answers = r.first[j + 1] - r.first[j]
        if d.op[j] == FREE or d.op[j] == FREE_COMMIT:
            net += 1 << int(d.order[j])
            if answers:
                return net
        elif d.op[j] == ALLOC:
            net += (answers - 1) << int(d.order[j])
        elif d.op[j] == BULK:
            net += answers - d.part[j]
        most = max(most, net)
    return most + 1


@noinline
def learn_high(f: Follow, i: int, pcp: Record, mine: int, theirs: int) -> None:
    """The kernel drained at another time than the model, or more, or less.

    Where high is known, it is the count that must be wrong: by pages that were
    taken with no event. Else high is what it must be.
    """
    s, t = f.state, f.tally
    zone = s.zones[pcp.zone]
    known = (
        t.sizes_known != 0
        and s.profile.sizing != SIZE_AUTO
        and pcp.batch == t.sizes[pcp.zone].batch
    )
    # before the first drain high is all there is: nothing is known of it
    learnt = pcp.high < zone.managed_pages
    count = pcp.count
    # v6.18 lowers high every second with no event: decay_pcp_high()
    early = s.profile.sizing != SIZE_AUTO and count - pcp.high < -pcp.batch
    if theirs and mine:
        learn_factor(s, pcp, theirs)
    elif mine and zone.reclaim_active:
        zone.reclaim_active = 0
    elif theirs and learnt and early:
        zone.reclaim_active = 1
    elif not known:
        more = 0 if theirs else net_until_drain(f, i)
        pcp.high = count + more
        pcp.high_min = min(pcp.high_min, count + more)
    elif theirs:
        # less is missing than was thought
        more = min(pcp.high - count, t.missing[pcp.index])
        pcp.count += more
        t.missing[pcp.index] -= more
        if nr_pcp_free(s, pcp, pcp.high, False) != theirs:
            learn_factor(s, pcp, theirs)
    else:
        less = max(pcp.high - net_until_drain(f, i), 0)
        pcp.count = min(less, count)
        t.missing[pcp.index] += count - pcp.count


@noinline
def learn_factor(s: State, pcp: Record, size: int) -> None:
    """The kernel drained another number of frames than the model."""
    if s.profile.sizing == SIZE_AUTO:
        pcp.free_count = size
        return
    factor = 0
    while pcp.batch << factor < size:
        factor += 1
    pcp.free_factor = min(factor + 1, s.profile.batch_scale_max)


@noinline
def sync_drain(  # noqa: C901
    f: Follow,
    i: int,
    mine: int,
    theirs: int,
    factor: int,
) -> None:
    """Make the pages that the model drained the kernel's.

    `factor` is what the pcp's free_factor was before the operation.
    """
    s, d, e, t = f.state, f.demand, f.events, f.tally
    t.score.drains += theirs > 0
    start = differ_at(t, mine, theirs)
    if theirs and mine:
        t.score.drains_also += 1
        t.score.drains_same_size += mine == theirs
    for k in range(theirs):
        t.frames[t.theirs[k]].displaced = 0
    if start == mine == theirs:
        t.score.drains_same_frames += 1
        return
    for k in range(mine - 1, start - 1, -1):
        pfn = t.mine[k]
        if theirs and in_buddy(f, pfn):
            # the kernel could not drain it: it was never on its lists
            t.reasons[BY_LOCK] += 1
            continue
        order = int(s.record[t.event[k]].order)
        migratetype = int(s.record[t.event[k]].migratetype)
        carve(s, t, pfn, order)
        s.pages[pfn].migratetype = migratetype
        if migratetype >= MIGRATE_PCPTYPES:
            migratetype = MIGRATE_MOVABLE
        pindex = order_to_pindex(s, migratetype, order)
        enter_pcp(s, t, pcp_of(s, d.cpu[i], page_zone(s, pfn)), pindex, pfn, True)
        t.frames[pfn].displaced = FAILED + 2
        t.frames[pfn].why = BY_DRAIN
    pfn = t.theirs[0] if theirs else t.mine[0]
    if start == min(mine, theirs):
        t.reasons[BY_HIGH] += 1
        pcp = pcp_of(s, d.cpu[i], page_zone(s, pfn))
        if not theirs:
            # it will come, at a later push
            s.counters.events -= mine
            if s.profile.sizing != SIZE_AUTO:
                pcp.free_factor = factor
        learn_high(f, i, pcp, mine, theirs)
    else:
        t.reasons[BY_DRAIN] += 1
    for k in range(start, theirs):
        pfn = t.theirs[k]
        order = int(e.order[t.row[k]])
        carve(s, t, pfn, order)
        migratetype = int(e.migratetype[t.row[k]])
        if s.profile.drain_current_type:
            retype(s, pfn, order, migratetype)
        __free_one_page(s, pfn, page_zone(s, pfn), order, migratetype, False)


@noinline
def follow_drain(f: Follow, i: int) -> None:
    """Drain what the kernel drained with no free: whose pcps, it does not say."""
    s, t = f.state, f.tally
    theirs = pages_of_rows(f, i, MM_PAGE_PCPU_DRAIN)
    s.counters.operation = i
    t.reasons[BY_REMOTE] += 1
    for k in range(theirs):
        drain_row(f, t.row[k])


def drain_row(f: Follow, row: int) -> None:
    """Take one page from wherever it is to the buddy lists, as the kernel did."""
    s, e, t = f.state, f.events, f.tally
    pfn = e.pfn[row]
    order = int(e.order[row])
    migratetype = int(e.migratetype[row])
    carve(s, t, pfn, order)
    t.frames[pfn].displaced = 0
    __free_one_page(s, pfn, page_zone(s, pfn), order, migratetype, False)
    emit(s, MM_PAGE_PCPU_DRAIN, pfn, order, migratetype, 0)
