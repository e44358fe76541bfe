# SPDX-License-Identifier: GPL-2.0-only
import dataclasses
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model import explore, strategies
from xpfo_model.engine import plain
from xpfo_model.errors import UnknownStrategyError, XpfoModelError
from xpfo_model.explore import actions as act_
from xpfo_model.explore.actions import describe, enumerate_actions
from xpfo_model.explore.check import WAITING, how_of
from xpfo_model.explore.invariants import CHECK_MARKS, INVARIANTS, violated
from xpfo_model.explore.search import slot_of
from xpfo_model.explore.step import (
    BLOCK_IRQS_OFF,
    FLIPS_FREE_BLOCKS,
    LISTED_FIRST,
    REFILL_IRQS_OFF,
    act,
)
from xpfo_model.explore.world import (
    BUDDY,
    IN_FLIGHT,
    KERNEL_HAS,
    MOVABLE_LIST,
    OTHER_LIST,
    RUNS,
    TO_CLEARED,
    TO_KUNMAPPED,
    TO_MOVABLE,
    TO_NOBODY,
    TO_USER,
    TO_ZEROED,
    USER_HAS,
    World,
    canonical,
    copy,
    create,
    pack,
    twins,
    unpack,
    width,
)
from xpfo_model.machine import (
    FLUSHES_IRQS_OFF,
    FREE,
    IRQS_OFF,
    IS_STALE,
    KERNEL,
    STALE_FRAMES,
    USER,
    XPFO_UNMAPPED,
    XPFO_USER,
    Machine,
)

SMALL = explore.scope("small")
DEFAULT = explore.scope("default")


def table_of(scope):
    """All actions, as plain Python reads them."""
    columns = enumerate_actions(scope)
    return act_.Actions(*(memoryview(np.asarray(column)) for column in columns))


def memory(world):
    m = Machine(*(memoryview(np.asarray(array)) for array in world.m))
    return World(m, *(memoryview(np.asarray(array)) for array in world[1:]))


