# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest

from xpfo_model import machine
from xpfo_model.constants import PAGEBLOCK_ORDER


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
