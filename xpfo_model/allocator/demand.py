# SPDX-License-Identifier: GPL-2.0-only
"""Demand: what is asked of the allocator, by whom; and running one operation.

A freed page is named by the allocation that it came from, never by a pfn, unless
it is FOREIGN: older than the demand, or taken without an event.
"""

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator.buddy import __free_one_page, pcp_allowed_order
from xpfo_model.allocator.packing import Packing
from xpfo_model.allocator.pcp import (
    __rmqueue_pcplist,
    decay_pcp_high,
    drain_pages_zone,
    free_unref_page_commit,
    pcp_of,
)
from xpfo_model.allocator.state import (
    MIGRATE_PCPTYPES,
    NR_ZONES,
    USED,
    USED_MOVABLE,
    WMARK_LOW,
    State,
    emit,
    get_pageblock_migratetype,
    page_zone,
)
from xpfo_model.allocator.watermarks import zone_watermark_ok
from xpfo_model.allocator.zonelist import __alloc_pages
from xpfo_model.constants import MAX_PAGE_ORDER, MIGRATE_MOVABLE
from xpfo_model.errors import XpfoModelError
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_FREE,
    MM_PAGE_FREE_BATCHED,
)
from xpfo_model.jit import noinline

# Operations of a demand.
ALLOC: Final = 0
"""__alloc_pages()."""
FREE: Final = 1
"""A single page: __free_pages(), folio_put()."""
FREE_PREPARE: Final = 2
"""First pass of free_unref_page_list() over a page: its event."""
FREE_COMMIT: Final = 3
"""Second pass: the page goes to the pcp."""
FREE_TO_BUDDY: Final = 4
"""__free_pages_core(), tails of alloc_pages_exact(): to the tail, past the pcp."""
BULK: Final = 5
"""alloc_pages_bulk(): `wanted` pages of order 0, with no event of their own."""
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


Rows: TypeAlias = npt.NDArray[np.int64] | npt.NDArray[np.bool_]


class Demand(NamedTuple):
    """Columns of equal length, one row an operation, in order."""

    op: npt.NDArray[np.uint8]
    """ALLOC … DECAY."""
    cpu: npt.NDArray[np.uint16]
    order: npt.NDArray[np.int8]
    migratetype: npt.NDArray[np.int8]
    """Of ALLOC and BULK. `gfp.migratetype`."""
    highest: npt.NDArray[np.int8]
    """Of ALLOC and BULK: the highest zone that the mask allows."""
    atomic: npt.NDArray[np.uint8]
    """Of ALLOC: flags of the slow path, HIGHATOMIC or NON_BLOCK."""
    flags: npt.NDArray[np.uint8]
    """LOCKED."""
    page: npt.NDArray[np.int64]
    """Number of the allocation, from 0; of a free: of the one that is freed, or
    FOREIGN."""
    part: npt.NDArray[np.int64]
    """Of a free: its first frame, counted from the allocation's."""
    wanted: npt.NDArray[np.int64]
    """Of BULK: how many pages."""

    def rows(self, which: Rows) -> "Demand":
        """The rows that numbers or a mask select."""
        return Demand(*(column[which] for column in self))  # type: ignore[arg-type]

    def before(self, other: "Demand") -> "Demand":
        """These rows, then those of another demand."""
        pairs: Any = zip(self, other, strict=True)
        return Demand(*(np.append(first, last) for first, last in pairs))


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
    "wanted": np.dtype(np.int64),
}
"""Column name to dtype, in the order of `Demand`."""


class DemandError(XpfoModelError):
    """A demand that cannot be asked of its machine."""


def empty(length: int) -> Demand:
    """A demand of `length` rows of zeros."""
    return Demand(*(np.zeros(length, dtype) for dtype in DTYPES.values()))


def checked(d: Demand, packed: Packing, orders: npt.NDArray[np.int8]) -> Demand:
    """A demand in packed frames. Raises `DemandError` if a row cannot be asked.

    `orders` holds the order of each allocation so far, FAILED of those to come; the
    demand's own are added.
    """
    asks = (d.op == ALLOC) | (d.op == BULK)
    frees = (d.op >= FREE) & (d.op <= FREE_TO_BUDDY)
    foreign = frees & (d.page == FOREIGN)
    numbered = (d.op == ALLOC) | (frees & ~foreign)
    faults = [
        (d.op > DECAY, "is of no operation"),
        (d.cpu >= packed.layout.cpus, "is of a CPU that the machine does not have"),
        (
            (d.order < 0) | (d.order > MAX_PAGE_ORDER),
            f"is not of 0 to {MAX_PAGE_ORDER}",
        ),
        (
            asks & ((d.migratetype < 0) | (d.migratetype >= MIGRATE_PCPTYPES)),
            "asks for a migratetype that no mask has",
        ),
        (asks & ((d.highest < 0) | (d.highest >= NR_ZONES)), "allows no zone"),
        (
            numbered & ((d.page < 0) | (d.page >= len(orders))),
            f"is of none of the {len(orders)} allocations",
        ),
    ]
    _raise_first(faults)
    taken = d.op == ALLOC
    orders[d.page[taken]] = d.order[taken]
    sizes = np.int64(1) << d.order.astype(np.int64)
    whole = np.zeros(len(d.op), np.int64)
    own = frees & ~foreign
    whole[own] = np.int64(1) << np.maximum(orders[d.page[own]], 0).astype(np.int64)
    last = d.part + sizes - 1
    faults = [
        (
            own & ((d.part < 0) | (d.part % sizes != 0) | (last >= whole)),
            "is of no part",
        ),
        (
            foreign
            & ~(packed.holds(d.part) & packed.holds(last) & (d.part % sizes == 0)),
            "frees a page that the machine does not have",
        ),
    ]
    _raise_first(faults)
    return d._replace(part=np.where(foreign, packed.pack(d.part), d.part))


