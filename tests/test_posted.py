# SPDX-License-Identifier: GPL-2.0-only
"""The posted versions, hook by hook, against what their patches say."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model import jit, machine, strategies
from xpfo_model.constants import (
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
    TLB_SINGLE_PAGE_FLUSH_CEILING,
)
from xpfo_model.machine import (
    ALLOC,
    ALTERNATION,
    BLOCK,
    CAUSES,
    KERNEL,
    KUNMAP,
    REFILL,
    XPFO_UNMAPPED,
    XPFO_USER,
)
from xpfo_model.strategies import deferral, guarantee, kmaps, pcp_batch_prezero, v3

FRAMES, CPUS = 16, 3
EVERY_CPU = 0b111
BOTH = XPFO_USER | XPFO_UNMAPPED


def booted(frames=FRAMES, cpus=CPUS, block_order=2):
    """A machine as plain Python runs it, whatever the engine."""
    m = machine.boot(frames, block_order, cpus=cpus)
    return jit._readable(m)


class Driver:
    """A strategy's hooks on a machine, called as the kernel calls them."""

    def __init__(self, name, **size):
        self.m = booted(**size)
        self.hooks = strategies.load(name)

    def alloc(self, *frames, user=True, zeroed=False, cpu=0):
        self.hooks.alloc(self.m, cpu, frames, user, zeroed)
        if user:
            machine.hand_to_user(self.m, frames)
        else:
            machine.take_back(self.m, frames, KERNEL)
        return self

    def free(self, *frames, cpu=0):
        self.hooks.free(self.m, cpu, frames)
        machine.take_back(self.m, frames, machine.FREE)
        return self

    def kmap(self, frame, cpu=0):
        self.hooks.kmap(self.m, cpu, frame)
        return self

    def kunmap(self, frame, cpu=0):
        self.hooks.kunmap(self.m, cpu, frame)
        return self

    def use(self, frame, cpu=0):
        return self.kmap(frame, cpu).kunmap(frame, cpu)

    def refill(self, *frames, migratetype=MIGRATE_MOVABLE, cpu=0):
        self.hooks.refill(self.m, cpu, frames, migratetype)
        return self

    def change_block(self, block, migratetype, cpu=0):
        self.hooks.change_block(self.m, cpu, block, migratetype)
        return self

    def switch(self, cpu):
        self.hooks.context_switch(self.m, cpu)
        return self

    @property
    def flushes(self):
        """The causes of all shootdowns, and the flushes of one CPU as `local`."""
        counts = {
            CAUSES[i]: self.m.counts.flushes_by_cause[i] for i in range(len(CAUSES))
        }
        counts["local"] = self.m.counts.local_flushes
        return {cause: n for cause, n in counts.items() if n}

    @property
    def unmapped(self):
        alias = self.m.alias
        return {f for f in range(len(alias)) if not alias[f] & machine.IS_MAPPED}

    def stale(self, frame):
        return self.m.stale[frame, 0]

    def marks(self, *frames):
        return [self.m.marks[frame] for frame in frames]


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


# kmap through the direct map, and elsewhere


def test_the_last_kunmap_of_a_users_frame_unmaps_and_flushes():
    m = booted()
    machine.unmap(m, [5])
    machine.hand_to_user(m, [5])
    machine.flush(m, ALLOC)
    kmaps.physmap_kmap(m, 0, 5)
    kmaps.physmap_kmap(m, 1, 5)
    assert m.alias[5] == machine.IS_MAPPED
    assert m.mapcount[5] == 2
    kmaps.physmap_kunmap(m, 0, 5)
    assert m.alias[5] == machine.IS_MAPPED
    assert not m.counts.flushes_by_cause[KUNMAP]
    kmaps.physmap_kunmap(m, 1, 5)
    assert m.alias[5] == 0
    assert m.counts.flushes_by_cause[KUNMAP] == 1


@pytest.mark.parametrize("owner", [machine.FREE, KERNEL])
def test_kunmap_leaves_what_is_no_users(owner):
    m = booted()
    machine.take_back(m, [5], owner)
    kmaps.physmap_kmap(m, 0, 5)
    kmaps.physmap_kunmap(m, 0, 5)
    assert m.alias[5] == machine.IS_MAPPED
    assert m.mapcount[5] == 0
    assert not m.counts.flushes


