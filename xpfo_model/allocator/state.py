# SPDX-License-Identifier: GPL-2.0-only
"""The state of the allocator: page frames, zones and pcps, as the kernel has them.

Ten bytes a frame. Lists are intrusive and circular, as the kernel's: behind the
pages stand the heads of the lists, which have links and nothing else.
"""

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from xpfo_model.constants import MAX_PAGE_ORDER, MIGRATE_HIGHATOMIC, PAGEBLOCK_ORDER
from xpfo_model.events import CHANGE_OWNERSHIP, MM_PAGE_ALLOC_EXTFRAG

NR_PAGE_ORDERS: Final = MAX_PAGE_ORDER + 1
"""Free lists a migratetype. include/linux/mmzone.h: NR_PAGE_ORDERS."""
MIGRATE_PCPTYPES: Final = MIGRATE_HIGHATOMIC
"""The first migratetype that pcp lists do not have. enum migratetype."""
MIGRATE_TYPES: Final = MIGRATE_HIGHATOMIC + 1
"""Types of free lists; CMA and ISOLATE are not modelled."""

ZONE_DMA: Final = 0
ZONE_DMA32: Final = 1
ZONE_NORMAL: Final = 2
NR_ZONES: Final = 3
"""Zones modelled. include/linux/mmzone.h: enum zone_type, x86-64."""

WMARK_MIN: Final = 0
WMARK_LOW: Final = 1
WMARK_HIGH: Final = 2
NR_WMARK: Final = 3
"""include/linux/mmzone.h: enum zone_watermarks, those that order 0 meets."""

# What a frame is, in PAGE.use: of a page, its first frame.
USED: Final = 0
"""Handed out, reserved or inside a larger page."""
USED_MOVABLE: Final = 1
"""Handed out for movable data: the kernel finds it on an LRU list."""
ON_PCP: Final = 2
BUDDY: Final = 3
"""BUDDY + order: first frame of a free page of that order. PageBuddy()."""

PAGE: Final = np.dtype(
    [
        ("next", np.int32),  # on its list: page->lru
        ("prev", np.int32),
        ("use", np.uint8),  # USED, USED_MOVABLE, ON_PCP or BUDDY + order
        ("migratetype", np.uint8),  # that of its list: page->index
    ]
)
"""A page frame, or the head of a list. include/linux/mm_types.h: struct page."""

ZONE: Final = np.dtype(
    [
        ("index", np.int64),  # ZONE_DMA … ZONE_NORMAL
        ("end_pfn", np.int64),  # first frame behind it
        ("free_area", np.int64),  # head of its first free list
        ("free_pages", np.int64),  # vm_stat[NR_FREE_PAGES]
        ("managed_pages", np.int64),
        ("watermark", np.int64, (NR_WMARK,)),  # by WMARK_MIN … WMARK_HIGH
        ("lowmem_reserve", np.int64, (NR_ZONES,)),  # by the request's highest zone
        ("watermark_boost", np.int64),
        ("boosted_watermark", np.int64),  # flag ZONE_BOOSTED_WATERMARK
        ("below_high", np.int64),  # flag ZONE_BELOW_HIGH
        ("reclaim_active", np.int64),  # flag ZONE_RECLAIM_ACTIVE
        ("nr_reserved_highatomic", np.int64),
    ]
)
"""Sizes in pages. include/linux/mmzone.h: struct zone."""

PCP: Final = np.dtype(
    [
        ("index", np.int64),  # CPU * NR_ZONES + zone
        ("zone", np.int64),  # index of its zone
        ("lists", np.int64),  # head of its first list
        ("count", np.int64),  # frames on its lists
        ("high", np.int64),
        ("high_min", np.int64),
        ("high_max", np.int64),
        ("batch", np.int64),
        ("free_factor", np.int64),  # of v6.1; alloc_factor of v6.18
        ("free_count", np.int64),
        ("prev_free_high_order", np.int64),  # flag PCPF_PREV_FREE_HIGH_ORDER
    ]
)
"""Sizes in frames. include/linux/mmzone.h: struct per_cpu_pages."""