def _raise_first(faults: list[tuple[npt.NDArray[np.bool_], str]]) -> None:
    for rows, what in faults:
        if rows.any():
            raise DemandError(
                f"row {int(np.argmax(rows))} of the demand {what}",
                remedy="make the demand for this machine",
            )


def alloc(s: State, d: Demand, i: int) -> None:
    """An ALLOC: choose a page, hold it, say so."""
    order = int(d.order[i])
    migratetype = int(d.migratetype[i])
    page = __alloc_pages(
        s,
        d.cpu[i],
        order,
        migratetype,
        int(d.highest[i]),
        int(d.atomic[i]),
        d.flags[i] & LOCKED != 0,
    )
    s.held[d.page[i]] = page
    if page != FAILED and migratetype == MIGRATE_MOVABLE:
        s.pages[page].use = USED_MOVABLE
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
    migratetype = get_pageblock_migratetype(s, pfn)
    if locked or not pcp_allowed_order(s, order):
        __free_one_page(s, pfn, zone, order, migratetype, False)
        return
    s.pages[pfn].migratetype = migratetype
    if migratetype >= MIGRATE_PCPTYPES:
        migratetype = MIGRATE_MOVABLE
    pcp = pcp_of(s, cpu, zone)
    free_unref_page_commit(s, pcp, zone, pfn, migratetype, order)


@noinline
def alloc_pages_bulk(
    s: State, cpu: int, migratetype: int, highest: int, wanted: int
) -> int:
    """alloc_pages_bulk(), v6.1 and v6.18: from one zone's pcp; how many."""
    for index in range(highest, -1, -1):
        zone = s.zones[index]
        if not zone.managed_pages:
            continue
        mark = zone.watermark[WMARK_LOW] + wanted
        if not zone_watermark_ok(s, zone, 0, mark, highest, 0):
            continue
        pcp = pcp_of(s, cpu, zone)
        for got in range(wanted):
            if __rmqueue_pcplist(s, pcp, zone, 0, migratetype, 0) == FAILED:
                return got
        return wanted
    return 0


def drain_local_pages(s: State, cpu: int) -> None:
    """drain_local_pages(), all versions: the pcps of a CPU, in all zones."""
    for zone in range(NR_ZONES):
        drain_pages_zone(s, cpu, s.zones[zone])


def operate(s: State, d: Demand, i: int) -> None:  # noqa: C901, PLR0912
    """Run operation `i` of a demand."""
    s.counters.operation = i
    op = d.op[i]
    if op == ALLOC:
        alloc(s, d, i)
    elif op <= FREE_TO_BUDDY:
        pfn = freed(s, d, i)
        if pfn == FAILED:  # its allocation failed: who got nothing frees nothing
            return
        order = int(d.order[i])
        if op == FREE_COMMIT:
            emit(s, MM_PAGE_FREE_BATCHED, pfn, order, -1, 0)
        else:
            emit(s, MM_PAGE_FREE, pfn, order, -1, 0)
            s.pages[pfn].use = USED
        if op == FREE or op == FREE_COMMIT:  # noqa: PLR1714, SIM109
            free_unref_page(s, d.cpu[i], pfn, order, d.flags[i] & LOCKED != 0)
        elif op == FREE_TO_BUDDY:
            migratetype = get_pageblock_migratetype(s, pfn)
            __free_one_page(s, pfn, page_zone(s, pfn), order, migratetype, True)
    elif op == BULK:
        alloc_pages_bulk(
            s, d.cpu[i], int(d.migratetype[i]), int(d.highest[i]), d.wanted[i]
        )
    elif op == DRAIN_CPU:
        drain_local_pages(s, d.cpu[i])
    elif op == DRAIN_ALL:
        for cpu in range(s.cpus):
            drain_local_pages(s, cpu)
    else:
        for zone in range(NR_ZONES):
            if s.pcps[int(d.cpu[i]) * NR_ZONES + zone].high:
                decay_pcp_high(s, d.cpu[i], s.zones[zone])
