# SPDX-License-Identifier: GPL-2.0-only
"""Words for a line that names an event and holds none; `test_diagnose` reads files."""

import pytest
from texts import ALLOC, EXTFRAG, FREE, LOCKED, SWITCH, line

from xpfo_model.constants import MAX_PAGE_ORDER, MAX_PFN, NR_CPUS
from xpfo_model.events import EVENT_NAMES
from xpfo_model.traces import fault, scan_state


def of_event(event, cpu=0):
    name, _, body = event.partition(": ")
    return fault.of_event(name, body.encode(), cpu)


@pytest.mark.parametrize(
    ("text", "said", "remedy"),
    [
        (f"[  12.345678] {FREE}", "the kernel's log", "crash> trace dump -t"),
        (f"<6>[  12.345678] {FREE}", "the kernel's log", "crash> trace dump -t"),
        (f"  <idle>-0         0d..2.  345us : {FREE}", "latency", "latency-format"),
        (f"  <idle>-0         0d..2.  345us!: {FREE}", "latency", "latency-format"),
        (f"cc1   77 12.345678: kmem:{FREE}", "without a readable", "has no CPU: print"),
        (f"kmem:{FREE}", "without a readable", "print it with: perf script"),
        (FREE, "without a readable", "options/context-info"),
        (f"  {FREE}", "without a readable", "options/context-info"),
        (line(FREE).replace("-77", "-xx"), "without a readable", fault.RERECORD),
    ],
)
def test_a_line_without_task_cpu_and_time_is_told_by_its_form(text, said, remedy):
    what, help_ = fault.of_line(text.encode(), "mm_page_free")
    assert said in what
    assert remedy in help_


@pytest.mark.parametrize("event", [ALLOC, FREE, LOCKED, EXTFRAG])
def test_every_field_that_is_required_is_missed(event):
    name = event.partition(":")[0]
    required = fault.REQUIRED[EVENT_NAMES.index(name)]
    keys = [key for key, slot in scan_state.KEYS.items() if required >> slot & 1]
    assert keys
    for key in keys:
        what, remedy = of_event(event.replace(f" {key}=", f" not_{key}="))
        assert what == f"{name} lacks {key}"
        assert remedy == fault.RERECORD


@pytest.mark.parametrize("slot", fault._LIMITS)
def test_a_value_is_below_its_limit_or_is_named(slot):
    limit = fault._LIMITS[slot]
    key = next(key for key, value in scan_state.KEYS.items() if value == slot)
    for text, is_fine in (
        (str(limit - 1), True),
        (hex(limit - 1), True),
        (str(limit), False),
        ("-1", False),
        ("x", False),
    ):
        found = {key: text.encode()}
        before = dict.fromkeys(scan_state.KEYS, b"0") | found
        for name in ("mm_page_alloc_zone_locked", "mm_page_alloc_extfrag"):
            wrong = fault._of_fields(name, before)
            assert (wrong is None) == is_fine
            if wrong:
                assert f"{name} has {key}={text}, not a number" in wrong[0]


@pytest.mark.parametrize(
    ("order", "is_larger"), [(MAX_PAGE_ORDER + 1, True), (20, True), (21, False)]
)
def test_an_order_that_some_configuration_has_is_of_another_machine(order, is_larger):
    _, remedy = of_event(FREE.replace("order=0", f"order={order}"))
    assert ("pages of 4 KiB" in remedy) == is_larger


def test_a_frame_and_a_cpu_that_cannot_be_are_named():
    what, _ = of_event(FREE.replace("0x1234", "0x1235").replace("order=0", "order=2"))
    assert what == "mm_page_free has pfn=0x1235, which order=2 does not allow"
    what, _ = of_event(FREE, cpu=NR_CPUS)
    assert what == f"mm_page_free on CPU {NR_CPUS}; there are at most {NR_CPUS}"
    what, _ = of_event(FREE.replace("0x1234", hex(MAX_PFN)))
    assert "pfn=0x400000000, not a number" in what
    what, _ = of_event(LOCKED.replace("percpu_refill", "refill"))
    assert what == "mm_page_alloc_zone_locked lacks percpu_refill"


def test_a_switch_that_says_a_number_twice_names_the_option():
    what, remedy = of_event(SWITCH)
    assert what == "sched_switch does not say who follows whom"
    assert remedy == fault.RERECORD
    _, remedy = of_event(SWITCH.replace("next_pid=0", "next_pid=0 (0x0)"))
    assert "options/fields" in remedy


def test_an_event_in_which_nothing_is_found_is_not_in_order():
    assert of_event(f"{FREE} and more") == (
        "mm_page_free is not in order",
        fault.RERECORD,
    )