@st.composite
def worlds(draw):
    """A world in any state that a number can hold."""
    scope = draw(st.sampled_from([SMALL, DEFAULT, explore.Scope(3, 4, nesting=2)]))
    world = memory(create(scope, marks=True))
    m = world.m
    for cpu in range(scope.cpus):
        waits = draw(st.integers(0, TO_KUNMAPPED + scope.frames - 1))
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
        m.stale[frame] = draw(st.integers(0, (1 << scope.cpus) - 1))
        mapped = draw(st.integers(0, 1))
        m.alias[frame] = mapped | (IS_STALE if m.stale[frame] else 0)
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
    for name in ("alias", "stale", "marks", "mapcount"):
        ours = list(getattr(world.m, name))[: scope.frames]
        assert ours == list(getattr(other.m, name))[: scope.frames], name
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
    for array in (m.counts, m.alias, other.was_user, m.stale, m.owner, m.cpu_state):
        array[:] = memoryview(np.ones_like(np.asarray(array)))
    copy(world, other)
    assert pack(other, 0) == key
    assert list(other.m.owner)[: scope.frames] == list(world.m.owner)[: scope.frames]
    assert list(other.m.alias) == list(world.m.alias)
    assert list(other.m.counts) == list(world.m.counts)
    assert list(other.m.block_state) == list(world.m.block_state)
    waiting = world.m.counts[STALE_FRAMES]
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
        bits = world.m.stale[frame]
        other.m.stale[frame] = sum(
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
            *(bits >> cpu & 1 for bits in m.stale[: scope.frames]),
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
    module = strategies.load(name)
    step = plain(act, **{hook: getattr(module, hook) for hook in strategies.HOOKS})
    before = pack(world, 0)
    unpack(world, before)
    if not step(world, table, data.draw(st.integers(0, len(table.op) - 1)), 1, 3):
        assert pack(world, 0) == before
        assert not any(world.m.counts[:STALE_FRAMES])
        assert world.m.counts[FLUSHES_IRQS_OFF] == 0


def test_a_search_can_stop_at_the_first_violation_of_one_invariant():
    whole = explore.check("v9", explore.limited(DEFAULT, 1500))
    for violation in whole.violations:
        report = explore.check("v9", DEFAULT, violation.invariant)
        assert report.found[violation.invariant] == violation
        assert violation.visited <= report.states <= 1500
        assert not report.exhaustive
    assert explore.check("v6", SMALL, "mark-agrees").exhaustive


def brute_force(name, scope):
    """The states and violations by sets and recursion-free search, unreduced."""
    module = strategies.load(name)
    entry = strategies.REGISTRY[name]
    step = plain(act, **{hook: getattr(module, hook) for hook in strategies.HOOKS})
    world = memory(create(scope, marks=True))
    table = table_of(scope)
    how = how_of(entry)
    marked = entry.marks and entry.unmapped_mark
    checks = (CHECK_MARKS if marked else 0) | (
        0 if module.kmap.__name__ == "local_kmap" else 2
    )
    start = pack(world, 0)
    seen, level, depth, found = {start}, [start], 0, {}
    smallest = set()
    while level:
        depth += 1
        following = []
        for key in level:
            unpack(world, key)
            smallest.add(canonical(world))
            for i in range(len(table.op)):
                unpack(world, key)
                if not step(world, table, i, scope.nesting, how):
                    continue
                bits = violated(world, checks)
                for n, invariant in enumerate(INVARIANTS):
                    if bits >> n & 1:
                        found.setdefault(invariant, depth)
                new = pack(world, 0)
                if new not in seen:
                    seen.add(new)
                    following.append(new)
        level = following
    return len(smallest), found


@pytest.mark.parametrize("name", strategies.REGISTRY)
def test_the_search_agrees_with_brute_force(name):
    scope = dataclasses.replace(SMALL, frames=1)
    states, found = brute_force(name, scope)
    report = explore.check(name, scope)
    assert report.exhaustive
    assert report.states == states
    assert {v.invariant: v.steps for v in report.violations} == found


def test_the_recommended_strategy_has_no_fault_and_the_proposal_has():
    good = explore.check("pcp_batch_local", DEFAULT)
    assert good.exhaustive
    assert good.violations == ()
    assert good.claims_safe
    bad = explore.check("pcp_batch", explore.limited(DEFAULT, 4000))
    assert {"freed-stays-unreachable", "flush-with-irqs-on"} <= set(bad.found)


@pytest.mark.parametrize(
    ("name", "states"),
    [
        *((name, 1500) for name in ("v5", "v6", "v9", "pcp_batch")),
        *((name, 60) for name in ("v8", "alternation")),
        *((name, 400) for name in ("nov2017", "pageblock")),
    ],
)
def test_a_counterexample_leads_where_it_says(name, states):
    """The told actions, done one by one, end in the violation and not before."""
    scope = explore.limited(DEFAULT, states)
    report = explore.check(name, scope)
    module = strategies.load(name)
    entry = strategies.REGISTRY[name]
    step = plain(act, **{hook: getattr(module, hook) for hook in strategies.HOOKS})
    table = table_of(scope)
    by_text = {describe(table, i, int(table.cpu[i])): i for i in range(len(table.op))}
    how = how_of(entry)
    checks = (CHECK_MARKS if entry.marks else 0) | 2
    assert report.violations
    for violation in report.violations:
        world = memory(create(scope, marks=entry.marks))
        bit = 1 << list(INVARIANTS).index(violation.invariant)
        assert violation.steps == len(violation.trace)
        for number, line in enumerate(violation.trace, start=1):
            unpack(world, pack(world, 0))
            i = by_text[line.removesuffix(WAITING)]
            assert step(world, table, i, scope.nesting, how), line
            assert line.endswith(WAITING) == (world.waits[table.cpu[i]] != RUNS)
            wrong = violated(world, checks) & bit
            assert bool(wrong) == (number == violation.steps)


@pytest.mark.parametrize("seed", range(8))
def test_long_random_walks_beyond_the_scope_find_nothing(seed):
    """The recommended strategy on a machine that is too large to exhaust."""
    scope = explore.Scope(cpus=4, frames=16, block_order=2, nesting=3, orders=3)
    module = strategies.load("pcp_batch_local")
    step = plain(act, **{hook: getattr(module, hook) for hook in strategies.HOOKS})
    world = memory(create(scope, marks=False))
    table = table_of(scope)
    rng = random.Random(seed)
    done = 0
    for _ in range(4000):
        i = rng.randrange(len(table.op))
        done += step(world, table, i, scope.nesting, 0)
        assert violated(world, 0) == 0, describe(table, i, int(table.cpu[i]))
    assert done > 150


def test_every_action_can_be_told_and_every_kind_is_there():
    table = table_of(DEFAULT)
    told = {describe(table, i, int(table.cpu[i])) for i in range(len(table.op))}
    assert len(told) == len(table.op)
    assert {int(op) for op in table.op} == set(range(act_.ANSWER + 1))


def test_a_bound_is_said_to_be_one():
    report = explore.check("v8", explore.limited(DEFAULT, 50))
    assert not report.exhaustive
    assert report.states == 50
    assert "the bound was reached" in explore.tell(report)


def test_bad_scopes_and_names_are_errors():
    with pytest.raises(XpfoModelError, match="default"):
        explore.scope("huge")
    with pytest.raises(XpfoModelError, match="bits"):
        explore.check("v9", explore.Scope(cpus=2, frames=8))
    with pytest.raises(UnknownStrategyError):
        explore.check("v7", SMALL)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("large", 1_000_000), ("wide", 70_000)])