def test_a_local_kmap_leaves_the_direct_map():
    m = booted()
    machine.hand_to_user(m, [5])
    machine.unmap(m, [6])
    for frame in (5, 6):
        kmaps.local_kmap(m, 0, frame)
        assert m.mapcount[frame] == 1
        kmaps.local_kunmap(m, 0, frame)
        assert m.mapcount[frame] == 0
    assert m.alias[5] == machine.IS_MAPPED
    assert not m.alias[6] & machine.IS_MAPPED
    assert not m.counts.flushes + m.counts.local_flushes


DIRECT = {
    "per_frame",
    "alternation",
    "pcp_batch",
    "pcp_batch_consume",
    "pageblock",
    "pcp_batch_prezero",
}


@pytest.mark.parametrize("name", [*sorted(DIRECT), "none", "freetype"])
def test_each_strategy_has_the_kmap_that_it_says(name):
    d = Driver(name)
    machine.hand_to_user(d.m, [5])
    machine.unmap(d.m, [5])
    d.kmap(5)
    assert (5 in d.unmapped) == (name not in DIRECT)
    d.kunmap(5)
    assert 5 in d.unmapped
    assert d.flushes == ({"kunmap": 1} if name in DIRECT else {})


# The guarantee, and strategies built on it

GUARANTEED = [
    "per_frame",
    "pcp_batch",
    "pcp_batch_local",
    "pcp_batch_prezero",
    "pageblock",
    "freetype",
]


@pytest.mark.parametrize("name", GUARANTEED)
def test_the_guarantee_flushes_for_what_is_mapped_and_frees_nothing(name):
    d = Driver(name).alloc(0, 1)
    assert d.flushes == {"alloc": 1}
    assert d.unmapped == {0, 1}
    assert d.stale(0) == 0
    assert d.free(0, 1).alloc(0, 1).flushes == {"alloc": 1}
    assert d.free(0, 1).alloc(1, user=False).flushes == {"alloc": 1}
    assert d.unmapped == {0}


def test_restore_maps_back_a_users_frames():
    m = booted()
    machine.unmap(m, [0, 1, 2])
    machine.hand_to_user(m, [0])
    machine.take_back(m, [1], KERNEL)
    guarantee.restore(m, 0, [0, 1, 2])
    assert [m.alias[f] & machine.IS_MAPPED for f in (0, 1, 2)] == [1, 0, 0]


@pytest.mark.parametrize("name", ["pcp_batch", "pcp_batch_local", "pcp_batch_prezero"])
def test_a_movable_refill_is_unmapped_with_one_flush(name):
    d = Driver(name).refill(0, 1, 2)
    assert d.flushes == {"refill": 1}
    assert d.unmapped == {0, 1, 2}
    assert d.stale(0) == 0
    assert d.alloc(1).refill(0, 2).flushes == {"refill": 1}
    d.refill(0, 3, migratetype=MIGRATE_RECLAIMABLE)
    assert d.flushes == {"refill": 1}
    lazy = name == "pcp_batch_local"
    assert d.unmapped == ({0, 1, 2} if lazy else {1, 2})


def test_alternation_flushes_when_a_cpu_changes_kind():
    d = Driver("alternation").alloc(0).alloc(1).alloc(2, user=False, cpu=1)
    assert d.flushes == {}
    assert d.unmapped == {0, 1}
    assert d.alloc(0, user=False).flushes == {"alternation": 1}
    assert d.unmapped == {1}
    assert d.alloc(3, user=False).alloc(4, user=False, cpu=1).flushes == {
        CAUSES[ALTERNATION]: 1
    }
    assert d.alloc(5, cpu=1).flushes == {"alternation": 2}
    assert d.stale(5) == 0
    assert d.refill(7).free(0).flushes == {"alternation": 2}


def test_consume_flushes_at_the_refill_of_a_cpu_that_unmapped():
    d = Driver("pcp_batch_consume").alloc(0, cpu=1).alloc(8, user=False)
    assert d.flushes == {}
    assert d.stale(0) == EVERY_CPU
    assert d.refill(1, cpu=0).flushes == {}
    assert d.refill(1, cpu=1, migratetype=MIGRATE_UNMOVABLE).flushes == {}
    assert d.refill(1, cpu=1).flushes == {CAUSES[REFILL]: 1}
    assert d.stale(0) == 0
    assert d.unmapped == {0}
    assert d.refill(1, cpu=1).flushes == {"refill": 1}
    assert d.alloc(0, cpu=1).refill(1, cpu=1).flushes == {"refill": 1}
    assert d.alloc(0, cpu=1, user=False).unmapped == set()


