# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from xpfo_model import jit, machine
from xpfo_model.constants import PAGEBLOCK_ORDER

FRAMES = 24


def starts(start, owners, order=2):
    held = np.array(owners, np.uint8)
    return machine.boot(len(owners), order, cpus=1, start=start, held=held)


def test_memory_starts_unmapped_except_what_is_held():
    owners = [machine.KERNEL] * 4 + [machine.FREE] * 3 + [machine.KERNEL]
    owners += [machine.FREE] * 4 + [machine.FREE, machine.ABSENT]
    m = starts("unmapped", owners)
    expected = [owner == machine.KERNEL for owner in owners]
    assert m.alias.tolist() == expected
    assert m.split.tolist() == [0, 1, 0, 0]
    assert [m.counts.start_splits, m.counts.splits, m.counts.mapped] == [1, 0, 0]
    m = starts("mapped", owners)
    assert m.alias.tolist() == [owner != machine.ABSENT for owner in owners]
    assert not m.counts.start_splits
    with pytest.raises(ValueError, match="mapped or unmapped"):
        starts("half", owners)


def test_memory_that_is_not_there_is_never_mapped():
    m = starts("mapped", [machine.FREE] * 3 + [machine.ABSENT])
    assert machine.unmap_block(m, 0, machine.KERNEL) == 3
    assert machine.map_block(m, 0, machine.USER) == 3
    assert m.counts.splits == 0


@pytest.mark.parametrize("start", machine.STARTS)
def test_a_machine_grows_as_it_started(start):
    m = machine.boot(2, 1, cpus=1, start=start, start_marks=3)
    machine.hold(m, 0, np.array([machine.KERNEL, machine.FREE], np.uint8))
    m = machine.grow(m, 6, 2)
    free = int(start == "mapped")
    assert m.alias.tolist() == [1, *[free] * 5]
    assert m.marks.tolist() == [0, *[0 if free else 3] * 5]
    assert m.counts.start_splits == 1 - free


def test_what_turns_out_to_be_held_is_mapped_and_stays_stale():
    m = machine.boot(8, 2, cpus=1, start="unmapped")
    machine.hold_since_start(m, [1])
    assert m.alias.tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    assert m.owner[1] == machine.KERNEL
    machine.unmap(m, [1])
    machine.hold_since_start(m, [1])
    assert m.alias[1] == machine.IS_MAPPED | machine.IS_STALE
    assert [m.counts.start_splits, m.counts.splits] == [1, 0]


def test_the_kernel_faults_on_what_it_gets_unmapped():
    m = machine.boot(4, 2, cpus=1, start="unmapped")
    machine.map_back(m, [1])
    machine.hand_to_kernel(m, [1, 2])
    assert m.counts.faults == 1
    assert m.owner.tolist() == [0, machine.KERNEL, machine.KERNEL, 0]


frames = st.lists(st.integers(0, FRAMES - 1), max_size=6)


class Aliases(RuleBasedStateMachine):
    """The machine against sets."""

    def __init__(self):
        super().__init__()
        self.m = machine.boot(FRAMES, cpus=3)
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
    def grow(self, more):
        self.m = machine.grow(self.m, more, 3)

    @invariant()
    def agrees(self):
        for frame in range(FRAMES):
            reach = frame not in self.unmapped or frame in self.stale
            assert machine.reachable(self.m, [frame]) == reach
        assert self.m.counts.unmapped == self.counts[0]
        assert self.m.counts.mapped == self.counts[1]
        assert self.m.counts.flushes == self.counts[2]
        assert sum(self.m.counts.flushes_by_cause) == self.counts[2]
        waiting = self.m.counts.stale_frames
        listed = [int(f) for f in self.m.stale_frames[:waiting]]
        assert len(set(listed)) == len(listed)
        assert set(listed) == self.stale
        assert self.stale == {f for f in range(FRAMES) if self.m.stale[f, 0]}


TestAliases = Aliases.TestCase