def test_the_larger_scopes_are_exhausted_without_a_fault(name, least):
    report = explore.check("pcp_batch_local", explore.scope(name))
    assert report.exhaustive
    assert report.states >= least
    assert report.violations == ()


def test_scopes_count_their_blocks_and_say_themselves():
    assert [explore.scope(name).blocks for name in explore.SCOPES] == [2, 2, 3, 2]
    assert explore.scope("default") == explore.Scope(2, 3, 1, 2, 2, 4_000_000)
    assert explore.scope("small") == explore.Scope(2, 2, 0, 1)
    assert explore.scope("large") == explore.Scope(
        2, 5, nesting=1, most_states=20_000_000
    )
    assert explore.scope("wide") == explore.Scope(
        3, 4, nesting=1, most_states=20_000_000
    )
    assert str(DEFAULT) == (
        "2 CPUs, 3 frames in 2 blocks, pages of up to 2 frames and kmaps nested 2 deep"
    )
    assert str(dataclasses.replace(DEFAULT, cpus=1)).startswith("1 CPU, 3 frames")
    assert explore.limited(DEFAULT, 7) == dataclasses.replace(DEFAULT, most_states=7)


@pytest.mark.parametrize(
    ("name", "marked", "unmarked"),
    [("small", 36, 32), ("default", 53, 47), ("large", 70, 60), ("wide", 68, 60)],
)
def test_the_width_of_a_state(name, marked, unmarked):
    scope = explore.scope(name)
    assert width(scope, marks=True) == marked
    assert width(scope, marks=False) == unmarked
    world = create(scope, marks=False)
    assert len(world.place) == len(world.held) == len(world.was_user) == scope.frames
    assert len(world.m.alias) == scope.blocks << scope.block_order
    assert len(world.m.cpu_state) == scope.cpus


def test_62_bits_are_enough_and_64_are_not():
    fits = explore.Scope(cpus=2, frames=5, block_order=0, nesting=1)
    assert width(fits, marks=False) == 62
    assert explore.check("none", explore.limited(fits, 2)).states == 2
    with pytest.raises(XpfoModelError, match="needs 69 bits, not 62"):
        explore.check("none", dataclasses.replace(fits, frames=6, block_order=1))


def test_the_actions_of_the_smallest_machine_with_a_pair():
    table = table_of(explore.Scope(cpus=1, frames=2, block_order=0))
    told = [describe(table, i, 5) for i in range(len(table.op))]
    pages = ("frame 0", "frame 1", "frames 0 and 1")
    expected = []
    for page in pages:
        expected += [
            f"CPU 5 allocates {page} for a user",
            f"CPU 5 allocates {page} zeroed for a user",
            f"CPU 5 allocates {page} for the kernel",
            f"CPU 5 allocates {page} for the kernel, interrupts off",
        ]
    for name in ("MOVABLE", "UNMOVABLE"):
        expected += [f"CPU 5 frees {one} to the {name} list" for one in pages[:2]]
        expected += [f"CPU 5 refills the {name} list with {some}" for some in pages]
        expected += [f"CPU 5 makes block {block} {name}" for block in (0, 1)]
    for what in ("drains {} to the buddy allocator", "kmaps {}", "kunmaps {}"):
        expected += ["CPU 5 " + what.format(one) for one in pages[:2]]
    expected += [f"CPU 5 kmaps and kunmaps {one} in an interrupt" for one in pages[:2]]
    expected += ["CPU 5 switches context", "CPU 5 has its flush answered"]
    assert told == expected
    blocks = [i for i in range(len(told)) if table.op[i] == act_.CHANGE_BLOCK]
    assert [table.stop[i] - table.start[i] for i in blocks] == [1] * 4


def test_pages_are_aligned_and_lie_inside():
    table = table_of(explore.Scope(cpus=1, frames=7, orders=3))
    pages = [
        list(table.frames[table.start[i] : table.stop[i]])
        for i in range(len(table.op))
        if table.op[i] == act_.ALLOC_USER and table.stop[i] - table.start[i] > 1
    ]
    assert pages == [[0, 1], [2, 3], [4, 5], [0, 1, 2, 3]]
    assert len(table_of(DEFAULT).op) == 104
    assert sorted(set(table_of(DEFAULT).cpu)) == [0, 1]


