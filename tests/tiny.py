# SPDX-License-Identifier: GPL-2.0-only
"""A machine small enough to know the answers by hand, and its logs."""

import logs

from xpfo_model import events as ev
from xpfo_model.allocator.model import boot
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.zones import Layout, Pageset, Zone
from xpfo_model.events import EventLog
from xpfo_model.fidelity.compare import LEVELS, compare_level, sizes_of, tally_of
from xpfo_model.fidelity.extract import read
from xpfo_model.fidelity.tally import Follow

BATCH = 4
HIGH = 8
FRAMES = 1 << 13
MASK = logs.USER_MOVABLE
MOVABLE = 1


def layout(batch=BATCH, high=HIGH, cpus=2):
    low, sizes = (1, 2, 3), Pageset(batch, high, 1024)
    dma = Zone(0, 4096, 4096, low, (0, 0, 0), sizes)
    dma32 = Zone(4096, FRAMES, 4096, low, (0, 0, 0), sizes)
    return Layout((dma, dma32, Zone.none(FRAMES)), cpus)


def refill(*frames, cpu=0, order=0, migratetype=MOVABLE):
    return [logs.locked(f, migratetype, order, cpu) for f in frames]


def allocs(*frames, cpu=0, order=0):
    return [logs.alloc(f, MASK, order, cpu) for f in frames]


def frees(*frames, cpu=0, order=0):
    return [logs.free(f, order, cpu) for f in frames]


def drains(*frames, cpu=0, order=0, migratetype=MOVABLE):
    return [
        {
            "kind": ev.MM_PAGE_PCPU_DRAIN,
            "pfn": f,
            "order": order,
            "migratetype": migratetype,
            "cpu": cpu,
        }
        for f in frames
    ]


def beside(rows, kernel="v6.1", room=64):
    """A machine with no free page beside rows of the kernel: a `Follow`."""
    events = logs.log_of(rows).events
    found = read(events, profile(kernel), "v6.1")
    s = boot(kernel, layout(), found.allocations, room)
    sizes = sizes_of(layout(), sizes_known=True)
    tally = tally_of(s, found, sizes, level=0, midway=False, sizes_known=True)
    return Follow(s, found.demand, events, found, tally)


def follow(log, level="full", kernel="v6.1", **machine):
    """The level that a log gives on the small machine."""
    if not isinstance(log, EventLog):
        log = logs.log_of(log)
    demand = read(log.events, profile(kernel), log.about.kernel)
    return compare_level(log, demand, layout(**machine), kernel, LEVELS[level])


def missed(level):
    """Rows of the allocations that were not predicted."""
    return [row for row, mine, theirs in level.dump.tolist() if mine != theirs]


def predicted(level):
    """Predicted frame by row."""
    return {row: mine for row, mine, _ in level.dump.tolist()}
