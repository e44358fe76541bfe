# SPDX-License-Identifier: GPL-2.0-only
import dataclasses
from pathlib import Path

import pytest

from xpfo_model import explore, kept, machine, recorded, strategies
from xpfo_model.explore import search, step
from xpfo_model.faults import FAULTS
from xpfo_model.strategies import guarantee

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def stored():
    return recorded.read(DOCS)


def test_every_exploration_and_every_fault_is_kept(stored):
    assert [(e.strategy, e.scope) for e in stored.explorations] == list(recorded.WANTED)
    for fault in FAULTS:
        timing = stored.timing(fault.strategy, fault.invariant)
        assert timing.milliseconds > 0
        assert 1 <= timing.steps <= timing.visited
    assert stored.timing("none", "mark-agrees") is None
    assert stored.machine
    assert stored.python.startswith("Python 3.")


def test_a_time_is_of_as_many_states_as_were_explored(stored):
    times = kept.load(recorded.timings, DOCS)
    for found in stored.explorations:
        assert found.states in times["visited"]
        assert found.seconds > 0
        assert found.megabytes > 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.strategy}-{f.invariant}")
def test_a_kept_time_is_of_the_search_as_it_is(fault, stored):
    timing = stored.timing(fault.strategy, fault.invariant)
    where = explore.scope("default")
    report = explore.check(fault.strategy, where, fault.invariant)
    found = report.found[fault.invariant]
    assert (found.steps, found.visited) == (timing.steps, timing.visited)


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (search, "HASH_SHIFT", 19),
        (search, "act", step.release),
        (step, "kmapped", step.together),
        (guarantee, "unmap", machine.map_back),
        (machine, "split_entry", guarantee.go_on),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_changed_function_or_constant_is_another_source(
    place, name, value, monkeypatch
):
    before = kept.sources(recorded.explorations, DOCS)
    monkeypatch.setattr(place, name, value)
    assert kept.sources(recorded.explorations, DOCS) != before


@pytest.mark.parametrize(
    "change",
    [
        {"pcp_batch": strategies.sources("pcp_batch_local")},
        {"large": explore.scope("small")},
    ],
    ids=["hooks", "scope"],
)
def test_another_strategy_or_scope_is_another_source(change):
    item = recorded.explorations
    changed = dataclasses.replace(item, given={**item.given, **change})
    assert kept.sources(changed, DOCS) != kept.sources(item, DOCS)


def test_timing_measures_explorations_and_faults(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "WANTED", (("v6", "small"),))
    monkeypatch.setattr(recorded, "BOUND", 40)
    monkeypatch.setattr(recorded, "FAULTS", FAULTS[:1])
    monkeypatch.setattr(recorded, "_RUNS", 1)
    columns = recorded.timings.make(tmp_path)
    assert columns["visited"][0] == 40
    assert columns["invariant"] == ["", FAULTS[0].invariant]
    assert columns["steps"][1] >= 1
    found = recorded.explorations.make(tmp_path)
    assert (found["states"], found["exhaustive"]) == ([40], [0])
    assert found["violated"][0]


@pytest.mark.slow
def test_exploring_gives_what_is_kept():
    kept_now = kept.load(recorded.explorations, DOCS)
    assert recorded.explorations.make(DOCS) == kept_now
