# SPDX-License-Identifier: GPL-2.0-only
"""Lines of group xpfo to rows, and what is wrong with those that are none."""

import pytest
from texts import ALLOC, FREE, line
from xpfo_texts import LINES, START, xpfo_row

from xpfo_model import xpfo_events as xe
from xpfo_model.errors import MalformedEventError, TraceError
from xpfo_model.traces import text

ABSENT = {
    "extent": 0,
    "frames": 0,
    "order": 0,
    "migratetype": -1,
    "gfp": 0,
    "word": None,
    "caller": None,
}
EXPECTED = {
    xe.XPFO_HELD: {"pfn": 0, "extent": 256},
    xe.XPFO_FLUSH: {"pfn": 300, "extent": 40, "frames": 31, "word": "refill"},
    xe.XPFO_UNMAP: {"pfn": 300, "word": "alloc"},
    xe.XPFO_MAP: {"pfn": 300, "word": "kmap"},
    xe.XPFO_SPLIT: {"pfn": 7},
    xe.XPFO_KMAP: {"pfn": 300, "word": "direct", "caller": "wp_page_copy"},
    xe.XPFO_KUNMAP: {"pfn": 300, "word": "local", "caller": "copy_page_to_iter"},
    xe.XPFO_SILENT_ALLOC: {
        "pfn": 304,
        "order": 2,
        "migratetype": 1,
        "gfp": 0xCC0,
        "word": "bulk",
    },
    xe.XPFO_SILENT_BLOCK: {"pfn": 512, "migratetype": 3},
    xe.XPFO_MIGRATE: {"pfn": 300, "extent": 400, "frames": 1, "word": "user"},
    xe.XPFO_FAULT: {"pfn": 300, "word": "free", "caller": "xts_xor_tweak"},
}


def said(log, number):
    """A row, its words as they were."""
    row = xpfo_row(log, number)
    for name in ("word", "caller"):
        row[name] = log.about.words[row[name]] if row[name] >= 0 else None
    return row


@pytest.mark.parametrize("kind", list(LINES))
def test_every_event_is_a_row(trace, kind):
    # a flush before leaves values behind that no other event may take up
    log = trace(line(ALLOC), line(LINES[xe.XPFO_FLUSH]), line(LINES[kind]), line(FREE))
    row = said(log, 1)
    assert row["kind"] == kind
    assert row["row"] == 1
    assert row["cpu"] == 1
    assert row["pid"] == 77
    assert row["time"] == 12345678000
    expected = ABSENT | EXPECTED[kind]
    assert {name: row[name] for name in expected} == expected
    assert len(log) == 2
    assert log.events.order.tolist() == [0, 0]
    assert log.about.skipped == {}


@pytest.mark.parametrize(
    ("column", "flags"),
    [
        (".....", 0),
        ("d....", xe.IRQS_OFF),
        ("D....", xe.IRQS_OFF),
        ("..s..", xe.IN_INTERRUPT),
        ("..h..", xe.IN_INTERRUPT),
        ("d.H1.", xe.IRQS_OFF | xe.IN_INTERRUPT),
        ("b..1.", 0),
    ],
)
def test_the_context_is_read(trace, column, flags):
    log = trace(line(ALLOC), line(LINES[xe.XPFO_UNMAP], flags=column))
    assert log.xpfo.flags.tolist() == [flags]


@pytest.mark.parametrize("full", [0, 1])
@pytest.mark.parametrize("waits", [0, 1])
def test_a_flush_says_its_extent_and_whether_it_waits(trace, full, waits):
    flush = f"xpfo_flush: cause=alloc pfn=3 span=1 frames=1 full={full} waits={waits}"
    log = trace(line(ALLOC), line(flush, flags="....."))
    assert log.xpfo.flags.tolist() == [full * xe.FULL_FLUSH + waits * xe.WAITS]


def test_a_start_is_a_fact(trace):
    before = LINES[xe.XPFO_HELD]
    log = trace(line(ALLOC), line(before), line(START), line(before), line(FREE))
    start = log.about.xpfo[0]
    assert start == xe.XpfoStart(
        1, 1, 12345678000, "pcp_batch", "unmapped", "local", "wide", 131072, 9, 4
    )
    assert log.xpfo.kind.tolist() == [xe.XPFO_HELD] * 2
    assert log.about.as_json()["xpfo"] == "pcp_batch"


def test_a_stock_trace_ran_nothing(trace):
    log = trace(line(ALLOC))
    assert log.about.xpfo == ()
    assert log.about.ran() == ""
    assert log.about.as_json()["xpfo"] is None


def test_rows_count_over_chunks(trace, monkeypatch):
    monkeypatch.setattr(text, "CHUNK", 4)
    lines = [line(ALLOC), line(LINES[xe.XPFO_MAP])] * 9 + [line(START)]
    log = trace(*lines)
    assert len(log) == 9
    assert log.xpfo.row.tolist() == list(range(1, 10))
    assert (log.about.xpfo[0].row, log.about.xpfo[0].event) == (9, 9)


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ("xpfo_unmap: pfn=300", "xpfo_unmap lacks cause"),
        ("xpfo_flush: cause=alloc pfn=3 span=1 frames=1 full=1", "lacks waits"),
        ("xpfo_flush: cause=a pfn=3 span=1 frames=1 full=2 waits=1", "has full=2"),
        ("xpfo_held: pfn=-4 nr=1", "has pfn=-4"),
        ("xpfo_held: pfn=4 nr=x", "has nr=x"),
        ("xpfo_split: block=99999999999", "has block=99999999999"),
        (LINES[xe.XPFO_SILENT_ALLOC].replace("304", "305"), "pfn=305, which order=2"),
        (LINES[xe.XPFO_SILENT_ALLOC].replace("type=1", "type=9"), "migratetype=9"),
        ("xpfo_migrate: src=300 dst=400", "xpfo_migrate lacks nr"),
        ("xpfo_map: pfn=300 cause=kmap pfn=300", "xpfo_map is not in order"),
        (START.replace("cpus=4", ""), "xpfo_start is not"),
        (START.replace("=131072", "=1e5"), "xpfo_start is not"),
    ],
)
def test_an_event_that_is_not_in_order_stops_the_reading(trace, event, complaint):
    with pytest.raises(MalformedEventError, match=complaint) as error:
        trace(line(ALLOC), line(event))
    assert error.value.line == 2
    assert error.value.remedy


def test_words_without_end_are_no_trace(trace, monkeypatch):
    monkeypatch.setattr(text, "MOST_WORDS", 3)
    lines = [line(f"xpfo_map: pfn=3 cause=c{number}") for number in range(9)]
    with pytest.raises(TraceError, match="different causes and callers") as error:
        trace(line(ALLOC), *lines)
    assert error.value.line == 5


def test_an_xpfo_event_alone_is_no_trace_of_the_allocator(trace):
    with pytest.raises(TraceError, match="no kmem event"):
        trace(line(LINES[xe.XPFO_MAP]))