NO, YES = 0, 1
BITS = {name: 1 << n for n, name in enumerate(INVARIANTS)}


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
    m.stale[1] = 0b10 * stale
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
    m.counts[FLUSHES_IRQS_OFF] = 1
    assert violated(world, checks) == bits | BITS["flush-with-irqs-on"]


CALLS = []


def saying_alloc(m, cpu, frames, user, zeroed):
    CALLS.append(("alloc", cpu, list(frames), bool(user), bool(zeroed)))
    if m.settings[IRQS_OFF]:
        CALLS.append("irqs off")


def saying_free(m, cpu, frames):
    CALLS.append(("free", cpu, list(frames), m.owner[frames[0]]))
    if m.settings[IRQS_OFF]:
        CALLS.append("irqs off")


def saying_kmap(m, cpu, frame):
    CALLS.append(("kmap", cpu, frame, m.owner[frame]))
    if m.settings[IRQS_OFF]:
        CALLS.append("irqs off")


def saying_kunmap(m, cpu, frame):
    CALLS.append(("kunmap", cpu, frame))


def saying_refill(m, cpu, frames, migratetype):
    CALLS.append(("refill", cpu, list(frames), migratetype))
    if m.settings[IRQS_OFF]:
        CALLS.append("irqs off")


def saying_drain(m, cpu, frames):
    CALLS.append(("drain", cpu, list(frames)))
    if m.settings[IRQS_OFF]:
        CALLS.append("irqs off")


def saying_change(m, cpu, block, migratetype):
    CALLS.append(("change", cpu, block, migratetype))
    if m.settings[IRQS_OFF]:
        CALLS.append("irqs off")


def saying_switch(m, cpu):
    CALLS.append(("switch", cpu))
    if m.settings[IRQS_OFF]:
        CALLS.append("irqs off")


class Told:
    """Actions by their text, on a world whose hooks say what they were called for."""

    SAYING: ClassVar = {
        "alloc": saying_alloc,
        "free": saying_free,
        "kmap": saying_kmap,
        "kunmap": saying_kunmap,
        "refill": saying_refill,
        "drain": saying_drain,
        "change_block": saying_change,
        "context_switch": saying_switch,
    }

    def __init__(self, scope=DEFAULT, irqs_off=0, hooks=SAYING):
        self.world = memory(create(scope, marks=True))
        unpack(self.world, pack(self.world, 0))
        self.scope, self.irqs_off = scope, irqs_off
        self.table = table_of(scope)
        self.step = plain(act, **hooks)
        ops = range(len(self.table.op))
        self.by_text = {describe(self.table, i, self.table.cpu[i]): i for i in ops}

    def do(self, text):
        """The calls of an action; None if it is not possible."""
        CALLS.clear()
        world, i = self.world, self.by_text[text]
        nesting = self.scope.nesting
        done = self.step(world, self.table, i, nesting, self.irqs_off)
        assert done or not CALLS
        return list(CALLS) if done else None

    @property
    def frames(self):
        w = self.world
        return list(zip(w.place, w.was_user, w.held, w.m.owner, strict=False))


def test_allocations_take_free_frames_that_are_at_one_place():
    t = Told()
    assert t.do("CPU 1 allocates frames 0 and 1 for a user") == [
        ("alloc", 1, [0, 1], True, False)
    ]
    assert t.frames == [(USER_HAS, 1, 0, USER)] * 2 + [(BUDDY, 0, 0, FREE)]
    assert t.do("CPU 0 allocates frame 1 for a user") is None
    assert t.do("CPU 0 frees frame 1 to the MOVABLE list") == [("free", 0, [1], USER)]
    assert t.frames[1] == (MOVABLE_LIST, 1, 0, FREE)
    assert t.do("CPU 0 frees frame 0 to the UNMOVABLE list") == [("free", 0, [0], USER)]
    assert t.frames[0] == (OTHER_LIST, 1, 0, FREE)
    assert t.do("CPU 0 frees frame 0 to the UNMOVABLE list") is None
    assert t.do("CPU 0 allocates frames 0 and 1 for the kernel") is None
    atomic = t.do("CPU 0 allocates frame 0 for the kernel, interrupts off")
    assert atomic == [("alloc", 0, [0], False, False), "irqs off"]
    assert t.frames[0] == (KERNEL_HAS, 0, 0, KERNEL)
    assert t.do("CPU 0 allocates frame 1 for the kernel") == [
        ("alloc", 0, [1], False, False)
    ]
    assert t.do("CPU 0 frees frame 1 to the MOVABLE list") == [("free", 0, [1], KERNEL)]
    assert t.frames[1] == (MOVABLE_LIST, 0, 0, FREE)


