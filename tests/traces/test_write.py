# SPDX-License-Identifier: GPL-2.0-only
"""Logs as ftrace text: what is written reads back."""

import io

import pytest
from hypothesis import given
from texts import DATA, differing, log_of, logs, with_facts

from xpfo_model import events as ev
from xpfo_model import traces
from xpfo_model.traces.text import Text


def read_back(log, kernel=None):
    out = io.StringIO()
    traces.write_text(log, out)
    reader = Text(io.BytesIO(out.getvalue().encode()), log.about.name, kernel)
    events = ev.Events.concatenate(list(reader.chunks()))
    return ev.EventLog(events, reader.about())


@given(logs())
def test_a_log_written_and_read_is_equal(log):
    again = read_back(log)
    assert differing(log, again) == []
    assert again.about.kernel == log.about.kernel
    assert again.about.clock == log.about.clock
    assert set(again.about.warnings) <= {"time-backwards"}


@pytest.mark.parametrize("name", sorted(p.name for p in DATA.glob("*.txt")))
def test_samples(name):
    log = traces.read(DATA / name)
    again = read_back(log)
    assert differing(log, again) == []
    assert again.about.kernel == log.about.kernel
    assert again.about.marks == log.about.marks
    assert again.about.lost == log.about.lost


def test_the_lines_are_those_of_the_kernel():
    original = (DATA / "ftrace-6.1.txt").read_text().splitlines()
    out = io.StringIO()
    traces.write_text(traces.read(DATA / "ftrace-6.1.txt", kernel="v6.1"), out)
    written = out.getvalue().splitlines()

    def essence(line):
        return line[line.index("-") :].replace("|", " ").split()

    pairs = [
        (essence(a), essence(b))
        for a, b in zip(
            [x for x in original if " mm_page" in x],
            [x for x in written if " mm_page" in x],
            strict=True,
        )
    ]
    # the order of names in a mask aside
    assert all(set(a) == set(b) for a, b in pairs)


def test_old_kernels_have_decimal_numbers():
    log = traces.read(DATA / "ftrace-6.1.txt", kernel="v6.1")
    log = with_facts(log, kernel="v4.14")
    log.events.gfp[:] = 0
    out = io.StringIO()
    traces.write_text(log, out)
    assert f"pfn={int(log.events.pfn[0])} " in out.getvalue()


@pytest.mark.parametrize(("column", "value"), [("time", -1), ("preempt", 16)])
def test_what_text_cannot_say_is_refused(column, value):
    log = traces.read(DATA / "ftrace-6.1.txt")
    getattr(log.events, column)[3] = value
    with pytest.raises(ValueError, match=r"ftrace-6\.1"):
        traces.write_text(log, io.StringIO())


def test_a_log_of_nothing():
    out = io.StringIO()
    traces.write_text(log_of([]), out)
    assert out.getvalue().startswith("# tracer: nop\n")


def test_a_mark_stays_on_its_line():
    log = traces.read(DATA / "ftrace-6.1.txt")
    log = with_facts(log, marks=((3, 5000, "two\nlines"), (len(log), 9000, "end")))
    assert read_back(log).about.marks == ((3, 5000, "two lines"), (27, 9000, "end"))
