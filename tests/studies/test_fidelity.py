# SPDX-License-Identifier: GPL-2.0-only
"""The rows that the page on fidelity rests on."""

import pytest
from tiny import allocs, follow, refill

from xpfo_model import traces
from xpfo_model.studies.fidelity import (
    ALLOCATIONS,
    COLUMNS,
    OTHER,
    profile_of,
    rows_of,
    rows_of_trace,
    tasks_of,
)

FIRST = 6144
FOUR = tuple(range(FIRST, FIRST + 4))


@pytest.fixture
def level():
    stranger = 7000
    return follow([*refill(*FOUR), *allocs(FIRST, stranger)])


def test_a_level_as_rows(level):
    rows = rows_of(level)
    assert rows[0] == ("exact", ALLOCATIONS, 2, 1)
    assert ("number", "refills", 1, 1) in rows
    assert ("put right", "unseen", 1, 1) in rows
    assert ("missed", "unseen", 1, 0) in rows
    strategies = [name for what, name, *_ in rows if what == "flushes"]
    assert strategies == list(level.flushes)


def test_a_trace_s_name_says_its_kernel():
    assert profile_of("debian-6.1-cc-1cpu") == "v6.1"
    assert profile_of("debian-6.12-netmap-3cpu") == "v6.12"
    with pytest.raises(KeyError):
        profile_of("fedora-6.1-cc")


def test_every_trace_is_compared_with_its_own_kernel_and_another(tmp_path):
    (tmp_path / "traces").mkdir()
    names = ("debian-6.1-one", "debian-6.12-two")
    one, two = (tmp_path / "traces" / f"{name}.npz" for name in names)
    one.touch()
    two.touch()
    assert tasks_of(tmp_path) == [
        *((one, "v6.1"), (one, OTHER)),
        *((two, "v6.12"), (two, OTHER)),
    ]


@pytest.mark.parametrize("there", [True, False])
def test_a_trace_is_compared_with_the_zoneinfo_beside_it(tmp_path, monkeypatch, there):
    asked = []

    def compare(log, zoneinfo, kernel):
        asked.append((log, zoneinfo, kernel))
        return type("Found", (), {"levels": {"pcp": follow(refill(FIRST))}})

    monkeypatch.setattr("xpfo_model.studies.fidelity.compare", compare)
    monkeypatch.setattr(traces, "read", lambda path: path.stem)
    beside = tmp_path / "debian-6.1-one.zoneinfo.start"
    if there:
        beside.touch()
    rows = rows_of_trace(tmp_path / "debian-6.1-one.npz", OTHER)
    assert asked == [("debian-6.1-one", beside if there else None, OTHER)]
    assert {row[:3] for row in rows} == {("debian-6.1-one", OTHER, "pcp")}
    assert {len(row) for row in rows} == {len(COLUMNS)}
