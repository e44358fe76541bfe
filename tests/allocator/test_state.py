# SPDX-License-Identifier: GPL-2.0-only
import pytest
from zones import FIRST, FRAMES, M, R, U, events, the_pcp, zones

from xpfo_model.allocator import demand
from xpfo_model.allocator.lists import list_first, list_last
from xpfo_model.allocator.model import RecordFullError, events_of
from xpfo_model.allocator.pcp import pcp_list
from xpfo_model.allocator.state import (
    MIGRATE_TYPES,
    NR_PAGE_ORDERS,
    NR_ZONES,
    emit,
    emit_extfrag,
    free_list,
    page_zone,
)
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_FREE,
)


@pytest.mark.parametrize(
    ("pfn", "zone"), [(0, 0), (FIRST - 1, 0), (FIRST, 1), (FRAMES - 1, 1)]
)
def test_the_zone_of_a_frame(pfn, zone):
    assert page_zone(zones("v6.1"), pfn).index == zone


def test_zones_end_at_16_mib_and_4_gib():
    s = zones("v6.1", frames=(1 << 20) + 512)
    around = [(1 << 12) - 1, 1 << 12, (1 << 20) - 1, 1 << 20]
    assert [page_zone(s, pfn).index for pfn in around] == [0, 1, 1, 2]


@pytest.mark.parametrize("kernel", ["v4.14", "v6.18"])
def test_every_list_has_a_head_of_its_own(kernel):
    s = zones(kernel, cpus=3)
    heads = [
        free_list(s.zones[zone], order, migratetype)
        for zone in range(NR_ZONES)
        for order in range(NR_PAGE_ORDERS)
        for migratetype in range(MIGRATE_TYPES)
    ]
    lists = 3 if kernel == "v4.14" else 14
    heads += [
        pcp_list(the_pcp(s, cpu, zone), pindex)
        for cpu in range(3)
        for zone in range(NR_ZONES)
        for pindex in range(lists)
    ]
    assert len(set(heads)) == len(heads)
    assert min(heads) == s.frames
    assert max(heads) == len(s.pages) - 1
    assert all(list_first(s, head) == list_last(s, head) == head for head in heads)


def test_events_are_recorded_one_after_the_other():
    s = zones("v6.1")
    s.counters.operation = 17
    emit(s, MM_PAGE_ALLOC, 100, 2, R, 0)
    emit_extfrag(s, 200, 1, M, 4, U, True)
    emit_extfrag(s, 300, 1, M, 4, U, False)
    emit(s, MM_PAGE_FREE, 100, 2, -1, 0)
    assert [event[:5] for event in events(s)] == [
        (MM_PAGE_ALLOC, 100, 2, R, 0),
        (MM_PAGE_ALLOC_EXTFRAG, 200, 1, M, CHANGE_OWNERSHIP),
        (MM_PAGE_ALLOC_EXTFRAG, 300, 1, M, 0),
        (MM_PAGE_FREE, 100, 2, -1, 0),
    ]
    assert events(s)[1][5:] == (4, U)
    assert s.record["by"][: s.counters.events].tolist() == [17] * 4


def test_a_full_record_counts_what_it_has_no_room_for():
    s = zones("v6.1")
    room = len(s.record)
    s.counters.events = room - 1
    emit(s, MM_PAGE_FREE, 1, 0, -1, 0)
    emit_extfrag(s, 200, 1, M, 4, U, True)
    emit(s, MM_PAGE_FREE, 2, 0, -1, 0)
    assert (s.counters.events, s.counters.dropped) == (room, 2)
    with pytest.raises(RecordFullError):
        events_of(s, demand.empty(1))
