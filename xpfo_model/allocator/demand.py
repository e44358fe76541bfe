# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"
# ruff: noqa: FBT001, FBT003 - compiled calls pass flags by position
"""Demand: what is asked of the allocator, by whom; and running one operation.

A freed page is named by the allocation that it came from, never by a pfn, unless
it is FOREIGN: older than the demand, or taken without an event.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from xpfo_model.allocator.buddy import __free_one_page, pcp_allowed_order
from xpfo_model.allocator.pcp import (
    __rmqueue_pcplist,
    decay_pcp_high,
    drain_pages_zone,
    free_unref_page_commit,
    pcp_of,
)
from xpfo_model.allocator.state import (
    HIGH,
    MANAGED,
    MIGRATE_PCPTYPES,
    NR_ZONES,
    OPERATION,
    USED,
    USED_MOVABLE,
    WMARK_LOW,
    ZONE_FIELDS,
    State,
    emit,
    page_zone,
)
from xpfo_model.allocator.watermarks import zone_watermark_ok
from xpfo_model.allocator.zonelist import __alloc_pages
from xpfo_model.constants import MIGRATE_MOVABLE, PAGEBLOCK_ORDER
from xpfo_model.engine import seldom
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_FREE,
    MM_PAGE_FREE_BATCHED,
)

# Operations of a demand.
ALLOC: Final = 0
"""__alloc_pages()."""
FREE: Final = 1
"""One page: __free_pages(), folio_put()."""
FREE_PREPARE: Final = 2
"""First pass of free_unref_page_list() over a page: its event."""
FREE_COMMIT: Final = 3
"""Second pass: the page goes to the pcp."""
FREE_TO_BUDDY: Final = 4
"""__free_pages_core(), tails of alloc_pages_exact(): to the tail, past the pcp."""
BULK: Final = 5
"""alloc_pages_bulk(): `count` pages of order 0, with no event of their own."""
DRAIN_ALL: Final = 6
"""drain_all_pages(): every pcp."""
DRAIN_CPU: Final = 7
"""drain_local_pages(): the pcps of the CPU."""
DECAY: Final = 8
"""refresh_cpu_vm_stats(): the decay of the CPU's pcps."""

LOCKED: Final = 1
"""Flag: the pcp's lock was held when the operation interrupted the CPU."""

FOREIGN: Final = -1
"""Page of an allocation that the demand does not hold; its `part` is the pfn."""


class Demand(NamedTuple):
    """Columns of equal length, one row an operation, in order."""

    op: Any
    """ALLOC … DECAY, uint8."""
    cpu: Any
    """uint16."""
    order: Any
    """int8."""
    migratetype: Any
    """Of ALLOC and BULK, int8. `gfp.migratetype`."""
    highest: Any
    """Of ALLOC and BULK: the highest zone that the mask allows, int8."""
    atomic: Any
    """Of ALLOC: flags of the slow path, HIGHATOMIC or NON_BLOCK, uint8."""
    flags: Any
    """LOCKED, uint8."""
    page: Any
    """Number of the allocation, from 0; of a free: of the one that is freed, or
    FOREIGN, int64."""
    part: Any
    """Of a free: its first frame, counted from the allocation's, int64."""
    count: Any
    """Of BULK: pages wanted, int64."""


DTYPES: Final = {
    "op": np.dtype(np.uint8),
    "cpu": np.dtype(np.uint16),
    "order": np.dtype(np.int8),
    "migratetype": np.dtype(np.int8),
    "highest": np.dtype(np.int8),
    "atomic": np.dtype(np.uint8),
    "flags": np.dtype(np.uint8),
    "page": np.dtype(np.int64),
    "part": np.dtype(np.int64),
    "count": np.dtype(np.int64),
}
"""Column name to dtype, in the order of `Demand`."""


def empty(length: int) -> Demand:
    """A demand of `length` rows of zeros."""
    return Demand(*(np.zeros(length, dtype) for dtype in DTYPES.values()))


