# SPDX-License-Identifier: GPL-2.0-only
"""Random walks on machines of random sizes, far beyond what can be exhausted.

The checker's own functions take the steps, and its invariants judge them. Refills
are of any length, blocks of any order. The same machine must catch every fault that
the document lists, so that its silence about the recommended strategy says something.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from xpfo_model import checker, jit, strategies
from xpfo_model.checker import actions as do
from xpfo_model.checker.check import how_of
from xpfo_model.checker.invariants import CHECK_KMAP, CHECK_MARKS, INVARIANTS, violated
from xpfo_model.checker.transition import act
from xpfo_model.checker.world import (
    BUDDY,
    KERNEL_HAS,
    MOVABLE_LIST,
    OTHER_LIST,
    USER_HAS,
    create,
)
from xpfo_model.constants import MIGRATE_MOVABLE, MIGRATE_UNMOVABLE
from xpfo_model.history.faults import FAULTS
from xpfo_model.jit import bound
from xpfo_model.machine import boot
from xpfo_model.strategies.kmaps import local_kmap

SAFE = [name for name, entry in strategies.REGISTRY.items() if entry.safe]
CPU = st.integers(0, 11)
PICK = st.integers(0, 1 << 16)
LIST = st.sampled_from([MIGRATE_MOVABLE, MIGRATE_UNMOVABLE])


class ViolatedError(AssertionError):
    """An invariant that was watched does not hold."""


class Walk(RuleBasedStateMachine):
    """A strategy on a machine of any size, step by step."""

    strategy = SAFE[0]
    watched = tuple(INVARIANTS)
    done = 0

    @initialize(
        cpus=st.integers(1, 12),
        frames=st.integers(1, 48),
        block_order=st.integers(0, 4),
        nesting=st.integers(1, 3),
    )
    def boot(self, cpus, frames, block_order, nesting):
        entry = strategies.REGISTRY[self.strategy]
        hooks = strategies.functions(self.strategy)
        self.scope = checker.Scope(cpus, frames, block_order, nesting, orders=4)
        # the permutations of the CPUs are for states that are compared: none here
        world = create(checker.Scope(1, frames, block_order), marks=entry.marks)
        m = boot(len(world.m.alias), block_order, cpus=cpus)
        world = world._replace(m=m, waits=np.zeros(cpus, np.uint8))
        self.world = jit._readable(world)
        self.step = bound(act, strategies.given(hooks))
        self.how = how_of(entry)
        self.checks = CHECK_MARKS if entry.marks and entry.unmapped_mark else 0
        if hooks["kmap"] is not local_kmap:
            self.checks |= CHECK_KMAP

    def take(self, op, cpu, frames=(), migratetype=0, block=None):
        """A step that is told as the checker's own actions are."""
        start, stop = (0, len(frames)) if block is None else (block, block + 1)
        columns = ([op], [cpu % self.scope.cpus], [migratetype], [start], [stop])
        one = do.Actions(*map(np.array, (*columns, list(frames))))
        one = jit._readable(do.Actions(*(c.astype(np.int64) for c in one)))
        nesting = self.scope.nesting
        type(self).done += self.step(self.world, one, 0, nesting, self.how)
        found = violated(self.world, self.checks)
        wrong = [n for bit, n in enumerate(INVARIANTS) if found >> bit & 1]
        if set(wrong) & set(self.watched):
            raise ViolatedError(f"{self.strategy} on {self.scope}: {wrong}")

    def where(self, *, free):
        places = enumerate(self.world.place)
        wanted = (BUDDY, MOVABLE_LIST, OTHER_LIST) if free else (KERNEL_HAS, USER_HAS)
        return [frame for frame, at in places if at in wanted]

    def some(self, *, free):
        return bool(self.where(free=free))

    @precondition(lambda self: self.some(free=True))
    @rule(
        cpu=CPU,
        pick=PICK,
        order=st.sampled_from([0, 0, 0, 1, 2, 3]),
        op=st.sampled_from(range(do.ALLOC_USER, do.ALLOC_ATOMIC + 1)),
    )
    def alloc(self, cpu, pick, order, op):
        free = self.where(free=True)
        first = free[pick % len(free)] >> order << order
        if first + (1 << order) <= self.scope.frames:
            self.take(op, cpu, range(first, first + (1 << order)))

    @precondition(lambda self: self.some(free=False))
    @rule(cpu=CPU, pick=PICK, migratetype=LIST)
    def free(self, cpu, pick, migratetype):
        had = self.where(free=False)
        self.take(do.FREE_PAGE, cpu, [had[pick % len(had)]], migratetype)

    @precondition(lambda self: self.some(free=False))
    @rule(
        cpu=CPU, pick=PICK, op=st.sampled_from([do.KMAP, do.KMAP, do.KUNMAP, do.BOUNCE])
    )
    def access(self, cpu, pick, op):
        had = self.where(free=False)
        self.take(op, cpu, [had[pick % len(had)]])

    @property
    def buddies(self):
        return [f for f, place in enumerate(self.world.place) if place == BUDDY]

    @precondition(lambda self: self.buddies)
    @rule(
        cpu=CPU,
        pick=PICK,
        length=st.integers(1, 31),
        migratetype=LIST,
        op=st.sampled_from([do.REFILL, do.REFILL, do.REFILL_ATOMIC]),
    )
    def refill(self, cpu, pick, length, migratetype, op):
        start = pick % len(self.buddies)
        self.take(op, cpu, self.buddies[start : start + length], migratetype)

    @precondition(lambda self: self.buddies and self.some(free=False))
    @rule(cpu=CPU, pick=PICK, other=PICK)
    def move(self, cpu, pick, other):
        had = self.where(free=False)
        free = self.buddies
        self.take(do.MOVE_PAGE, cpu, [had[pick % len(had)], free[other % len(free)]])

    @precondition(lambda self: self.some(free=True))
    @rule(cpu=CPU, pick=PICK)
    def drain(self, cpu, pick):
        free = self.where(free=True)
        self.take(do.DRAIN, cpu, [free[pick % len(free)]])

    @rule(cpu=CPU, pick=PICK, migratetype=LIST)
    def change_block(self, cpu, pick, migratetype):
        block = pick % self.scope.blocks
        self.take(do.CHANGE_BLOCK, cpu, (), migratetype, block)

    @rule(cpu=CPU)
    def switch(self, cpu):
        self.take(do.SWITCH, cpu)

    @precondition(lambda self: any(self.world.waits))
    @rule(pick=PICK)
    def answer(self, pick):
        waiting = [cpu for cpu, why in enumerate(self.world.waits) if why]
        self.take(do.ANSWER, waiting[pick % len(waiting)])