class Tlbs(RuleBasedStateMachine):
    """What each CPU may still translate, against pairs of CPU and frame."""

    run = staticmethod(jit.bound)

    @initialize(cpus=st.sampled_from([1, 3, 61, 62, 63, 64, 100, 124, 125, 300]))
    def boot(self, cpus):
        self.m = machine.boot(FRAMES, 2, cpus=cpus)
        self.unmapped, self.stale = set(), set()

    @property
    def cpus(self):
        return len(self.m.cpu_state)

    @rule(some=frames)
    def unmap(self, some):
        new = set(some) - self.unmapped
        self.run(machine.unmap)(self.m, np.array(some, np.int64))
        self.unmapped |= new
        self.stale |= {(cpu, frame) for cpu in range(self.cpus) for frame in new}

    @rule(some=frames)
    def map_back(self, some):
        self.run(machine.map_back)(self.m, np.array(some, np.int64))
        self.unmapped -= set(some)

    @rule(cpu=st.integers(0, 511), some=frames)
    def invlpg(self, cpu, some):
        cpu %= self.cpus
        self.run(machine.invlpg)(self.m, np.uint16(cpu), np.array(some, np.int64))
        self.stale -= {(cpu, frame) for frame in some}

    @rule(cpu=st.integers(0, 511))
    def flush_local(self, cpu):
        cpu %= self.cpus
        self.run(machine.flush_local)(self.m, np.uint16(cpu))
        self.stale = {pair for pair in self.stale if pair[0] != cpu}

    @rule()
    def flush(self):
        self.run(machine.flush)(self.m, machine.ALLOC)
        self.stale.clear()

    @rule(more=st.integers(1, 70))
    def grow(self, more):
        """A CPU that comes later holds no stale translation."""
        self.m = machine.grow(self.m, FRAMES, min(self.cpus + more, 512))

    @invariant()
    def agrees(self):
        found = {
            (word * machine.CPUS_PER_WORD + bit, frame)
            for frame, words in enumerate(self.m.stale.tolist())
            for word, bits in enumerate(words)
            for bit in range(machine.CPUS_PER_WORD)
            if bits >> bit & 1
        }
        assert found == self.stale
        waiting = {frame for _, frame in self.stale}
        listed = self.m.stale_frames[: self.m.counts.stale_frames].tolist()
        assert sorted(listed) == sorted(waiting)
        for frame in range(FRAMES):
            assert machine.is_stale(self.m, frame) == (frame in waiting)
            alias = machine.IS_MAPPED * (frame not in self.unmapped)
            alias |= machine.IS_STALE * (frame in waiting)
            assert self.m.alias[frame] == alias


class CompiledTlbs(Tlbs):
    run = staticmethod(jit.compiled)


TestTlbs = Tlbs.TestCase
TestCompiledTlbs = CompiledTlbs.TestCase


@pytest.mark.parametrize("cpus", [1, 61, 62, 63, 100, 124, 300])
def test_every_cpu_has_a_bit_of_its_own(cpus):
    m = machine.boot(1, cpus=cpus)
    assert sum(bits.bit_count() for bits in m.all_cpus.tolist()) == cpus
    assert m.stale.shape == (1, len(m.all_cpus))
    assert (m.all_cpus > 0).all(), "the sign of a word is no CPU's"


def test_growing_keeps_what_there_was_and_maps_what_is_new():
    m = machine.boot(4, cpus=1)
    machine.unmap(m, [1])
    machine.hand_to_user(m, [2])
    grown = machine.grow(m, 100, 1)
    mapped = [int(a) & machine.IS_MAPPED for a in grown.alias[:5]]
    assert mapped == [1, 0, 1, 1, 1]
    assert grown.owner[2] == machine.USER
    assert (np.asarray(grown.alias)[4:] == machine.IS_MAPPED).all()
    assert machine.grow(grown, 50, 1) is grown


