# SPDX-License-Identifier: GPL-2.0-only
import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model import explore, strategies
from xpfo_model.engine import plain
from xpfo_model.errors import UnknownStrategyError, XpfoModelError
from xpfo_model.explore import actions as act_
from xpfo_model.explore.actions import describe, enumerate_actions
from xpfo_model.explore.invariants import CHECK_MARKS, INVARIANTS, violated
from xpfo_model.explore.search import act
from xpfo_model.explore.world import World, canonical, create, pack, unpack, width
from xpfo_model.machine import IS_STALE, Machine

SMALL = explore.scope("small")
DEFAULT = explore.scope("default")


def memory(world):
    m = Machine(*(memoryview(np.asarray(array)) for array in world.m))
    return World(m, *(memoryview(np.asarray(array)) for array in world[1:]))


@st.composite
def worlds(draw):
    """A world in any state that a number can hold."""
    scope = draw(st.sampled_from([SMALL, DEFAULT, explore.Scope(3, 4, nesting=2)]))
    world = memory(create(scope, marks=True))
    m = world.m
    for frame in range(scope.frames):
        place = draw(st.integers(0, 4))
        world.place[frame] = place
        was = {3: 0, 4: 1}
        world.was_user[frame] = was.get(place, draw(st.integers(0, 1)))
        world.held[frame] = draw(st.integers(0, scope.nesting))
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
    for name in ("place", "was_user", "held"):
        assert list(getattr(world, name)) == list(getattr(other, name)), name
    for name in ("alias", "stale", "marks", "mapcount"):
        ours = list(getattr(world.m, name))[: scope.frames]
        assert ours == list(getattr(other.m, name))[: scope.frames], name


@given(worlds(), st.randoms(use_true_random=False))
def test_cpus_that_swap_names_are_one_state(drawn, rng):
    scope, world = drawn
    names = list(range(scope.cpus))
    rng.shuffle(names)
    other = memory(create(scope, marks=True))
    unpack(other, pack(world, 0))
    for new, old in enumerate(names):
        other.m.cpu_state[new] = world.m.cpu_state[old]
    for frame in range(scope.frames):
        bits = world.m.stale[frame]
        other.m.stale[frame] = sum(
            (bits >> old & 1) << new for new, old in enumerate(names)
        )
    assert canonical(other) == canonical(world)


def brute_force(name, scope):
    """The states and violations by sets and recursion-free search, unreduced."""
    module = strategies.load(name)
    entry = strategies.REGISTRY[name]
    step = plain(act, **{hook: getattr(module, hook) for hook in strategies.HOOKS})
    world = memory(create(scope, marks=True))
    table = enumerate_actions(scope)
    irqs = (1 if "refill" in entry.irqs_off else 0) | (
        2 if "change_block" in entry.irqs_off else 0
    )
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
                if not step(world, table, i, scope.nesting, irqs):
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
    bad = explore.check("pcp_batch", explore.limited(DEFAULT, 1500))
    assert {"freed-stays-unreachable", "flush-with-irqs-on"} <= set(bad.found)


@pytest.mark.parametrize("name", ["v5", "v6", "v9", "pcp_batch"])
def test_a_counterexample_leads_where_it_says(name):
    """The told actions, done one by one, end in the violation and not before."""
    scope = explore.limited(DEFAULT, 1500)
    report = explore.check(name, scope)
    module = strategies.load(name)
    entry = strategies.REGISTRY[name]
    step = plain(act, **{hook: getattr(module, hook) for hook in strategies.HOOKS})
    table = enumerate_actions(scope)
    by_text = {describe(table, i, int(table.cpu[i])): i for i in range(len(table.op))}
    irqs = 1 if "refill" in entry.irqs_off else 0
    checks = (CHECK_MARKS if entry.marks else 0) | 2
    assert report.violations
    for violation in report.violations:
        world = memory(create(scope, marks=entry.marks))
        bit = 1 << list(INVARIANTS).index(violation.invariant)
        assert violation.steps == len(violation.trace)
        for number, line in enumerate(violation.trace, start=1):
            unpack(world, pack(world, 0))
            assert step(world, table, by_text[line], scope.nesting, irqs), line
            wrong = violated(world, checks) & bit
            assert bool(wrong) == (number == violation.steps)


@pytest.mark.parametrize("seed", range(8))
def test_long_random_walks_beyond_the_scope_find_nothing(seed):
    """The recommended strategy on a machine that is too large to exhaust."""
    scope = explore.Scope(cpus=4, frames=16, block_order=2, nesting=3, orders=3)
    module = strategies.load("pcp_batch_local")
    step = plain(act, **{hook: getattr(module, hook) for hook in strategies.HOOKS})
    world = memory(create(scope, marks=False))
    table = enumerate_actions(scope)
    rng = random.Random(seed)
    done = 0
    for _ in range(4000):
        i = rng.randrange(len(table.op))
        world.m.counts[:] = memoryview(np.array(world.m.counts))
        done += step(world, table, i, scope.nesting, 0)
        assert violated(world, 0) == 0, describe(table, i, int(table.cpu[i]))
    assert done > 500


def test_every_action_can_be_told_and_every_kind_is_there():
    table = enumerate_actions(DEFAULT)
    told = {describe(table, i, int(table.cpu[i])) for i in range(len(table.op))}
    assert len(told) == len(table.op)
    assert {int(op) for op in table.op} == set(range(act_.SWITCH + 1))


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
def test_the_large_scope_is_a_million_states_without_a_fault():
    report = explore.check("pcp_batch_local", explore.scope("large"))
    assert report.exhaustive
    assert report.states >= 1_000_000
    assert report.violations == ()
