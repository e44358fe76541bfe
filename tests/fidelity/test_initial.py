# SPDX-License-Identifier: GPL-2.0-only
"""What is taken to be free, and of which type, as a trace begins."""

import numpy as np
from logs import GFP_KERNEL, alloc, extfrag, locked, log_of
from tiny import FRAMES, allocs, frees, layout, refill

from xpfo_model.allocator.model import boot
from xpfo_model.events import MM_PAGE_ALLOC_ZONE_LOCKED, MM_PAGE_FREE
from xpfo_model.fidelity.extract import followers
from xpfo_model.fidelity.initial import (
    UNSEEN,
    block_types,
    claimed,
    fill,
    free_at_start,
    is_boot,
    sightings,
    types_by_use,
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


def test_a_boot_may_begin_between_a_refill_and_its_allocation():
    assert is_boot(log_of([*allocs(2048 + 4), *boot_rows()]).events)
    # a machine in mid-run begins with allocations as well, and refills more
    rows = [*allocs(FIRST), *refill(FIRST + 1, FIRST + 2), *allocs(FIRST + 1)]
    assert not is_boot(log_of(rows).events)
    assert not is_boot(log_of([*frees(FIRST), *boot_rows()]).events)


def test_pages_that_no_list_holds_say_nothing_of_a_boot():
    rows = []
    for frame in (FIRST, FIRST + 64):
        rows += [locked(frame, 1, 6), *allocs(frame, order=6)]
    assert not is_boot(log_of(rows).events)


def test_what_has_no_refill_in_a_boot_was_free():
    events, kind = seen([*boot_rows(), *allocs(FIRST)])
    assert free_at_start(events, layout(), kind)[FIRST]
    events, kind = seen([*boot_rows(), *frees(FIRST)])
    assert not free_at_start(events, layout(), kind)[FIRST]


def test_what_a_boot_handed_out_before_its_trace_is_unmovable():
    """Free up to 1024, then nothing, and the trace begins in the page at 2048."""
    events = log_of(boot_rows()).events
    free = np.zeros(FRAMES, bool)
    free[900:1024] = free[2048 + 5 :] = True
    assert claimed(events, free, 0).tolist() == [2, 3]
    # nothing free below: what is there may be the kernel's own image
    assert claimed(events, free, 1024).tolist() == []


def test_the_blocks_that_a_boot_handed_out_are_set_up():
    rows = [*boot_rows(), locked(900, 1), *allocs(900)]
    events, kind = seen(rows)
    s = boot("v6.1", layout(), 8, 64)
    fill(s, events, layout(), kind, followers(events))
    assert [s.pageblocks[block] for block in (1, 2, 3, 6)] == [1, 0, 0, 1]


def test_blocks_are_of_the_type_of_the_list_that_they_were_on():
    rows = [*boot_rows(), extfrag(4096, 0, 10), locked(4096, 0)]
    events, _ = seen(rows)
    types = block_types(events, FRAMES >> 9, events.pfn[:0])
    # claimed before the trace, with its neighbour
    assert types[4:6].tolist() == [0, 0]
    # claimed in the trace: what it was is what boot gives
    assert types[8] == UNSEEN
    assert np.count_nonzero(types != UNSEEN) == 2


def test_a_page_s_way_says_more_of_a_block_than_its_neighbour():
    """Block 5 of MOVABLE, and block 4, whose page went to UNMOVABLE and back."""
    rows = [*refill(5 * 512), *frees(4 * 512), alloc(4 * 512, GFP_KERNEL)]
    events = log_of(rows).events
    none = events.pfn[:0]
    assert block_types(events, FRAMES >> 9, none)[4] == 1
    used = types_by_use(events, followers(events), FRAMES >> 9)
    assert used[4:6].tolist() == [0, UNSEEN]
    assert block_types(events, FRAMES >> 9, none, used)[4:6].tolist() == [0, 1]
