# SPDX-License-Identifier: GPL-2.0-only
"""The model against itself: a stream that it made must be predicted whole."""

import io

import numpy as np
import pytest

from xpfo_model import fidelity
from xpfo_model.allocator import demand
from xpfo_model.allocator.model import Allocator
from xpfo_model.allocator.profiles import profile
from xpfo_model.allocator.zones import machine
from xpfo_model.events import About, EventLog
from xpfo_model.fidelity.extract import read

CPUS = 2


def made(kernel, length=3000):
    rng = np.random.default_rng(3)
    d = demand.empty(length)
    d.cpu[:] = rng.integers(0, CPUS, length)
    d.highest[:] = 2
    held, count = [], 0
    for i in range(length):
        if held and rng.random() < 0.45:
            d.op[i] = demand.FREE
            d.page[i], d.order[i] = held.pop(rng.integers(len(held)))
        else:
            d.op[i], d.page[i] = demand.ALLOC, count
            d.order[i] = rng.choice([0, 0, 0, 0, 1, 2])
            d.migratetype[i] = rng.choice([0, 1, 1, 2])
            held.append((count, d.order[i]))
            count += 1
    model = Allocator(kernel, machine(profile(kernel), 1 << 15, CPUS), count)
    assert model.run(d) == length
    events = model.events(d)
    gfp = np.where(events.migratetype == 1, 8, np.where(events.migratetype == 2, 16, 0))
    gfp = np.where(events.kind == 0, gfp, 0).astype(np.uint64)
    preempt = np.full(len(gfp), 255, np.uint8)
    return EventLog(events._replace(gfp=gfp, preempt=preempt), About("made")), count


@pytest.mark.parametrize("kernel", ["v6.1", "v6.18"])
def test_the_demand_of_a_stream_holds_no_frame_of_the_kernel(kernel):
    log, count = made(kernel)
    found = read(log.events, profile(kernel), "v6.1")
    assert found.allocations == count
    allocs = found.demand.op == demand.ALLOC
    assert not found.demand.part[allocs].any()
    assert (found.demand.page[found.demand.op == demand.FREE] >= 0).all()


# v6.18 moves its high as it goes, and nothing says where it was at the start
@pytest.mark.parametrize(("kernel", "share"), [("v6.1", 0.97), ("v6.18", 0.7)])
def test_the_model_predicts_its_own_lists(kernel, share):
    log, count = made(kernel)
    result = fidelity.compare(log, allocator=kernel)
    level = result.levels["pcp"]
    assert level.allocations == count
    known = count - level.resynchronised.get("start", 0)
    assert level.pfn_exact >= share * known
    for both in level.flushes.values():
        assert both.model == pytest.approx(both.kernel, rel=0.05, abs=5)


def test_what_is_printed_and_dumped():
    log, count = made("v6.1", 500)
    result = fidelity.compare(log, allocator="v6.1")
    printed = result.as_json()
    for level in ("pcp", "full"):
        assert printed[level]["allocations"] == count
        assert set(printed[level]["refills"]) == {"kernel", "model"}
        assert "pcp_batch" in printed[level]["flushes"]
    file = io.StringIO()
    result.write_dump(file)
    lines = file.getvalue().splitlines()
    assert lines[0] == "event,predicted_pfn,actual_pfn"
    assert len(lines) == count + 1
