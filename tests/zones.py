# SPDX-License-Identifier: GPL-2.0-only
"""Small machines for the tests of the allocator, in plain Python, filled by hand.

16384 frames: ZONE_DMA has pageblocks 0 to 7, ZONE_DMA32 the blocks 8 to 31.
"""

import numpy as np

from xpfo_model.allocator.buddy import add_to_free_list_tail
from xpfo_model.allocator.layout import machine
from xpfo_model.allocator.lists import list_add_tail
from xpfo_model.allocator.model import boot, free_range
from xpfo_model.allocator.pcp import pcp_list, pcp_of, pindex_to_order
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.state import (
    BATCH,
    COUNT,
    EVENT_FIELDS,
    EVENTS,
    FREE_PAGES,
    HIGH,
    HIGH_MAX,
    HIGH_MIN,
    ON_PCP,
    ZONE_FIELDS,
    free_list,
)
from xpfo_model.constants import PAGEBLOCK_ORDER

FRAMES = 1 << 14
ZONE = 1
"""ZONE_DMA32, the larger one."""
BASE = ZONE * ZONE_FIELDS
BLOCK = 1 << PAGEBLOCK_ORDER
FIRST = 8 * BLOCK
"""Its first frame."""
PCP = pcp_of(0, ZONE)
U, M, R, H = range(4)


def zones(kernel, *, free=False, cpus=1, frames=FRAMES):
    """A machine whose memory is all in use, or all free."""
    layout = machine(profile(kernel), frames, cpus)
    s = boot(kernel, layout, 256, 1 << 15)
    parts = (np.asarray(part) for part in (s.link, s.tag, s.held, s.record))
    link, tag, held, record = map(memoryview, parts)
    mem = np.asarray(s.mem).tolist()
    s = s._replace(link=link, tag=tag, held=held, record=record, mem=mem)
    if free:
        for zone in layout.zones:
            if zone.managed:
                free_range(s, zone.start, zone.end, True)
    return s


def sized(s, batch, high=0, high_min=None, high_max=None, pcp=PCP):
    """Sizes of a pcp."""
    s.mem[pcp + BATCH] = batch
    s.mem[pcp + HIGH] = high
    s.mem[pcp + HIGH_MIN] = high if high_min is None else high_min
    s.mem[pcp + HIGH_MAX] = high if high_max is None else high_max
    return s


def block(s, pfn, migratetype=None):
    """The type of a frame's block, after it was set."""
    at = s.block + (pfn >> PAGEBLOCK_ORDER)
    if migratetype is not None:
        s.tag[at] = migratetype
    return s.tag[at]


def put(s, pfn, order, migratetype, zone=ZONE):
    """A free page at the tail of a free list, as it is."""
    add_to_free_list_tail(s, pfn, zone, order, migratetype)
    s.mem[zone * ZONE_FIELDS + FREE_PAGES] += 1 << order


def put_on_pcp(s, pfn, pindex, migratetype=M, pcp=PCP):
    """A page at the tail of a pcp list."""
    list_add_tail(s, pfn, pcp_list(s, pcp, pindex))
    s.tag[pfn] = ON_PCP
    s.tag[s.cached + pfn] = migratetype
    s.mem[pcp + COUNT] += 1 << pindex_to_order(s, pindex)


def entries(s, head):
    """What is on a list, from its head."""
    found = []
    entry = s.link[head]
    while entry != head:
        found.append(entry)
        entry = s.link[entry]
    return found


def free_pages(s, order, migratetype, zone=ZONE):
    """What is on a free list."""
    return entries(s, free_list(s, zone, order, migratetype))


def on_pcp(s, pindex, pcp=PCP):
    """What is on a pcp list."""
    return entries(s, pcp_list(s, pcp, pindex))


def events(s, kind=None):
    """Events: kind, pfn, order, migratetype, flags, fallback order and type."""
    rows = np.asarray(s.record).reshape(-1, EVENT_FIELDS)[: s.mem[EVENTS], :7]
    return [tuple(row) for row in rows.tolist() if kind in {None, row[0]}]
