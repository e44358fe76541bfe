# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from zones import BLOCK, FRAMES, M, events, free_pages, the_pcp, zones

from xpfo_model.allocator import demand
from xpfo_model.allocator.model import ROOM, Allocator, boot, bound, free_range
from xpfo_model.allocator.profiles import PROFILES, profile
from xpfo_model.allocator.zones import machine
from xpfo_model.events import MM_PAGE_ALLOC, MM_PAGE_ALLOC_EXTFRAG, MM_PAGE_FREE


@pytest.mark.parametrize("kernel", PROFILES)
def test_a_machine_begins_with_its_memory_in_ascending_order(kernel):
    s = zones(kernel, free=True)
    pages = [pfn for zone in (0, 1) for pfn in free_pages(s, 10, M, zone)]
    assert pages == list(range(0, FRAMES, 2 * BLOCK))
    assert events(s) == []


def test_a_range_is_freed_in_the_largest_pages_that_fit():
    s = zones("v6.1")
    free_range(s, 4096 + 3, 4096 + 1500, True)
    orders = {order: free_pages(s, order, M) for order in range(11)}
    start = 4096
    assert orders[0] == [start + 3]
    assert orders[2] == [start + 4, start + 1496]
    assert orders[8] == [start + 256, start + 1024]
    assert orders[9] == [start + 512]
    assert not orders[10]


@pytest.mark.parametrize("kernel", PROFILES)
def test_the_sizes_of_a_pcp(kernel):
    layout = machine(profile(kernel), FRAMES, 3)
    s = boot(kernel, layout, 0, 1)
    for cpu in range(3):
        for zone in (0, 1):
            sizes = layout.zones[zone].pageset
            pcp = the_pcp(s, cpu, zone)
            assert pcp.batch == sizes.batch
            assert pcp.high_min == sizes.high
            assert pcp.high_max == sizes.high_max
            begins_at_0 = kernel in {"v6.12", "v6.18"}
            assert pcp.high == (0 if begins_at_0 else sizes.high)


def test_what_an_operation_can_emit():
    s = zones("v6.1", cpus=2)
    for cpu in range(2):
        for zone in range(3):
            the_pcp(s, cpu, zone).count = 10 * (cpu + 1)
    d = demand.empty(2)
    d.cpu[0], d.op[1] = 1, demand.DRAIN_ALL
    assert bound(s, d, 0) == ROOM + 60
    assert bound(s, d, 1) == ROOM + 90


def test_the_face_gives_columns_that_say_who_asked():
    d = demand.empty(4)
    d.op[:] = [demand.ALLOC, demand.ALLOC, demand.FREE, demand.ALLOC]
    d.page[:] = [0, 1, 0, 2]
    d.cpu[:] = [1, 0, 1, 0]
    d.migratetype[:] = [1, 0, 0, 1]
    d.highest[:] = 2
    model = Allocator("v6.1", machine(profile("v6.1"), FRAMES, 2), 3, 1 << 15)
    assert model.run(d) == 4
    e = model.events(d)
    own = np.isin(e.kind, (MM_PAGE_ALLOC, MM_PAGE_FREE))
    assert e.time[own].tolist() == [0, 1, 2, 3]
    assert e.cpu[own].tolist() == [1, 0, 1, 0]
    assert e.pfn[own][0] == e.pfn[own][2] == model.state.held[0]
    extfrag = e.kind == MM_PAGE_ALLOC_EXTFRAG
    assert extfrag.sum() == 1
    assert (e.fallback_order[extfrag], e.fallback_migratetype[extfrag]) == (10, M)
    assert not e.fallback_order[~extfrag].any()
    assert (e.fallback_migratetype[~extfrag] == -1).all()
    assert len(model.events(d).kind) == 0
