# SPDX-License-Identifier: GPL-2.0-only
import dataclasses
from pathlib import Path

import pytest

from xpfo_model import checker, machine, strategies
from xpfo_model.checker import search, transition
from xpfo_model.checker.check import FEW
from xpfo_model.history.faults import FAULTS
from xpfo_model.strategies import guarantee
from xpfo_model.studies import explorations, store

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def stored():
    return explorations.read(DOCS)


def test_every_exploration_and_every_fault_is_kept(stored):
    assert [(e.strategy, e.scope) for e in stored.explorations] == list(
        explorations.WANTED
    )
    for fault in FAULTS:
        timing = stored.timing(fault.strategy, fault.invariant)
        assert timing.milliseconds > 0
        assert 1 <= timing.steps <= timing.visited
    assert stored.timing("none", "mark-agrees") is None
    assert stored.machine
    assert stored.python.startswith("Python 3.")


def test_a_time_is_of_as_many_states_as_were_explored(stored):
    times = store.load(explorations.timings, DOCS)
    for found in stored.explorations:
        assert found.states in times["visited"]
        assert found.seconds > 0
        assert found.megabytes > 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.strategy}-{f.invariant}")
def test_a_kept_time_is_of_the_search_as_it_is(fault, stored):
    timing = stored.timing(fault.strategy, fault.invariant)
    where = checker.limited(checker.scope("default"), FEW)
    report = checker.check(fault.strategy, where, fault.invariant)
    found = report.found[fault.invariant]
    assert (found.steps, found.visited) == (timing.steps, timing.visited)


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (search, "HASH_SHIFT", 19),
        (search, "act", transition.release),
        (transition, "kmapped", transition.together),
        (guarantee, "unmap", machine.map_back),
        (machine, "split_entry", guarantee.go_on),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_changed_function_or_constant_is_another_source(
    place, name, value, monkeypatch
):
    before = store.sources(explorations.explorations, DOCS)
    monkeypatch.setattr(place, name, value)
    assert store.sources(explorations.explorations, DOCS) != before


@pytest.mark.parametrize(
    "change",
    [
        {"pcp_batch": strategies.sources("pcp_batch_local")},
        {"large": checker.scope("small")},
    ],
    ids=["hooks", "scope"],
)
def test_another_strategy_or_scope_is_another_source(change):
    item = explorations.explorations
    changed = dataclasses.replace(item, given={**item.given, **change})
    assert store.sources(changed, DOCS) != store.sources(item, DOCS)


def test_timing_measures_explorations_and_faults(tmp_path, monkeypatch):
    monkeypatch.setattr(explorations, "WANTED", (("v6", "small"),))
    monkeypatch.setattr(explorations, "BOUND", 40)
    monkeypatch.setattr(explorations, "FAULTS", FAULTS[:1])
    monkeypatch.setattr(explorations, "_RUNS", 1)
    columns = explorations.timings.make(tmp_path)
    assert columns["visited"][0] == 40
    assert columns["invariant"] == ["", FAULTS[0].invariant]
    assert columns["steps"][1] >= 1
    found = explorations.explorations.make(tmp_path)
    assert (found["states"], found["exhaustive"]) == ([40], [0])
    assert found["violated"][0]


@pytest.mark.slow
def test_exploring_gives_what_is_kept():
    kept_now = store.load(explorations.explorations, DOCS)
    assert explorations.explorations.make(DOCS) == kept_now
