# SPDX-License-Identifier: GPL-2.0-only
import dataclasses
import json

import pytest

from xpfo_model import explore, machine, recorded, strategies
from xpfo_model.explore import search, step
from xpfo_model.faults import FAULTS
from xpfo_model.strategies import guarantee

STORED = recorded.read()


def test_every_exploration_and_every_fault_is_recorded():
    assert [(e.strategy, e.scope) for e in STORED.explorations] == list(recorded.WANTED)
    for fault in FAULTS:
        timing = STORED.timing(fault.strategy, fault.invariant)
        assert timing.milliseconds > 0
        assert 1 <= timing.steps <= timing.visited
    assert STORED.timing("none", "mark-agrees") is None
    assert STORED.machine
    assert STORED.python.startswith("Python 3.")


@pytest.mark.parametrize("stored", STORED.explorations, ids=lambda e: e.strategy)
def test_what_is_recorded_is_of_the_functions_as_they_are(stored):
    assert stored.holds_still, recorded.COMMAND


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.strategy}-{f.invariant}")
def test_a_recorded_time_is_of_the_search_as_it_is(fault):
    timing = STORED.timing(fault.strategy, fault.invariant)
    where = explore.scope("default")
    report = explore.check(fault.strategy, where, fault.invariant)
    found = report.found[fault.invariant]
    assert (found.steps, found.visited) == (timing.steps, timing.visited)


def test_a_changed_function_hook_constant_or_scope_is_another_source(monkeypatch):
    def source():
        return recorded.sources("pcp_batch_local", "small")

    seen = {source()}
    assert source() in seen
    seen.add(recorded.sources("pcp_batch", "small"))
    seen.add(recorded.sources("pcp_batch_local", "wide"))
    assert len(seen) == 3
    local = strategies.load("pcp_batch_local")
    for place, name, value in (
        (search, "HASH_SHIFT", 19),
        (search, "act", step.release),
        (step, "kmapped", step.together),
        (local, "free", guarantee.restore),
        (guarantee, "unmap", machine.map_back),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, value)
            assert source() not in seen, name
    assert source() in seen


def test_a_file_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps(dataclasses.asdict(STORED)))
    assert recorded.read(path) == STORED


def test_recording_explores_and_times(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "FILE", tmp_path / "recorded.json")
    monkeypatch.setattr(recorded, "WANTED", (("v6", "small"),))
    monkeypatch.setattr(recorded, "BOUND", 40)
    monkeypatch.setattr(recorded, "FAULTS", FAULTS[:1])
    monkeypatch.setattr(recorded, "_RUNS", 1)
    recorded.main()
    again = recorded.read(recorded.FILE)
    (exploration,) = again.explorations
    assert exploration.states == 40
    assert not exploration.exhaustive
    assert exploration.violated
    assert exploration.holds_still
    assert len(again.timings) == 1


@pytest.mark.slow
@pytest.mark.parametrize("stored", STORED.explorations, ids=lambda e: e.strategy)
def test_an_exploration_gives_what_is_recorded(stored):
    again = recorded.record_exploration(stored.strategy, stored.scope)
    clock = {"seconds": stored.seconds, "megabytes": stored.megabytes}
    assert dataclasses.replace(again, **clock) == stored
