# SPDX-License-Identifier: GPL-2.0-only
"""What one operation does, and the events that say so."""

import pytest
from zones import (
    BLOCK,
    FIRST,
    H,
    M,
    R,
    U,
    block,
    events,
    free_pages,
    on_pcp,
    put,
    put_on_pcp,
    sized,
    the_pcp,
    the_zone,
    zones,
)

from xpfo_model.allocator import demand
from xpfo_model.allocator.demand import FOREIGN, LOCKED, alloc_pages_bulk, operate
from xpfo_model.allocator.state import USED, USED_MOVABLE, WMARK_LOW
from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_FREE_BATCHED,
)

KERNELS = ["v4.14", "v6.1", "v6.12", "v6.18"]


def run(s, *operations):
    """Run operations, each a mapping of columns, whose numbers are Python's."""
    d = demand.empty(len(operations))
    d.highest[:] = 2
    for i, operation in enumerate(operations):
        for column, value in operation.items():
            getattr(d, column)[i] = value
    views = demand.Demand(*(memoryview(column) for column in d))
    for i in range(len(operations)):
        operate(s, views, i)


def ready(kernel, pages=8):
    """Single pages on a free list, and a pcp that takes more than it gives back."""
    s = sized(zones(kernel), 4, 1000)
    the_zone(s).watermark[WMARK_LOW] = 0
    for at in range(pages):
        put(s, FIRST + 2 * at, 0, M)
    return s


def alloc(page, migratetype=M, **more):
    return {"op": demand.ALLOC, "page": page, "migratetype": migratetype, **more}


def free(page, op=demand.FREE, **more):
    return {"op": op, "page": page, **more}


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_page_is_allocated_and_freed(kernel):
    s = ready(kernel)
    run(s, alloc(0), alloc(1), free(0), alloc(2))
    assert list(s.held[:3]) == [FIRST, FIRST + 2, FIRST]
    said = [event for event in events(s) if event[0] != MM_PAGE_ALLOC_ZONE_LOCKED]
    assert [event[:4] for event in said] == [
        (MM_PAGE_ALLOC, FIRST, 0, M),
        (MM_PAGE_ALLOC, FIRST + 2, 0, M),
        (MM_PAGE_FREE, FIRST, 0, -1),
        (MM_PAGE_ALLOC, FIRST, 0, M),
    ]
    assert s.pages[FIRST].use == USED_MOVABLE


def test_the_refill_is_said_before_the_page():
    s = ready("v6.1")
    run(s, alloc(0))
    kinds = [event[0] for event in events(s)]
    assert kinds == [MM_PAGE_ALLOC_ZONE_LOCKED] * 4 + [MM_PAGE_ALLOC]


def test_an_allocation_that_fails_says_so_and_its_free_does_nothing():
    s = zones("v6.1")
    run(s, alloc(0), free(0), free(0, demand.FREE_PREPARE), free(0, demand.FREE_COMMIT))
    assert events(s) == [(MM_PAGE_ALLOC, FAILED, 0, M, 0, 0, 0)]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("of", "pindex"), [(U, 0), (M, 1), (R, 2), (H, 1)])
def test_a_page_is_freed_to_the_list_of_its_block(kernel, of, pindex):
    s = ready(kernel)
    block(s, FIRST, of)
    s.pages[FIRST + 100].use = USED_MOVABLE
    run(s, free(FOREIGN, part=FIRST + 100))
    assert on_pcp(s, pindex) == [FIRST + 100]
    assert s.pages[FIRST + 100].migratetype == of  # by which it is drained before v6.12


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("order", [0, 1, 3, 4, 8, 9, 10])
def test_only_some_orders_are_freed_to_the_pcp(kernel, order):
    s = ready(kernel)
    start = FIRST + 4 * BLOCK
    run(s, free(FOREIGN, part=start, order=order))
    to_pcp = order == 0 or (kernel != "v4.14" and order in {1, 3, 9})
    assert the_pcp(s).count == (to_pcp << order)
    assert (start in free_pages(s, order, M)) == (not to_pcp)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_free_that_meets_the_lock_goes_to_the_buddy_lists(kernel):
    s = ready(kernel, pages=0)
    run(s, free(FOREIGN, part=FIRST, flags=LOCKED))
    assert free_pages(s, 0, M) == [FIRST]
    assert the_pcp(s).count == 0


