# SPDX-License-Identifier: GPL-2.0-only
"""Reasons of a difference that depend on how two CPUs fall together."""

import numpy as np
import pytest

from xpfo_model.confront.differ import Difference
from xpfo_model.confront.reason import _meanwhile
from xpfo_model.confront.sides import Side
from xpfo_model.confront.watch import CAUSES, FLUSH, MAP, UNMAP

BLOCK, KMAP = CAUSES.index("block"), CAUSES.index("kmap")
FRAME = 6553


def side(*rows):
    """Rows of kind, CPU, cause, frame and place."""
    kind, cpu, cause, pfn, place = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    nothing = np.zeros(len(kind), np.int64)
    return Side(kind, cpu, cause, pfn, nothing, nothing, nothing > 0, place, place)


def sides(kmap_at, kmap_cpu=1):
    """The kernel flips a block at event 20, the model with one frame more at 50."""
    kernel = side(
        (UNMAP, 2, BLOCK, 6200, 19),
        (FLUSH, 2, BLOCK, 6144, 20),
        (MAP, kmap_cpu, KMAP, FRAME, kmap_at),
    )
    model = side(
        (UNMAP, 2, BLOCK, 6200, 50),
        (UNMAP, 2, BLOCK, FRAME, 50),
        (FLUSH, 2, BLOCK, 6144, 50),
    )
    return kernel, model, Difference(FLUSH, kernel=1, model=2, number=0)


def test_a_frame_that_another_cpu_maps_between_the_two_flushes_is_named():
    said = _meanwhile(*sides(kmap_at=40))
    assert "CPU 1 maps frame 6553 at event 41" in said


@pytest.mark.parametrize(("at", "cpu"), [(10, 1), (60, 1), (40, 2)])
def test_one_that_is_mapped_at_another_time_or_by_the_same_cpu_is_not(at, cpu):
    assert _meanwhile(*sides(at, cpu)) is None