def test_a_zeroed_page_is_kmapped_when_the_user_has_it():
    t = Told()
    assert t.do("CPU 1 allocates frames 0 and 1 zeroed for a user") == [
        ("alloc", 1, [0, 1], True, True),
        *[("kmap", 1, 0, USER), ("kunmap", 1, 0)],
        *[("kmap", 1, 1, USER), ("kunmap", 1, 1)],
    ]
    assert t.frames[:2] == [(USER_HAS, 1, 0, USER)] * 2


@pytest.mark.parametrize("irqs_off", range(4))
def test_refills_take_from_the_buddy_and_drains_give_back(irqs_off):
    t = Told(irqs_off=irqs_off)
    off = ["irqs off"] if irqs_off & 1 else []
    assert t.do("CPU 0 drains frame 0 to the buddy allocator") is None
    assert t.do("CPU 1 refills the MOVABLE list with frames 0 and 2") == [
        ("refill", 1, [0, 2], 1),
        *off,
    ]
    assert t.do("CPU 1 refills the UNMOVABLE list with frame 1") == [
        ("refill", 1, [1], 0),
        *off,
    ]
    assert [f[0] for f in t.frames] == [MOVABLE_LIST, OTHER_LIST, MOVABLE_LIST]
    assert t.do("CPU 0 refills the MOVABLE list with frame 1") is None
    for frame in range(3):
        assert t.do(f"CPU 1 drains frame {frame} to the buddy allocator") == [
            ("drain", 1, [frame])
        ]
        assert t.frames[frame][0] == BUDDY
    t.do("CPU 0 allocates frame 0 for the kernel")
    t.do("CPU 0 allocates frame 1 for a user")
    for frame in range(2):
        assert t.do(f"CPU 1 drains frame {frame} to the buddy allocator") is None
        assert t.do(f"CPU 1 refills the MOVABLE list with frame {frame}") is None
    assert t.do("CPU 1 refills the MOVABLE list with frames 1 and 2") is None


@pytest.mark.parametrize("irqs_off", range(4))
def test_blocks_change_and_cpus_switch_at_any_time(irqs_off):
    t = Told(irqs_off=irqs_off)
    off = ["irqs off"] if irqs_off & 2 else []
    assert t.do("CPU 1 makes block 1 MOVABLE") == [("change", 1, 1, 1), *off]
    assert t.do("CPU 0 makes block 0 UNMOVABLE") == [("change", 0, 0, 0), *off]
    assert t.do("CPU 1 switches context") == [("switch", 1)]


def test_a_frame_is_kmapped_as_often_as_the_nesting_allows():
    t = Told(dataclasses.replace(DEFAULT, nesting=2))
    bounce = "CPU 1 kmaps and kunmaps frame 0 in an interrupt"
    for what in ("kmaps frame 0", "kunmaps frame 0", bounce.removeprefix("CPU 1 ")):
        assert t.do(f"CPU 1 {what}") is None
    t.do("CPU 0 allocates frame 0 for a user")
    assert t.do("CPU 0 kunmaps frame 0") is None
    for depth in (1, 2):
        assert t.do("CPU 1 kmaps frame 0") == [("kmap", 1, 0, USER)]
        assert t.world.held[0] == depth
    assert t.do("CPU 1 kmaps frame 0") is None
    assert t.do("CPU 1 frees frame 0 to the MOVABLE list") is None
    assert t.do(bounce) == [("kmap", 1, 0, USER), "irqs off", ("kunmap", 1, 0)]
    assert t.do("CPU 0 kunmaps frame 0") == [("kunmap", 0, 0)]
    assert t.world.held[0] == 1
    t.do("CPU 0 kunmaps frame 0")
    assert t.do("CPU 1 frees frame 0 to the MOVABLE list") == [("free", 1, [0], USER)]
    t.do("CPU 0 allocates frame 1 for the kernel")
    assert t.do("CPU 1 kmaps frame 1") == [("kmap", 1, 1, KERNEL)]


def waiting(name, how=0):
    """A machine with a strategy, whose actions wait for their flushes."""
    return Told(irqs_off=how, hooks=strategies.hooks(name))