@pytest.mark.parametrize("name", ["pageblock", "freetype"])
def test_a_block_flips_once_each_way(name):
    d = Driver(name).alloc(5, user=False).refill(6)
    assert d.flushes == {CAUSES[BLOCK]: 1}
    assert d.unmapped == {4, 6, 7}
    assert d.m.block_state[1] == 1
    assert d.change_block(1, MIGRATE_MOVABLE).refill(7).flushes == {"block": 1}
    d.refill(0, migratetype=MIGRATE_UNMOVABLE)
    assert d.unmapped == {4, 6, 7}
    d.alloc(6).change_block(1, MIGRATE_UNMOVABLE)
    assert d.unmapped == {6}
    assert d.m.block_state[1] == 0
    assert d.flushes == {"block": 1}
    d.free(6).change_block(1, MIGRATE_RECLAIMABLE)
    assert d.unmapped == {6}, "the block is the kernel's already"
    assert d.change_block(1, MIGRATE_MOVABLE).flushes == {"block": 2}


# What was said and never posted


def test_a_list_is_remapped_at_once_and_flushed_when_it_is_consumed():
    d = Driver("list_at_once").refill(0, 1, 2)
    assert d.flushes == {}
    assert d.unmapped == {0, 1, 2}
    assert d.alloc(0).stale(0) == EVERY_CPU, "with its user before the flush"
    assert d.refill(3, cpu=1).flushes == {}
    assert d.refill(4).flushes == {CAUSES[REFILL]: 1}
    assert d.stale(0) == 0
    assert d.stale(4) == EVERY_CPU
    d.refill(4, migratetype=MIGRATE_UNMOVABLE)
    assert d.unmapped == {0, 1, 2, 3}


# pcp_batch_prezero


def zeroed(d, *frames):
    return d.marks(*frames) == [pcp_batch_prezero.XPFO_ZEROED] * len(frames)


def test_a_refill_is_zeroed_unless_it_holds_zeroes():
    d = Driver("pcp_batch_prezero").refill(0, 1)
    assert zeroed(d, 0, 1)
    assert d.m.counts.mapped == 0
    assert d.refill(0, 1).flushes == {"refill": 1}
    d.m.marks[1] = 0
    assert d.refill(0, 1).flushes == {"refill": 2}
    assert d.m.counts.mapped == 1
    assert zeroed(d, 0, 1)
    d.refill(0, migratetype=MIGRATE_UNMOVABLE)
    assert d.marks(0, 1) == [0, pcp_batch_prezero.XPFO_ZEROED]
    assert d.unmapped == {1}


def test_only_a_user_that_wants_zeroes_gets_them_for_nothing():
    d = Driver("pcp_batch_prezero").refill(0, 1, 2)
    d.alloc(0, zeroed=True).alloc(1, zeroed=False)
    d.alloc(2, user=False, zeroed=True)
    assert d.marks(0, 1, 2) == [pcp_batch_prezero.XPFO_ZEROED, 0, 0]
    d.hooks.use(d.m, 0, 0)
    assert d.flushes == {"refill": 1}
    assert d.marks(0) == [0]
    d.hooks.use(d.m, 0, 0)
    assert d.flushes == {"refill": 1, "kunmap": 1}
    d.m.marks[0] = pcp_batch_prezero.XPFO_ZEROED
    assert d.free(0).marks(0) == [0]


# Any order of events, against sets and the patches' own pseudo-code


