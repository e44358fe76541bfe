# SPDX-License-Identifier: GPL-2.0-only
"""The model's events name the frames that the model chose, from refill to free."""

import logs
import numpy as np
import pytest
from tiny import allocs, beside, follow, frees, refill

from xpfo_model.allocator.model import records
from xpfo_model.allocator.state import EVENT
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_FREE,
)
from xpfo_model.fidelity.renaming import exchange_later, name_of, rename

FIRST = 6144


@pytest.fixture
def names():
    return np.arange(32, dtype=np.int32), np.arange(32, dtype=np.int32)


def tally():
    return beside([]).tally


def renamed(t, names, pages, kind=MM_PAGE_ALLOC, order=0):
    found = records(len(pages), EVENT)
    found["pfn"], found["kind"], found["order"] = pages, kind, order
    rename(found, t, *names)
    return found["pfn"].tolist()


def test_names_change_from_their_event_on(names):
    t = tally()
    exchange_later(t, 1, 3, 5, 0)
    assert renamed(t, names, [3, 3, 5, FAILED]) == [3, 5, 3, FAILED]
    assert t.numbers.swaps == 0
    assert renamed(t, names, [3], MM_PAGE_FREE) == [5]


def test_exchanges_of_one_event_are_at_once(names):
    """The model refilled 1, 2, 3, the kernel 2, 3, 4."""
    t = tally()
    for mine in (1, 2, 3):
        exchange_later(t, 0, mine, mine + 1, 0)
    assert renamed(t, names, [2, 3, 4, 1]) == [1, 2, 3, 4]


def test_the_same_page_or_none_is_no_exchange():
    t = tally()
    exchange_later(t, 0, FAILED, 3, 0)
    exchange_later(t, 0, 3, 3, 0)
    assert t.numbers.swaps == 0


def test_a_larger_page_is_exchanged_whole(names):
    t = tally()
    exchange_later(t, 0, 8, 16, 2)
    assert renamed(t, names, [16, 8], order=2) == [8, 16]
    assert list(names[0][8:12]) == [16, 17, 18, 19]


def test_a_page_whose_frames_went_apart_gets_its_own_name_back(names):
    t = tally()
    exchange_later(t, 0, 3, 9, 0)
    assert renamed(t, names, [9]) == [3]
    assert name_of(*names, 8, 1) == 8
    assert list(names[0]) == list(names[1]) == list(range(32))


def test_fallbacks_are_of_blocks(names):
    t = tally()
    exchange_later(t, 0, 3, 9, 0)
    assert renamed(t, names, [9], MM_PAGE_ALLOC_EXTFRAG) == [9]


def shuffled():
    """Refills of other frames than the model's, all handed out, some twice."""
    frames = np.random.default_rng(2).permutation(range(FIRST, FIRST + 64)).tolist()
    rows = []
    for n in range(0, len(frames), 4):
        four = frames[n : n + 4]
        rows += [*refill(*four), *allocs(*four), *frees(*reversed(four[:2]))]
        rows += allocs(*four[:2])
    return logs.log_of(rows)


@pytest.mark.parametrize("level", ["pcp", "full"])
def test_what_was_put_right_is_not_flushed_for_page_by_page(level):
    found = follow(shuffled(), level)
    assert (found.pfn_exact < found.allocations / 2) is (level == "full")
    for both in found.flushes.values():
        assert both.model == both.kernel


@pytest.mark.parametrize("level", ["pcp", "full"])
def test_a_page_that_the_model_had_below_keeps_the_name_that_it_gave(level):
    """B went in bulk; the kernel gives C twice, the model what it calls B."""
    a, b, c, d = range(FIRST, FIRST + 4)
    rows = [*refill(a, b, c, d), *allocs(a, c), *frees(c), *allocs(c), *frees(b)]
    found = follow(rows, level)
    assert found.missed == {"bulk": 1}
    for both in found.flushes.values():
        assert both.model == both.kernel
