# SPDX-License-Identifier: GPL-2.0-only

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_worlds import BITS, DEFAULT, SMALL, memory, table_of

from xpfo_model import checker, strategies
from xpfo_model.checker.invariants import CHECK_MARKS, violated
from xpfo_model.checker.transition import act
from xpfo_model.checker.world import (
    BUDDY,
    IN_FLIGHT,
    KERNEL_HAS,
    MOVABLE_LIST,
    OTHER_LIST,
    TO_KUNMAPPED,
    USER_HAS,
    canonical,
    copy,
    create,
    pack,
    twins,
    unpack,
    width,
)
from xpfo_model.jit import bound
from xpfo_model.machine import (
    FREE,
    IS_STALE,
    KERNEL,
    USER,
    XPFO_UNMAPPED,
    XPFO_USER,
)


def stales(world):
    """Per frame: the bits of the CPUs on which it is stale."""
    return [int(bits) for bits in np.asarray(world.m.stale)[:, 0]]


@st.composite
def worlds(draw):
    """A world in any state that a number can hold."""
    scope = draw(st.sampled_from([SMALL, DEFAULT, checker.Scope(3, 4, nesting=2)]))
    world = memory(create(scope, marks=True))
    m = world.m
    for cpu in range(scope.cpus):
        waits = draw(st.integers(0, TO_KUNMAPPED + 2 * scope.frames - 1))
        others = list(world.waits).count(waits)
        if waits < TO_KUNMAPPED or others < scope.nesting:
            world.waits[cpu] = waits
    for frame in range(scope.frames):
        place = draw(st.integers(0, IN_FLIGHT + scope.cpus - 1))
        world.place[frame] = place
        was = {3: 0, 4: 1}
        world.was_user[frame] = was.get(place, draw(st.integers(0, 1)))
        least = list(world.waits).count(TO_KUNMAPPED + frame)
        world.held[frame] = draw(st.integers(least, scope.nesting))
        m.mapcount[frame] = draw(st.integers(0, scope.nesting))
        m.marks[frame] = draw(st.integers(0, 3))
        m.stale[frame, 0] = draw(st.integers(0, (1 << scope.cpus) - 1))
        mapped = draw(st.integers(0, 1))
        m.alias[frame] = mapped | (IS_STALE if m.stale[frame, 0] else 0)
    for block in range(scope.blocks):
        m.block_state[block] = draw(st.integers(0, 1))
    for cpu in range(scope.cpus):
        m.cpu_state[cpu] = draw(st.integers(0, 2))
    return scope, world


@given(worlds())
def test_a_state_survives_the_way_to_its_number_and_back(drawn):
    scope, world = drawn
    key = pack(world, 0)
    assert key.bit_length() <= width(scope, marks=True)
    other = memory(create(scope, marks=True))
    unpack(other, key)
    assert pack(other, 0) == key
    for name in ("place", "was_user", "held", "waits"):
        assert list(getattr(world, name)) == list(getattr(other, name)), name
    for name in ("alias", "marks", "mapcount"):
        ours = list(getattr(world.m, name))[: scope.frames]
        assert ours == list(getattr(other.m, name))[: scope.frames], name
    assert stales(other)[: scope.frames] == stales(world)[: scope.frames]
    assert list(other.m.cpu_state) == list(world.m.cpu_state)
    blocks = list(world.m.block_state)[: scope.blocks]
    assert list(other.m.block_state)[: scope.blocks] == blocks


@given(worlds())
def test_a_world_that_is_copied_is_in_the_same_state(drawn):
    scope, world = drawn
    key = pack(world, 0)
    unpack(world, key)
    other = memory(create(scope, marks=True))
    m = other.m
    for array in (m.alias, other.was_user, m.stale, m.owner, m.cpu_state):
        np.asarray(array)[:] = 1
    m.counts.stale_frames = m.counts.flushes_irqs_off = 1
    copy(world, other)
    assert pack(other, 0) == key
    assert list(other.m.owner)[: scope.frames] == list(world.m.owner)[: scope.frames]
    assert list(other.m.alias) == list(world.m.alias)
    assert other.m.counts == world.m.counts
    assert list(other.m.block_state) == list(world.m.block_state)
    waiting = world.m.counts.stale_frames
    assert list(other.m.stale_frames)[:waiting] == list(world.m.stale_frames)[:waiting]


@given(worlds(), st.randoms(use_true_random=False))
def test_cpus_that_swap_names_are_one_state(drawn, rng):
    scope, world = drawn
    names = list(range(scope.cpus))
    rng.shuffle(names)
    other = memory(create(scope, marks=True))
    unpack(other, pack(world, 0))
    for new, old in enumerate(names):
        other.m.cpu_state[new] = world.m.cpu_state[old]
        other.waits[new] = world.waits[old]
    for frame in range(scope.frames):
        if world.place[frame] >= IN_FLIGHT:
            other.place[frame] = IN_FLIGHT + names.index(world.place[frame] - IN_FLIGHT)
        bits = world.m.stale[frame, 0]
        other.m.stale[frame, 0] = sum(
            (bits >> old & 1) << new for new, old in enumerate(names)
        )
    assert canonical(other) == canonical(world)