def alloc(s: State, d: Demand, i: int) -> None:
    """An ALLOC: choose a page, hold it, say so."""
    order = d.order[i]
    migratetype = d.migratetype[i]
    page = __alloc_pages(
        s,
        d.cpu[i],
        order,
        migratetype,
        d.highest[i],
        d.atomic[i],
        d.flags[i] & LOCKED != 0,
    )
    s.held[d.page[i]] = page
    if page != FAILED and migratetype == MIGRATE_MOVABLE:
        s.tag[page] = USED_MOVABLE
    emit(s, MM_PAGE_ALLOC, page, order, migratetype, 0)


def freed(s: State, d: Demand, i: int) -> int:
    """First frame of the page that a free names, FAILED if it was never given."""
    number = d.page[i]
    if number == FOREIGN:
        return d.part[i]
    page = s.held[number]
    return FAILED if page == FAILED else page + d.part[i]


def free_unref_page(s: State, cpu: int, pfn: int, order: int, locked: bool) -> None:
    """free_unref_page(), v6.1: to the pcp of its block's type, else to the buddy.

    __free_pages() in v4.14, __free_frozen_pages() in v6.18.
    """
    zone = page_zone(s, pfn)
    migratetype = s.tag[s.block + (pfn >> PAGEBLOCK_ORDER)]
    if locked or not pcp_allowed_order(s, order):
        __free_one_page(s, pfn, zone, order, migratetype, False)
        return
    s.tag[s.cached + pfn] = migratetype
    if migratetype >= MIGRATE_PCPTYPES:
        migratetype = MIGRATE_MOVABLE
    pcp = pcp_of(cpu, zone)
    free_unref_page_commit(s, pcp, zone, pfn, migratetype, order)


@seldom
def alloc_pages_bulk(
    s: State, cpu: int, migratetype: int, highest: int, wanted: int
) -> int:
    """alloc_pages_bulk(), v6.1 and v6.18: from one zone's pcp; how many."""
    for zone in range(highest, -1, -1):
        if not s.mem[zone * ZONE_FIELDS + MANAGED]:
            continue
        mark = s.mem[zone * ZONE_FIELDS + WMARK_LOW] + wanted
        if not zone_watermark_ok(s, zone, 0, mark, highest, 0):
            continue
        pcp = pcp_of(cpu, zone)
        for got in range(wanted):
            if __rmqueue_pcplist(s, pcp, zone, 0, migratetype, 0) == FAILED:
                return got
        return wanted
    return 0


def drain_local_pages(s: State, cpu: int) -> None:
    """drain_local_pages(), all versions: the pcps of a CPU, in all zones."""
    for zone in range(NR_ZONES):
        drain_pages_zone(s, cpu, zone)


def operate(s: State, d: Demand, i: int) -> None:  # noqa: C901, PLR0912
    """Run operation `i` of a demand."""
    s.mem[OPERATION] = i
    op = d.op[i]
    if op == ALLOC:
        alloc(s, d, i)
    elif op <= FREE_TO_BUDDY:
        pfn = freed(s, d, i)
        if pfn == FAILED:  # its allocation failed: who got nothing frees nothing
            return
        order = d.order[i]
        if op == FREE_COMMIT:
            emit(s, MM_PAGE_FREE_BATCHED, pfn, order, -1, 0)
        else:
            emit(s, MM_PAGE_FREE, pfn, order, -1, 0)
            s.tag[pfn] = USED
        if op == FREE or op == FREE_COMMIT:  # noqa: PLR1714, SIM109
            free_unref_page(s, d.cpu[i], pfn, order, d.flags[i] & LOCKED != 0)
        elif op == FREE_TO_BUDDY:
            migratetype = s.tag[s.block + (pfn >> PAGEBLOCK_ORDER)]
            __free_one_page(s, pfn, page_zone(s, pfn), order, migratetype, True)
    elif op == BULK:
        alloc_pages_bulk(s, d.cpu[i], d.migratetype[i], d.highest[i], d.count[i])
    elif op == DRAIN_CPU:
        drain_local_pages(s, d.cpu[i])
    elif op == DRAIN_ALL:
        for cpu in range(s.cpus):
            drain_local_pages(s, cpu)
    else:
        for zone in range(NR_ZONES):
            if s.mem[pcp_of(d.cpu[i], zone) + HIGH]:
                decay_pcp_high(s, d.cpu[i], zone)
