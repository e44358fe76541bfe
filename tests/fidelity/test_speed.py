# SPDX-License-Identifier: GPL-2.0-only
"""Compiled or not, the same comes out."""

import numpy as np
import pytest
from tiny import allocs, follow, frees, refill

from xpfo_model.engine import FAST
from xpfo_model.fidelity import speed

FIRST = 6144


def rows():
    for n in range(40):
        frames = range(FIRST + 4 * n, FIRST + 4 * n + 4)
        yield from (*refill(*frames), *allocs(*frames), *frees(*frames[: n % 4]))


def test_only_long_traces_are_compiled():
    assert not speed.is_long(speed.WORTH_COMPILING - 1)
    assert speed.is_long(speed.WORTH_COMPILING) == FAST


def test_arrays_are_as_their_engine_reads_them_best():
    array = np.zeros(3, np.int64)
    assert isinstance(speed.flat(array), memoryview)
    assert speed.flat(speed.flat(array), fast=True).base is not None


@pytest.mark.slow
@pytest.mark.skipif(not FAST, reason="needs numba")
def test_both_engines_say_the_same(monkeypatch):
    plain = follow(list(rows()))
    monkeypatch.setattr(speed, "WORTH_COMPILING", 0)
    compiled = follow(list(rows()))
    assert plain.as_json() == compiled.as_json()
    np.testing.assert_array_equal(plain.dump, compiled.dump)
