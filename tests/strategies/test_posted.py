# SPDX-License-Identifier: GPL-2.0-only
"""The posted versions, hook by hook, against what their patches say."""

import pytest
from driven import BOTH, EVERY_CPU, Driver, booted

from xpfo_model import machine
from xpfo_model.constants import (
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    TLB_SINGLE_PAGE_FLUSH_CEILING,
)
from xpfo_model.machine import (
    XPFO_UNMAPPED,
    XPFO_USER,
)
from xpfo_model.strategies import deferral, v3

# v5, 9 August 2017


def test_v5_flushes_once_for_a_page_and_clears_no_pte():
    d = Driver("v5").alloc(0, 1)
    assert d.flushes == {"alloc": 1}
    assert d.unmapped == set()
    assert d.marks(0, 1, 2) == [XPFO_USER, XPFO_USER, 0]


def test_v5_keeps_the_user_mark_over_a_free():
    d = Driver("v5").alloc(0).use(0).free(0)
    assert d.marks(0) == [XPFO_USER]
    assert d.unmapped == set()
    assert d.alloc(0).flushes == {"alloc": 1, "local": 1}


def test_v5_flushes_if_any_frame_was_the_kernels():
    d = Driver("v5").alloc(0).free(0).alloc(0, 1)
    assert d.flushes == {"alloc": 2}
    assert d.free(0, 1).alloc(0, user=False).marks(0, 1) == [0, XPFO_USER]
    assert d.free(0).alloc(0, 1).flushes == {"alloc": 3}


def test_v5_maps_back_what_a_user_left_unmapped_and_nothing_else():
    d = Driver("v5").alloc(0, 1).use(0)
    assert d.unmapped == {0}
    d.free(0, 1)
    assert d.m.counts.mapped == 1
    assert d.marks(0, 1) == [XPFO_USER, XPFO_USER]


def test_v5_kunmap_flushes_its_own_cpu_only():
    d = Driver("v5").alloc(0).kmap(0, cpu=1).kunmap(0, cpu=1)
    assert d.unmapped == {0}
    assert d.stale(0) == 0b101
    assert d.flushes == {"alloc": 1, "local": 1}


# v3, 4 November 2016


def test_v3_flushes_for_a_frame_of_the_kernel_and_not_for_one_that_nobody_had():
    d = Driver("v3").alloc(0, 1)
    assert d.flushes == {}
    assert d.free(0, 1).alloc(2, user=False).marks(0, 2) == [0, v3.XPFO_KERNEL]
    assert d.free(2).marks(2) == [v3.XPFO_KERNEL]
    assert d.alloc(2, 3).flushes == {"alloc": 1}
    assert d.free(2, 3).alloc(2, 3).flushes == {"alloc": 1}
    assert d.unmapped == set()


def test_v3_tags_what_the_kernel_had_before_it_began():
    d = Driver("v3")
    machine.hold_since_start(d.m, [4])
    assert d.free(4).marks(4) == [v3.XPFO_KERNEL]
    assert d.alloc(4).flushes == {"alloc": 1}


@pytest.mark.parametrize("name", ["v5", "v6", "will_map", "v8", "v9"])
def test_marked_versions_unmap_at_the_last_kunmap_and_map_at_the_first_kmap(name):
    d = Driver(name).alloc(0)
    d.kmap(0).kmap(0).kunmap(0)
    assert 0 not in d.unmapped
    assert d.marks(0) == [XPFO_USER]
    assert d.m.mapcount[0] == 1
    d.kunmap(0)
    assert 0 in d.unmapped
    assert d.marks(0) == [BOTH]
    mapped = d.m.counts.mapped
    d.kmap(0).kmap(0)
    assert d.marks(0) == [XPFO_USER]
    assert d.m.counts.mapped == mapped + 1


@pytest.mark.parametrize("name", ["v5", "v6", "will_map", "v8", "v9"])
def test_marked_versions_leave_the_kernels_frames_to_kmap_alone(name):
    d = Driver(name).alloc(0, user=False).use(0)
    assert d.flushes == {}
    assert d.unmapped == set()
    assert d.m.mapcount[0] == 0
    assert d.marks(0) == [0]


# v6, 7 September 2017


def test_v6_flushes_for_every_user_page_and_forgets_at_free():
    d = Driver("v6").alloc(0, 1)
    assert d.flushes == {"alloc": 1}
    assert d.unmapped == set()
    d.use(0)
    assert d.flushes == {"alloc": 1, "kunmap": 1}
    assert d.unmapped == {0}
    assert d.stale(0) == 0
    d.free(0, 1)
    assert d.marks(0, 1) == [0, 0]
    assert d.unmapped == set()
    assert d.alloc(0).flushes == {"alloc": 2, "kunmap": 1}


