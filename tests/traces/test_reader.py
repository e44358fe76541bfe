# SPDX-License-Identifier: GPL-2.0-only
"""Traces in chunks: the same events, errors at the end, memory that stays flat."""

import tracemalloc

import numpy as np
import pytest
from texts import DATA, FREE, SWITCH, line

from xpfo_model import traces
from xpfo_model.errors import EmptyTraceError
from xpfo_model.events import Events
from xpfo_model.traces import text


def test_chunks_are_the_whole():
    whole = traces.read(DATA / "ftrace-6.1.txt")
    parts = []
    with traces.open_trace(str(DATA / "ftrace-6.1.txt")) as trace:
        about = trace.stream(parts.append)
    events = Events.concatenate(parts)
    assert about == whole.about
    assert all(np.array_equal(a, b) for a, b in zip(events, whole.events, strict=True))


def test_the_head_is_known_before_the_first_event():
    with traces.open_trace(DATA / "ftrace-6.18.txt") as trace:
        assert trace.head.name == "ftrace-6.18.txt"
        assert trace.head.format == "ftrace"
        assert trace.kernel == "v6.18"
        assert trace.cpus == 2


def test_what_a_trace_lacks_shows_at_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "CHUNK", 2)
    (tmp_path / "trace").write_text(f"{line(SWITCH)}\n" * 5)
    lengths = []
    with (
        traces.open_trace(tmp_path / "trace") as trace,
        pytest.raises(EmptyTraceError),
    ):
        trace.stream(lambda events: lengths.append(len(events.kind)))
    assert lengths == [2, 2, 1]


def test_chunks_are_the_readers_to_keep(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "CHUNK", 2)
    lines = [line(FREE.replace("1234", str(n))) for n in range(6)]
    (tmp_path / "trace").write_text("\n".join(lines) + "\n")
    chunks = []
    with traces.open_trace(tmp_path / "trace") as trace:
        trace.stream(chunks.append)
    assert [chunk.pfn.tolist() for chunk in chunks] == [[0, 1], [2, 3], [4, 5]]


def test_a_trace_is_read_once():
    with traces.open_trace(DATA / "ftrace-6.1.txt") as trace:
        trace.stream(len)
        with pytest.raises(ValueError, match="has been read"):
            trace.stream(len)


class Endless:
    """Lines without a file, some megabytes of them."""

    def __init__(self, size):
        self._line = f"{line(FREE)}\n{line(SWITCH)}\n".encode() * 100
        self._left = size

    def read(self, _):
        self._left -= len(self._line)
        return self._line if self._left > 0 else b""


def peak(size):
    tracemalloc.start()
    rows = 0
    for chunk in text.Text(Endless(size), "x", block=1 << 16).chunks():
        rows += len(chunk.kind)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return rows, most


def test_memory_does_not_grow_with_the_trace(monkeypatch):
    monkeypatch.setattr(text, "CHUNK", 1 << 10)
    peak(1 << 17)
    rows, most = peak(1 << 20)
    more_rows, more = peak(1 << 23)
    assert more_rows > 7 * rows
    assert more < 1.1 * most