@given(worlds())
def test_of_cpus_that_nobody_can_tell_apart_the_first_acts(drawn):
    scope, world = drawn
    m = world.m
    faces = [
        (
            m.cpu_state[cpu],
            world.waits[cpu],
            *(bits >> cpu & 1 for bits in stales(world)[: scope.frames]),
            *(place == IN_FLIGHT + cpu for place in world.place),
        )
        for cpu in range(scope.cpus)
    ]
    later = {cpu for cpu, face in enumerate(faces) if face in faces[:cpu]}
    assert twins(world) == sum(1 << cpu for cpu in later)


@given(worlds(), st.data())
def test_an_action_that_is_not_possible_changes_nothing(drawn, data):
    scope, world = drawn
    table = table_of(scope)
    name = data.draw(st.sampled_from(list(strategies.REGISTRY)))
    step = bound(act, strategies.given(strategies.functions(name)))
    before = pack(world, 0)
    unpack(world, before)
    if not step(world, table, data.draw(st.integers(0, len(table.op) - 1)), 1, 3):
        assert pack(world, 0) == before
        assert not world.m.counts.unmapped + world.m.counts.mapped
        assert world.m.counts.flushes_irqs_off == 0


@pytest.mark.parametrize(
    ("name", "marked", "unmarked"),
    [("small", 36, 32), ("default", 53, 47), ("large", 72, 62), ("wide", 68, 60)],
)
def test_the_width_of_a_state(name, marked, unmarked):
    scope = checker.scope(name)
    assert width(scope, marks=True) == marked
    assert width(scope, marks=False) == unmarked
    world = create(scope, marks=False)
    assert len(world.place) == len(world.held) == len(world.was_user) == scope.frames
    assert len(world.m.alias) == scope.blocks << scope.block_order
    assert len(world.m.cpu_state) == scope.cpus


NO, YES = 0, 1


@pytest.mark.parametrize(
    ("place", "mapped", "stale", "was_user", "held", "checks", "expected"),
    [
        (KERNEL_HAS, YES, NO, NO, NO, 2, set()),
        (KERNEL_HAS, NO, NO, NO, YES, 2, {"kernel-finds-it-mapped"}),
        (BUDDY, NO, YES, YES, NO, 2, {"freed-stays-unreachable"}),
        (MOVABLE_LIST, YES, NO, YES, NO, 2, {"freed-stays-unreachable"}),
        (OTHER_LIST, NO, NO, YES, NO, 2, set()),
        (OTHER_LIST, YES, NO, NO, NO, 2, set()),
        (USER_HAS, YES, NO, YES, YES, 2, {"kmap-keeps-it-private"}),
        (USER_HAS, NO, NO, YES, YES, 2, {"kmap-finds-it-mapped"}),
        (USER_HAS, NO, YES, YES, YES, 0, set()),
        (USER_HAS, YES, NO, YES, NO, 2, {"handed-out-unmapped"}),
        (USER_HAS, NO, YES, YES, NO, 2, {"no-stale-translation"}),
        (USER_HAS, NO, NO, YES, NO, 2, set()),
    ],
)
def test_what_violates_an_invariant(
    place, mapped, stale, was_user, held, checks, expected
):
    world = memory(create(SMALL, marks=True))
    m = world.m
    world.place[1] = place
    world.was_user[1] = was_user
    world.held[1] = held
    m.stale[1, 0] = 0b10 * stale
    m.alias[1] = mapped | (IS_STALE if stale else 0)
    bits = sum(BITS[name] for name in expected)
    assert violated(world, checks) == bits
    agrees = not mapped  # frame 0 is mapped and has no mark
    for mark in (XPFO_UNMAPPED, XPFO_USER):
        m.marks[1] = mark
        wrong = (mark == XPFO_UNMAPPED) != agrees
        more = BITS["mark-agrees"] if wrong else 0
        assert violated(world, checks) == bits
        assert violated(world, checks | CHECK_MARKS) == bits | more
    m.counts.flushes_irqs_off = 1
    assert violated(world, checks) == bits | BITS["flush-with-irqs-on"]


def test_the_machine_is_as_its_number_says_whatever_it_was():
    world = memory(create(DEFAULT, marks=True))
    m = world.m
    world.place[:] = memoryview(bytes([USER_HAS, KERNEL_HAS, BUDDY]))
    world.was_user[2] = 1
    m.alias[0], m.alias[1], m.alias[2] = IS_STALE, 0, 1 | IS_STALE
    m.stale[0, 0], m.stale[2, 0] = 0b01, 0b10
    key = pack(world, 0)
    other = memory(create(DEFAULT, marks=True))
    m = other.m
    for array in (m.alias, other.was_user, m.stale, m.owner, m.cpu_state):
        np.asarray(array)[:] = 1
    m.counts.stale_frames = m.counts.flushes_irqs_off = 1
    other.m.alias[3] = 0
    unpack(other, key)
    assert list(other.m.owner)[:3] == [USER, KERNEL, FREE]
    assert list(other.was_user) == [1, 0, 1]
    assert list(other.m.alias) == [IS_STALE, 0, 1 | IS_STALE, 1]
    waiting = other.m.counts.stale_frames
    assert sorted(list(other.m.stale_frames)[:waiting]) == [0, 2]
    assert waiting == 2
    assert not other.m.counts.flushes_irqs_off
    assert not any(other.m.cpu_state)


@given(worlds())
def test_the_canonical_number_is_the_smallest_of_all_names(drawn):
    _, world = drawn
    every = [pack(world, order) for order in range(len(world.orders_of_cpus))]
    assert canonical(world) == min(every)
    assert len({tuple(row) for row in np.asarray(world.orders_of_cpus)}) == len(every)
