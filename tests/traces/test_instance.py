# SPDX-License-Identifier: GPL-2.0-only
"""Reports of several instances or machines: one is counted, and that is said."""

import pytest
from texts import ALLOC, FREE, SWITCH, line


def report(event, source="", width=5, pid=77):
    """A line of trace-cmd report with the name of its source, if any."""
    front = f"{source:>{width}}: " if source else " " * (width + 2) * bool(width)
    text = line(event, pid=pid, flags="", time="  12.345678").lstrip()
    return f"{front}{'':>13}{text}"


@pytest.mark.parametrize(
    ("sources", "counted"),
    [
        (["a", "a", "a"], 3),
        (["", "", ""], 3),
        (["a", "b", "a"], 2),
        (["host", "guest", "guest"], 1),
        (["", "pages", "pages", ""], 2),
        (["pages", ""], 1),
    ],
)
def test_the_first_source_is_counted(sources, counted, trace):
    log = trace("cpus=4", *(report(FREE, source) for source in sources))
    others = len(sources) - counted
    assert len(log) == counted
    assert sum(log.about.skipped.values()) == others
    assert ("several-sources" in log.about.warnings) == bool(others)
    if others:
        warned = log.about.warnings["several-sources"]
        assert warned.count == others
        assert warned.line == 2 + [s != sources[0] for s in sources].index(True)


def test_the_first_source_is_that_of_the_first_kmem_event(trace):
    log = trace("cpus=4", report(SWITCH, ""), report(ALLOC, "a"), report(SWITCH, ""))
    assert log.events.kind.tolist() == [6, 0, 6]


def test_without_trace_cmd_a_task_may_be_called_so(trace):
    log = trace("# tracer: nop", line(FREE, comm="a: b"), line(FREE, comm="b: c"))
    assert len(log) == 2
    assert log.about.notes() == []