class Posted:
    """A posted version as its patch reads: page flags and one TLB a CPU."""

    def __init__(self, version):
        self.version = version
        self.user, self.unmapped, self.absent = set(), set(), set()
        self.kernel = set()
        self.mapcount = Counter()
        self.tlb = [set() for _ in range(CPUS)]
        self.pending = set()
        self.flushes = Counter()

    def set_kpte(self, page, present):
        if present:
            self.absent.discard(page)
        elif page not in self.absent:
            self.absent.add(page)
            for tlb in self.tlb:
                tlb.add(page)

    def test_and_clear_unmapped(self, page):
        if page in self.unmapped:
            self.unmapped.remove(page)
            return True
        return False

    def flush(self, cpu, pages, cause):
        if self.version in {"v8", "v9"}:
            self.flush_here(cpu, pages)
            self.pending |= set(range(CPUS)) - {cpu}
        elif self.version in {"v3", "v5"} and cause == "kunmap":
            self.flush_here(cpu, pages)
        else:
            self.flushes[cause] += 1
            for tlb in self.tlb:
                tlb.clear()

    def flush_here(self, cpu, pages):
        self.flushes["local"] += 1
        self.tlb[cpu] = set() if pages is None else self.tlb[cpu] - set(pages)

    def allocate(self, cpu, pages, user, will_map):
        if self.version == "v3":
            self.alloc_v3(cpu, pages, user)
        else:
            self.alloc(cpu, pages, user, will_map)

    def alloc_v3(self, cpu, pages, user):
        some = set(pages)
        was_kernel = bool(self.kernel & some)
        self.kernel = self.kernel - some if user else self.kernel | some
        self.user = self.user | some if user else self.user - some
        if user and was_kernel:
            self.flush(cpu, pages, "alloc")

    def alloc(self, cpu, pages, user, will_map):
        flush = False
        for page in pages:
            was_user = page in self.user
            if not user:
                self.user.discard(page)
                if self.version in {"will_map", "v9"}:
                    was_unmapped = self.test_and_clear_unmapped(page)
                    if was_unmapped:
                        self.set_kpte(page, present=True)
                    flush |= was_unmapped and self.version == "will_map"
                continue
            self.user.add(page)
            if self.version in {"v5", "v6", "v8"}:
                flush |= not was_user
            elif not was_user or not will_map:
                flush |= self.version == "will_map" or page not in self.unmapped
                self.unmapped.add(page)
                if self.version == "will_map":
                    self.set_kpte(page, present=False)
        if flush and self.version == "v9":
            self.set_kpte(pages[0], present=False)
        if flush:
            self.flush(cpu, pages, "alloc")

    def free(self, _cpu, page):
        if self.version in {"v3", "v5"} and self.test_and_clear_unmapped(page):
            self.set_kpte(page, present=True)
        elif self.version in {"v6", "v8"} and page in self.user:
            self.user.remove(page)
            self.unmapped.discard(page)
            self.set_kpte(page, present=True)
        elif self.version == "v9" and page in self.user:
            self.unmapped.add(page)

    def kmap(self, _cpu, page):
        if page in self.user:
            self.mapcount[page] += 1
            if self.mapcount[page] == 1 and self.test_and_clear_unmapped(page):
                self.set_kpte(page, present=True)

    def kunmap(self, cpu, page):
        if page in self.user:
            self.mapcount[page] -= 1
            if not self.mapcount[page]:
                self.unmapped.add(page)
                self.set_kpte(page, present=False)
                self.flush(cpu, [page], "kunmap")

    def refill(self, cpu, pages, movable):
        if self.version not in {"v8", "v9"}:
            return
        flush = False
        for page in pages:
            if not movable:
                self.user.discard(page)
                continue
            self.user.add(page)
            if page not in self.unmapped:
                flush = True
                self.unmapped.add(page)
                if self.version == "v9":
                    self.set_kpte(page, present=False)
        if flush:
            self.flush(cpu, None, "refill")

    def context_switch(self, cpu):
        if cpu in self.pending:
            self.pending.remove(cpu)
            self.flush_here(cpu, None)


POSSIBLE = {
    "alloc": lambda pages, has, held: not has & set(pages),
    "refill": lambda pages, has, held: not has & set(pages),
    "free": lambda pages, has, held: pages[0] in has and not held[pages[0]],
    "kmap": lambda pages, has, held: pages[0] in has,
    "kunmap": lambda pages, has, held: held[pages[0]] > 0,
    "switch": lambda pages, has, held: True,
}

