# SPDX-License-Identifier: GPL-2.0-only
"""Chunks of events as planes of bytes: equal when decoded, and checked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import differing, log_of, logs, row, rows

from xpfo_model import events as ev
from xpfo_model.constants import MAX_PFN, NR_CPUS
from xpfo_model.traces import columns

ALLOC = {
    "time": 5,
    "cpu": 1,
    "kind": ev.MM_PAGE_ALLOC,
    "flags": 0,
    "pfn": 8,
    "order": 3,
    "migratetype": 1,
    "fallback_order": 0,
    "fallback_migratetype": -1,
    "preempt": 0,
    "gfp": 0x100,
    "pid": 7,
    "next_pid": 0,
}


def again(log):
    return ev.EventLog(columns.decode(*columns.encode(log.events)), log.about)


@given(logs())
def test_what_is_encoded_decodes_to_equal_events_of_the_same_types(log):
    decoded = again(log)
    assert differing(log, decoded) == []
    for before, after in zip(log.events, decoded.events, strict=True):
        assert before.dtype == after.dtype


@given(st.lists(rows(), max_size=40), st.integers(1, 3))
def test_a_task_is_told_by_its_cpu_whatever_ran_on_the_others(found, cpus):
    log = log_of(found)
    log.events.cpu[:] %= cpus
    assert differing(log, again(log)) == []


def test_planes_are_as_narrow_as_their_values():
    log = log_of([ALLOC | {"time": time} for time in (10**15, 10**15 + 7000)])
    planes, numbers = columns.encode(log.events)
    assert {name: len(plane) for name, plane in planes.items() if len(plane) > 1} == {}
    assert numbers["unit"] == 7000


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"time": -1}, "time"),
        ({"cpu": NR_CPUS}, "cpu"),
        ({"kind": len(ev.EVENT_NAMES)}, "kind"),
        ({"flags": 8}, "flags"),
        ({"pfn": MAX_PFN}, "pfn"),
        ({"pfn": -2}, "pfn"),
        ({"pfn": 9}, "aligned"),
        ({"order": 11}, "order"),
        ({"order": -1}, "order"),
        ({"migratetype": 6}, "migratetype"),
        ({"fallback_order": 1}, "fallback_order of an event is set"),
        ({"fallback_migratetype": 1}, "fallback_migratetype of an event is set"),
        ({"next_pid": 1}, "next_pid of an event is set"),
        ({"preempt": 16}, "preempt"),
        ({"gfp": 1 << 63}, "gfp"),
        ({"pid": -2}, "pid"),
        ({"kind": ev.MM_PAGE_FREE}, "gfp of an event is set"),
        ({"kind": ev.MM_PAGE_FREE, "gfp": 0, "pfn": -1}, "has failed"),
    ],
)
def test_what_no_trace_has_is_refused(change, complaint):
    columns.check(log_of([ALLOC]).events)
    with pytest.raises(ValueError, match=complaint):
        columns.encode(log_of([ALLOC, ALLOC | change]).events)


@given(st.data())
def test_any_numbers_and_planes_decode_to_what_a_trace_can_have_or_not_at_all(data):
    planes, numbers = columns.encode(data.draw(logs()).events)
    integers = st.integers(-(1 << 64), 1 << 64)
    for name in data.draw(st.lists(st.sampled_from(sorted(planes)), min_size=1)):
        size, length = planes[name].shape
        size = data.draw(st.sampled_from([size, 1, 2, 4, 8]))
        content = data.draw(st.binary(min_size=size * length, max_size=size * length))
        planes[name] = np.frombuffer(content, np.uint8).reshape(size, length)
        numbers["least"][name] = data.draw(integers)
    numbers["start"] = data.draw(integers)
    numbers["unit"] = data.draw(st.integers(1, 1 << 64))
    try:
        events = columns.decode(planes, numbers)
    except (ValueError, LookupError, OverflowError):
        return
    columns.check(events)


@pytest.mark.parametrize("steps", [[1 << 62] * 3, [1 << 62, -(1 << 63)]])
def test_a_time_does_not_wrap_around(steps):
    time = np.zeros(len(steps), np.int64)
    with pytest.raises(ValueError, match="time"):
        columns.fill_time(time, np.array(steps), 1)


def test_a_plane_of_another_length_is_refused():
    planes, numbers = columns.encode(log_of([ALLOC] * 3).events)
    planes["cpu"] = planes["cpu"][:, :1]
    with pytest.raises(ValueError, match="3 values"):
        columns.decode(planes, numbers)
    assert row(again(log_of([ALLOC]))) == ALLOC
