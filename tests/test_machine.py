# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from xpfo_model import machine
from xpfo_model.constants import NR_CPUS, PAGEBLOCK_ORDER

FRAMES = 24


def plain(m):
    """The machine as plain Python runs it, whatever the engine."""
    return machine.Machine(*(memoryview(np.asarray(array)) for array in m))


frames = st.lists(st.integers(0, FRAMES - 1), max_size=6)


class Aliases(RuleBasedStateMachine):
    """The machine against sets."""

    def __init__(self):
        super().__init__()
        self.m = plain(machine.boot(FRAMES))
        self.unmapped = set()
        self.stale = set()
        self.counts = [0, 0, 0]

    @rule(some=frames)
    def unmap(self, some):
        new = set(some) - self.unmapped
        assert machine.unmap(self.m, some) == len(new)
        self.unmapped |= new
        self.stale |= new
        self.counts[0] += len(new)

    @rule(some=frames)
    def map_back(self, some):
        back = set(some) & self.unmapped
        assert machine.map_back(self.m, some) == len(back)
        self.unmapped -= back
        self.counts[1] += len(back)

    @rule(cause=st.sampled_from(range(len(machine.CAUSES))))
    def flush(self, cause):
        machine.flush(self.m, cause)
        self.stale.clear()
        self.counts[2] += 1

    @rule(more=st.integers(0, 2 * FRAMES))
    def hotplug(self, more):
        self.m = plain(machine.hotplug(self.m, more))

    @invariant()
    def agrees(self):
        for frame in range(FRAMES):
            reach = frame not in self.unmapped or frame in self.stale
            assert machine.reachable(self.m, [frame]) == reach
        assert self.m.counts[machine.UNMAPPED] == self.counts[0]
        assert self.m.counts[machine.MAPPED] == self.counts[1]
        assert self.m.counts[machine.FLUSHES] == self.counts[2]
        assert (
            sum(self.m.counts[c] for c in range(len(machine.CAUSES)))
            == (self.counts[2])
        )
        waiting = self.m.counts[machine.STALE_FRAMES]
        listed = [int(f) for f in self.m.stale_frames[:waiting]]
        assert len(set(listed)) == len(listed)
        assert set(listed) == self.stale
        assert self.stale == {f for f in range(FRAMES) if self.m.stale[f]}


TestAliases = Aliases.TestCase


def test_hotplug_keeps_what_there_was_and_maps_what_is_new():
    m = machine.boot(4)
    machine.unmap(m, [1])
    machine.give(m, [2])
    grown = machine.hotplug(m, 100)
    mapped = [int(a) & machine.IS_MAPPED for a in grown.alias[:5]]
    assert mapped == [1, 0, 1, 1, 1]
    assert grown.owner[2] == machine.USER
    assert (np.asarray(grown.alias)[4:] == machine.IS_MAPPED).all()
    assert machine.hotplug(grown, 50) is grown


def booted(frames=16, block_order=2, cpus=3):
    return plain(machine.boot(frames, block_order, cpus))


def test_boot_maps_everything_and_nobody_owns_it():
    m = machine.boot(17, 2, 3)
    assert [len(m.alias), len(m.stale), len(m.stale_frames), len(m.owner)] == [17] * 4
    assert [len(m.marks), len(m.mapcount), len(m.since)] == [17] * 3
    assert [len(m.split), len(m.block_state), len(m.cpu_state)] == [5, 5, 3]
    assert set(m.alias) == {machine.IS_MAPPED}
    assert not any(np.asarray(array).any() for array in m[1:10])
    assert m.settings[machine.ALL_CPUS] == 0b111
    assert m.settings[machine.BLOCK_ORDER] == 2
    assert not any(m.counts)
    assert len(machine.boot(1).cpu_state) == NR_CPUS
    assert machine.boot(1).settings[machine.BLOCK_ORDER] == PAGEBLOCK_ORDER


def test_cpus_above_the_most_share_no_bit():
    every = (1 << machine.MOST_CPUS) - 1
    assert machine.MOST_CPUS == 62, "a bit each, of an int64 that stays positive"
    assert machine.boot(1, cpus=100).settings[machine.ALL_CPUS] == every
    assert machine.boot(1, cpus=62).settings[machine.ALL_CPUS] == every
    m = machine.boot(1)
    less = machine.of_cpus(m, 5)
    assert less.settings[machine.ALL_CPUS] == 0b11111
    assert len(less.cpu_state) == 5
    assert less.alias is m.alias
    assert machine.of_cpus(m, 100).settings[machine.ALL_CPUS] == every


