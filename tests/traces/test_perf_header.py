# SPDX-License-Identifier: GPL-2.0-only
"""Recordings of perf that have only a part of the events."""

import pytest
from texts import FREE

from xpfo_model.traces.perf_header import partial

PERF = f"             cc1    77 [001]    12.345678:    kmem:{FREE}"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("perf record -e kmem:* -a", None),
        ("/usr/bin/perf record -a -e kmem:mm_page_alloc -o x sleep 10", None),
        ("perf record -ae kmem:* -- make -F x -p 1", None),
        ("perf record -e kmem:* --all-cpus -g sleep 1", None),
        ("perf record -a -c 1 -e kmem:*", None),
        ("perf record -e kmem:*", None),
        ("perf kmem record sleep 1", None),
        ("perf sched record -- ls", None),
        ("perf trace -F all", None),
        ("perf report -F x", None),
        ("perf record -F 99 -e kmem:* -a", "-F"),
        ("perf record -aF 99 -e kmem:*", "-F"),
        ("perf record -aF99 -e kmem:*", "-F"),
        ("perf record --freq=99 -a -e kmem:*", "-F"),
        ("perf record -p 12 -e kmem:*", "-p"),
        ("perf record --pid 12 -e kmem:*", "-p"),
        ("perf record -t 12 -e kmem:*", "-t"),
        ("perf record -u root -e kmem:*", "-u"),
        ("perf record -a -C 0-3 -e kmem:*", "-C"),
        ("perf record -a -e kmem:* -G x", "-G"),
        ("perf record -a -e kmem:mm_page_alloc --filter order>0", "--filter"),
        ("perf record -a -c 100 -e kmem:*", "-c"),
        ("perf record -a --count=100 -e kmem:*", "-c"),
        ("perf record -e kmem:* make", "no -a"),
        ("perf record -e kmem:* -- make -a", "no -a"),
        ("", None),
        ("perf record -e", None),
    ],
)
def test_a_command_line_says_what_is_left_out(command, said):
    found = partial(f"# cmdline : {command}".encode())
    assert (found is None) == (said is None)
    assert said is None or said in found


@pytest.mark.parametrize(
    ("event", "part"),
    [
        ("kmem:mm_page_alloc, , type = 2, { sample_period, sample_freq } = 1", False),
        ("kmem:mm_page_alloc, , type = 2, { sample_period, sample_freq } = 99", True),
        (
            "kmem:mm_page_free, , { sample_period, sample_freq } = 4000, freq = 1",
            True,
        ),
        ("kmem:mm_page_free, , sample_freq = 1, freq = 1", True),
        ("kmem:mm_page_alloc, , type = 2, sample_period = 7", True),
        ("cycles, , { sample_period, sample_freq } = 4000, freq = 1", False),
        ("dummy:HG, , type = 1, { sample_period, sample_freq } = 4000", False),
    ],
)
def test_the_attributes_of_an_event_say_that_it_was_sampled(event, part):
    assert bool(partial(f"# event : name = {event}, x = 1".encode())) == part


def test_a_part_is_warned_of(trace):
    header = ["# ========", "# cmdline : perf record -F 99 -e kmem:* -a", "# ========"]
    warned = trace(*header, PERF).about.warnings["partial-recording"]
    assert warned.line == 2
    assert "-F" in warned.what
    event = "# event : name = kmem:mm_page_alloc, sample_freq = 1, freq = 1"
    header.insert(2, event)
    header.insert(3, event.replace("alloc", "free"))
    assert trace(*header, PERF).about.warnings["partial-recording"] == warned
    assert trace("# ========", "# cmdline : perf record -a", PERF).about.notes() == []
