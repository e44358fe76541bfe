# SPDX-License-Identifier: GPL-2.0-only
import dataclasses
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from tiny_worlds import DEFAULT, SMALL, memory, table_of

from xpfo_model import checker, machine, strategies
from xpfo_model.checker import actions as act_
from xpfo_model.checker.actions import describe
from xpfo_model.checker.check import FEW, WAITING, given_to, how_of
from xpfo_model.checker.invariants import CHECK_MARKS, INVARIANTS, violated
from xpfo_model.checker.scope import ALONE, HAS_MODES
from xpfo_model.checker.search import slot_of
from xpfo_model.checker.transition import (
    BLOCK_IRQS_OFF,
    LISTED_FIRST,
    REFILL_IRQS_OFF,
    TAKES_BLOCKS,
    act,
)
from xpfo_model.checker.world import RUNS, canonical, create, pack, unpack, width
from xpfo_model.errors import UnknownStrategyError, XpfoModelError
from xpfo_model.jit import bound
from xpfo_model.strategies import RECOMMENDED


def test_a_search_can_stop_at_the_first_violation_of_one_invariant():
    whole = checker.check("v9", checker.limited(DEFAULT, 1500))
    for violation in whole.violations:
        few = checker.limited(DEFAULT, FEW)
        report = checker.check("v9", few, violation.invariant)
        assert report.found[violation.invariant] == violation
        assert violation.visited <= report.states <= 1500
        assert not report.exhaustive
    small = checker.limited(SMALL, FEW)
    assert checker.check("v6", small, "mark-agrees").exhaustive


def brute_force(name, scope, starts):
    """The states and violations by sets and recursion-free search, unreduced."""
    entry = strategies.REGISTRY[name]
    step = bound(act, given_to(name))
    how = how_of(entry, modes=bool(strategies.at_border(name)))
    world = memory(create(scope, marks=True, how=how))
    table = table_of(scope, how)
    marked = entry.marks and entry.unmapped_mark
    checks = (CHECK_MARKS if marked else 0) | (
        0 if strategies.load(name).kmap.__name__ == "local_kmap" else 2
    )
    how_marked = {"marks": True, "start_marks": entry.start_marks, "how": how}
    roots = [pack(memory(create(scope, start=s, **how_marked)), 0) for s in starts]
    seen, level, depth, found = set(roots), roots, 0, {}
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


@pytest.mark.parametrize("starts", [("mapped",), ("unmapped",), machine.STARTS])
@pytest.mark.parametrize("name", strategies.REGISTRY)
def test_the_search_agrees_with_brute_force(name, starts):
    scope = dataclasses.replace(SMALL, frames=1, most_states=FEW)
    states, found = brute_force(name, scope, starts)
    report = checker.check(name, scope, starts=starts)
    assert report.starts == starts
    assert report.exhaustive
    assert report.states == states
    assert {v.invariant: v.steps for v in report.violations} == found


def test_the_recommended_strategy_has_no_fault_and_the_proposal_has():
    good = checker.check(RECOMMENDED, DEFAULT)
    assert good.exhaustive
    assert good.violations == ()
    assert good.claims_safe
    bad = checker.check("pcp_batch", checker.limited(DEFAULT, 4000))
    assert {"freed-stays-unreachable", "flush-with-irqs-on"} <= set(bad.found)


def test_what_is_safe_is_safe_however_memory_starts():
    unmapped = checker.check(RECOMMENDED, DEFAULT, starts=["unmapped"])
    both = checker.check(RECOMMENDED, DEFAULT)
    assert both.starts == machine.STARTS
    assert both.exhaustive
    assert unmapped.states == both.states, "each start leads to the other"
    assert not unmapped.violations + both.violations


@pytest.mark.parametrize("name", ["v5", "v6", "v8"])
def test_what_maps_nothing_for_the_kernel_cannot_start_unmapped(name):
    few = checker.limited(SMALL, FEW)
    report = checker.check(name, few, "kernel-finds-it-mapped", starts=["unmapped"])
    found = report.found["kernel-finds-it-mapped"]
    assert found.trace == ("CPU 0 allocates frame 0 for the kernel",)
    assert found.start == "unmapped"
    assert "0. memory starts unmapped" in checker.tell(report)
    posted = checker.check(name, dataclasses.replace(few, frames=1))
    assert posted.exhaustive
    assert "kernel-finds-it-mapped" not in posted.found


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
    scope = checker.limited(DEFAULT, states)
    report = checker.check(name, scope)
    entry = strategies.REGISTRY[name]
    step = bound(act, strategies.given(strategies.functions(name)))
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
    scope = checker.Scope(cpus=4, frames=16, block_order=2, nesting=3, orders=3)
    step = bound(act, strategies.given(strategies.functions(RECOMMENDED)))
    world = memory(create(scope, marks=False))
    table = table_of(scope)
    rng = random.Random(seed)
    done = 0
    for _ in range(8000):
        i = rng.randrange(len(table.op))
        done += step(world, table, i, scope.nesting, 0)
        assert violated(world, 0) == 0, describe(table, i, int(table.cpu[i]))
    assert done > 150