some_pages = st.builds(
    lambda order, first: list(
        range(first >> order << order, (first >> order) + 1 << order)
    ),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.integers(0, FRAMES // 2 - 1),
)
events = st.tuples(
    st.sampled_from(["alloc", "alloc", "free", "kmap", "kunmap", "refill", "switch"]),
    some_pages,
    st.integers(0, CPUS - 1),
    st.booleans(),
    st.booleans(),
)


@pytest.mark.parametrize("version", ["v3", "v5", "v6", "will_map", "v8", "v9"])
@given(drawn=st.lists(events, max_size=60))
def test_a_posted_version_does_what_its_patch_says(version, drawn):
    d, patch = Driver(version), Posted(version)
    has, held = set(), Counter()
    for step, (what, pages, cpu, yes, zeroed) in enumerate(drawn):
        if not POSSIBLE[what](pages, has, held):
            continue
        page = pages[0]
        if what == "alloc":
            d.alloc(*pages, user=yes, zeroed=zeroed, cpu=cpu)
            patch.allocate(cpu, pages, yes, zeroed)
            has |= set(pages)
        elif what == "refill":
            movable = MIGRATE_MOVABLE if yes else MIGRATE_UNMOVABLE
            d.refill(*pages, migratetype=movable, cpu=cpu)
            patch.refill(cpu, pages, yes)
        elif what == "switch":
            d.switch(cpu)
            patch.context_switch(cpu)
        else:
            getattr(d, what)(page, cpu=cpu)
            getattr(patch, what)(cpu, page)
            has -= {page} if what == "free" else set()
            held[page] += (what == "kmap") - (what == "kunmap")
        assert d.unmapped == patch.absent, step
        assert d.flushes == +patch.flushes, step
        assert {c for c in range(CPUS) if d.m.cpu_state[c]} == patch.pending, step
        for frame in range(FRAMES):
            # v3 marks the kernel's frames where the others mark the users'
            marked = patch.kernel if version == "v3" else patch.user
            flags = XPFO_USER * (frame in marked)
            flags |= XPFO_UNMAPPED * (frame in patch.unmapped)
            assert d.m.marks[frame] == flags, step
            assert d.m.mapcount[frame] == patch.mapcount[frame], step
            stale = sum(1 << c for c in range(CPUS) if frame in patch.tlb[c])
            assert d.stale(frame) == stale, step


# The registry, and a strategy as text


POSTED = (
    *("none", "v6", "per_frame", "alternation", "pcp_batch", "pcp_batch_consume"),
    *(
        "pageblock",
        "list_at_once",
        "v3",
        "v5",
        "will_map",
        "nov2017",
        "v8",
        "v9",
        "freetype",
    ),
    "pcp_batch_prezero",
)


def test_the_registry_says_what_each_version_keeps_and_where_it_is_called():
    entries = {name: strategies.REGISTRY[name] for name in POSTED}
    marked = {"v6", "v3", "v5", "will_map", "nov2017", "v8", "v9"}
    assert {n for n, e in entries.items() if e.marks} == {*marked, "pcp_batch_prezero"}
    assert [n for n, e in entries.items() if not e.unmapped_mark] == [
        "pcp_batch_prezero"
    ]
    assert not any(entry.safe for entry in entries.values())
    assert {n for n, e in strategies.REGISTRY.items() if e.safe} == {
        "per_frame_local",
        strategies.RECOMMENDED,
    }
    assert (
        *("none", "v6", "per_frame", "alternation"),
        *("pcp_batch", "pcp_batch_consume", "pageblock"),
    ) == strategies.COUNTED
    off = {name: entry.irqs_off for name, entry in entries.items() if entry.irqs_off}
    assert off == dict.fromkeys([*POSTED[:-2], POSTED[-1]], ("refill", "change_block"))
    assert strategies.REGISTRY[strategies.RECOMMENDED].irqs_off == ("change_block",)


def test_a_strategy_as_text_has_every_hook_and_where_it_is_written():
    text = strategies.text("pcp_batch_local")
    comments = [line for line in text.splitlines() if line.startswith("# ")]
    assert comments == [
        "# post_alloc_hook()  # guarantee.guarantee",
        "# free_pages_prepare()  # guarantee.leave",
        "# kmap(), kmap_atomic()  # kmaps.local_kmap",
        "# kunmap(), kunmap_atomic()  # kmaps.local_kunmap",
        "# rmqueue_bulk()",
        "# free_pcppages_bulk()  # guarantee.leave",
        "# set_pageblock_migratetype() and the fallback  # guarantee.ignore",
        "# split_map_pages()  # guarantee.isolate_for_kernel",
        "# move_to_new_folio()  # guarantee.move_unseen",
        "# switch_mm_irqs_off()  # guarantee.go_on",
    ]
    defined = [line for line in text.splitlines() if line.startswith("def ")]
    assert [line[4 : line.index("(")] for line in defined] == list(strategies.HOOKS)
    own = strategies.text("v5")
    assert own.startswith("# post_alloc_hook()\ndef alloc(")
    assert "\n\n# free_pages_prepare()\ndef free(" in own


def test_two_strategies_differ_where_they_say():
    assert strategies.diff("v5", "v5") == ""
    lines = strategies.diff("per_frame", "pcp_batch_local").splitlines()
    assert lines[:2] == ["--- per_frame", "+++ pcp_batch_local"]
    assert "-# kmap(), kmap_atomic()  # kmaps.physmap_kmap" in lines
    assert "+# kmap(), kmap_atomic()  # kmaps.local_kmap" in lines
    assert "+        flush(m, REFILL)" in lines
    context = lines[3 : next(i for i, s in enumerate(lines) if s.startswith("-#"))]
    assert len(context) == 2, "two lines around each difference"
    assert all(line.startswith(" ") for line in context)
