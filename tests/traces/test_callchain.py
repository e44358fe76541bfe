# SPDX-License-Identifier: GPL-2.0-only
"""Call chains under events: counted as what they are, and hiding nothing."""

import pytest
from texts import ALLOC, FREE, line

from xpfo_model.errors import MalformedEventError

FRAMES = [
    "\tffffffff811a3d4e __alloc_pages_nodemask+0x28e ([kernel.kallsyms])",
    "\tffffffff811a3d4e [unknown] ([kernel.kallsyms])",
    "\t          401136 main+0x16 (/usr/bin/cc1)",
    "\t    7f1ea2c29d90 std::vector<a, b>::push_back(a const&)+0x1 (/lib/libx.so.6)",
    "\t    7f1ea2c29d90 inner (inlined)",
    "\tffffffff811a3d4e",
    "        ffffffff811a3d4e __alloc_pages+0x28e ([kernel.kallsyms])",
    " => __alloc_pages",
    " => __alloc_pages+0x28e/0x3f0",
    "=> __alloc_pages (ffffffff811a3d4e)",
    " => kmalloc_large_node+0x60/0x8d <ffffffff812101c3>",
    " =>  <00007f1ea2c29d90>",
    " => /usr/lib/libc.so.6[+0x29d90]",
    " => trace_event_raw_event_mm_page_alloc",
]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_frame_is_counted_as_one(frame, end, trace):
    log = trace(line(FREE), frame, frame, "", line(FREE), end=end)
    assert len(log) == 2
    assert log.about.skipped == {"stack frame": 2}
    assert log.about.notes() == []
    assert log.about.lines == 5


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("event", [ALLOC, FREE])
def test_a_frame_that_has_swallowed_an_event_is_an_error(frame, event, trace):
    for gap in (" ", ""):
        with pytest.raises(MalformedEventError) as caught:
            trace(line(FREE), frame + gap + line(event), line(FREE))
        assert caught.value.line == 2


@pytest.mark.parametrize(
    "text",
    [
        "what is this",
        "    beef is no address",
        "ffffffff811a3d4e not_indented (x)",
        "            dead   123 [001] sched:sched_wakeup: comm=a",
        "\tabc short",
    ],
)
def test_damage_is_not_taken_for_a_frame(text, trace):
    about = trace(line(FREE), text).about
    frames = about.skipped.get("stack frame", 0)
    unknown = about.warnings.get("unrecognised-lines")
    assert frames + (unknown.count if unknown else 0) == 1
    if "beef" not in text:
        assert frames == 0


def test_frames_are_no_entries_of_the_header(trace):
    header = "# entries-in-buffer/entries-written: 2/2   #P:2"
    about = trace(header, line(FREE), *FRAMES, line(FREE)).about
    assert about.notes() == []
    about = trace(header, line(FREE), *FRAMES).about
    assert about.warnings["missing-lines"].count == 1
