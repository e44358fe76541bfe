# SPDX-License-Identifier: GPL-2.0-only
"""Chunks of group xpfo as planes of bytes: equal when decoded, and checked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xpfo_texts import table_of, xpfo_rows

from xpfo_model import xpfo_events as xe
from xpfo_model.constants import MAX_PFN, NR_CPUS
from xpfo_model.traces import columns_xpfo

TABLES = st.lists(xpfo_rows(), max_size=30).map(table_of)
KMAP = {
    "row": 3,
    "time": 5,
    "cpu": 1,
    "kind": xe.XPFO_KMAP,
    "flags": 0,
    "pfn": 8,
    "extent": 0,
    "frames": 0,
    "order": 0,
    "migratetype": -1,
    "gfp": 0,
    "word": 1,
    "caller": 2,
    "pid": 7,
}


@given(TABLES, st.integers(1, 3))
def test_what_is_encoded_decodes_to_equal_events_of_the_same_types(table, cpus):
    table.cpu[:] %= cpus
    table.time.sort()
    decoded = columns_xpfo.decode(*columns_xpfo.encode(table))
    for name, before, after in zip(table._fields, table, decoded, strict=True):
        assert before.dtype == after.dtype
        assert np.array_equal(before, after), name


def test_accesses_to_one_page_take_a_byte_a_column():
    rows = [
        KMAP | {"pfn": 1 << 30, "row": 1 << 40, "time": 10**12 + i} for i in range(9)
    ]
    planes, _ = columns_xpfo.encode(table_of(rows))
    wide = {name: len(plane) for name, plane in planes.items() if len(plane) > 1}
    assert wide == {"pfn": 4}  # the first one of its CPU


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"time": -1}, "time"),
        ({"cpu": NR_CPUS}, "cpu"),
        ({"kind": 99}, "kind"),
        ({"kind": xe.XPFO_START}, "order"),
        ({"flags": 16}, "flags"),
        ({"flags": xe.WAITS}, "order"),
        ({"pfn": MAX_PFN}, "pfn"),
        ({"extent": 1}, "order"),
        ({"frames": 1}, "order"),
        ({"order": 1}, "order"),
        ({"migratetype": 0}, "order"),
        ({"gfp": 1}, "order"),
        ({"word": xe.NO_WORD}, "order"),
        ({"word": -2}, "word"),
        ({"caller": xe.NO_WORD}, "order"),
        ({"pid": -2}, "pid"),
        ({"kind": xe.XPFO_SPLIT, "caller": xe.NO_WORD}, "order"),
    ],
)
def test_an_event_that_no_trace_has_is_refused(change, complaint):
    columns_xpfo.check(table_of([KMAP]))
    with pytest.raises(ValueError, match=complaint):
        columns_xpfo.check(table_of([KMAP | change]))


def test_rows_that_go_backwards_are_refused():
    with pytest.raises(ValueError, match="order"):
        columns_xpfo.check(table_of([KMAP, KMAP | {"row": 2}]))