EVENT: Final = np.dtype(
    [
        ("by", np.int64),  # number of the operation that emitted it
        ("pfn", np.int64),
        ("kind", np.uint8),
        ("flags", np.uint8),
        ("order", np.int8),
        ("migratetype", np.int8),
        ("fallback_order", np.int8),
        ("fallback_migratetype", np.int8),
    ],
    align=True,
)
"""An event, without what its operation says already. See `events.Events`."""

COUNTERS: Final = np.dtype(
    [
        ("events", np.int64),  # in the record
        ("dropped", np.int64),  # for which the record had no room
        ("operation", np.int64),  # number of the operation that runs
    ]
)

Record: TypeAlias = Any
"""A record of an array, an np.record: reads and writes go to the array. Its fields
are of no type that mypy knows."""
Records: TypeAlias = npt.NDArray[np.record]


class State(NamedTuple):
    """The allocator of a machine."""

    frames: int
    """Frames from pfn 0, a multiple of the largest page."""
    cpus: int
    pages: Records
    """PAGE by pfn, then the heads of all lists."""
    pageblocks: npt.NDArray[np.uint8]
    """Migratetype by pageblock. zone->pageblock_flags."""
    zones: Records
    """ZONE by index."""
    pcps: Records
    """PCP by CPU, then zone. zone->per_cpu_pageset."""
    profile: Record
    """The fields of `Profile`."""
    counters: Record
    """COUNTERS."""
    held: npt.NDArray[np.int64]
    """Per allocation of the demand: its first frame."""
    record: Records
    """EVENT by number."""


def page_zone(s: State, pfn: int) -> Record:
    """The zone of a frame. include/linux/mm.h: page_zone."""
    zone = 0
    while pfn >= s.zones[zone].end_pfn:
        zone += 1
    return s.zones[zone]


def free_list(zone: Record, order: int, migratetype: int) -> int:
    """Head of zone->free_area[order].free_list[migratetype]."""
    return int(zone.free_area) + int(order) * MIGRATE_TYPES + int(migratetype)


def page_is_buddy(s: State, pfn: int, order: int) -> bool:
    """page_is_buddy(), all versions: first frame of a free page of the order."""
    return bool(s.pages[pfn].use == BUDDY + int(order))


def buddy_order(s: State, pfn: int) -> int:
    """buddy_order(), mm/internal.h, all versions: of a free page."""
    return int(s.pages[pfn].use) - BUDDY


def get_pageblock_migratetype(s: State, pfn: int) -> int:
    """get_pageblock_migratetype(), all versions: of the block of a frame."""
    return int(s.pageblocks[pfn >> PAGEBLOCK_ORDER])


def set_pageblock_migratetype(s: State, pfn: int, migratetype: int) -> None:
    """set_pageblock_migratetype(), all versions: of the block of a frame."""
    s.pageblocks[pfn >> PAGEBLOCK_ORDER] = migratetype


def emit(
    s: State, kind: int, pfn: int, order: int, migratetype: int, flags: int
) -> None:
    """Record an event of the operation that runs, or count it as dropped."""
    number = s.counters.events
    if number >= len(s.record):
        s.counters.dropped += 1
        return
    event = s.record[number]
    event.by = s.counters.operation
    event.kind = kind
    event.pfn = pfn
    event.order = order
    event.migratetype = migratetype
    event.flags = flags
    s.counters.events = number + 1


def emit_extfrag(
    s: State,
    pfn: int,
    order: int,
    migratetype: int,
    fallback_order: int,
    fallback_migratetype: int,
    owned: bool,
) -> None:
    """Record mm_page_alloc_extfrag."""
    if s.counters.events < len(s.record):
        event = s.record[s.counters.events]
        event.fallback_order = fallback_order
        event.fallback_migratetype = fallback_migratetype
    flags = CHANGE_OWNERSHIP if owned else 0
    emit(s, MM_PAGE_ALLOC_EXTFRAG, pfn, order, migratetype, flags)