def test_hotplug_doubles_and_keeps_the_sizes_of_the_rest():
    m = booted(10)
    m.counts[machine.SPLITS] = 7
    m.cpu_state[2] = 1
    assert machine.hotplug(m, 10) is m
    grown = machine.hotplug(m, 11)
    assert len(grown.alias) == 20
    assert len(grown.split) == 6
    assert len(machine.hotplug(m, 50).alias) == 50
    assert grown.counts[machine.SPLITS] == 7
    assert list(grown.cpu_state) == [0, 0, 1]
    assert grown.settings[machine.BLOCK_ORDER] == 2


def test_causes_and_counts_are_numbered_without_a_gap():
    numbers = [
        *(machine.ALLOC, machine.REFILL, machine.BLOCK, machine.ALTERNATION),
        *(machine.KUNMAP, machine.UNMAPPED, machine.MAPPED, machine.EXPOSED),
        *(machine.EXPOSED_TIME, machine.STALE_FRAMES, machine.FLUSHES),
        *(machine.LOCAL_FLUSHES, machine.FLUSHES_IRQS_OFF, machine.SPLITS),
    ]
    assert numbers == list(range(machine.NR_COUNTS))
    settings = [
        *(machine.ALL_CPUS, machine.BLOCK_ORDER, machine.IRQS_OFF, machine.NOW),
        *(machine.ZEROING, machine.COPY_PERCENT, machine.COPY_DUE),
        machine.UNANSWERED,
    ]
    assert settings == list(range(machine.NR_SETTINGS))
    assert machine.CAUSES[machine.KUNMAP] == "kunmap"
    assert [machine.FREE, machine.KERNEL, machine.USER] == [0, 1, 2]
    assert machine.XPFO_USER | machine.XPFO_UNMAPPED == 3
    assert machine.IS_MAPPED | machine.IS_STALE == 3


def at(m, now):
    m.settings[machine.NOW] = now


def exposed(m):
    return m.counts[machine.EXPOSED_TIME]


def test_a_users_frame_is_exposed_until_it_is_flushed_freed_or_given_anew():
    m = booted()
    at(m, 100)
    assert machine.give(m, [1, 2, 3]) == 3
    assert [m.since[1], m.owner[1], exposed(m)] == [100, machine.USER, 0]
    at(m, 110)
    machine.unmap(m, [1])
    assert exposed(m) == 0, "stale is not out of reach"
    at(m, 117)
    machine.flush(m, machine.ALLOC)
    assert exposed(m) == 17
    machine.take(m, [2], machine.KERNEL)
    assert [exposed(m), m.owner[2]] == [34, machine.KERNEL]
    at(m, 120)
    assert machine.give(m, [3, 1]) == 1
    assert [exposed(m), m.since[3]] == [54, 120]
    at(m, 125)
    machine.take(m, [1, 2, 3], machine.FREE)
    assert exposed(m) == 59
    assert [m.owner[f] for f in (1, 2, 3)] == [machine.FREE] * 3


def test_the_time_starts_anew_when_the_alias_is_mapped_back():
    m = booted()
    machine.give(m, [1])
    machine.unmap(m, [1])
    at(m, 10)
    machine.map_back(m, [1])
    assert m.since[1] == 0, "it was stale, and so never out of reach"
    assert m.alias[1] == machine.IS_MAPPED | machine.IS_STALE
    machine.unmap(m, [1])
    machine.flush(m, machine.ALLOC)
    at(m, 30)
    assert machine.map_back(m, [1, 2]) == 1
    assert m.since[1] == 30
    assert m.alias[1] == machine.IS_MAPPED


def test_reachable_is_what_is_mapped_or_stale():
    m = booted()
    machine.unmap(m, [1])
    machine.flush(m, machine.ALLOC)
    machine.unmap(m, [2])
    assert machine.reachable(m, [0, 1, 2]) == 2