def test_a_frame_whose_flush_is_not_answered_is_nobody_s():
    t = waiting("per_frame")
    assert t.do("CPU 0 has its flush answered") is None
    assert t.do("CPU 0 allocates frame 0 for a user") is not None
    assert t.world.waits[0] == TO_USER
    assert t.frames[0] == (IN_FLIGHT, 0, 0, FREE)
    assert t.world.m.stale[0] == 0b11
    assert violated(t.world, 2) == 0
    for text in (
        "allocates frame 0 for the kernel",
        "frees frame 0 to the MOVABLE list",
        "kmaps frame 0",
        "drains frame 0 to the buddy allocator",
        "refills the MOVABLE list with frame 0",
    ):
        assert t.do(f"CPU 1 {text}") is None, text
    assert t.do("CPU 1 allocates frame 2 for the kernel") is not None
    assert t.do("CPU 0 has its flush answered") is not None
    assert t.world.waits[0] == RUNS
    assert t.frames[0] == (USER_HAS, 1, 0, USER)
    assert t.world.m.stale[0] == 0
    assert violated(t.world, 2) == 0


def test_who_waits_does_only_what_interrupts_do_and_those_do_not_wait():
    t = waiting("per_frame")
    t.do("CPU 0 allocates frame 2 for a user")
    t.do("CPU 0 has its flush answered")
    t.do("CPU 0 allocates frame 0 for a user")
    for text in (
        "allocates frame 1 for a user",
        "allocates frame 1 for the kernel",
        "refills the MOVABLE list with frame 1",
        "kmaps frame 2",
        "makes block 1 MOVABLE",
        "switches context",
    ):
        assert t.do(f"CPU 0 {text}") is None, text
    assert t.do("CPU 0 kmaps and kunmaps frame 2 in an interrupt") is not None
    assert t.world.m.stale[2] == 0
    assert t.do("CPU 0 allocates frame 1 for the kernel, interrupts off") is not None
    assert t.frames[1] == (KERNEL_HAS, 0, 0, KERNEL)
    assert t.do("CPU 0 frees frame 2 to the MOVABLE list") is not None
    assert t.world.waits[0] == TO_USER
    assert t.frames[0][0] == IN_FLIGHT


def test_a_flush_of_another_cpu_does_not_cover_what_is_in_flight():
    t = waiting("per_frame")
    t.do("CPU 0 allocates frame 0 for a user")
    t.do("CPU 1 allocates frame 1 for a user")
    assert list(t.world.waits) == [TO_USER, TO_USER]
    t.do("CPU 1 has its flush answered")
    assert t.frames[1][0] == USER_HAS
    assert list(t.world.m.stale)[:2] == [0b11, 0]
    assert t.world.m.counts[STALE_FRAMES] == 1
    assert t.world.m.stale_frames[0] == 0
    t.do("CPU 0 has its flush answered")
    assert list(t.world.m.stale)[:2] == [0, 0]


def test_a_page_is_zeroed_before_its_user_has_it_and_waits_twice():
    t = waiting("per_frame")
    t.do("CPU 1 allocates frame 0 zeroed for a user")
    assert t.world.waits[1] == TO_ZEROED
    t.do("CPU 1 has its flush answered")
    assert t.world.waits[1] == TO_CLEARED
    assert t.frames[0] == (IN_FLIGHT + 1, 0, 0, USER)
    key = pack(t.world, 0)
    unpack(t.world, key)
    assert t.frames[0] == (IN_FLIGHT + 1, 0, 0, USER)
    t.do("CPU 1 has its flush answered")
    assert t.frames[0] == (USER_HAS, 1, 0, USER)
    assert violated(t.world, 2) == 0


def test_a_frame_is_kmapped_until_the_flush_of_its_kunmap_is_answered():
    t = waiting("per_frame")
    t.do("CPU 0 allocates frame 0 for a user")
    t.do("CPU 0 has its flush answered")
    t.do("CPU 0 kmaps frame 0")
    t.do("CPU 0 kunmaps frame 0")
    assert t.world.waits[0] == TO_KUNMAPPED
    assert t.world.held[0] == 1
    assert t.world.m.stale[0] == 0b11
    assert violated(t.world, 2) == 0
    assert t.do("CPU 1 kunmaps frame 0") is None
    assert t.do("CPU 1 frees frame 0 to the MOVABLE list") is None
    t.do("CPU 1 kmaps frame 0")
    assert t.world.held[0] == 2
    assert violated(t.world, 2) == BITS["kmap-keeps-it-private"]
    t.do("CPU 0 has its flush answered")
    assert t.world.held[0] == 1
    t.do("CPU 1 kunmaps frame 0")
    t.do("CPU 1 has its flush answered")
    assert t.frames[0] == (USER_HAS, 1, 0, USER)
    assert violated(t.world, 2) == 0