def test_v6_frees_no_kernel_page_and_flushes_for_none():
    d = Driver("v6").alloc(0, user=False)
    assert d.flushes == {}
    machine.unmap(d.m, [0])
    d.free(0)
    assert d.unmapped == {0}, "free maps back what was marked, not what is unmapped"


def test_v6_takes_the_mark_from_a_page_that_the_kernel_gets():
    assert Driver("v6").alloc(0, 1).alloc(0, user=False).marks(0, 1) == [0, XPFO_USER]


# v6 with its thread's fixes, September 2017


def test_will_map_unmaps_what_the_kernel_had():
    d = Driver("will_map").alloc(0, 1, zeroed=True)
    assert d.unmapped == {0, 1}
    assert d.marks(0, 1) == [BOTH, BOTH]
    assert d.flushes == {"alloc": 1}
    assert d.stale(0) == 0


def test_will_map_leaves_a_users_frame_that_will_be_zeroed():
    d = Driver("will_map").alloc(0).free(0).alloc(0, zeroed=True)
    assert d.flushes == {"alloc": 1}
    assert d.free(0).alloc(0, zeroed=False).flushes == {"alloc": 2}


def test_will_map_frees_nothing_and_maps_for_the_kernel_with_a_flush():
    d = Driver("will_map").alloc(0, 1).free(0, 1)
    assert d.unmapped == {0, 1}
    assert d.marks(0, 1) == [BOTH, BOTH]
    d.alloc(0, user=False)
    assert d.unmapped == {1}
    assert d.marks(0, 1) == [0, BOTH]
    assert d.flushes == {"alloc": 2}
    assert d.free(0).alloc(0, user=False).flushes == {"alloc": 2}


def test_will_map_flushes_all_cpus_at_kunmap():
    d = Driver("will_map").alloc(0).use(0)
    assert d.flushes == {"alloc": 1, "kunmap": 1}
    assert d.stale(0) == 0


# The prototype of 9 November 2017


def test_nov2017_flushes_for_each_frame_that_changes_sides():
    d = Driver("nov2017").refill(0, 1, 2)
    assert d.flushes == {"refill": 3}
    assert d.unmapped == {0, 1, 2}
    assert d.marks(0, 1, 2, 3) == [BOTH, BOTH, BOTH, 0]
    assert d.refill(1, 3).flushes == {"refill": 4}
    d.refill(1, 4, migratetype=MIGRATE_UNMOVABLE)
    assert d.flushes == {"refill": 5}
    assert d.unmapped == {0, 2, 3}
    assert d.marks(1, 4) == [0, 0]


def test_nov2017_trusts_the_list_at_allocation():
    d = Driver("nov2017").refill(0).alloc(0, user=False).free(0)
    assert d.unmapped == {0}, "the kernel has a page that is not mapped"
    assert d.alloc(1).unmapped == {0}
    assert d.flushes == {"refill": 1}
    assert d.use(0).flushes == {"refill": 1, "kunmap": 1}


# v7, 10 January 2019


def test_v7_flushes_where_the_task_that_left_it_is_scheduled():
    d = Driver("v7").run(0).alloc(0, cpu=1)
    assert d.flushes == {"local": 1}
    d.run(1).switch(0).switch(2)
    assert d.flushes == {"local": 1}, "another task"
    d.run(0).switch(1)
    assert d.flushes == {"local": 1}, "it flushed there when it left the rest"
    assert d.switch(2).switch(2).flushes == {"local": 2}


def test_v7_protects_only_from_the_task_itself():
    d = Driver("v7").run(0).alloc(0).use(0)
    assert d.stale(0) == 0b110
    assert d.run(1).switch(1).stale(0) == 0b110
    assert d.run(0).switch(1).stale(0) == 0b100


# v8, 13 February 2019


def test_v8_flushes_here_and_posts_the_flush_elsewhere():
    d = Driver("v8").alloc(0, cpu=1)
    assert d.flushes == {"local": 1}
    assert list(d.m.cpu_state) == [1, 0, 1]
    assert d.marks(0) == [XPFO_USER]
    assert d.unmapped == set()
    d.alloc(0, cpu=1)
    assert d.flushes == {"local": 1}, "it was marked already"
    assert d.alloc(0, user=False).marks(0) == [0]


def test_v8_kunmap_leaves_other_cpus_stale_until_they_switch():
    d = Driver("v8").alloc(0).switch(1).switch(2).kmap(0).kunmap(0)
    assert d.stale(0) == 0b110
    d.switch(1)
    assert d.stale(0) == 0b100
    assert list(d.m.cpu_state) == [0, 0, 1]
    local = d.m.counts.local_flushes
    d.switch(1).switch(0)
    assert d.m.counts.local_flushes == local
    assert d.switch(2).stale(0) == 0
    assert d.m.counts.local_flushes == local + 1


