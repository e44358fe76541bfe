# SPDX-License-Identifier: GPL-2.0-only
"""What each format says, and that both engines read the same from it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from texts import (
    ALLOC,
    BATCHED,
    BORDER,
    DATA,
    DRAIN,
    EXTFRAG,
    FREE,
    KMEM,
    LOCKED,
    SWITCH,
    line,
    row,
)

from xpfo_model import events as ev
from xpfo_model import gfp, traces
from xpfo_model.errors import UnknownKernelError
from xpfo_model.traces import text

FIXTURES = sorted(path.name for path in DATA.glob("*.txt"))


def read_bytes(content, block=1 << 20, kernel=None):
    reader = text.Text(io.BytesIO(content), "test", kernel, block=block)
    events = ev.Events.concatenate(list(reader.chunks()))
    return ev.EventLog(events, reader.about())


@pytest.mark.parametrize("name", FIXTURES)
def test_every_sample_is_read(name):
    log = traces.read(DATA / name)
    assert len(log) > 0
    assert log.about.name == name
    assert "unrecognised-lines" not in log.about.warnings
    assert log.about.lines == len((DATA / name).read_text().splitlines())


def test_a_line_of_each_event(trace):
    log = trace(*(line(event) for event in (*KMEM, SWITCH, *BORDER)))
    common = {"time": 12_345_678_000, "cpu": 1, "preempt": 2, "pid": 77}
    plain = {
        "flags": ev.IRQS_OFF,
        "pfn": 0x1234,
        "order": 0,
        "migratetype": -1,
        "fallback_order": 0,
        "fallback_migratetype": -1,
        "gfp": 0,
        "next_pid": 0,
    }
    user = gfp.decode("GFP_HIGHUSER_MOVABLE|__GFP_ZERO", "v6.1")
    for number, own in enumerate(
        (
            {"migratetype": 1, "gfp": user},
            {},
            {},
            {
                "order": 2,
                "migratetype": 2,
                "flags": ev.IRQS_OFF | ev.PERCPU_REFILL,
            },
            {"order": 1, "migratetype": 0},
            {
                "pfn": 0x8000,
                "order": 1,
                "migratetype": 2,
                "fallback_order": 10,
                "fallback_migratetype": 1,
                "flags": ev.IRQS_OFF | ev.CHANGE_OWNERSHIP,
            },
            *[{"pfn": 0}] * 4,
        )
    ):
        assert row(log, number) == common | plain | own | {"kind": number}
    assert log.about.notes() == []
    assert log.about.clock == "ns"


@pytest.mark.parametrize(
    "comm",
    [
        "a b",
        "kworker/0:1-mm",
        "[kthread] [001]",
        "x-1 [000] d... ",
        "(sd-pam)",
        ": mm_page_free:",
        "a:b: c",
        "1.000000: x: y",
        "-1",
        "-",
        "ends-",
        " ",
        "",
        "é" * 7,
    ],
)
def test_a_task_may_have_nearly_any_name(comm, trace):
    name = f"{comm:>{16 - len(comm.encode()) + len(comm)}}"
    switch = (
        f"sched_switch: prev_comm={comm} prev_pid=5 prev_prio=120 prev_state=S ==> "
        f"next_comm={comm} next_pid=6 next_prio=120"
    )
    short = f"sched_switch: {comm}:5 [120] S|K ==> {comm}:6 [120]"
    log = trace(
        f"{name}-5     [003] d..2.     1.000000: {FREE}",
        f"{name}-5     [003]     1.000000: {FREE}",
        f"{name}     5 [003]     1.000000:     kmem:{FREE}",
        f"{name}-5     [003] d..2.     1.000000: {switch}",
        f"{name}-5     [003]     1.000000: {short}",
    )
    assert log.about.notes() == []
    assert log.events.pid.tolist() == [5] * 5
    assert log.events.cpu.tolist() == [3] * 5
    assert log.events.next_pid.tolist() == [0, 0, 0, 6, 6]
    assert set(log.events.time) == {10**9}


@pytest.mark.parametrize(
    ("flags", "irqs", "depth"),
    [
        ("d..4.", ev.IRQS_OFF, 4),
        ("D..4.", ev.IRQS_OFF, 4),
        ("dNh3.", ev.IRQS_OFF, 3),
        ("b...1", 0, 0),
        ("X..f.", 0, 15),
        (".....", 0, 0),
        ("d..1", ev.IRQS_OFF, 1),
        ("....", 0, 0),
        ("...?.", 0, ev.UNKNOWN),
        # PREEMPT_RT has columns of its own
        ("d...3..", ev.IRQS_OFF, ev.UNKNOWN),
        ("d..", ev.IRQS_OFF, ev.UNKNOWN),
        ("", 0, ev.UNKNOWN),
    ],
)
def test_flags(flags, irqs, depth, trace):
    found = row(trace(line(FREE, flags=flags)))
    assert (found["flags"], found["preempt"]) == (irqs, depth)


@pytest.mark.parametrize("tgid", ["(-------)", "(     99)", "(9)"])
def test_the_process_is_not_the_task(tgid, trace):
    log = trace(f"             cc1-77      {tgid} [001] d..2.    1.000000: {FREE}")
    assert (row(log)["pid"], row(log)["cpu"]) == (77, 1)


@pytest.mark.parametrize(
    ("time", "value", "clock"),
    [
        ("1.000002", 1_000_002_000, "ns"),
        ("1.000000002", 1_000_000_002, "ns"),
        ("123456789.999999", 123_456_789_999_999_000, "ns"),
        ("7", 7, "ticks"),
        ("999999999999999999", 999_999_999_999_999_999, "ticks"),
    ],
)
def test_clocks(time, value, clock, trace):
    log = trace(line(FREE, time=time))
    assert (row(log)["time"], log.about.clock) == (value, clock)


def test_a_trace_of_4_14(trace):
    front = "             cat-1234  [000] d..1   123.456789: "
    page = "page=ffffea0001d4ad00 pfn=480436 order=0"
    log = trace(
        f"{front}mm_page_alloc: {page} migratetype=0 gfp_flags=GFP_KERNEL|__GFP_COLD",
        f"{front}mm_page_alloc_zone_locked: page=          (null) pfn=0 order=2 "
        "migratetype=1 percpu_refill=0",
        f"{front}mm_page_free_batched: {page} cold=0",
        f"{front}mm_page_free: {page}",
    )
    assert log.about.kernel == "v4.14"
    assert log.about.notes() == []
    assert log.events.pfn.tolist() == [480436, ev.FAILED, 480436, 480436]
    assert log.events.gfp[0] == gfp.decode("GFP_KERNEL|__GFP_COLD", "v4.14")
    assert set(log.events.preempt) == {1}


@pytest.mark.parametrize(
    "page",
    [
        "page=(null) pfn=0x0",
        "page=          (null) pfn=0",
        "page=(nil) pfn=0x0",
        "page=0000000000000000 pfn=0x0",
        "page=0x0 pfn=0",
        "page=0 pfn=0",
        "page=0000000000000000 pfn=-1",
        "page=(null) pfn=18446744073709551615",
        "pfn=0xffffffffffffffff",
        "[FAILED TO PARSE] pfn=0xffffffffffffffff",
    ],
)
def test_a_failed_allocation(page, trace):
    event = ALLOC.replace("page=00000000deadbeef pfn=0x1234", page)
    locked = LOCKED.replace("page=00000000deadbeef pfn=0x1234", page)
    log = trace(line(event), line(locked))
    assert log.events.pfn.tolist() == [ev.FAILED, ev.FAILED]


def test_page_0_is_a_page(trace):
    assert row(trace(line(FREE.replace("0x1234", "0x0"))))["pfn"] == 0
    assert row(trace(line(FREE.replace("0x1234", "0"))))["pfn"] == 0


def test_an_unhashed_pointer_is_no_null(trace):
    event = ALLOC.replace("00000000deadbeef", "(____ptrval____)").replace("1234", "0")
    assert row(trace(line(event)))["pfn"] == 0


def test_numbers_in_upper_case_and_decimal(trace):
    log = trace(
        line(FREE.replace("0x1234", "0xABC")), line(FREE.replace("0x1234", "42"))
    )
    assert log.events.pfn.tolist() == [0xABC, 42]


def test_fields_in_any_order_and_unknown_ones(trace):
    log = trace(
        line("mm_page_alloc: gfp_flags=GFP_KERNEL x=1 migratetype=0 pfn=8 order=2 y="),
        line(ALLOC),
        line("mm_page_alloc:   order=2 pfn=8   migratetype=0 gfp_flags=GFP_KERNEL  "),
    )
    assert log.events.pfn.tolist() == [8, 0x1234, 8]
    assert log.events.order.tolist() == [2, 0, 2]
    assert log.events.gfp[0] == log.events.gfp[2] == gfp.mask("GFP_KERNEL", "v6.1")


def test_a_gfp_text_is_not_taken_for_the_one_it_begins_with(trace):
    texts = ["GFP_KERNEL", "GFP_KERNEL_ACCOUNT", "GFP_KERNEL", "GFP_KERNEL|__GFP_ZERO"]
    event = "mm_page_alloc: pfn=1 order=0 migratetype=0 gfp_flags="
    log = trace(*(line(event + masked) for masked in texts))
    assert log.events.gfp.tolist() == [gfp.decode(masked, "v6.1") for masked in texts]


def test_other_events_are_counted_by_name(trace):
    log = trace(
        line("sched_wakeup: comm=mm_page_free pid=1 prio=120 target_cpu=000"),
        line("sched_wakeup: comm=a pid=1 prio=120 target_cpu=000"),
        line("func+0x10: hello: world"),
        line("schedule <-worker_thread"),
        line("<stack trace>"),
        " => schedule",
        line("<user stack trace>"),
        "            cc1    77 [001]    12.345678:     irq:softirq_entry: vec=1",
        line(FREE),
    )
    assert log.about.skipped == {
        "sched_wakeup": 2,
        "func+0x10": 1,
        "function": 1,
        "stack trace": 2,
        "stack frame": 1,
        "softirq_entry": 1,
    }
    assert log.about.notes() == []
    assert len(log) == 1


def test_more_names_than_counters(trace):
    names = [f"event_{n}" for n in range(500)]
    log = trace(*(line(f"{name}: x") for name in names * 2), line(FREE))
    assert log.about.skipped == dict.fromkeys(names, 2)


def test_marks_stand_before_the_next_row(trace):
    log = trace(
        line("tracing_mark_write: first: mark", time="1.000000"),
        line(FREE, time="2.000000"),
        line("print:    tracing_mark_write: second", time="3.000000"),
        line("print:    0xffffffff8117: third", time="4.000000"),
        line("print:    some_function: no mark", time="4.000000"),
    )
    assert log.about.marks == (
        (0, 10**9, "first: mark"),
        (1, 3 * 10**9, "second"),
        (1, 4 * 10**9, "third"),
    )
    assert log.about.skipped == {"print": 1}


def test_carriage_returns_do_no_harm(trace):
    events = [*KMEM, SWITCH, *BORDER, "sched_switch: a:1 [120] S ==> b:2 [120]"]
    lines = [line(event) for event in events]
    assert trace(*lines, end="\r\n").events.pfn.tolist() == (
        trace(*lines).events.pfn.tolist()
    )


def test_empty_lines_and_comments_say_nothing(trace):
    latency = f"     cc1-77      1d..2.    12.345678: {FREE}"
    for event in (line(FREE), latency):
        log = trace("", "# tracer: nop", "#", "   ", "", event, "", event)
        assert log.about.notes() == []
        assert log.about.lines == 8
        assert len(log) == 2


@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("block", [400, 1000])
def test_the_size_of_blocks_does_not_matter(name, block, monkeypatch):
    monkeypatch.setattr("xpfo_model.traces.lines._PIECE", 37)
    content = (DATA / name).read_bytes()
    kernel = "v6.18"
    whole = read_bytes(content, kernel=kernel)
    assert read_bytes(content, block, kernel) == whole


@given(
    st.lists(st.sampled_from([*KMEM, SWITCH, *BORDER]), min_size=1), st.integers(1, 8)
)
def test_the_size_of_chunks_does_not_matter(events, chunk):
    content = "".join(f"{line(event)}\n" for event in [FREE, *events]).encode()
    content += line("tracing_mark_write: end").encode() + b"\n"
    whole = read_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "CHUNK", chunk)
        assert read_bytes(content) == whole
        reader = text.Text(io.BytesIO(content), "test")
        lengths = [len(part.kind) for part in reader.chunks()]
    assert max(lengths) <= chunk
    assert sum(lengths) == len(events) + 1
    assert reader.about().marks[0][0] == len(events) + 1


def test_python_reads_what_compiled_code_reads(monkeypatch):
    from xpfo_model import jit

    names = ("ftrace-6.1.txt", "ftrace-6.1-border.txt", "perf.txt")
    content = b"".join((DATA / name).read_bytes() for name in names)
    fast = read_bytes(content)
    monkeypatch.setattr(jit, "compiled", jit.bound)
    assert read_bytes(content) == fast


def test_an_unknown_kernel_is_refused_at_once(tmp_path):
    (tmp_path / "trace").write_text(line(FREE) + "\n")
    with pytest.raises(UnknownKernelError):
        traces.read(tmp_path / "trace", kernel="v2.4")


def test_the_fixtures_of_this_file_are_used():
    assert {BATCHED, DRAIN, EXTFRAG} < set(KMEM)
