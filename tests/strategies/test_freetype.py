# SPDX-License-Identifier: GPL-2.0-only
"""freetype, as read in February 2026: blocks that flip whole, zeroed first."""

from driven import Driver

from xpfo_model.constants import MIGRATE_MOVABLE, MIGRATE_UNMOVABLE
from xpfo_model.machine import BLOCK, CAUSES
from xpfo_model.strategies import freetype, pageblock


def test_a_freetype_block_flips_only_while_the_buddy_allocator_has_all_of_it():
    d = Driver("freetype").alloc(5, user=False).refill(6)
    assert d.flushes == {}
    assert d.m.block_state[1] == pageblock.KERNEL_BLOCK
    d.free(5).drain(5).refill(4)
    assert d.flushes == {}, "6 is on a list"
    d.drain(4, 6).refill(6)
    assert d.flushes == {CAUSES[BLOCK]: 1}
    assert d.unmapped == {4, 5, 6, 7}
    assert d.m.counts.splits == 0
    assert d.refill(7).change_block(1, MIGRATE_MOVABLE).flushes == {"block": 1}


def test_a_freetype_block_is_zeroed_before_it_is_mapped():
    d = Driver("freetype").refill(4, 5).alloc(4).alloc(5)
    d.free(4).free(5).drain(4, 5).change_block(1, MIGRATE_UNMOVABLE)
    assert d.unmapped == set()
    assert not any(mark & freetype.LEFT for mark in d.m.marks)
    assert d.m.counts.mapped == 4
    assert d.flushes == {"block": 1}


def test_a_freetype_block_does_not_flip_where_nobody_may_wait():
    d = Driver("freetype")
    d.m.settings.cannot_wait = 1
    assert d.refill(4).flushes == {}
    d.m.settings.cannot_wait = 0
    assert d.alloc(4).flushes == {"alloc": 1}


def test_a_large_page_is_freed_to_the_buddy_allocator():
    d = Driver("freetype", frames=32, block_order=4).alloc(*range(16))
    assert d.free(*range(16)).change_block(0, MIGRATE_MOVABLE).flushes == {
        "alloc": 1,
        "block": 1,
    }
