# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's counters are held against its events."""

import pytest
from runs import log_of, run

from xpfo_model.confront import confront
from xpfo_model.confront.counters import beside, read_counters
from xpfo_model.errors import TraceError

ACTS = [
    *((cpu, what, 8 * cpu) for cpu in range(3) for what in ("user", "access")),
    (0, "kernel", 1),
    (1, "free", 3),
    (2, "fault", 200),
]


@pytest.fixture
def kernel():
    return run("pcp_batch", "mapped", ACTS)


def held(kernel, counters, folder):
    (folder / "run.counters").write_text(counters)
    return confront(log_of(kernel.text(), folder), folder / "run.counters")


def test_counters_that_say_the_same_confirm(kernel, tmp_path):
    found = held(kernel, kernel.counters(), tmp_path)
    assert found.counters == []
    assert found.is_equal
    assert found.as_json()["counters_from"] == "run.counters"


@pytest.mark.parametrize(
    "name", ["flush_alloc", "unmap_refill", "map_kmap", "splits", "kmap_direct", "free"]
)
def test_a_counter_that_says_another_thing_is_found(kernel, tmp_path, name):
    lines = dict(line.split() for line in kernel.counters().splitlines())
    lines[name] = str(int(lines[name]) + 1)
    text = "".join(f"{key} {value}\n" for key, value in lines.items())
    found = held(kernel, text, tmp_path)
    assert [one.name for one in found.counters] == [name]
    assert found.counters[0].counter == found.counters[0].events + 1
    assert found.first is None
    assert not found.is_equal


def test_a_counter_that_no_event_tells_is_let_be(kernel, tmp_path):
    assert held(kernel, kernel.counters() + "flip_waited 7\n", tmp_path).is_equal


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("strategy pcp_batch", "strategy v6", "its strategy is v6"),
        ("start mapped", "start unmapped", "its start is unmapped"),
        ("flush_alloc ", "flush_alloc x", "flush_alloc is no number"),
        ("splits ", "splits", "no counter"),
    ],
)
def test_counters_of_something_else_are_refused(kernel, tmp_path, old, new, complaint):
    text = kernel.counters()
    assert old in text
    with pytest.raises(TraceError, match=complaint) as error:
        held(kernel, text.replace(old, new), tmp_path)
    assert error.value.file == "run.counters"


def test_counters_that_are_not_there_are_named(tmp_path):
    with pytest.raises(TraceError, match="cannot be read") as error:
        read_counters(tmp_path / "none.counters")
    assert "none.counters" in error.value.file


@pytest.mark.parametrize(
    "name", ["a.b.trace.gz", "a.b.npz", "a.b.txt", "a.b", "a.b.xz"]
)
def test_counters_lie_beside_their_trace(tmp_path, name):
    assert beside(tmp_path / name) is None
    (tmp_path / "a.b.counters").write_text("")
    assert beside(tmp_path / name) == tmp_path / "a.b.counters"


def test_standard_input_has_no_counters():
    assert beside("-") is None