def test_a_refill_is_on_its_list_after_its_flush_or_before_it():
    t = waiting("pcp_batch_local")
    t.do("CPU 0 refills the MOVABLE list with frames 0 and 2")
    assert t.world.waits[0] == TO_MOVABLE
    assert [f[0] for f in t.frames] == [IN_FLIGHT, BUDDY, IN_FLIGHT]
    t.do("CPU 0 has its flush answered")
    assert [f[0] for f in t.frames] == [MOVABLE_LIST, BUDDY, MOVABLE_LIST]
    t = waiting("pcp_batch_local", LISTED_FIRST)
    t.do("CPU 0 refills the MOVABLE list with frames 0 and 2")
    assert t.world.waits[0] == TO_NOBODY
    assert [f[0] for f in t.frames] == [MOVABLE_LIST, BUDDY, MOVABLE_LIST]
    t.do("CPU 1 allocates frame 0 for a user")
    assert violated(t.world, 0) == BITS["no-stale-translation"]


def test_a_block_flips_while_others_have_its_frames_or_only_while_it_is_free():
    t = waiting("pageblock")
    t.do("CPU 0 makes block 0 MOVABLE")
    assert t.world.waits[0] == TO_NOBODY
    t.do("CPU 1 allocates frame 0 for a user")
    assert violated(t.world, 2) == BITS["no-stale-translation"]
    t = waiting("freetype", FLIPS_FREE_BLOCKS)
    assert t.do("CPU 1 refills the MOVABLE list with frame 0") is None
    t.do("CPU 0 makes block 0 MOVABLE")
    assert t.do("CPU 1 allocates frame 0 for a user") is None
    t.do("CPU 0 has its flush answered")
    assert [f[0] for f in t.frames] == [BUDDY] * 3
    assert t.do("CPU 1 refills the UNMOVABLE list with frame 0") is None
    assert t.do("CPU 1 refills the MOVABLE list with frame 0") is not None
    assert t.do("CPU 0 makes block 0 UNMOVABLE") is None
    assert t.do("CPU 0 makes block 1 MOVABLE") is not None


def test_a_strategy_says_what_its_place_in_the_kernel_is():
    entries = strategies.REGISTRY
    assert how_of(entries["pcp_batch_local"]) == 0
    assert how_of(entries["pcp_batch_local"], listed_first=True) == LISTED_FIRST
    assert how_of(entries["freetype"]) == FLIPS_FREE_BLOCKS
    assert how_of(entries["pcp_batch"]) == REFILL_IRQS_OFF
    assert how_of(entries["pageblock"]) == REFILL_IRQS_OFF | BLOCK_IRQS_OFF


def test_a_batch_that_is_listed_before_its_flush_is_handed_out_stale():
    early = explore.check(
        "pcp_batch_local", DEFAULT, "no-stale-translation", listed_first=True
    )
    assert early.found["no-stale-translation"].trace == (
        "CPU 0 refills the MOVABLE list with frame 0, waiting for its flush",
        "CPU 1 allocates frame 0 for a user",
    )


def test_the_machine_is_as_its_number_says_whatever_it_was():
    world = memory(create(DEFAULT, marks=True))
    m = world.m
    world.place[:] = memoryview(bytes([USER_HAS, KERNEL_HAS, BUDDY]))
    world.was_user[2] = 1
    m.alias[0], m.alias[1], m.alias[2] = IS_STALE, 0, 1 | IS_STALE
    m.stale[0], m.stale[2] = 0b01, 0b10
    key = pack(world, 0)
    other = memory(create(DEFAULT, marks=True))
    m = other.m
    for array in (m.counts, m.alias, other.was_user, m.stale, m.owner, m.cpu_state):
        array[:] = memoryview(np.ones_like(np.asarray(array)))
    other.m.alias[3] = 0
    unpack(other, key)
    assert list(other.m.owner)[:3] == [USER, KERNEL, FREE]
    assert list(other.was_user) == [1, 0, 1]
    assert list(other.m.alias) == [IS_STALE, 0, 1 | IS_STALE, 1]
    waiting = other.m.counts[STALE_FRAMES]
    assert sorted(list(other.m.stale_frames)[:waiting]) == [0, 2]
    assert [n for i, n in enumerate(other.m.counts) if n] == [2]
    assert not any(other.m.cpu_state)


