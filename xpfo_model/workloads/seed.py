# SPDX-License-Identifier: GPL-2.0-only
"""Made-up demand: the seed mail's own sequence, as a kernel would trace it."""

from typing import Final

import numpy as np

from xpfo_model import gfp
from xpfo_model.constants import (
    MIGRATE_MOVABLE,
    MIGRATE_UNMOVABLE,
    PAGEBLOCK_NR_PAGES,
    PCP_BATCH_2017,
)
from xpfo_model.events import (
    EVENT_NAMES,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    PERCPU_REFILL,
    SCHED_SWITCH,
    About,
    EventLog,
    Events,
)

KERNEL: Final = "v4.14"
"""The seed mail is of September 2017."""

SEED_SEQUENCE: Final = ("K", "K", "U", "K")
"""kmalloc, kmalloc, a user page, kmalloc: the order in the seed mail."""


def seed_sequence(
    *,
    movable: bool = True,
    batch: int = PCP_BATCH_2017,
    more_users: int = 0,
) -> EventLog:
    """The seed mail's four allocations, then `more_users` of a user.

    One CPU, cold pcp lists that refill `batch` frames at a time, every frame
    mapped. `movable` is GFP_HIGHUSER_MOVABLE, else the literal GFP_HIGHUSER.
    """
    masks = {
        "K": gfp.mask("GFP_KERNEL", KERNEL),
        "U": gfp.mask("GFP_HIGHUSER_MOVABLE" if movable else "GFP_HIGHUSER", KERNEL),
    }
    # each migratetype has a pageblock of its own
    pcp: dict[int, list[int]] = {MIGRATE_UNMOVABLE: [], MIGRATE_MOVABLE: []}
    following = {
        migratetype: PAGEBLOCK_NR_PAGES * number
        for number, migratetype in enumerate(pcp)
    }
    rows: list[tuple[int, int, int, int, int]] = []
    for kind in SEED_SEQUENCE + ("U",) * more_users:
        migratetype = int(gfp.migratetype(masks[kind]))
        frames = pcp[migratetype]
        if not frames:
            first = following[migratetype]
            following[migratetype] += batch
            frames.extend(range(first, first + batch))
            rows.extend(
                (MM_PAGE_ALLOC_ZONE_LOCKED, PERCPU_REFILL, pfn, migratetype, 0)
                for pfn in frames
            )
        rows.append((MM_PAGE_ALLOC, 0, frames.pop(0), migratetype, masks[kind]))
    events = Events.empty(len(rows))
    names = ("kind", "flags", "pfn", "migratetype", "gfp")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        getattr(events, name)[:] = values
    events.time[:] = np.arange(len(rows))
    about = About(
        "seed-sequence",
        kernel=KERNEL,
        clock="ticks",
        cpus=1,
        recorded=EVENT_NAMES[:SCHED_SWITCH],
    )
    return EventLog(events, about)