def test_past_the_pcp_pages_come_to_the_tail():
    s = ready("v6.18", pages=2)
    run(s, free(FOREIGN, demand.FREE_TO_BUDDY, part=FIRST + 64))
    assert free_pages(s, 0, M)[-1] == FIRST + 64


def test_a_batch_is_prepared_first_and_then_committed():
    s = ready("v6.1", pages=0)
    parts = (FIRST, FIRST + 8)
    run(
        s,
        *(free(FOREIGN, demand.FREE_PREPARE, part=part) for part in parts),
        *(free(FOREIGN, demand.FREE_COMMIT, part=part) for part in parts),
    )
    assert [event[:2] for event in events(s)] == [
        *((MM_PAGE_FREE, part) for part in parts),
        *((MM_PAGE_FREE_BATCHED, part) for part in parts),
    ]
    assert on_pcp(s, M) == [FIRST + 8, FIRST]


def test_a_part_of_a_larger_page_is_freed_by_itself():
    s = ready("v6.1", pages=0)
    put(s, FIRST, 10, M)
    run(s, alloc(0, order=2), free(0, part=3), free(0, part=1))
    assert on_pcp(s, M) == [FIRST + 1, FIRST + 3]


@pytest.mark.parametrize("kernel", ["v6.1", "v6.18"])
def test_pages_in_bulk_are_taken_from_the_head_without_an_event(kernel):
    s = ready(kernel)
    put_on_pcp(s, FIRST + 65, M)
    built_up = "free_count" if kernel == "v6.18" else "free_factor"
    setattr(the_pcp(s), built_up, 1)
    assert alloc_pages_bulk(s, 0, M, 2, 3) == 3
    assert [event[:2] for event in events(s)] == [
        (MM_PAGE_ALLOC_ZONE_LOCKED, FIRST + 2 * at) for at in range(4)
    ]
    assert on_pcp(s, M) == [FIRST + 4, FIRST + 6]
    assert s.pages[FIRST + 65].use == USED
    assert (
        getattr(the_pcp(s), built_up) == 1
    )  # nor does it halve what frees have built up


def test_bulk_may_come_short():
    s = ready("v6.1", pages=5)
    assert alloc_pages_bulk(s, 0, M, 2, 4) == 4
    assert alloc_pages_bulk(s, 0, M, 2, 4) == 0  # not above low and what is wanted


def test_bulk_needs_what_it_wants_above_the_low_watermark():
    s = ready("v6.1")
    the_zone(s).watermark[WMARK_LOW] = 4
    assert alloc_pages_bulk(s, 0, M, 2, 4) == 0
    assert alloc_pages_bulk(s, 0, M, 2, 3) == 3


def test_drains_of_one_cpu_and_of_all():
    s = zones("v6.1", cpus=2)
    for cpu in range(2):
        sized(s, 4, 100, cpu=cpu)
        put_on_pcp(s, FIRST + 2 * cpu, M, pcp=the_pcp(s, cpu))
    pcps = [the_pcp(s, cpu) for cpu in range(2)]
    run(s, {"op": demand.DRAIN_CPU, "cpu": 1})
    assert [pcp.count for pcp in pcps] == [1, 0]
    run(s, {"op": demand.DRAIN_ALL})
    assert [pcp.count for pcp in pcps] == [0, 0]


def test_a_decay_is_of_one_cpu():
    s = zones("v6.18", cpus=2)
    for cpu in range(2):
        sized(s, 4, 8, 1, 100, cpu)
        for at in range(8):
            put_on_pcp(s, FIRST + 64 * cpu + 2 * at, M, pcp=the_pcp(s, cpu))
    run(s, {"op": demand.DECAY, "cpu": 1})
    assert [the_pcp(s, cpu).count for cpu in range(2)] == [8, 7]