def test_growing_makes_room_for_tasks():
    m = booted()
    assert m.task_state.shape == (3, 3)
    m.task_state[2, 1] = 1
    assert machine.grow(m, 16, 3, 3) is m
    grown = machine.grow(m, 16, 5, 4)
    assert grown.task_state.shape == (6, 5)
    assert grown.task_state[2].tolist() == [0, 1, 0, 0, 0]
    assert grown.task_state.sum() == 1


def booted(frames=16, block_order=2, cpus=3):
    return machine.boot(frames, block_order, cpus=cpus)


def test_boot_maps_everything_and_nobody_owns_it():
    m = machine.boot(17, 2, cpus=3)
    assert [len(m.alias), len(m.stale), len(m.stale_frames), len(m.owner)] == [17] * 4
    assert [len(m.marks), len(m.mapcount), len(m.since)] == [17] * 3
    assert [len(m.split), len(m.block_state), len(m.cpu_state)] == [5, 5, 3]
    assert set(m.alias) == {machine.IS_MAPPED}
    assert not any(np.asarray(array).any() for array in m[1:10])
    assert list(m.all_cpus) == [0b111]
    assert m.settings.tolist() == (2, *[0] * (len(m.settings) - 1))
    assert not any(np.ravel(field).any() for field in m.counts)
    assert machine.boot(1, cpus=1).settings.block_order == PAGEBLOCK_ORDER


def test_a_machine_has_the_cpus_that_it_is_given():
    with pytest.raises(TypeError, match="cpus"):
        machine.boot(1)


def test_growing_doubles_and_keeps_the_sizes_of_the_rest():
    m = booted(10)
    m.counts.splits = 7
    m.cpu_state[2] = 1
    assert machine.grow(m, 10, 3) is m
    grown = machine.grow(m, 11, 2)
    assert len(grown.alias) == 20
    assert len(grown.split) == 6
    assert len(machine.grow(m, 50, 3).alias) == 50
    assert grown.counts.splits == 7
    assert list(grown.cpu_state) == [0, 0, 1]
    assert grown.settings.block_order == 2


def test_causes_and_owners_are_numbered_without_a_gap():
    numbers = [machine.ALLOC, machine.REFILL, machine.BLOCK, machine.ALTERNATION]
    numbers += [machine.KUNMAP, machine.MIGRATE]
    assert numbers == list(range(len(machine.CAUSES)))
    assert machine.CAUSES[machine.KUNMAP] == "kunmap"
    assert [machine.FREE, machine.KERNEL, machine.USER] == [0, 1, 2]
    assert machine.XPFO_USER | machine.XPFO_UNMAPPED == 3
    assert machine.IS_MAPPED | machine.IS_STALE == 3


def at(m, now):
    m.settings.now = now


def exposed(m):
    return m.counts.exposed_time


def test_a_users_frame_is_exposed_until_it_is_flushed_freed_or_given_anew():
    m = booted()
    at(m, 100)
    assert machine.hand_to_user(m, [1, 2, 3]) == 3
    assert [m.since[1], m.owner[1], exposed(m)] == [100, machine.USER, 0]
    at(m, 110)
    machine.unmap(m, [1])
    assert exposed(m) == 0, "stale is not out of reach"
    at(m, 117)
    machine.flush(m, machine.ALLOC)
    assert exposed(m) == 17
    machine.take_back(m, [2], machine.KERNEL)
    assert [exposed(m), m.owner[2]] == [34, machine.KERNEL]
    at(m, 120)
    assert machine.hand_to_user(m, [3, 1]) == 1
    assert [exposed(m), m.since[3]] == [54, 120]
    at(m, 125)
    machine.take_back(m, [1, 2, 3], machine.FREE)
    assert exposed(m) == 59
    assert [m.owner[f] for f in (1, 2, 3)] == [machine.FREE] * 3


