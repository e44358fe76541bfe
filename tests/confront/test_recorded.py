# SPDX-License-Identifier: GPL-2.0-only
"""A recording that cannot be held against the model is refused, with a remedy."""

import dataclasses

import numpy as np
import pytest
from runs import log_of, run
from simulated import Kernel

from xpfo_model.confront.recorded import Recorded
from xpfo_model.errors import TraceError
from xpfo_model.events import FAILED, MM_PAGE_ALLOC
from xpfo_model.machine import ABSENT, FREE, KERNEL

ACTS = [(0, "user", 3), (1, "access", 0), (2, "kernel", 1), (0, "free", 0)]


def refused(text, folder):
    with pytest.raises(TraceError) as error:
        Recorded.of_log(log_of(text, folder))
    assert error.value.remedy
    return str(error.value)


def changed(*pairs, strategy="per_frame"):
    text = run(strategy, "mapped", ACTS).text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_stock_trace_is_refused(tmp_path):
    lines = changed().splitlines(keepends=True)
    stock = "".join(line for line in lines if "xpfo_" not in line)
    assert "no xpfo_start" in refused(stock, tmp_path)
    assert "xpfo-model compare" in refused(stock, tmp_path)


def test_lost_events_are_refused(tmp_path):
    text = changed() + "CPU:1 [LOST 7 EVENTS]\n"
    assert "7 events LOST" in refused(text, tmp_path)
    assert "unknown number" in refused(changed() + "CPU:1 [LOST EVENTS]\n", tmp_path)


def test_two_boots_are_refused(tmp_path):
    lines = changed().splitlines(keepends=True)
    start = next(line for line in lines if "xpfo_start" in line)
    assert "starts 2 times" in refused("".join([*lines, start]), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("strategy=per_frame", "strategy=per_folio", "ran the strategy per_folio"),
        ("start=mapped", "start=sideways", "start sideways"),
        ("test=posted", "test=narrow", "test narrow"),
        ("cpus=3", "cpus=0", "no machine"),
        ("end_pfn=1004", "end_pfn=0", "no machine"),
        ("end_pfn=1004", "end_pfn=69", "xpfo_held pfn=0 nr=70 is behind end_pfn=69"),
        ("end_pfn=1004", "end_pfn=71", "names a page or a CPU"),
        ("cpus=3", "cpus=1", "names a page or a CPU"),
        ("nr=70", "nr=7000", "is behind end_pfn"),
    ],
)
def test_what_no_such_machine_has_is_refused(tmp_path, old, new, complaint):
    assert complaint in refused(changed((old, new)), tmp_path)


def test_blocks_of_another_order_matter_where_they_flip(tmp_path):
    other = ("block_order=9", "block_order=10")
    assert "blocks of order 10" in refused(
        changed(other, strategy="pageblock"), tmp_path
    )
    Recorded.of_log(log_of(changed(other), tmp_path))


def test_frames_are_held_free_or_absent(tmp_path):
    owners = Recorded.of_log(log_of(changed(), tmp_path)).owners
    assert len(owners) == 1024
    assert owners[:70].tolist() == [KERNEL] * 70
    assert owners[70:1004].tolist() == [FREE] * 934
    assert owners[1004:].tolist() == [ABSENT] * 20


def test_places_count_all_events_of_the_trace(tmp_path):
    kernel = run("per_frame", "mapped", ACTS)
    found = Recorded.of_log(log_of(kernel.text(), tmp_path))
    places = np.sort(np.concatenate([found.kmem_places, found.xpfo_places]))
    begins = next(i for i, line in enumerate(kernel.lines) if "xpfo_start" in line)
    assert places.tolist() == list(range(begins + 1, len(kernel.lines)))
    for place, pfn in zip(found.kmem_places, found.events.pfn, strict=True):
        assert f"pfn={pfn:#x} " in kernel.lines[place]


def test_what_stands_before_the_start_is_left_out(tmp_path):
    found = Recorded.of_log(log_of(Kernel("none").text(), tmp_path))
    assert len(found.events.kind) == 0
    assert found.before == 3


def test_an_allocation_of_frame_0_is_one_that_failed(tmp_path):
    kernel = run("per_frame", "mapped", ACTS)
    kernel.emit(
        "mm_page_alloc: page=00000000deadbeef pfn=0x0 order=0 migratetype=0 "
        "gfp_flags=GFP_NOWAIT"
    )
    events = Recorded.of_log(log_of(kernel.text(), tmp_path)).events
    assert events.kind[-1] == MM_PAGE_ALLOC
    assert events.pfn[-1] == FAILED


@pytest.mark.parametrize(("test", "user"), [("posted", False), ("wide", True)])
def test_the_kernel_says_how_it_tells_a_user(tmp_path, test, user):
    found = Recorded.of_log(log_of(changed(), tmp_path))
    start = dataclasses.replace(found.start, test=test)
    found = dataclasses.replace(found, start=start)
    thp = np.array([0x1400CA & ~0x400], np.uint64)  # without __GFP_DIRECT_RECLAIM
    assert found.is_user(thp).tolist() == [user]
