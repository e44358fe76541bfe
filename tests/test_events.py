# SPDX-License-Identifier: GPL-2.0-only
import copy
import dataclasses

import numpy as np
import pytest
from logs import USER_MOVABLE, alloc, free, log_of

from xpfo_model.events import DTYPES, EventLog, Events


def test_columns_have_the_dtypes_that_are_documented():
    assert tuple(DTYPES) == Events._fields
    for column, dtype in zip(Events.empty(3), DTYPES.values(), strict=True):
        assert column.dtype == dtype
        assert len(column) == 3


def test_logs_are_equal_if_events_and_origin_are():
    log = log_of([alloc(1, USER_MOVABLE), free(1)])
    other = copy.deepcopy(log)
    assert log == other
    other.events.pfn[1] = 2
    assert log != other
    third = EventLog(log.events, dataclasses.replace(log.about, lost=1))
    assert log != third
    assert log != "log"


def test_chunks_put_together_are_the_log():
    log = log_of([alloc(n, USER_MOVABLE) for n in range(10)])
    parts = list(log.chunks(3))
    assert [len(part.kind) for part in parts] == [3, 3, 3, 1]
    whole = Events.concatenate(parts)
    assert all(np.array_equal(a, b) for a, b in zip(whole, log.events, strict=True))
    assert len(Events.concatenate([]).kind) == 0


def test_marks_cut_out_the_workload():
    marks = ((2, 0, "xpfo-workload-start"), (7, 0, "xpfo-workload-end"))
    log = log_of([alloc(n, USER_MOVABLE) for n in range(10)], marks=marks)
    part = log.between_marks("xpfo-workload-start", "xpfo-workload-end")
    assert list(part.pfn) == [2, 3, 4, 5, 6]
    with pytest.raises(KeyError, match="no marks"):
        log.between_marks("a", "b")


def test_the_facts_of_a_log_cannot_be_changed():
    about = log_of([]).about
    for name in (field.name for field in dataclasses.fields(about)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(about, name, None)


def test_a_log_streams_its_events_and_then_its_facts():
    log = log_of([alloc(n, USER_MOVABLE) for n in range(10)])
    parts = []
    assert log.stream(parts.append) is log.about
    assert np.array_equal(Events.concatenate(parts).pfn, log.events.pfn)
