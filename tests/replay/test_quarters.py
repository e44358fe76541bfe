# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.replay import quarters as q


def filled(users, room, monkeypatch):
    """A tally of a trace of so many user allocations, each of which flushes once."""
    monkeypatch.setattr(q, "MOST", room)
    t = q.tally(1)
    for _ in range(users):
        q.make_room(t, 1)
        t.cells[t.at[q.USERS] >> t.at[q.SHIFT], 0] += 1
        t.at[q.USERS] += 1
    return t


@pytest.mark.parametrize("users", [0, 1, 2, 3, 4, 5, 100, 256])
def test_a_quarter_is_exact_while_each_allocation_has_a_cell(users, monkeypatch):
    t = filled(users, 256, monkeypatch)
    which = [4 * n // users for n in range(users)]
    assert q.quarters(t)[:, 0].tolist() == [which.count(n) for n in range(4)]


@pytest.mark.parametrize("users", [257, 1000, 5000])
def test_a_longer_trace_keeps_all_counts_in_bounded_room(users, monkeypatch):
    t = filled(users, 256, monkeypatch)
    assert len(t.cells) == 256
    found = q.quarters(t)[:, 0]
    assert found.sum() == users
    width = 1 << int(t.at[q.SHIFT])
    assert np.abs(found - users / 4).max() <= width


@given(st.integers(0, 3 * q.MOST), st.integers(1, q.MOST))
def test_room_is_there_for_what_comes(before, more):
    t = q.tally(2)
    q.make_room(t, before)
    t.at[q.USERS] += before
    q.make_room(t, more)
    assert (before + more) >> int(t.at[q.SHIFT]) < len(t.cells)
