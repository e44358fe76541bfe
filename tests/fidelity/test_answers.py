# SPDX-License-Identifier: GPL-2.0-only
"""The pages of an answer, from the trace and from the model's own record."""

import numpy as np
import pytest
from logs import extfrag, log_of
from tiny import allocs, drains, frees, layout, refill

from xpfo_model import events as ev
from xpfo_model.allocator.model import boot
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.state import EVENTS, PFN, emit, emit_extfrag
from xpfo_model.fidelity.answers import pages_of_record, pages_of_rows, repeat_rows
from xpfo_model.fidelity.context import NONE
from xpfo_model.fidelity.reading import read
from xpfo_model.fidelity.speed import columns
from xpfo_model.fidelity.tally import Tally

FIRST = 6144
LOCKED, DRAIN = ev.MM_PAGE_ALLOC_ZONE_LOCKED, ev.MM_PAGE_PCPU_DRAIN


def scratch():
    blank = dict.fromkeys(Tally._fields)
    fields = ("mine", "theirs", "event", "row")
    blank |= {name: np.full(16, NONE, np.int64) for name in fields}
    blank["last"] = np.full(1 << 13, NONE, np.int64)
    blank["fresh"] = np.zeros(1 << 13, np.uint8)
    return Tally(**blank)


def answered(rows, kernel="v6.1"):
    """The machine, the rows, and the number of their only operation of answers."""
    s = columns(boot(kernel, layout(), 1, 64))
    events = log_of(rows).events
    found = read(events, profile(kernel), "v6.1")
    (i,) = np.flatnonzero(np.diff(found.first))
    return s, events, found, i


def test_a_refill_s_pages_in_order():
    pages = (FIRST + 3, FIRST)
    s, events, found, i = answered([*refill(*pages), *allocs(pages[0])])
    t = scratch()
    assert pages_of_rows(s, events, found, i, LOCKED, t) == 2
    assert t.theirs[:2].tolist() == list(pages)
    assert t.row[:2].tolist() == [0, 1]
    assert t.last[FIRST] == 1
    assert t.fresh[FIRST]
    pages_of_rows(s, events, found, i, LOCKED, t)
    assert not t.fresh[FIRST]


def test_a_drain_s_pages_are_no_refill():
    s, events, found, i = answered([*frees(FIRST), *drains(FIRST, FIRST + 1)])
    t = scratch()
    assert pages_of_rows(s, events, found, i, LOCKED, t) == 0
    assert pages_of_rows(s, events, found, i, DRAIN, t) == 2


@pytest.mark.parametrize(("kernel", "pages"), [("v6.1", 1), ("v6.18", 2)])
def test_a_fallback_alone_hands_a_page_out_from_v6_10_on(kernel, pages):
    rows = [extfrag(FIRST, 1), *refill(FIRST + 1), *allocs(FIRST)]
    if kernel == "v6.1":
        rows[-1] = allocs(FIRST + 1)[0]
    s, events, found, i = answered(rows, kernel)
    t = scratch()
    assert pages_of_rows(s, events, found, i, LOCKED, t) == pages
    assert t.theirs[pages - 1] == FIRST + 1


def test_a_page_that_is_named_twice_is_one():
    rows = [*refill(FIRST), extfrag(FIRST, 1), *allocs(FIRST)]
    s, events, found, i = answered(rows, "v6.18")
    assert pages_of_rows(s, events, found, i, LOCKED, scratch()) == 1


def test_the_record_gives_what_was_emitted_since():
    s = columns(boot("v6.18", layout(), 1, 64))
    emit(s, LOCKED, FIRST, 0, 1, 0)
    start = s.mem[EVENTS]
    emit(s, LOCKED, FIRST + 1, 0, 1, 0)
    emit_extfrag(s, FIRST + 1, 0, 1, 9, 0, True)
    emit_extfrag(s, FIRST + 2, 0, 1, 9, 0, True)
    t = scratch()
    assert pages_of_record(s, t, start, LOCKED) == 2
    assert t.mine[:2].tolist() == [FIRST + 1, FIRST + 2]
    assert [s.record[at + PFN] for at in t.event[:2]] == [FIRST + 1, FIRST + 2]


def test_the_kernel_s_refill_takes_the_place_of_the_model_s():
    rows = [extfrag(FIRST, 1), *refill(FIRST, FIRST + 1), *allocs(FIRST)]
    s, events, found, i = answered(rows)
    emit(s, LOCKED, 7000, 0, 1, 0)
    repeat_rows(s, events, found, i, 0)
    assert s.mem[EVENTS] == 3
    t = scratch()
    assert pages_of_record(s, t, 0, LOCKED) == 2
    assert t.mine[:2].tolist() == [FIRST, FIRST + 1]
