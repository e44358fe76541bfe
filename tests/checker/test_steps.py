# SPDX-License-Identifier: GPL-2.0-only
from dataclasses import replace
from itertools import pairwise

import pytest

from xpfo_model import checker, strategies
from xpfo_model.checker.check import WAITING
from xpfo_model.checker.film import film
from xpfo_model.checker.invariants import violated
from xpfo_model.checker.steps import (
    ANSWERED,
    TOUR,
    Watched,
    _Player,
    answered,
    violation_of,
)
from xpfo_model.claims.runs import LETTERS, brief, runs
from xpfo_model.errors import XpfoModelError

SCOPE = checker.scope("default")
SAFE = strategies.RECOMMENDED
FAULTY = ("v9", "pageblock")
STATES = 400


@pytest.fixture(scope="module")
def reports():
    few = checker.limited(SCOPE, STATES)
    return {name: checker.check(name, few) for name in FAULTY}


@pytest.fixture(scope="module")
def violations(reports):
    return [(name, one) for name, r in reports.items() for one in r.violations]


def test_a_run_has_the_scenes_of_the_violations_film(violations):
    assert len(violations) > 5
    for name, violation in violations:
        first, *steps = violation_of(name, SCOPE, violation)
        assert first.hooks == ()
        scenes = film(name, SCOPE, violation)
        bare = [replace(s, action=s.action.removesuffix(WAITING)) for s in scenes]
        assert [step.scene for step in steps] == bare
        assert all(step.done for step in steps)
        assert [step.line for step in steps] == [*range(1, len(steps) + 1)]


def test_the_last_step_of_a_violation_is_wrong_and_no_other(violations):
    for name, violation in violations:
        *steps, last = violation_of(name, SCOPE, violation)
        assert not any(step.scene.wrong for step in steps)
        # a flush with interrupts off is no frame's
        assert last.scene.wrong or violation.invariant == "flush-with-irqs-on"


def test_the_same_actions_are_safe_under_the_recommended_strategy(violations):
    for _, violation in violations:
        player = _Player(SAFE, SCOPE)
        for line in violation.trace:
            player.play(line.removesuffix(WAITING))
            assert not violated(player._stage.world, 0)


@pytest.mark.parametrize("name", strategies.REGISTRY)
def test_a_tour_calls_every_hook_and_does_every_action(name):
    steps = answered(name, SCOPE, TOUR)
    assert {hook for step in steps for hook in step.hooks} == set(strategies.HOOKS)
    assert all(step.done for step in steps)
    assert {step.line for step in steps} == {*range(len(TOUR) + 1)}
    assert not any(steps[-1].scene.waits)


def test_a_tour_answers_every_flush_at_once():
    steps = answered("pcp_batch", SCOPE, TOUR)
    for step, after in pairwise(steps):
        if any(step.scene.waits):
            assert after.scene.action == ANSWERED
            assert after.line == step.line


def test_what_is_not_possible_changes_nothing():
    lines = ("CPU 0 kmaps frame 0", "CPU 0 allocates frame 0 for a user")
    first, kmap, *_ = answered("v9", SCOPE, lines)
    assert not kmap.done
    assert kmap.hooks == ()
    assert kmap.scene.frames == first.scene.frames


def test_a_line_that_is_no_action_is_an_error():
    with pytest.raises(XpfoModelError, match="no action of the tiny machine"):
        answered("v9", SCOPE, ("CPU 0 sleeps",))


def test_hooks_that_are_one_function_are_told_apart():
    watched = Watched(strategies.functions("per_frame"))
    own = strategies.functions("per_frame")
    assert own["free"] is own["drain"]
    assert watched.hooks["free"].__code__ is not watched.hooks["drain"].__code__


def test_a_hook_that_another_calls_is_not_told():
    """As posted, isolation is an allocation for the kernel."""
    lines = (
        "CPU 0 allocates frame 0 for a user",
        "CPU 0 moves the page of frame 0 to frame 1",
    )
    steps = answered("per_frame", SCOPE, lines)
    assert steps[-1].hooks == ("isolate", "migrate", "free")


def test_data_of_the_page(reports):
    found = runs(reports)
    tours = [one["strategy"] for one in found if one["name"] == "tour"]
    assert tours == [*strategies.REGISTRY]
    for one in found:
        if one["name"] == "tour":
            continue
        violation = reports[one["strategy"]].found[one["name"]]
        steps = violation_of(one["strategy"], SCOPE, violation)
        assert one["steps"] == [brief(step) for step in steps]
        lines = {step.get("line", 0) for step in one["steps"]}
        assert {step.get("line", 0) for step in one["beside"]} == lines


def test_a_step_in_brief():
    steps = answered("pcp_batch", SCOPE, TOUR[1:3])
    refill = brief(steps[1])
    assert refill == {
        "line": 1,
        "action": "refills the MOVABLE list with frames 0 and 1",
        "hooks": ("refill",),
        "frames": "f-0 f-0 b+0",
        "tlbs": ((0, 1), (0, 1)),
        "waits": [0],
        "flushes": 1,
    }
    assert len(set(LETTERS.values())) == len(LETTERS)
