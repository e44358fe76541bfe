# SPDX-License-Identifier: GPL-2.0-only
# ruff: noqa: FBT001 - compiled calls pass flags by position  # noqa: RUF100
"""The state of the allocator: arrays indexed by pfn, as in struct page.

Ten bytes a frame. Lists are intrusive and circular, as the kernel's: behind the
links of the frames stand those of the list heads. Numbers of zones and pcps are
in tables of 64-bit fields.
"""

from typing import Any, Final, NamedTuple

from xpfo_model.allocator.profiles import PROFILE_END
from xpfo_model.constants import MAX_PAGE_ORDER, MIGRATE_HIGHATOMIC
from xpfo_model.events import CHANGE_OWNERSHIP, MM_PAGE_ALLOC_EXTFRAG

NR_PAGE_ORDERS: Final = MAX_PAGE_ORDER + 1
"""Free lists a migratetype. include/linux/mmzone.h: NR_PAGE_ORDERS."""
MIGRATE_PCPTYPES: Final = MIGRATE_HIGHATOMIC
"""The first migratetype that pcp lists do not have. enum migratetype."""
MIGRATE_TYPES: Final = MIGRATE_HIGHATOMIC + 1
"""Types of free lists; CMA and ISOLATE are not modelled."""

# What a frame is, in State.page: of a page, its first frame.
USED: Final = 0
"""Handed out, reserved or inside a larger page."""
USED_MOVABLE: Final = 1
"""Handed out for movable data: the kernel finds it on an LRU list."""
ON_PCP: Final = 2
BUDDY: Final = 3
"""BUDDY + order: first frame of a free page of that order. PageBuddy()."""

# What is where in State.mem: counters, the profile, zones, pcps.
EVENTS: Final = 0
"""Events in the record."""
OPERATION: Final = 1
"""Number of the operation that runs."""

# Fields of a zone: struct zone, in pages unless said otherwise.
FREE_PAGES: Final = PROFILE_END
MANAGED: Final = PROFILE_END + 1
WMARK_MIN: Final = PROFILE_END + 2
WMARK_LOW: Final = PROFILE_END + 3
WMARK_HIGH: Final = PROFILE_END + 4
BOOST: Final = PROFILE_END + 5
"""watermark_boost."""
BOOSTED: Final = PROFILE_END + 6
"""Flag ZONE_BOOSTED_WATERMARK."""
IS_BELOW_HIGH: Final = PROFILE_END + 7
"""Flag ZONE_BELOW_HIGH."""
RESERVED_HIGHATOMIC: Final = PROFILE_END + 8
END_PFN: Final = PROFILE_END + 9
"""First frame behind the zone."""
LOWMEM_RESERVE: Final = PROFILE_END + 10
"""lowmem_reserve[] for requests whose highest zone is 0, 1 or 2."""
RECLAIM_ACTIVE: Final = PROFILE_END + 13
"""Flag ZONE_RECLAIM_ACTIVE."""
ZONE_FIELDS: Final = 14
"""From the fields of a zone to those of the next."""

ZONE_DMA: Final = 0
ZONE_DMA32: Final = 1
ZONE_NORMAL: Final = 2
NR_ZONES: Final = 3
"""Zones modelled. include/linux/mmzone.h: enum zone_type, x86-64."""

PCPS: Final = PROFILE_END + NR_ZONES * ZONE_FIELDS
"""Where the pcps begin, by CPU and then zone."""

# Fields of a pcp: struct per_cpu_pages.
COUNT: Final = 0
"""Frames on its lists."""
HIGH: Final = 1
HIGH_MIN: Final = 2
HIGH_MAX: Final = 3
BATCH: Final = 4
FREE_FACTOR: Final = 5
"""free_factor of v6.1, alloc_factor of v6.18."""
FREE_COUNT: Final = 6
PREV_FREE_HIGH_ORDER: Final = 7
"""Flag PCPF_PREV_FREE_HIGH_ORDER."""
LISTS: Final = 8
"""Link of the head of its first list."""
PCP_FIELDS: Final = 9

# Fields of an event in State.record: what its operation does not say already.
KIND: Final = 0
PFN: Final = 1
ORDER: Final = 2
MIGRATETYPE: Final = 3
FLAGS: Final = 4
FALLBACK_ORDER: Final = 5
FALLBACK_MIGRATETYPE: Final = 6
BY: Final = 7
"""Number of the operation that emitted it."""
EVENT_FIELDS: Final = 8


class State(NamedTuple):
    """One machine's allocator; arrays, or memoryviews of them.

    Few and long arrays: a compiled call passes every one of them.
    """

    frames: int
    """Frames from pfn 0, a multiple of the largest page."""
    cpus: int
    prev: int
    """Where in `link` the links back begin."""
    cached: int
    """Where in `tag` the cached migratetypes begin. page->index."""
    block: int
    """Where in `tag` the types of the pageblocks begin. pageblock_flags."""
    link: Any
    """The next one on the list, per frame and then per list head; from `prev` on
    the one before, int32."""
    tag: Any
    """Per frame: USED, USED_MOVABLE, ON_PCP or BUDDY + order; from `cached` on,
    per frame, the migratetype cached in it; from `block` on, per pageblock, its
    migratetype, uint8."""
    mem: Any
    """Counters, the profile, fields of the zones and of the pcps, int64."""
    held: Any
    """Per allocation of the demand: its first frame, int64."""
    record: Any
    """Emitted events, EVENT_FIELDS each, int64."""


def page_zone(s: State, pfn: int) -> int:
    """The zone of a frame. include/linux/mm.h: page_zone."""
    zone = 0
    while pfn >= s.mem[zone * ZONE_FIELDS + END_PFN]:
        zone += 1
    return zone


def free_list(s: State, zone: int, order: int, migratetype: int) -> int:
    """Head of zone->free_area[order].free_list[migratetype]."""
    return s.frames + (zone * NR_PAGE_ORDERS + order) * MIGRATE_TYPES + migratetype


def emit(
    s: State, kind: int, pfn: int, order: int, migratetype: int, flags: int
) -> None:
    """Record an event of the operation that runs."""
    number = s.mem[EVENTS]
    at = number * EVENT_FIELDS
    s.record[at + KIND] = kind
    s.record[at + PFN] = pfn
    s.record[at + ORDER] = order
    s.record[at + MIGRATETYPE] = migratetype
    s.record[at + FLAGS] = flags
    s.record[at + BY] = s.mem[OPERATION]
    s.mem[EVENTS] = number + 1


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
    at = s.mem[EVENTS] * EVENT_FIELDS
    s.record[at + FALLBACK_ORDER] = fallback_order
    s.record[at + FALLBACK_MIGRATETYPE] = fallback_migratetype
    flags = CHANGE_OWNERSHIP if owned else 0
    emit(s, MM_PAGE_ALLOC_EXTFRAG, pfn, order, migratetype, flags)