def test_the_time_starts_anew_when_the_alias_is_mapped_back():
    m = booted()
    machine.hand_to_user(m, [1])
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
    assert [list(m.split), m.counts.splits] == [[0, 1, 0, 0, 0], 1]
    machine.map_back(m, [4])
    assert m.counts.splits == 1
    m.split[1] = 0
    machine.map_back(m, [5])
    assert m.counts.splits == 2


def test_a_block_without_spared_frames_goes_whole():
    m = booted()
    assert not machine.spares(m, 1, machine.KERNEL)
    assert machine.unmap_block(m, 1, machine.KERNEL) == 4
    assert [f for f in range(16) if not m.alias[f] & machine.IS_MAPPED] == [4, 5, 6, 7]
    assert machine.unmap_block(m, 1, machine.KERNEL) == 0
    assert machine.map_block(m, 1, machine.USER) == 4
    assert machine.map_block(m, 1, machine.USER) == 0
    assert [m.counts.splits, m.split[1]] == [0, 0]


@pytest.mark.parametrize("frame", [4, 7])
def test_a_block_that_spares_a_frame_is_split(frame):
    m = booted()
    machine.take_back(m, [frame], machine.KERNEL)
    assert machine.spares(m, 1, machine.KERNEL)
    assert not machine.spares(m, 0, machine.KERNEL)
    assert not machine.spares(m, 2, machine.KERNEL)
    assert machine.unmap_block(m, 1, machine.KERNEL) == 3
    assert m.alias[frame] == machine.IS_MAPPED
    assert [m.counts.splits, m.split[1]] == [1, 1]
    m.split[1] = 0
    machine.take_back(m, [frame], machine.FREE)
    machine.hand_to_user(m, [11 - frame])
    assert machine.map_block(m, 1, machine.USER) == 2
    assert not m.alias[11 - frame] & machine.IS_MAPPED
    assert [m.counts.splits, m.split[1]] == [2, 1]


def test_a_split_block_stays_split_when_it_goes_whole():
    m = booted()
    machine.unmap(m, [4])
    machine.unmap_block(m, 1, machine.KERNEL)
    assert m.split[1] == 1
    machine.map_block(m, 1, machine.USER)
    assert [m.counts.splits, m.split[1]] == [1, 1]


def test_a_flush_of_one_cpu_leaves_the_others_stale():
    m = booted()
    machine.unmap(m, [1, 2])
    machine.flush_local(m, 1)
    assert [m.stale[1, 0], m.stale[2, 0], m.stale[3, 0]] == [0b101, 0b101, 0]
    machine.invlpg(m, 0, [2])
    assert [m.stale[1, 0], m.stale[2, 0]] == [0b101, 0b100]
    assert m.alias[2] == machine.IS_STALE
    assert m.counts.stale_frames == 2
    machine.invlpg(m, 2, [2, 3])
    assert [m.stale[1, 0], m.stale[2, 0], m.alias[2]] == [0b101, 0, 0]
    assert m.counts.stale_frames == 1
    assert m.stale_frames[0] == 1
    machine.flush_local(m, 0)
    machine.flush_local(m, 2)
    assert [m.alias[1], m.counts.stale_frames] == [0, 0]
    assert m.counts.local_flushes == 5
    assert m.counts.flushes == 0


def test_a_mapped_frame_may_be_stale_and_stays_mapped():
    m = booted()
    machine.unmap(m, [1])
    machine.map_back(m, [1])
    machine.invlpg(m, 0, [1])
    assert m.stale[1, 0] == 0b110
    machine.flush(m, machine.REFILL)
    assert m.alias[1] == machine.IS_MAPPED
    assert exposed(m) == 0


def test_a_flush_with_interrupts_off_is_counted_too():
    m = booted()
    machine.flush(m, machine.BLOCK)
    assert m.counts.flushes_irqs_off == 0
    m.settings.irqs_off = 1
    machine.flush(m, machine.BLOCK)
    assert m.counts.flushes_irqs_off == 1
    assert m.counts.flushes == m.counts.flushes_by_cause[machine.BLOCK] == 2
