# SPDX-License-Identifier: GPL-2.0-only
"""Small machines for the tests of the allocator, filled by hand.

16384 frames: ZONE_DMA has pageblocks 0 to 7, ZONE_DMA32 the blocks 8 to 31.
"""

from xpfo_model.allocator.buddy import add_to_free_list_tail
from xpfo_model.allocator.lists import list_add_tail, list_first
from xpfo_model.allocator.model import boot, free_range
from xpfo_model.allocator.pcp import pcp_list, pcp_of, pindex_to_order
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.state import (
    ON_PCP,
    free_list,
    get_pageblock_migratetype,
    set_pageblock_migratetype,
)
from xpfo_model.allocator.zones import machine
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.jit import compiled

FRAMES = 1 << 14
ZONE = 1
"""ZONE_DMA32, the larger one."""
BLOCK = 1 << PAGEBLOCK_ORDER
FIRST = 8 * BLOCK
"""Its first frame."""
U, M, R, H = range(4)


def zones(kernel, *, free=False, cpus=1, frames=FRAMES):
    """A machine whose memory is all in use, or all free."""
    layout = machine(profile(kernel), frames, cpus)
    s = boot(kernel, layout, 256, 1 << 15)
    if free:
        for zone in layout.zones:
            if zone.managed:
                compiled(free_range)(s, zone.start, zone.end, True)
    return s


def the_zone(s, index=ZONE):
    """A zone's record."""
    return s.zones[index]


def the_pcp(s, cpu=0, index=ZONE):
    """A pcp's record."""
    return pcp_of(s, cpu, s.zones[index])


def sized(s, batch, high=0, high_min=None, high_max=None, cpu=0):
    """Sizes of a pcp."""
    pcp = the_pcp(s, cpu)
    pcp.batch = batch
    pcp.high = high
    pcp.high_min = high if high_min is None else high_min
    pcp.high_max = high if high_max is None else high_max
    return s


def block(s, pfn, migratetype=None):
    """The type of a frame's block, after it was set."""
    if migratetype is not None:
        set_pageblock_migratetype(s, pfn, migratetype)
    return get_pageblock_migratetype(s, pfn)


def put(s, pfn, order, migratetype, zone=ZONE):
    """A free page at the tail of a free list, as it is."""
    add_to_free_list_tail(s, pfn, s.zones[zone], order, migratetype)
    s.zones[zone].free_pages += 1 << order


def put_on_pcp(s, pfn, pindex, migratetype=M, pcp=None):
    """A page at the tail of a pcp list."""
    pcp = the_pcp(s) if pcp is None else pcp
    list_add_tail(s, pfn, pcp_list(pcp, pindex))
    s.pages[pfn].use = ON_PCP
    s.pages[pfn].migratetype = migratetype
    pcp.count += 1 << pindex_to_order(s, pindex)


def entries(s, head):
    """What is on a list, from its head."""
    found = []
    entry = list_first(s, head)
    while entry != head:
        found.append(entry)
        entry = list_first(s, entry)
    return found


def free_pages(s, order, migratetype, zone=ZONE):
    """What is on a free list."""
    return entries(s, free_list(s.zones[zone], order, migratetype))


def on_pcp(s, pindex, pcp=None):
    """What is on a pcp list."""
    return entries(s, pcp_list(the_pcp(s) if pcp is None else pcp, pindex))


def events(s, kind=None):
    """Events: kind, pfn, order, migratetype, flags, fallback order and type."""
    fields = (
        "kind",
        "pfn",
        "order",
        "migratetype",
        "flags",
        "fallback_order",
        "fallback_migratetype",
    )
    rows = s.record[: s.counters.events][list(fields)]
    return [tuple(row) for row in rows.tolist() if kind in {None, row[0]}]
