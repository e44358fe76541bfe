# SPDX-License-Identifier: GPL-2.0-only
"""Recordings that went wrong once, the right answer to each, and their neighbours.

Each file of data/cases has the form of something that people record or post.
"""

import re

import pytest
from texts import ALLOC, BATCHED, DATA, DRAIN, EXTFRAG, FREE, LOCKED, line

from xpfo_model import events as ev
from xpfo_model import gfp, replay, traces
from xpfo_model.errors import TraceError

CASES = DATA / "cases"
PERF = "             cc1    77 [001]    12.345678:    kmem:"
TRACE_CMD = "              sh-10966 [000]   12.345678: "


def case(name, kernel=None):
    return traces.read(CASES / name, kernel=kernel)


def flushes(name, strategy, kernel=None):
    return replay.replay(case(name, kernel), [strategy]).strategies[strategy].flushes


def warned(log):
    return set(log.about.warnings)


def refused(read, *lines, **options):
    with pytest.raises(TraceError) as caught:
        read(*lines, **options)
    return caught.value


@pytest.mark.parametrize("kernel", [None, "v4.14"])
def test_a1_masks_of_4_14_are_read_with_its_table(kernel):
    log = case("A1-414-cold.txt", kernel)
    assert log.about.kernel == "v4.14"
    assert warned(log) == set()
    outcome = replay.replay(log, ["v6", "per_frame"])
    assert outcome.totals["user_allocations"] == 1
    assert [c.flushes for c in outcome.strategies.values()] == [1, 1]


@pytest.mark.parametrize("kernel", gfp.KERNELS)
def test_a1_a_named_table_is_the_one_that_is_used(kernel, trace):
    log = trace(line(ALLOC), line(FREE), kernel=kernel)
    outcome = replay.replay(log, ["v6"])
    assert outcome.totals["user_allocations"] == outcome.totals["user_zeroed"] == 1


def test_a2_what_is_lost_is_counted():
    assert case("A2-lost.txt").about.lost == 1000


def test_a4_a_page_that_was_not_found_is_in_no_refill():
    log = case("A4-null-refill.txt")
    assert log.events.pfn.tolist() == [4660, ev.FAILED, 4660, 4660]
    found = flushes("A4-null-refill.txt", "pageblock")
    assert found == flushes("A4-control.txt", "pageblock") == 1


def test_a5_blocks_of_another_order_are_said():
    about = case("A5-pageblock-order-10.txt").about
    assert "order 10" in about.warnings["pageblock-order"].what
    assert about.warnings["pageblock-order"].line == 3


@pytest.mark.parametrize("order", [8, 9, 11, 13])
def test_a5_other_orders(order, trace):
    event = EXTFRAG.replace("pageblock_order=9", f"pageblock_order={order}")
    assert ("pageblock-order" in warned(trace(line(event)))) == (order != 9)


def test_a6_one_of_two_sources_is_counted():
    log = case("A6-two-instances.txt")
    assert len(log) == 1
    assert warned(log) == {"several-sources"}


# GFP_HIGHUSER_MOVABLE|__GFP_ZERO, added up by hand from the headers of each release
USER_ZEROED = [
    ("4.4.0-210-generic", 0x24280CA),
    ("4.8.0-58-generic", 0x24280CA),
    ("4.9.0", 0x24280CA),
    ("4.9.0-13-amd64", 0x14280CA),
    ("4.14.336", 0x14280CA),
    ("4.15.0-213-generic", 0x14280CA),
    ("4.17.19", 0x14280CA),
    ("4.18.0", 0x6280CA),
    ("4.18.0-477.13.1.el8_8.x86_64", 0x6280CA),
    ("4.19.0-27-amd64", 0x6280CA),
    ("5.0.0-65-generic", 0x6280CA),
    ("5.3.0-76-generic", 0x100DCA),
    ("5.4.0-190-generic", 0x100DCA),
    ("5.10.0-32-amd64", 0x100DCA),
    ("5.14.0-427.13.1.el9_4.x86_64", 0x1100DCA),
    ("5.14.0-427.13.1.el9_4.x86_64", 0x100DCA),
    ("5.15.0-119-generic", 0x1100DCA),
    ("5.19.0-50-generic", 0x100DCA),
    ("6.1.0-56-amd64", 0x100DCA),
    ("6.8.0-41-generic", 0x100DCA),
    ("6.11.0-29-generic", 0x100DCA),
    ("6.18.44", 0x100DCA),
]


