# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model.claims import batch_last
from xpfo_model.claims.batch_last import POSTED_TEST, WIDER_TEST, late
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.thread import SCARCE


@pytest.fixture
def inputs(evidence):
    return Inputs(evidence, ("user_allocations", "refills_movable"))


def having(monkeypatch, **flushes):
    """Let a recorded build have so many flushes, by strategy."""
    found = {
        "cc-1cpu (again, 9)": flushes,
        SCARCE: {**dict.fromkeys(POSTED_TEST, 300.0), WIDER_TEST[0]: 80.0}
        | {WIDER_TEST[1]: 20.0},
    }
    monkeypatch.setattr(batch_last, "late", lambda _: found)


NAMES = (*POSTED_TEST, *WIDER_TEST)


def test_a_build_in_which_a_batch_pays_refutes_it(inputs, monkeypatch):
    monkeypatch.setattr(type(inputs), "names", [])
    having(monkeypatch, **dict(zip(NAMES, (20, 1, 0.5, 0.1), strict=True)))
    assert batch_last.batch_last(inputs).holds
    having(monkeypatch, **dict(zip(NAMES, (20, 1, 9.0, 0.1), strict=True)))
    assert not batch_last.batch_last(inputs).holds


def test_recordings_of_the_kept_workloads_are_named_apart(inputs):
    found = late(inputs)
    again = [name for name in found if "again" in name]
    assert len(again) >= 5
    assert set(inputs.names) == set(found) - set(again)
    assert all(set(of) == set(NAMES) for of in found.values())


def test_the_wider_test_never_adds_a_flush_late_in_a_build(inputs):
    for name, of in late(inputs).items():
        if name.startswith("cc-"):
            assert of[WIDER_TEST[0]] <= of[POSTED_TEST[0]], name