def test_an_entry_is_split_once_by_the_first_frame():
    m = booted()
    machine.unmap(m, [4, 5])
    assert [list(m.split), m.counts[machine.SPLITS]] == [[0, 1, 0, 0, 0], 1]
    machine.map_back(m, [4])
    assert m.counts[machine.SPLITS] == 1
    m.split[1] = 0
    machine.map_back(m, [5])
    assert m.counts[machine.SPLITS] == 2


def test_a_block_without_spared_frames_goes_whole():
    m = booted()
    assert not machine.spares(m, 1, machine.KERNEL)
    assert machine.unmap_block(m, 1, machine.KERNEL) == 4
    assert [f for f in range(16) if not m.alias[f] & machine.IS_MAPPED] == [4, 5, 6, 7]
    assert machine.unmap_block(m, 1, machine.KERNEL) == 0
    assert machine.map_block(m, 1, machine.USER) == 4
    assert machine.map_block(m, 1, machine.USER) == 0
    assert [m.counts[machine.SPLITS], m.split[1]] == [0, 0]


@pytest.mark.parametrize("frame", [4, 7])
def test_a_block_that_spares_a_frame_is_split(frame):
    m = booted()
    machine.take(m, [frame], machine.KERNEL)
    assert machine.spares(m, 1, machine.KERNEL)
    assert not machine.spares(m, 0, machine.KERNEL)
    assert not machine.spares(m, 2, machine.KERNEL)
    assert machine.unmap_block(m, 1, machine.KERNEL) == 3
    assert m.alias[frame] == machine.IS_MAPPED
    assert [m.counts[machine.SPLITS], m.split[1]] == [1, 1]
    m.split[1] = 0
    machine.take(m, [frame], machine.FREE)
    machine.give(m, [11 - frame])
    assert machine.map_block(m, 1, machine.USER) == 2
    assert not m.alias[11 - frame] & machine.IS_MAPPED
    assert [m.counts[machine.SPLITS], m.split[1]] == [2, 1]


def test_a_split_block_stays_split_when_it_goes_whole():
    m = booted()
    machine.unmap(m, [4])
    machine.unmap_block(m, 1, machine.KERNEL)
    assert m.split[1] == 1
    machine.map_block(m, 1, machine.USER)
    assert [m.counts[machine.SPLITS], m.split[1]] == [1, 1]


def test_a_flush_of_one_cpu_leaves_the_others_stale():
    m = booted()
    machine.unmap(m, [1, 2])
    machine.flush_local(m, 1)
    assert [m.stale[1], m.stale[2], m.stale[3]] == [0b101, 0b101, 0]
    machine.invlpg(m, 0, [2])
    assert [m.stale[1], m.stale[2]] == [0b101, 0b100]
    assert m.alias[2] == machine.IS_STALE
    assert m.counts[machine.STALE_FRAMES] == 2
    machine.invlpg(m, 2, [2, 3])
    assert [m.stale[1], m.stale[2], m.alias[2]] == [0b101, 0, 0]
    assert m.counts[machine.STALE_FRAMES] == 1
    assert m.stale_frames[0] == 1
    machine.flush_local(m, 0)
    machine.flush_local(m, 2)
    assert [m.alias[1], m.counts[machine.STALE_FRAMES]] == [0, 0]
    assert m.counts[machine.LOCAL_FLUSHES] == 5
    assert m.counts[machine.FLUSHES] == 0


def test_a_mapped_frame_may_be_stale_and_stays_mapped():
    m = booted()
    machine.unmap(m, [1])
    machine.map_back(m, [1])
    machine.invlpg(m, 0, [1])
    assert m.stale[1] == 0b110
    machine.flush(m, machine.REFILL)
    assert m.alias[1] == machine.IS_MAPPED
    assert exposed(m) == 0


def test_a_flush_with_interrupts_off_is_counted_too():
    m = booted()
    machine.flush(m, machine.BLOCK)
    assert m.counts[machine.FLUSHES_IRQS_OFF] == 0
    m.settings[machine.IRQS_OFF] = 1
    machine.flush(m, machine.BLOCK)
    assert m.counts[machine.FLUSHES_IRQS_OFF] == 1
    assert m.counts[machine.FLUSHES] == m.counts[machine.BLOCK] == 2
