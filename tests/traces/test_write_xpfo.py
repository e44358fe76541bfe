# SPDX-License-Identifier: GPL-2.0-only
"""Events of group xpfo as text and in an .npz: equal when read back."""

import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given
from xpfo_texts import LINES, START, xpfo_logs

from xpfo_model import traces, xpfo_events
from xpfo_model.traces import write_xpfo


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("write")


def said(log):
    """The rows, with words for their numbers, and the starts."""
    words = log.about.words
    rows = [
        (row._replace(word=None, caller=None), write_xpfo.body(row, words))
        for row in write_xpfo.rows_of(log.xpfo)
    ]
    return rows, log.about.xpfo


@given(xpfo_logs())
def test_text_reads_back_into_equal_events(folder, log):
    log = dataclasses.replace(log, about=dataclasses.replace(log.about, clock="ns"))
    with (folder / "log.txt").open("w") as file:
        traces.write_text(log, file)
    read = traces.read(folder / "log.txt", kernel=log.kernel)
    assert said(read) == said(log)
    assert all(map(np.array_equal, read.events, log.events))
    assert "missing-lines" not in read.about.warnings


@given(xpfo_logs())
def test_a_saved_log_is_equal_when_loaded(folder, log):
    traces.save(log, folder / "log.npz")
    assert traces.read(folder / "log.npz") == log


def test_lines_are_those_of_the_kernel(folder):
    head = "           <...>-77      [001] ..... "
    lines = [f"{head}    1.000000: mm_page_free: page=00000000deadbeef pfn=16 order=0"]
    lines += [f"{head}    1.000001: {line}" for line in LINES.values()]
    lines += ["           <...>-0       [000] .....     1.000002: " + START]
    (folder / "lines.txt").write_text("\n".join(lines) + "\n")
    text = io.StringIO()
    traces.write_text(traces.read(folder / "lines.txt"), text)
    written = [line for line in text.getvalue().splitlines() if line[0] != "#"]
    assert written == [line.replace(" [ext4]", "") for line in lines]


def test_every_event_has_its_text():
    named = {line.partition(":")[0] for line in (*LINES.values(), START)}
    assert named == set(xpfo_events.XPFO_NAMES)