def test_a7_raw_masks_of_4_18_are_a_users():
    for kernel in (None, "v4.18"):
        log = case("A7-named-4.18-raw.txt", kernel)
        assert log.about.kernel == "v4.18"
        assert warned(log) == set()
        assert replay.replay(log, ["v6"]).totals["user_zeroed"] == 1


@pytest.mark.parametrize(("release", "mask"), USER_ZEROED)
def test_a7_raw_masks_of_every_release(release, mask, trace):
    event = f"{PERF}mm_page_alloc: pfn=0x1 order=0 gfp_flags={mask:#x} migratetype=1"
    log = trace("# ========", f"# os release : {release}", event)
    assert gfp.is_user(log.events.gfp, log.about.kernel).all()
    assert gfp.is_zeroed(log.events.gfp, log.about.kernel).all()
    assert warned(log) == set()
    assert log.about.release == release


def test_a8_older_than_all_tables(trace):
    error = refused(case, "A8-rhel7-310.txt")
    assert "3.10.0-1160.el7" in error.what
    assert error.file.endswith("/A8-rhel7-310.txt")


@pytest.mark.parametrize("name", ["mm_page_free_direct", "mm_pagevec_free"])
def test_a8_events_of_the_allocator_that_are_unknown(name, trace):
    log = trace(line(FREE), line(f"{name}: page=1 pfn=4660 order=0"), line(FREE))
    assert log.about.skipped == {name: 1}
    assert name in log.about.warnings["unknown-mm-page-events"].what


def test_a9_a_number_that_is_not_known_is_not_0():
    about = case("A9-perf-lost-chunks.txt").about
    assert about.lost is None
    assert set(about.warnings) == {"lost-events"}


def test_a9_two_recordings_lost_what_both_lost():
    assert case("A9-two-recordings.txt").about.lost == 300


def test_a10_a_sample_is_no_trace():
    assert warned(case("A10-perf-sampled.txt")) == {"partial-recording"}


def test_a11_a_frame_that_has_swallowed_an_event():
    error = refused(case, "A11-frame-swallows-event.txt")
    assert error.line == 5
    assert "mm_page_free" in error.what


def test_a13_flags_in_hex_say_no_depth():
    assert case("A13-trace-cmd-R.txt").events.preempt.tolist() == [ev.UNKNOWN] * 2


@pytest.mark.parametrize("flags", ["-0x4", "-0x14", "d0.2"])
def test_a13_what_is_no_column_of_flags_says_no_depth(flags, trace):
    log = trace(f"sh-1 [000]{flags}   12.345678: {FREE}")
    assert log.events.preempt.tolist() == [ev.UNKNOWN]


def test_a14_refills_of_5_14_to_5_18():
    log = case("A14-515-order3-refill.txt")
    assert warned(log) == {"refills-by-order"}
    control = case("A14-control-519.txt")
    assert warned(control) == set()
    for found in (log, control):
        assert (found.events.flags & ev.PERCPU_REFILL).tolist() == [1, 1, 1, 0, 0, 0]
        assert replay.replay(found, ["pcp_batch"]).totals["refills"] == 1
    assert flushes("A14-515-order3-refill.txt", "pcp_batch") == 1


