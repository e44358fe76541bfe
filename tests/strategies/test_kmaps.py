# SPDX-License-Identifier: GPL-2.0-only
"""Both ways of a kmap: through the direct map, and elsewhere."""

import pytest
from driven import Driver, booted

from xpfo_model import machine
from xpfo_model.machine import (
    ALLOC,
    KERNEL,
    KUNMAP,
)
from xpfo_model.strategies import kmaps


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