def walk(strategy, watched, examples, steps):
    """Walk with a strategy; raises if a watched invariant is violated."""
    kind = type("W", (Walk,), {"strategy": strategy, "watched": watched, "done": 0})
    run_state_machine_as_test(
        kind,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            # nothing reads a shrunk example here; the checker finds shorter ones
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )
    return kind.done


@pytest.mark.parametrize("name", SAFE)
def test_a_walk_with_a_safe_strategy_violates_nothing(name):
    assert walk(name, tuple(INVARIANTS), 80, 60) > 1600


FEW = [
    ("v6", "freed-stays-unreachable"),
    ("v9", "handed-out-unmapped"),
    ("v9", "no-stale-translation"),
    ("pcp_batch", "flush-with-irqs-on"),
    ("nov2017", "kernel-finds-it-mapped"),
]


@pytest.mark.parametrize(("name", "invariant"), FEW)
def test_the_same_walk_catches_a_fault(name, invariant):
    with pytest.raises(ViolatedError, match=invariant):
        walk(name, (invariant,), 60, 60)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAFE)
def test_long_walks_with_a_safe_strategy_violate_nothing(name):
    assert walk(name, tuple(INVARIANTS), 1000, 200) > 60_000


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.strategy}-{f.invariant}")
def test_long_walks_catch_every_fault(fault):
    with pytest.raises(ViolatedError, match=fault.invariant):
        walk(fault.strategy, (fault.invariant,), 1000, 200)