@pytest.mark.parametrize(
    ("release", "refills"),
    [
        ("5.12.19", []),
        ("5.15.0-119-generic", [1, 3, 9]),
        ("5.18.0", [1, 3, 9]),
        ("5.19.0", []),
    ],
)
def test_a14_which_orders_a_list_has(release, refills, trace):
    orders = [1, 3, 4, 9, 10]
    events = [
        f"{PERF}mm_page_alloc_zone_locked: page=0x1 pfn=0x10000 order={order} "
        "migratetype=1 percpu_refill=0"
        for order in orders
    ]
    log = trace("# ========", f"# os release : {release}", *events)
    flagged = (log.events.flags & ev.PERCPU_REFILL) != 0
    assert log.events.order[flagged].tolist() == refills
    assert warned(log) == set()


def test_c1_bare_fields_have_no_percpu_refill():
    log = case("C1-failed-to-parse-414.txt")
    assert log.events.flags.tolist() == [ev.PERCPU_REFILL]


@pytest.mark.parametrize(("order", "flags"), [(0, ev.PERCPU_REFILL), (2, 0)])
def test_c1_then_it_is_the_order(order, flags, trace):
    fields = f"pfn=0x1234 order={order} migratetype=1"
    for note in ("", "[FAILED TO PARSE] "):
        log = trace(f"{TRACE_CMD}mm_page_alloc_zone_locked: {note}{fields}")
        assert log.events.flags.tolist() == [flags]


def test_c2_a_wall_clock():
    log = case("C2-trace-cmd-date.txt")
    assert log.events.time.tolist() == [1697712345123456000, 1697712345123457000]
    assert log.about.clock == "ns"


@pytest.mark.parametrize(
    ("time", "value", "clock"),
    [
        ("1697712345.123456789", 1697712345123456789, "ns"),
        ("1697712345123456789", 1697712345123456789, "ticks"),
        ("9223372034.999999", 9223372034999999000, "ns"),
        ("9223372036854775799", 9223372036854775799, "ticks"),
    ],
)
@pytest.mark.parametrize("form", ["ftrace", "perf", "latency"])
def test_c2_wall_clocks(time, value, clock, form, trace):
    texts = {
        "ftrace": line(FREE, time=time),
        "perf": PERF.replace("12.345678", time) + FREE,
        "latency": f"     cc1-77      1d..2.    {time}: {FREE}",
    }
    log = trace(texts[form])
    assert (log.events.time.tolist(), log.about.clock) == ([value], clock)


def test_c3_a_flag_that_nothing_looks_at():
    log = case("C3-skip-kasan.txt")
    assert "__GFP_SKIP_KASAN" in log.about.warnings["unknown-gfp-flags"].what
    assert replay.replay(log, ["v6"]).totals["user_zeroed"] == 1


def test_c4_pages_larger_than_the_models():
    error = refused(case, "C4-order-13.txt")
    assert error.line == 3
    assert "64 KiB" in error.remedy


@pytest.mark.parametrize("event", [ALLOC, FREE, LOCKED, DRAIN, EXTFRAG])
def test_c4_of_all_events(event, trace):
    larger = re.sub(r"((?<=alloc_)|(?<= ))order=\d+", "order=13", event, count=1)
    assert "64 KiB" in refused(trace, line(larger)).remedy
    damaged = re.sub(r"((?<=alloc_)|(?<= ))order=\d+", "order=113", event, count=1)
    assert "damaged" in refused(trace, line(damaged)).remedy


@pytest.mark.parametrize(
    ("name", "bits"), [("C5-ftrace-fields.txt", 0x100CCA), ("C5-perf-ip.txt", 0x100CCA)]
)
def test_c5_options_that_leave_all_fields(name, bits):
    log = case(name)
    assert log.events.pfn.tolist() == [0x1234]
    assert log.events.migratetype.tolist() == [1]
    assert log.events.gfp.tolist() == [bits]