@given(worlds())
def test_the_canonical_number_is_the_smallest_of_all_names(drawn):
    _, world = drawn
    every = [pack(world, order) for order in range(len(world.orders_of_cpus))]
    assert canonical(world) == min(every)
    assert len({tuple(row) for row in np.asarray(world.orders_of_cpus)}) == len(every)


def test_a_key_has_its_own_slot_or_the_next_empty_one():
    table, states = [-1] * 8, list(range(100, 108))
    for number, key in enumerate(states):
        slot = slot_of(table, states, key)
        assert table[slot] == -1
        table[slot] = number
    assert sorted(table) == list(range(8))
    assert [table[slot_of(table, states, key)] for key in states] == list(range(8))


ALTERNATION = """\
alternation: 60 states, not all: the bound was reached; 1,013 ms
  no-stale-translation: No CPU can translate a user's frame that is not kmapped.
    1. CPU 0 allocates frame 0 for a user
  freed-stays-unreachable: A frame that a user freed is out of reach until the \
kernel allocates it.
    1. CPU 0 allocates frame 0 for a user
    2. CPU 1 frees frame 0 to the MOVABLE list
  flush-with-irqs-on: A flush that waits for other CPUs runs with interrupts on.
    1. CPU 0 allocates frame 0 for a user
    2. CPU 1 kmaps and kunmaps frame 0 in an interrupt
  kmap-keeps-it-private: A kmap does not put a user's frame back into the direct map.
    1. CPU 0 allocates frame 0 for a user
    2. CPU 1 kmaps frame 0
"""


def test_a_report_tells_and_writes_itself():
    report = explore.check("alternation", explore.limited(DEFAULT, 60))
    assert explore.tell(dataclasses.replace(report, seconds=1.0127)) == ALTERNATION
    assert 0 < report.seconds < 60
    assert report.claims_safe is False
    assert [v.visited for v in report.violations] == [1, 2, 2, 2]
    said = report.as_json()
    assert said["scope"]["most_states"] == 60
    assert [said["strategy"], said["states"]] == ["alternation", 60]
    assert [said["exhaustive"], said["claims_safe"]] == [False, False]
    assert said["violations"][1] == {
        "invariant": "freed-stays-unreachable",
        "steps": 2,
        "trace": [
            "CPU 0 allocates frame 0 for a user",
            "CPU 1 frees frame 0 to the MOVABLE list",
        ],
        "visited": 2,
    }
    assert report.found["kmap-keeps-it-private"].steps == 2


def test_every_step_of_a_way_is_told():
    scope = dataclasses.replace(SMALL, frames=1)
    found = explore.check("nov2017", scope).found
    assert found["kernel-finds-it-mapped"].trace == (
        "CPU 0 refills the MOVABLE list with frame 0, waiting for its flush",
        "CPU 0 has its flush answered",
        "CPU 0 allocates frame 0 for the kernel",
    )


def test_a_strategy_without_a_fault_is_told_in_a_line():
    scope = dataclasses.replace(SMALL, frames=1)
    good = explore.check("pcp_batch_local", scope)
    assert explore.tell(dataclasses.replace(good, seconds=0.25)) == (
        f"pcp_batch_local: {good.states} states, all of them; 250 ms\n"
        "  no invariant of 8 violated\n"
    )
    exact = explore.check("pcp_batch_local", explore.limited(scope, good.states))
    assert exact.exhaustive
    assert exact.states == good.states


def test_the_room_grows_until_all_states_fit(monkeypatch):
    whole = explore.check("v8", dataclasses.replace(SMALL, frames=1))
    for room in ("_FIRST_ROOM", "WITHOUT_COMPILER"):
        module = sys.modules["xpfo_model.explore.check"]
        monkeypatch.setattr(module, room, 4, raising=False)
    again = explore.check("v8", dataclasses.replace(SMALL, frames=1))
    assert again.states == whole.states > 32
    assert again.exhaustive
    assert again.violations == whole.violations
    bounded = explore.check("v8", explore.limited(SMALL, 33))
    assert [bounded.states, bounded.exhaustive] == [33, False]


def test_strategies_side_by_side_give_what_they_give_one_by_one():
    scope = explore.limited(SMALL, 30)
    names = ["v6", "none"]
    one = list(explore.check_all(names, scope))
    with ThreadPoolExecutor(1) as pool:
        other = list(explore.check_all(names, scope, pool))
    assert [r.strategy for r in one] == names
    same = [dataclasses.replace(r, seconds=0.0) for r in one]
    assert same == [dataclasses.replace(r, seconds=0.0) for r in other]
