# SPDX-License-Identifier: GPL-2.0-only
"""A trace fits its machine, or the error says which event does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from logs import log_of
from tiny import FRAMES, allocs, drains, frees, layout, refill

from xpfo_model import events as ev
from xpfo_model import fidelity, traces
from xpfo_model.allocator.zones import BOUNDARIES
from xpfo_model.fidelity import FidelityError
from xpfo_model.fidelity.machine import MOST_FRAMES, SECTION, fit, guessed_layout

TRACES = Path(__file__).parents[2] / "docs" / "traces"
FIRST = 6144
ARM = 1 << 31
"""First frame behind 8 TiB."""
ROWS = [*refill(FIRST, FIRST + 1), *allocs(FIRST), *frees(FIRST), *drains(FIRST)]


def refused(rows, machine=None, zoneinfo="z"):
    with pytest.raises(FidelityError) as caught:
        fit(log_of(rows).events, machine or layout(), "t", zoneinfo)
    assert caught.value.remedy
    return caught.value


def test_a_trace_of_its_machine_fits_as_it_is():
    events, packed = fit(log_of(ROWS).events, layout(), "t", "z")
    assert (events.pfn == log_of(ROWS).events.pfn).all()
    assert packed.frames == FRAMES


@pytest.mark.parametrize("zoneinfo", ["z", ""])
def test_a_frame_that_no_zone_has(zoneinfo):
    error = refused([*ROWS, *allocs(FRAMES)], zoneinfo=zoneinfo)
    assert f"event {len(ROWS)} of t names frame {FRAMES}" in str(error)
    assert error.file == (zoneinfo or "t")


def test_a_page_that_goes_beyond_its_zone():
    zones = (layout().zones[0], replace(layout().zones[1], end=FRAMES - 1))
    machine = replace(layout(), zones=(*zones, layout().zones[2]))
    assert "event 0" in str(refused(allocs(FRAMES - 4, order=2), machine))


def test_a_cpu_that_the_machine_does_not_have():
    assert "CPU 2, the machine 2 CPUs" in str(refused(allocs(FIRST, cpu=2)))


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"pfn": -2}, "in none of the zones"),
        ({"pfn": FIRST + 1, "order": 1}, "order does not allow"),
        ({"pfn": FIRST, "order": 11}, "order above 10"),
        ({"pfn": FIRST, "order": -1}, "order above 10"),
        ({"pfn": FIRST, "migratetype": 3}, "migratetype"),
        ({"pfn": FIRST, "migratetype": -1}, "migratetype"),
        ({"pfn": FIRST, "kind": 3, "migratetype": 4}, "migratetype"),
        ({"pfn": FIRST, "kind": 5, "migratetype": 0}, "migratetype"),
        (
            {
                "pfn": FIRST,
                "kind": 5,
                "migratetype": 0,
                "fallback_migratetype": 1,
                "fallback_order": 11,
            },
            "order above 10",
        ),
        ({"pfn": FIRST, "kind": len(ev.EVENT_NAMES)}, "of a kind"),
        ({"pfn": -1, "kind": ev.MM_PAGE_FREE}, "names no page"),
        ({"pfn": -1, "kind": ev.MM_PAGE_PCPU_DRAIN}, "names no page"),
    ],
)
def test_an_event_that_no_modelled_allocator_emits(row, what):
    assert what in str(refused([{"kind": 0, "migratetype": 0, **row}]))


def test_a_failed_allocation_and_a_switch_name_no_frame():
    rows = [*allocs(-1), {"kind": ev.SCHED_SWITCH, "pfn": 0}]
    events, _ = fit(log_of(rows).events, layout(), "t", "z")
    assert events.pfn.tolist() == [-1, 0]


def test_an_allocation_of_frame_0_failed_where_no_zone_has_that_frame():
    machine = layout()
    holds, lacks = (
        replace(
            machine,
            zones=(
                replace(machine.zones[0], start=start, managed=9),
                *machine.zones[1:],
            ),
        )
        for start in (0, 1)
    )
    events = log_of([*allocs(0), *allocs(FIRST)]).events
    assert fit(events, holds, "t", "z")[0].pfn.tolist() == [0, FIRST]
    assert fit(events, lacks, "t", "z")[0].pfn.tolist() == [ev.FAILED, FIRST]


def test_a_machine_larger_than_a_trace_is_followed_on():
    zones = (*layout().zones[:1], replace(layout().zones[1], end=MOST_FRAMES + 1))
    machine = replace(layout(), zones=(*zones, layout().zones[2]))
    assert "at most" in str(refused(ROWS, machine))


def test_memory_that_begins_at_8_tib_is_followed_in_the_memory_that_it_needs():
    low = fidelity.compare(
        log_of([row | {"pfn": row["pfn"] + BOUNDARIES[1]} for row in ROWS])
    )
    rows = [row | {"pfn": row["pfn"] + ARM} for row in ROWS]
    high = fidelity.compare(log_of(rows))
    _, packed = fit(
        log_of(rows).events, guessed_layout(log_of(rows).events, "v6.1"), "t", ""
    )
    assert packed.frames <= SECTION
    for name, level in high.levels.items():
        assert level.allocations == low.levels[name].allocations == 1
        assert level.dump[0, 2] == ARM + FIRST


def test_frames_far_apart_ask_for_zoneinfo_and_for_no_memory():
    rows = [*allocs(BOUNDARIES[1]), *allocs(ARM)]
    with pytest.raises(FidelityError, match="--zoneinfo"):
        fidelity.compare(log_of(rows))


@pytest.mark.parametrize("cpus", [0, 7])
def test_a_guessed_machine_has_the_cpus_that_the_trace_names_or_counts(cpus):
    assert guessed_layout(log_of(ROWS).events, "v6.1", cpus).cpus == max(cpus, 1)


def test_the_zoneinfo_of_another_machine_is_named():
    log = traces.read(TRACES / "debian-6.1-cc-4cpu.npz")
    other = TRACES / "debian-6.1-reclaim-2cpu.zoneinfo.start"
    with pytest.raises(FidelityError) as caught:
        fidelity.compare(log, other)
    assert caught.value.file == other.name


@pytest.mark.parametrize(
    "rows",
    [
        [],
        allocs(-1),
        allocs(FIRST),
        frees(FIRST),
        drains(FIRST),
        refill(FIRST, -1),
        [{"kind": ev.SCHED_SWITCH, "pfn": 0}],
        [{"kind": ev.MM_PAGE_FREE_BATCHED, "pfn": FIRST}],
    ],
)
@pytest.mark.parametrize("zoneinfo", [True, False])
def test_a_trace_of_next_to_nothing_is_compared(rows, zoneinfo, tmp_path):
    path = TRACES / "debian-6.1-cc-1cpu.zoneinfo.start" if zoneinfo else None
    log = log_of(rows)
    found = fidelity.compare(log, path)
    assert found.events == np.count_nonzero(log.events.kind < ev.SCHED_SWITCH)
    assert fidelity.tell(found)
    assert found.as_json()
