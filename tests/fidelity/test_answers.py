# SPDX-License-Identifier: GPL-2.0-only
"""The pages of an answer, from the trace and from the model's own record."""

import numpy as np
import pytest
from logs import extfrag
from tiny import allocs, beside, drains, frees, refill

from xpfo_model import events as ev
from xpfo_model.allocator.state import emit, emit_extfrag
from xpfo_model.fidelity.answers import pages_of_record, pages_of_rows, repeat_rows

FIRST = 6144
LOCKED, DRAIN = ev.MM_PAGE_ALLOC_ZONE_LOCKED, ev.MM_PAGE_PCPU_DRAIN


def answered(rows, kernel="v6.1"):
    """A machine beside the rows, and the number of their only operation of answers."""
    f = beside(rows, kernel)
    (i,) = np.flatnonzero(np.diff(f.read.first))
    return f, i


def test_a_refill_s_pages_in_order():
    pages = (FIRST + 3, FIRST)
    f, i = answered([*refill(*pages), *allocs(pages[0])])
    t = f.tally
    assert pages_of_rows(f, i, LOCKED) == 2
    assert t.theirs[:2].tolist() == list(pages)
    assert t.row[:2].tolist() == [0, 1]
    assert t.frames[FIRST].seen == 2
    assert t.frames[FIRST].fresh
    pages_of_rows(f, i, LOCKED)
    assert not t.frames[FIRST].fresh


def test_a_drain_s_pages_are_no_refill():
    f, i = answered([*frees(FIRST), *drains(FIRST, FIRST + 1)])
    assert pages_of_rows(f, i, LOCKED) == 0
    assert pages_of_rows(f, i, DRAIN) == 2


@pytest.mark.parametrize(("kernel", "pages"), [("v6.1", 1), ("v6.18", 2)])
def test_a_fallback_alone_hands_a_page_out_from_v6_10_on(kernel, pages):
    rows = [extfrag(FIRST, 1), *refill(FIRST + 1), *allocs(FIRST)]
    if kernel == "v6.1":
        rows[-1] = allocs(FIRST + 1)[0]
    f, i = answered(rows, kernel)
    t = f.tally
    assert pages_of_rows(f, i, LOCKED) == pages
    assert t.theirs[pages - 1] == FIRST + 1


def test_a_page_that_is_named_twice_is_one():
    rows = [*refill(FIRST), extfrag(FIRST, 1), *allocs(FIRST)]
    f, i = answered(rows, "v6.18")
    assert pages_of_rows(f, i, LOCKED) == 1


def test_the_record_gives_what_was_emitted_since():
    f = beside([], "v6.18")
    s, t = f.state, f.tally
    emit(s, LOCKED, FIRST, 0, 1, 0)
    start = s.counters.events
    emit(s, LOCKED, FIRST + 1, 0, 1, 0)
    emit_extfrag(s, FIRST + 1, 0, 1, 9, 0, True)
    emit_extfrag(s, FIRST + 2, 0, 1, 9, 0, True)
    assert pages_of_record(s, t, start, LOCKED) == 2
    assert t.mine[:2].tolist() == [FIRST + 1, FIRST + 2]
    assert [s.record[at].pfn for at in t.event[:2]] == [FIRST + 1, FIRST + 2]


def test_the_kernel_s_refill_takes_the_place_of_the_model_s():
    rows = [extfrag(FIRST, 1), *refill(FIRST, FIRST + 1), *allocs(FIRST)]
    f, i = answered(rows)
    s, t = f.state, f.tally
    emit(s, LOCKED, 7000, 0, 1, 0)
    repeat_rows(f, i, 0)
    assert s.counters.events == 3
    assert pages_of_record(s, t, 0, LOCKED) == 2
    assert t.mine[:2].tolist() == [FIRST, FIRST + 1]