def test_every_action_can_be_told_and_every_kind_is_there():
    table = table_of(DEFAULT)
    told = {describe(table, i, int(table.cpu[i])) for i in range(len(table.op))}
    assert len(told) == len(table.op)
    assert {int(op) for op in table.op} == set(range(act_.MOVE_PAGE + 1))


def test_a_bound_is_said_to_be_one():
    report = checker.check("v8", checker.limited(DEFAULT, 50))
    assert not report.exhaustive
    assert report.states == 50
    assert "the bound was reached" in checker.tell(report)


def test_bad_scopes_and_names_are_errors():
    with pytest.raises(XpfoModelError, match="default"):
        checker.scope("huge")
    with pytest.raises(XpfoModelError, match="bits"):
        checker.check("v9", checker.Scope(cpus=2, frames=8))
    with pytest.raises(UnknownStrategyError):
        checker.check("v10", SMALL)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("large", 1_000_000), ("wide", 70_000)])
def test_the_larger_scopes_are_exhausted_without_a_fault(name, least):
    report = checker.check(RECOMMENDED, checker.scope(name))
    assert report.exhaustive
    assert report.states >= least
    assert report.violations == ()


def test_scopes_count_their_blocks_and_say_themselves():
    assert [checker.scope(name).blocks for name in checker.SCOPES] == [2, 2, 3, 2]
    assert checker.scope("default") == checker.Scope(2, 3, 1, 2, 2, 4_000_000)
    assert checker.scope("small") == checker.Scope(2, 2, 0, 1)
    assert checker.scope("large") == checker.Scope(
        2, 5, nesting=1, most_states=20_000_000
    )
    assert checker.scope("wide") == checker.Scope(
        3, 4, nesting=1, most_states=20_000_000
    )
    assert str(DEFAULT) == (
        "2 CPUs, 3 frames in 2 blocks, pages of up to 2 frames and kmaps nested 2 deep"
    )
    assert str(dataclasses.replace(DEFAULT, cpus=1)).startswith("1 CPU, 3 frames")
    assert checker.limited(DEFAULT, 7) == dataclasses.replace(DEFAULT, most_states=7)


def test_62_bits_are_enough_and_64_are_not():
    fits = checker.Scope(cpus=2, frames=5, block_order=1, nesting=1)
    assert width(fits, marks=False) == 62
    assert checker.check("none", checker.limited(fits, 2)).states == 2
    with pytest.raises(XpfoModelError, match="needs 64 bits, not 62"):
        checker.check("none", dataclasses.replace(fits, block_order=0))


def test_the_actions_of_the_smallest_machine_with_a_pair():
    table = table_of(checker.Scope(cpus=1, frames=2, block_order=0))
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
        for when in ("", ", interrupts off"):
            for some in pages:
                expected.append(f"CPU 5 refills the {name} list with {some}{when}")
        expected += [f"CPU 5 makes block {block} {name}" for block in (0, 1)]
    for what in ("drains {} to the buddy allocator", "kmaps {}", "kunmaps {}"):
        expected += ["CPU 5 " + what.format(one) for one in pages[:2]]
    expected += [f"CPU 5 kmaps and kunmaps {one} in an interrupt" for one in pages[:2]]
    expected += ["CPU 5 moves the page of frame 0 to frame 1"]
    expected += ["CPU 5 moves the page of frame 1 to frame 0"]
    expected += ["CPU 5 switches context", "CPU 5 has its flush answered"]
    assert told == expected
    blocks = [i for i in range(len(told)) if table.op[i] == act_.CHANGE_BLOCK]
    assert [table.stop[i] - table.start[i] for i in blocks] == [1] * 4


