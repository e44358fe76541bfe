# SPDX-License-Identifier: GPL-2.0-only
"""The allocator on the demand of a trace, never put right."""

from pathlib import Path

import numpy as np
import pytest

from xpfo_model import traces
from xpfo_model.allocator.demand import (
    ALLOC,
    BULK,
    FOREIGN,
    FREE,
    FREE_COMMIT,
    FREE_PREPARE,
    empty,
)
from xpfo_model.events import FAILED, MM_PAGE_ALLOC, MM_PAGE_FREE, EventLog
from xpfo_model.fidelity.beside import zoneinfo_beside
from xpfo_model.fidelity.free_run import _named, free_run
from xpfo_model.fidelity.machine import FidelityError

PATH = Path(__file__).parents[2] / "docs" / "traces" / "debian-6.1-cc-4cpu.npz"


@pytest.fixture(scope="module")
def found():
    return free_run(traces.read(PATH), zoneinfo_beside(PATH), "v6.1")


def test_it_asks_for_every_allocation_of_the_trace_and_gets_it(found):
    real, ours = found.kernel.events, found.model.events
    got = real.pfn[real.kind == MM_PAGE_ALLOC] != FAILED
    assert len(found.exact) == np.count_nonzero(got)
    taken = ours.kind == MM_PAGE_ALLOC
    assert np.count_nonzero(taken) == len(found.exact)
    assert (ours.pfn[taken] != FAILED).all()


def test_no_frame_is_handed_out_while_it_is_in_use(found):
    events = found.model.events
    order = np.argsort(events.time, kind="stable")
    in_use = set()
    twice = 0
    for kind, pfn, size in zip(
        *(c[order].tolist() for c in (events.kind, events.pfn, events.order)),
        strict=True,
    ):
        frames = set(range(pfn, pfn + (1 << size)))
        if kind == MM_PAGE_ALLOC:
            twice += len(frames & in_use)
            in_use |= frames
        elif kind == MM_PAGE_FREE:
            in_use -= frames
    # frees of two passes are told when the first is made
    assert twice == 0


def test_only_pages_that_both_sides_can_name_are_asked_for():
    d = empty(7)
    d.op[:] = [ALLOC, BULK, FREE, FREE, FREE_PREPARE, FREE_COMMIT, FREE]
    d.page[:] = [0, FOREIGN, 0, FOREIGN, FOREIGN, FOREIGN, FOREIGN]
    d.part[:] = [0, 0, 0, 5, 6, 6, 6]
    held = np.zeros(16, np.bool_)
    held[6] = True
    # in bulk; free as the trace begins; freed already
    assert _named(d, held).tolist() == [0, 2, 4, 5]
    assert held[6]


def test_a_trace_that_begins_later_is_refused_with_a_remedy():
    log = traces.read(PATH)
    later = EventLog(log.events.rows(slice(1000, None)), log.about)
    with pytest.raises(FidelityError, match="begins later") as caught:
        free_run(later, zoneinfo_beside(PATH), "v6.1")
    assert "xpfo-model fidelity" in caught.value.remedy
