# SPDX-License-Identifier: GPL-2.0-only
"""The guarantee, and the strategies that are built on it."""

import pytest
from driven import EVERY_CPU, Driver, booted

from xpfo_model import machine
from xpfo_model.constants import (
    MIGRATE_MOVABLE,
    MIGRATE_RECLAIMABLE,
    MIGRATE_UNMOVABLE,
)
from xpfo_model.machine import (
    ALTERNATION,
    BLOCK,
    CAUSES,
    KERNEL,
    REFILL,
)
from xpfo_model.strategies import guarantee, pcp_batch_prezero

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


def test_a_block_flips_once_each_way():
    d = Driver("pageblock").alloc(5, user=False).refill(6)
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