@pytest.mark.parametrize(
    ("event", "pfn"),
    [
        ("mm_page_free: pfn=0x1234 (4660) order=0x0 (0)", 0x1234),
        ("mm_page_free: pfn=4660 (0x1234) order=0 (0x0)", 0x1234),
        (f"{FREE} ffffffff811a3d4e free_unref_page+0x1 ([kernel.kallsyms])", 0x1234),
        (f"{FREE} ffffffff811a3d4e", 0x1234),
        (f"{BATCHED} ffffffff811a3d4e [unknown] ([kernel])", 0x1234),
    ],
)
def test_c5_numbers_twice_and_callers_behind(event, pfn, trace):
    log = trace(line(event), PERF + event)
    assert log.events.pfn.tolist() == [pfn, pfn]
    assert warned(log) == set()


@pytest.mark.parametrize(
    "event",
    [
        "mm_page_free: pfn=0x1234 (46 60) order=0",
        "mm_page_free: pfn=0x1234 (4660 order=0",
        f"{FREE} ffffffff811a3d4e free+0x1 {line(FREE)}",
        f"{FREE} ffff",
        f"{FREE} fffffffff811a3d4e",
    ],
)
def test_c5_damage_is_not_taken_for_an_option(event, trace):
    assert refused(trace, line(FREE), line(event)).line == 2


def test_c5_without_a_cpu_the_fields_to_ask_for_are_named():
    error = refused(case, "C5-perf-no-cpu.txt")
    assert "-F comm,pid,tid,cpu,time,event,trace" in error.remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (f"sh 10966 [000] kmem:{FREE}", "perf script -F"),
        (f"    12.345678: kmem:{FREE}", "perf script -F"),
        (f"kmem:{FREE}", "perf script -F"),
        (FREE, "context-info"),
        (f"      sh-10966     0d..2. 12345678us : {FREE}", "latency-format"),
        (f"<4>[  123.456791]   sh-10966  0d..2. 12345678us : {FREE}", "crash>"),
        (
            line(
                "sched_switch: prev_comm=a prev_pid=1 (0x1) prev_prio=120 (0x78) "
                "prev_state=0x0 (0) next_comm=b next_pid=2 (0x2) next_prio=1 (0x1)"
            ),
            "options/fields",
        ),
        (line(FREE).replace("-77", "-xx"), "damaged"),
    ],
)
def test_c5_the_remedy_fits(text, remedy, trace):
    error = refused(trace, line(FREE), text)
    assert remedy in error.remedy
    assert error.line == 2


def test_c6_a_page_that_its_order_does_not_allow():
    error = refused(case, "C6-misaligned.txt")
    assert error.file.endswith("/C6-misaligned.txt")
    assert error.line == 3
    assert "0x1235" in error.what


@pytest.mark.parametrize("event", [ALLOC, FREE, LOCKED, DRAIN])
@pytest.mark.parametrize("order", [1, 3, 10])
def test_c6_of_all_events(event, order, trace):
    text = re.sub(r" order=\d+", f" order={order}", event)
    wrong = text.replace("0x1234", hex((1 << order) + (1 << order - 1)))
    right = text.replace("0x1234", hex(3 << order))
    assert trace(line(right)).events.order.tolist() == [order]
    error = refused(trace, line(right), line(wrong))
    assert error.line == 2
    assert f"order={order} does not allow" in error.what


def test_c7_an_archive():
    assert "unzip -p" in refused(case, "C7-trace.zip").remedy


def test_c8_the_tables_go_back_to_4_4():
    log = case("C8-gfp-repeat.txt")
    assert log.about.kernel == "v4.9"
    assert log.events.gfp.tolist() == [0x2400000 | 0xC0 | 0x200 | 0x400 | 0x214000]
    assert log.about.skipped == {"stack trace": 1, "stack frame": 1}
    assert warned(log) == set()


def test_c9_the_dump_of_an_oops():
    error = refused(case, "C9-ftrace-dump.txt")
    assert error.line == 3
    assert "crash>" in error.remedy


def test_every_case_has_its_test():
    mine = globals()
    used = {name.split("_")[1].upper() for name in mine if name.startswith("test_")}
    there = {path.name.split("-")[0] for path in CASES.iterdir()}
    assert there - {"A3"} <= used
