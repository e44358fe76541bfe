# SPDX-License-Identifier: GPL-2.0-only
"""The table of the events of group xpfo."""

import numpy as np
import pytest

from xpfo_model import events
from xpfo_model import xpfo_events as xe


def test_columns_names_and_dtypes_agree():
    assert tuple(xe.XPFO_DTYPES) == xe.XpfoEvents._fields
    empty = xe.XpfoEvents.empty(3)
    assert [column.dtype for column in empty] == list(xe.XPFO_DTYPES.values())
    assert {len(column) for column in empty} == {3}


def test_a_number_is_the_place_of_its_name():
    for number, name in enumerate(xe.XPFO_NAMES):
        assert getattr(xe, name.upper()) == number


def test_interrupts_off_is_the_flag_of_all_events():
    assert xe.IRQS_OFF == events.IRQS_OFF
    flags = (xe.FULL_FLUSH, xe.WAITS, xe.IRQS_OFF, xe.IN_INTERRUPT)
    assert sum(flags) == np.bitwise_or.reduce(flags)


def test_parts_are_put_together_and_taken_apart():
    part = xe.XpfoEvents.empty(2)
    part.pfn[:] = 5, 7
    whole = xe.XpfoEvents.concatenate([part, part])
    assert whole.pfn.tolist() == [5, 7, 5, 7]
    assert whole.rows(slice(1, 3)).pfn.tolist() == [7, 5]
    assert whole.rows(whole.pfn == 7).pfn.tolist() == [7, 7]
    assert len(xe.XpfoEvents.concatenate([]).kind) == 0


@pytest.mark.parametrize("word", ["v6", "unmapped", "direct", "wide"])
def test_a_start_says_what_the_kernel_ran(word):
    start = xe.XpfoStart(0, 0, 0, "v6", "unmapped", "direct", "wide", 9, 9, 1)
    assert word in start.in_words()
