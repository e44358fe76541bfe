# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that does what its strategy says is equal; one change of it is found."""

import random
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from runs import ACTS, INTERLEAVED, RUNS, again, confronted, interleaved, run

from xpfo_model.machine import flush
from xpfo_model.strategies.guarantee import leave, restore

FIELDS = re.compile(r"(\w+)=(\S+)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("confront")


def some_acts(seed, number=250):
    """Acts of which each kind occurs."""
    chance = random.Random(seed)
    kinds = ["user", "zeroed", "kernel", "free", "access", "nested", "fall_back"]
    kinds += ["bulk", "isolate", "fault", "other_way"]
    return [
        (chance.randrange(3), chance.choice(kinds), chance.randrange(1 << 20))
        for _ in range(number)
    ]


def fields(line):
    found = dict(FIELDS.findall(line.partition("xpfo_")[2]))
    return {k: int(v) if v.isdecimal() else v for k, v in found.items()}


@pytest.mark.parametrize(("strategy", "start"), RUNS)
@settings(max_examples=25)
@given(acts=ACTS)
def test_the_model_does_what_the_kernel_did(folder, strategy, start, acts):
    found = confronted(run(strategy, start, acts).text(), folder)
    assert found.first is None
    assert found.is_equal
    assert found.waiting == 0


@pytest.mark.parametrize(("strategy", "start"), INTERLEAVED)
@settings(max_examples=25)
@given(acts=ACTS)
@example(acts=[(0, "user", 0), (1, "fault", 215930)])
def test_an_allocation_may_be_traced_late(folder, strategy, start, acts):
    found = confronted(interleaved(strategy, start, acts).text(), folder)
    assert found.first is None


@pytest.mark.parametrize(("strategy", "start"), RUNS[1:])
@settings(max_examples=12)
@given(data=st.data())
def test_an_event_that_the_kernel_leaves_out_is_found(folder, strategy, start, data):
    kernel = run(strategy, start, some_acts(data.draw(st.integers(0, 3))))
    what = data.draw(st.sampled_from(["flush", "unmap", "map", "split"]))
    rows = [i for i, line in enumerate(kernel.lines) if f"xpfo_{what}: " in line]
    if not rows:
        return
    row = data.draw(st.sampled_from(rows))
    line = kernel.lines[row]
    lines = kernel.lines[:row] + kernel.lines[row + 1 :]
    found = confronted(again(kernel, lines), folder)
    assert not found.is_equal
    told = fields(line)
    first = found.first
    # among equal events of one CPU or frame, that the last of them is missing
    missing = {key: value for key, value in first.model.items() if key in told}
    assert missing == {key: told[key] for key in missing}
    assert first.what == what
    assert first.kernel is None or "another order" in first.reason
    assert not first.reason.startswith("not known")
    # the model changes a whole block where the kernel only begins to
    assert told.get("cause") == "block" or first.event - 1 >= row - 2
    assert found.as_json()["unmatched"][what] == {"kernel": 0, "model": 1}


@pytest.mark.parametrize(("strategy", "start"), RUNS[1:])
def test_an_event_that_is_one_too_many_is_found(folder, strategy, start):
    kernel = run(strategy, start, some_acts(1))
    rows = [i for i, line in enumerate(kernel.lines) if "xpfo_flush: " in line]
    row = rows[len(rows) // 2]
    lines = [*kernel.lines[: row + 1], *kernel.lines[row:]]
    found = confronted(again(kernel, lines), folder)
    assert found.first.what == "flush"
    assert found.first.kernel["pfn"] == fields(kernel.lines[row])["pfn"]
    assert found.as_json()["unmatched"]["flush"] == {"kernel": 1, "model": 0}


@pytest.mark.parametrize(
    ("strategy", "hooks"),
    [
        ("per_frame", {"free": restore}),
        ("pcp_batch", {"free": restore}),
        ("pcp_batch_local", {"free": restore}),
        ("pageblock", {"free": restore}),
        ("v6", {"free": leave}),
    ],
)
def test_a_hook_that_does_another_thing_is_found(folder, strategy, hooks):
    text = run(strategy, "mapped", some_acts(2)).text()
    assert confronted(text, folder).is_equal
    found = confronted(text, folder, **hooks)
    assert found.first is not None
    assert found.first.what in {"map", "flush"}


def test_a_refill_that_flushes_nothing_is_found(folder):
    text = run("pcp_batch", "mapped", some_acts(2)).text()
    found = confronted(text, folder, refill=lazy_refill)
    assert found.first.kernel["cause"] == "refill"
    assert found.as_json()["by_cause"]["refill"]["model"] == 0


def lazy_refill(m, cpu, frames, migratetype):
    """Another place for the hook: none."""


def test_a_local_way_that_flushes_is_found(folder):
    text = run("pcp_batch_local", "mapped", some_acts(2)).text()
    found = confronted(text, folder, kunmap_elsewhere=flushing_kunmap)
    assert found.first.kernel is None or found.first.model["cause"] == "kunmap"
    assert found.as_json()["by_cause"]["kunmap"]["model"] > 100


def test_a_task_that_moves_to_another_cpu_is_told(folder):
    kernel = run("pageblock", "mapped", some_acts(2))
    assert confronted(kernel.text(), folder).is_equal
    rows = [i for i, line in enumerate(kernel.lines) if "cause=block" in line]
    first = re.search(r"\[(\d+)\]", kernel.lines[rows[0]])[0]
    other = "[000]" if first != "[000]" else "[001]"
    lines = list(kernel.lines)
    for row in rows:
        if lines[row - 1].count("extfrag") and row != rows[0]:
            break
        lines[row] = lines[row].replace(first, other)
    found = confronted(again(kernel, lines), folder)
    assert found.first is not None
    assert "another CPU between" in found.first.reason


def flushing_kunmap(m, cpu, frame):
    """A kunmap that flushes all CPUs, whatever its way."""
    flush(m, 4)


@pytest.mark.parametrize("strategy", ["per_frame", "pcp_batch_local", "pageblock"])
@pytest.mark.parametrize("event", ["mm_page_alloc: ", "xpfo_silent_alloc: "])
def test_an_allocation_that_is_not_traced_is_found(folder, strategy, event):
    kernel = run(strategy, "mapped", some_acts(3, 400))
    begun = next(i for i, line in enumerate(kernel.lines) if "xpfo_start" in line)
    rows = [i for i in range(begun, len(kernel.lines)) if event in kernel.lines[i]]
    differ = 0
    for row in rows[:: max(1, len(rows) // 8)]:
        lines = kernel.lines[:row] + kernel.lines[row + 1 :]
        found = confronted(again(run(strategy, "mapped", []), lines), folder)
        if found.first is not None:
            differ += 1
            if "'block'" in str(found.first):  # the frame is one of many
                continue
            named = re.findall(r"frame \d+", found.first.reason)
            assert page_of(kernel.lines[row]) & set(named), found.first.reason
    assert differ


def page_of(line):
    """How a reason may name a frame of the page of a line."""
    pfn, order = re.search(r" pfn=(\S+) order=(\d)", line).groups()
    first = int(pfn, 0)
    return {f"frame {n}" for n in range(first, first + (1 << int(order)))}