def test_v8_refill_marks_and_flushes_once_but_clears_no_pte():
    d = Driver("v8").refill(0, 1, cpu=2)
    assert d.flushes == {"local": 1}
    assert list(d.m.cpu_state) == [1, 1, 0]
    assert d.unmapped == set()
    assert d.marks(0, 1) == [BOTH, BOTH]
    assert d.refill(0, 1).flushes == {"local": 1}
    assert d.refill(0, 2).flushes == {"local": 2}
    d.refill(0, 3, migratetype=MIGRATE_RECLAIMABLE)
    assert d.marks(0, 3) == [XPFO_UNMAPPED, 0]
    assert d.flushes == {"local": 2}


def test_v8_free_forgets_both_marks():
    d = Driver("v8").alloc(0).use(0).free(0)
    assert d.marks(0) == [0]
    assert d.unmapped == set()


# v9, 3 April 2019


def test_v9_clears_the_pte_of_the_first_frame_and_marks_all():
    d = Driver("v9").alloc(4, 5, 6)
    assert d.unmapped == {4}
    assert d.marks(4, 5, 6) == [BOTH, BOTH, BOTH]
    assert d.flushes == {"local": 1}
    assert list(d.m.cpu_state) == [0, 1, 1]
    assert d.stale(4) == 0b110


def test_v9_flushes_not_for_what_is_marked_as_unmapped():
    d = Driver("v9").alloc(0).free(0).alloc(0)
    assert d.flushes == {"local": 1}
    assert d.unmapped == {0}


def test_v9_leaves_a_users_frame_that_will_be_zeroed():
    d = Driver("v9").alloc(0).kmap(0)
    assert d.marks(0) == [XPFO_USER]
    assert d.alloc(0, zeroed=True).marks(0) == [XPFO_USER]
    assert d.flushes == {"local": 1}
    assert d.alloc(0, zeroed=False).marks(0) == [BOTH]
    assert d.flushes == {"local": 2}
    assert Driver("v9").alloc(0, zeroed=True).marks(0) == [BOTH]


def test_v9_free_marks_a_users_frame_and_maps_nothing():
    d = Driver("v9").alloc(0).kmap(0).free(0)
    assert d.marks(0) == [BOTH]
    assert d.unmapped == set()
    assert Driver("v9").alloc(0, user=False).free(0).marks(0) == [0]


def test_v9_maps_for_the_kernel_without_a_flush():
    d = Driver("v9").alloc(0).free(0).alloc(0, 1, user=False)
    assert d.unmapped == set()
    assert d.marks(0, 1) == [0, 0]
    assert d.flushes == {"local": 1}
    machine.unmap(d.m, [2])
    assert d.alloc(2, user=False).unmapped == {2}, "only a marked frame is mapped"


def test_v9_refill_unmaps_what_is_not_marked_with_one_flush():
    d = Driver("v9").refill(0, 1, cpu=1)
    assert d.unmapped == {0, 1}
    assert d.marks(0, 1) == [BOTH, BOTH]
    assert d.flushes == {"local": 1}
    assert d.stale(0) == 0b101
    assert list(d.m.cpu_state) == [1, 0, 1]
    assert d.refill(1).flushes == {"local": 1}
    d.refill(1, 2, migratetype=MIGRATE_UNMOVABLE)
    assert d.marks(1, 2) == [XPFO_UNMAPPED, 0]
    assert d.unmapped == {0, 1}
    assert d.flushes == {"local": 1}


# The deferred flush of v8 and v9


@pytest.mark.parametrize("more", [0, 1])
def test_a_range_above_the_ceiling_is_a_full_flush_here(more):
    ceiling = TLB_SINGLE_PAGE_FLUSH_CEILING
    m = booted(frames=2 * ceiling)
    far = 2 * ceiling - 1
    machine.unmap(m, [0, far])
    deferral.xpfo_flush_tlb_kernel_range(m, 1, range(ceiling + more))
    assert m.stale[0, 0] == 0b101
    assert m.stale[far, 0] == (0b101 if more else 0b111)
    assert m.counts.local_flushes == 1
    assert list(m.cpu_state) == [1, 0, 1]


def test_a_full_deferred_flush_is_for_every_frame_here():
    m = booted()
    machine.unmap(m, [3, 9])
    deferral.xpfo_flush_tlb_all(m, 2)
    assert m.stale[3, 0] == m.stale[9, 0] == 0b011
    assert list(m.cpu_state) == [1, 1, 0]


def test_a_context_switch_flushes_if_a_flush_is_pending():
    m = booted()
    machine.unmap(m, [3])
    deferral.switch_mm_irqs_off(m, 0)
    assert m.stale[3, 0] == EVERY_CPU
    m.cpu_state[0] = deferral.PENDING
    deferral.switch_mm_irqs_off(m, 0)
    assert m.stale[3, 0] == 0b110
    assert m.cpu_state[0] == deferral.CLEAR
    assert m.counts.local_flushes == 1
