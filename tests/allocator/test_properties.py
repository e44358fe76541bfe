# SPDX-License-Identifier: GPL-2.0-only
"""What holds for any demand, on every kernel."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpfo_model.allocator import demand
from xpfo_model.allocator.lists import list_first, list_last
from xpfo_model.allocator.model import Allocator
from xpfo_model.allocator.pcp import pcp_of, pindex_to_order
from xpfo_model.allocator.profiles import PROFILES, profile
from xpfo_model.allocator.state import (
    BUDDY,
    MIGRATE_TYPES,
    NR_PAGE_ORDERS,
    NR_ZONES,
    ON_PCP,
    page_is_buddy,
)
from xpfo_model.allocator.zones import machine
from xpfo_model.events import MM_PAGE_ALLOC

FRAMES = 1 << 14
CPUS = 2
ROOM = 1 << 18


def on_list(s, head):
    entry = list_first(s, head)
    before = head
    while entry != head:
        assert entry < s.frames
        assert list_last(s, entry) == before
        yield entry
        before, entry = entry, list_first(s, entry)


def check(s):
    """Every list is whole; no frame is on two; counts and buddies are right."""
    covered = np.zeros(s.frames, np.int8)
    for zone in range(NR_ZONES):
        free = 0
        for order in range(NR_PAGE_ORDERS):
            for migratetype in range(MIGRATE_TYPES):
                head = s.frames + (zone * NR_PAGE_ORDERS + order) * MIGRATE_TYPES
                for pfn in on_list(s, head + migratetype):
                    assert page_is_buddy(s, pfn, order)
                    covered[pfn : pfn + (1 << order)] += 1
                    free += 1 << order
                    if order < NR_PAGE_ORDERS - 2:
                        assert s.pages[pfn ^ (1 << order)].use != BUDDY + order
        assert s.zones[zone].free_pages == free
        for cpu in range(CPUS):
            pcp = pcp_of(s, cpu, s.zones[zone])
            count = 0
            for pindex in range(s.profile.pcp_lists):
                order = pindex_to_order(s, pindex)
                for pfn in on_list(s, pcp.lists + pindex):
                    assert s.pages[pfn].use == ON_PCP
                    covered[pfn : pfn + (1 << order)] += 1
                    count += 1 << order
            assert pcp.count == count
    assert covered.max() <= 1
    return covered


def random_demand(seed, length):
    """Allocations and frees of pages that are held, in a random order."""
    rng = np.random.default_rng(seed)
    d = demand.empty(length)
    held = []
    allocations = 0
    for i in range(length):
        d.cpu[i] = rng.integers(CPUS)
        d.highest[i] = 2
        kind = rng.random()
        if kind < 0.01:
            d.op[i] = rng.choice([demand.DRAIN_ALL, demand.DRAIN_CPU, demand.DECAY])
        elif held and kind < 0.5:
            number, order = held.pop(rng.integers(len(held)))
            d.op[i], d.page[i], d.order[i] = demand.FREE, number, order
            d.flags[i] = demand.LOCKED if rng.random() < 0.05 else 0
        else:
            order = int(rng.choice([0, 0, 0, 0, 1, 2, 3, 5, 9]))
            d.op[i], d.page[i], d.order[i] = demand.ALLOC, allocations, order
            d.migratetype[i] = rng.integers(3)
            held.append((allocations, order))
            allocations += 1
    return d, allocations


@pytest.mark.parametrize("kernel", PROFILES)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_frame_is_ever_on_two_lists_or_given_twice(kernel, seed):
    length = 400
    d, allocations = random_demand(seed, length)
    model = Allocator(kernel, machine(profile(kernel), FRAMES, CPUS), allocations, ROOM)
    s = model.state
    whole = check(s)
    at = 0
    while at < length:
        stop = min(at + 50, length)
        part = demand.Demand(*(column[:stop] for column in d))
        assert model.run(part, at) == stop
        free = check(s)
        at = stop
        used = whole - free
        held = np.zeros(s.frames, np.int8)
        freed = set(d.page[:stop][d.op[:stop] == demand.FREE].tolist())
        for i in np.flatnonzero(d.op[:stop] == demand.ALLOC).tolist():
            if d.page[i] not in freed and s.held[d.page[i]] >= 0:
                first = s.held[d.page[i]]
                held[first : first + (1 << int(d.order[i]))] += 1
        assert held.max() <= 1
        assert (held == used).all()


@pytest.mark.parametrize("kernel", PROFILES)
def test_all_memory_comes_back_in_the_largest_pages(kernel):
    d, allocations = random_demand(1, 300)
    model = Allocator(kernel, machine(profile(kernel), FRAMES, CPUS), allocations, ROOM)
    before = check(model.state)
    model.run(d)
    freed = set(d.page[d.op == demand.FREE].tolist())
    rest = [i for i in np.flatnonzero(d.op == demand.ALLOC) if d.page[i] not in freed]
    end = demand.empty(len(rest) + 1)
    end.op[:-1], end.op[-1] = demand.FREE, demand.DRAIN_ALL
    end.page[:-1], end.order[:-1] = d.page[rest], d.order[rest]
    model.run(end)
    assert (check(model.state) == before).all()
    largest = BUDDY + NR_PAGE_ORDERS - 1
    use = model.state.pages["use"][: model.state.frames]
    assert np.count_nonzero(use == largest) == FRAMES >> (NR_PAGE_ORDERS - 1)


def test_every_allocation_says_so_and_a_full_record_stops_the_run():
    d, allocations = random_demand(2, 3000)
    layout = machine(profile("v6.1"), FRAMES, CPUS)
    model = Allocator("v6.1", layout, allocations, (1 << 15) + 100)
    at = 0
    said = 0
    while at < len(d.op):
        at = model.run(d, at)
        said += np.count_nonzero(model.events(d).kind == MM_PAGE_ALLOC)
    assert said == allocations