def test_pages_are_aligned_and_lie_inside():
    table = table_of(checker.Scope(cpus=1, frames=7, orders=3))
    pages = [
        list(table.frames[table.start[i] : table.stop[i]])
        for i in range(len(table.op))
        if table.op[i] == act_.ALLOC_USER and table.stop[i] - table.start[i] > 1
    ]
    assert pages == [[0, 1], [2, 3], [4, 5], [0, 1, 2, 3]]
    assert len(table_of(DEFAULT).op) == 140
    assert sorted(set(table_of(DEFAULT).cpu)) == [0, 1]


def test_a_strategy_says_what_its_place_in_the_kernel_is():
    entries = strategies.REGISTRY
    both = REFILL_IRQS_OFF | BLOCK_IRQS_OFF
    assert how_of(entries[RECOMMENDED]) == BLOCK_IRQS_OFF
    listed_first = how_of(entries[RECOMMENDED], listed_first=True)
    assert listed_first == BLOCK_IRQS_OFF | LISTED_FIRST
    assert how_of(entries["freetype"]) == TAKES_BLOCKS
    assert how_of(entries["v9"], modes=True) == both | HAS_MODES
    assert how_of(entries["v9"], alone=True) == both | HAS_MODES | ALONE
    assert how_of(entries["pcp_batch"]) == how_of(entries["pageblock"]) == both
    newer = dataclasses.replace(entries["pcp_batch"], kernel="v6.1")
    assert how_of(newer) == BLOCK_IRQS_OFF, "interrupts are on around the refill"


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
  handed-out-unmapped: A user's frame that is not kmapped has no PTE.
    1. CPU 0 allocates frame 0 for a user
    2. CPU 1 moves the page of frame 0 to frame 1
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
    report = checker.check("alternation", checker.limited(DEFAULT, 60))
    assert checker.tell(dataclasses.replace(report, seconds=1.0127)) == ALTERNATION
    assert 0 < report.seconds < 60
    assert report.claims_safe is False
    assert [v.visited for v in report.violations] == [2, 1, 2, 2, 2]
    said = report.as_json()
    assert said["scope"]["most_states"] == 60
    assert [said["strategy"], said["states"]] == ["alternation", 60]
    assert [said["exhaustive"], said["claims_safe"]] == [False, False]
    assert said["violations"][2] == {
        "invariant": "freed-stays-unreachable",
        "steps": 2,
        "trace": [
            "CPU 0 allocates frame 0 for a user",
            "CPU 1 frees frame 0 to the MOVABLE list",
        ],
        "visited": 2,
        "start": "mapped",
    }
    assert report.found["kmap-keeps-it-private"].steps == 2


def test_every_step_of_a_way_is_told():
    scope = dataclasses.replace(SMALL, frames=1, most_states=FEW)
    found = checker.check("nov2017", scope).found
    assert found["kernel-finds-it-mapped"].trace == (
        "CPU 0 refills the MOVABLE list with frame 0, interrupts off",
        "CPU 0 allocates frame 0 for the kernel",
    )


def test_a_strategy_without_a_fault_is_told_in_a_line():
    scope = dataclasses.replace(SMALL, frames=1, most_states=FEW)
    good = checker.check(RECOMMENDED, scope)
    assert checker.tell(dataclasses.replace(good, seconds=0.25)) == (
        f"{RECOMMENDED}: {good.states} states, all of them; 250 ms\n"
        "  no invariant of 8 violated\n"
    )
    exact = checker.check(RECOMMENDED, checker.limited(scope, good.states))
    assert exact.exhaustive
    assert exact.states == good.states


def test_few_states_are_explored_by_python_and_many_by_compiled_code_alike():
    tiny = dataclasses.replace(SMALL, frames=1)
    few = checker.check("v8", checker.limited(tiny, FEW))
    many = checker.check("v8", checker.limited(tiny, FEW + 1))
    assert few.states == many.states > 33
    assert few.exhaustive
    assert many.exhaustive
    assert few.violations == many.violations
    bounded = checker.check("v8", checker.limited(tiny, 33))
    assert [bounded.states, bounded.exhaustive] == [33, False]


def test_strategies_side_by_side_give_what_they_give_one_by_one():
    scope = checker.limited(SMALL, 30)
    names = ["v6", "none"]
    one = list(checker.check_all(names, scope))
    with ThreadPoolExecutor(1) as pool:
        other = list(checker.check_all(names, scope, pool))
    assert [r.strategy for r in one] == names
    same = [dataclasses.replace(r, seconds=0.0) for r in one]
    assert same == [dataclasses.replace(r, seconds=0.0) for r in other]
