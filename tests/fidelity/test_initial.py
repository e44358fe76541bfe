# SPDX-License-Identifier: GPL-2.0-only
"""What is taken to be free, and of which type, as a trace begins."""

import numpy as np
from logs import extfrag, locked, log_of
from tiny import FRAMES, allocs, frees, layout, refill

from xpfo_model.events import MM_PAGE_ALLOC_ZONE_LOCKED, MM_PAGE_FREE
from xpfo_model.fidelity.initial import (
    UNSEEN,
    block_types,
    free_at_start,
    is_boot,
    sightings,
)

FIRST = 6144


def seen(rows):
    events = log_of(rows).events
    return events, sightings(events, FRAMES)


def test_the_first_event_that_names_a_frame_decides():
    rows = [*refill(FIRST), *allocs(FIRST), *frees(FIRST, FIRST + 1)]
    _, kind = seen(rows)
    assert kind[FIRST] == MM_PAGE_ALLOC_ZONE_LOCKED
    assert kind[FIRST + 1] == MM_PAGE_FREE
    assert kind[FIRST + 2] == UNSEEN


def test_a_page_that_only_a_fallback_names_was_free():
    events, kind = seen([extfrag(FIRST, 0, 10), *allocs(FIRST)])
    assert free_at_start(events, layout(), kind)[FIRST]


def boot_rows():
    rows = []
    for frame in (5, 6, 7):
        rows += [locked(2048 + frame, 0), *allocs(2048 + frame)]
    return rows


def test_a_boot_hands_out_memory_from_below():
    events, kind = seen(boot_rows())
    assert is_boot(events)
    free = free_at_start(events, layout(), kind)
    assert not free[: 2048 + 5].any()
    assert free[2048 + 5 :].all()
    assert not is_boot(log_of(allocs(FIRST)).events)


def test_blocks_are_of_the_type_of_the_list_that_they_were_on():
    rows = [*boot_rows(), extfrag(4096, 0, 10), locked(4096, 0)]
    events, _ = seen(rows)
    types = block_types(events, FRAMES >> 9, events.pfn[:0])
    # claimed before the trace, with its neighbour
    assert types[4:6].tolist() == [0, 0]
    # claimed in the trace: what it was is what boot gives
    assert types[8] == UNSEEN
    assert np.count_nonzero(types != UNSEEN) == 2
