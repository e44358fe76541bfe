# SPDX-License-Identifier: GPL-2.0-only
"""Bad input: what stops the reading, what is counted, and what is said."""

import pytest
from texts import (
    ALLOC,
    BORDER,
    DRAIN,
    ENTER,
    EXTFRAG,
    FAULT,
    FREE,
    KMEM,
    LOCKED,
    SWITCH,
    line,
)

from xpfo_model import constants, gfp
from xpfo_model.errors import (
    ClockError,
    EmptyTraceError,
    MalformedEventError,
    NotATraceError,
    TraceError,
    UnknownGfpFlagError,
)

GOOD = line(FREE)


def fault(read, *lines, error=MalformedEventError, **options):
    with pytest.raises(error) as caught:
        read(*lines, **options)
    assert caught.value.remedy
    assert caught.value.file.endswith("/trace.txt")
    return caught.value


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (ALLOC.replace(" pfn=0x1234", ""), "lacks pfn"),
        (ALLOC.replace(" order=0", ""), "lacks order"),
        (ALLOC.replace(" migratetype=1", ""), "lacks migratetype"),
        (ALLOC[: ALLOC.index(" gfp_flags")], "lacks gfp_flags"),
        (LOCKED[: LOCKED.index(" percpu_refill")], "lacks percpu_refill"),
        (EXTFRAG[: EXTFRAG.index(" change_own")], "lacks change_ownership"),
        (EXTFRAG.replace("fallback_order", "allback_order"), "lacks fallback_order"),
        (FREE[: FREE.index(" order")], "lacks order"),
        (FREE.replace("0x1234", "-5"), "pfn=-5"),
        (FREE.replace("0x1234", "-1"), "pfn=-1"),
        (DRAIN.replace("0x1234", "0xffffffffffffffff"), "pfn=0xffffffffffffffff"),
        (FREE.replace("0x1234", hex(constants.MAX_PFN)), "pfn=0x400000000"),
        (FREE.replace("0x1234", "1" * 30), "pfn=111"),
        (FREE.replace("0x1234", "0x"), "pfn=0x"),
        (FREE.replace("0x1234", "0x12g4"), "pfn=0x12g4"),
        (FREE.replace("0x1234", ""), "pfn="),
        (FREE.replace("order=0", "order=11"), "order=11"),
        (FREE.replace("order=0", "order=-1"), "order=-1"),
        (FREE.replace("order=0", "order=x"), "order=x"),
        (DRAIN.replace("migratetype=0", "migratetype=6"), "migratetype=6"),
        (DRAIN.replace("migratetype=0", "migratetype=-1"), "migratetype=-1"),
        (LOCKED.replace("refill=1", "refill=2"), "percpu_refill=2"),
        (EXTFRAG.replace("alloc_order=1", "alloc_order=11"), "alloc_order=11"),
        (EXTFRAG.replace("fallback_order=10", "fallback_order=99"), "k_order=99"),
        (EXTFRAG.replace("fallback_migratetype=1", "fallback_migratetype=9"), "=9"),
        (EXTFRAG.replace("ownership=1", "ownership=3"), "change_ownership=3"),
        (FREE.replace("order=0", "order=0 order=1"), "not in order"),
        (FREE + " and more", "not in order"),
        (FREE.replace("pfn=0x1234", "pfn 0x1234"), "lacks pfn"),
        (ALLOC.replace("GFP_HIGHUSER_MOVABLE|__GFP_ZERO", ""), "lacks gfp_flags"),
        (FREE + line(FREE), "not in order"),
        (SWITCH.replace("prev_pid", "prv_pid"), "who follows whom"),
        (SWITCH.replace("next_pid=0", "next_pid=x"), "who follows whom"),
        (SWITCH.replace("next_pid=0", "next_pid=-2"), "who follows whom"),
        (SWITCH[: SWITCH.index(" next_prio")], "who follows whom"),
        (SWITCH + line(FREE), "who follows whom"),
        ("sched_switch: a:1 [120] S ==> b:2", "who follows whom"),
        ("sched_switch: a:1 [120] ==> b:2 [120]", "who follows whom"),
        ("sched_switch: a [120] S ==> b:2 [120]", "who follows whom"),
        (SWITCH.replace("next_pid=0", f"next_pid={1 << 31}"), "follows"),
        (ENTER + line(FREE), "sys_enter is not in order"),
        (FAULT + line(FREE), "page_fault_user is not in order"),
        ("mm_page_alloc", "ends before its event"),
        ("mm_page_al", "ends before its event"),
        ("m", "ends before its event"),
        ("kmem:mm_page_al", "ends before its event"),
        ("", "ends before its event"),
        ("sched_wakeup: comm=a pid=1" + line(FREE), "without a readable"),
        ("tracing_mark_write: half a ma" + line(FREE), "without a readable"),
    ],
)
def test_an_event_that_is_not_one_stops_the_reading(event, said, trace):
    error = fault(trace, GOOD, line(event), GOOD)
    assert error.line == 2
    assert said in error.what
    assert str(error).startswith(f"{error.file}:2: ")


@pytest.mark.parametrize(
    "damaged",
    [
        line(FREE, cpu=constants.NR_CPUS),
        line(FREE, pid=1 << 31),
        line(FREE).replace("[001]", "001"),
        line(FREE).replace("12.345678", "12.34567"),
        line(FREE).replace("12.345678", "12."),
        line(FREE).replace("12.345678", "12345678901.345678"),
        line(FREE).replace("12.345678", "9223372036.854776"),
        line(FREE).replace("12.345678", "9" * 19),
        line(FREE).replace("12.345678", "1" * 20),
        line(FREE).replace("12.345678:", "12.345678"),
        line(FREE).replace("-77", "-xx"),
        "mm_page_free: page=00000000deadbeef pfn=0x1234 order=0",
        "  mm_page_free:",
    ],
)
def test_an_event_without_task_cpu_and_time_stops_the_reading(damaged, trace):
    error = fault(trace, GOOD, damaged, GOOD)
    assert error.line == 2
    assert "mm_page_free" in error.what


def test_an_event_that_is_commented_out_is_an_event(trace):
    # a task may be called so
    assert len(trace("# " + GOOD[2:], GOOD)) == 2
    assert fault(trace, GOOD, f"# {FREE} {GOOD}").line == 2


@pytest.mark.parametrize("length", [17, 30, 50, 60])
def test_a_line_that_was_cut_and_its_newline_lost(length, trace):
    assert fault(trace, GOOD, GOOD[:length] + GOOD, GOOD).line == 2
    report = "pages:" + GOOD.replace("d..2.", " ")
    assert fault(trace, report, report[: length + 6] + report).line == 2


def test_the_latency_format_of_ftrace_is_named(trace):
    error = fault(trace, GOOD, f"  <idle>-0         0d..2.  345us : {FREE}")
    assert "latency format" in error.what
    assert "latency-format" in error.remedy


def test_no_line_of_a_trace(tmp_path, trace):
    error = fault(trace, "hello", "world", error=NotATraceError)
    assert "perf script" in error.remedy
    (tmp_path / "trace.txt").write_bytes(bytes(range(256)) * 1000)
    from xpfo_model import traces

    with pytest.raises(NotATraceError):
        traces.read(tmp_path / "trace.txt")


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["# tracer: nop", "#"],
        ["cpus=4"],
        [line("sched_wakeup: comm=a pid=1")],
        [line(SWITCH)],
        [line(event) for event in BORDER],
        [line("tracing_mark_write: a")],
    ],
)
def test_a_trace_without_kmem_events(lines, trace):
    error = fault(trace, *lines, error=EmptyTraceError)
    assert "mm_page_alloc_zone_locked" in error.remedy
    assert "xpfo-model record" in error.remedy


def test_what_else_is_in_a_trace_without_kmem_events_is_named(trace):
    error = fault(trace, line("irq_entry: irq=1"), error=EmptyTraceError)
    assert "irq_entry" in error.what


@pytest.mark.parametrize("kernel", ["v6.1", None])
def test_an_unknown_gfp_name(kernel, trace):
    event = ALLOC.replace("__GFP_ZERO", "__GFP_ZERRO")
    error = fault(trace, GOOD, line(event), error=UnknownGfpFlagError, kernel=kernel)
    assert error.line == 2
    assert "__GFP_ZERRO" in error.what


def test_a_flag_of_another_kernel_is_used_and_named(trace):
    event = ALLOC.replace("__GFP_ZERO", "__GFP_NO_OBJ_EXT")
    log = trace(line(event), kernel="v6.1")
    assert "v6.10 has" in log.about.warnings["foreign-gfp-flags"].what
    assert gfp.is_user(log.events.gfp, "v6.1").all()
    assert trace(line(event), kernel="v6.18").about.notes() == []


@pytest.mark.parametrize("kernel", ["v6.1", "v4.19", None])
def test_a_flag_of_no_kernel_is_used_and_counted(kernel, trace):
    event = ALLOC + "|__GFP_CMA"
    log = trace(
        line(ALLOC), *[line(event)] * 3, line(event + "|__GFP_OWN"), kernel=kernel
    )
    warned = log.about.warnings["unknown-gfp-flags"]
    assert (warned.line, warned.count) == (2, 4)
    assert "__GFP_CMA, __GFP_OWN" in warned.what
    assert len(set(log.events.gfp.tolist())) == 1
    assert gfp.is_user(log.events.gfp, log.about.kernel).all()
    assert gfp.is_zeroed(log.events.gfp, log.about.kernel).all()


@pytest.mark.parametrize("mask", ["0x1ffffffffffffffff", "99999999999999999999"])
def test_a_mask_larger_than_any(mask, trace):
    event = ALLOC.replace("__GFP_ZERO", mask)
    assert fault(trace, line(event), error=TraceError).line == 1


def test_seconds_and_ticks(trace):
    error = fault(trace, GOOD, line(FREE, time="12345"), error=ClockError)
    assert error.line == 2
    mark = line("tracing_mark_write: a", time="1.000000")
    assert fault(trace, line(FREE, time="12345"), mark, error=ClockError).line == 2
    assert fault(trace, mark, line(FREE, time="12345"), error=ClockError).line == 2


def test_time_that_runs_backwards(trace):
    times = ["5.000000", "5.000000", "4.000000", "6.000000", "5.999999"]
    about = trace(*(line(FREE, time=time) for time in times)).about
    warned = about.warnings["time-backwards"]
    assert (warned.count, warned.line) == (2, 3)
    assert about.notes()[0].startswith("trace.txt:3: ")


def test_lines_that_are_no_events_are_counted(trace):
    about = trace(GOOD, "what is this", GOOD, "ffffffff8123 schedule").about
    warned = about.warnings["unrecognised-lines"]
    assert (warned.count, warned.line) == (2, 2)
    assert "what is this" in warned.what


@pytest.mark.parametrize(
    "odd",
    ["\0" * 100, "a\0b", "\r", "\x1b[31m", "[" * 1000, "-1 " * 500, "é[1] 2: "],
)
def test_odd_bytes_do_no_harm(odd, trace):
    log = trace(GOOD, odd, GOOD)
    assert len(log) == 2
    expected = int(bool(odd.strip()))
    assert sum(w.count for w in log.about.warnings.values()) == expected


def test_a_very_long_line(trace):
    long = "x" * (3 << 20)
    log = trace(GOOD, long, GOOD)
    assert len(log) == 2
    assert log.about.lines == 3
    assert log.about.warnings["unrecognised-lines"].count == 1
    assert fault(trace, GOOD, line(f"{FREE} {long}"), GOOD).line == 2
    assert fault(trace, GOOD, line(FREE.replace("0x1234", long))).line == 2
    many = line(f"{'y' * 5000}: z")
    assert len(trace(GOOD, many, GOOD)) == 2


@pytest.mark.parametrize(
    "rest",
    ["    cc1-1", line(ALLOC), line(ALLOC)[:-10], line(FREE)[:-1], "nonsense"],
)
def test_a_last_line_without_its_newline_is_left_out(rest, tmp_path):
    from xpfo_model import traces

    (tmp_path / "trace").write_text(GOOD + "\n" + rest)
    log = traces.read(tmp_path / "trace")
    assert len(log) == 1
    assert log.about.warnings["cut-line"].line == 2
    assert log.about.lines == 2


@pytest.mark.parametrize(
    ("lines", "lost", "warned"),
    [
        (["# entries-in-buffer/entries-written: 1/1   #P:2"], 0, 0),
        (["# entries-in-buffer/entries-written: 1/101   #P:2"], 100, 1),
        # every CPU's file begins with the sum over all of them
        (["# entries-in-buffer/entries-written: 1/101   #P:2"] * 2, 100, 1),
        (["CPU:1 [LOST 12 EVENTS]", "CPU:0 [LOST 30 EVENTS]"], 42, 2),
        (["CPU:1 [LOST EVENTS]"], None, 1),
        (["CPU:1 [12 EVENTS DROPPED]", "pages: CPU:0 [EVENTS DROPPED]"], None, 2),
        (["Processed 1412 events and lost 8 chunks!"], None, 1),
        (["Processed 1412 samples and lost 12.34%!"], None, 1),
        # two recordings, the first of them in two files
        (
            [
                "# entries-in-buffer/entries-written: 1/101   #P:2",
                "# entries-in-buffer/entries-written: 1/101   #P:2",
                "# entries-in-buffer/entries-written: 1/201   #P:2",
            ],
            300,
            2,
        ),
        (
            [
                "# entries-in-buffer/entries-written: 1/101   #P:2",
                "CPU:1 [LOST 12 EVENTS]",
            ],
            112,
            2,
        ),
        (["  a 1/1 [000]  2.915912123: PERF_RECORD_LOST lost 17"] * 2, 34, 2),
        (
            [
                "  a 1/1 [000]  2.915912123: PERF_RECORD_LOST lost 17",
                "  a 1/1 [000]  2.915912123: PERF_RECORD_LOST_SAMPLES lost 20",
            ],
            20,
            2,
        ),
    ],
)
def test_lost_events(lines, lost, warned, trace):
    about = trace(*lines, GOOD).about
    assert about.lost == lost
    found = about.warnings.get("lost-events")
    assert (found.count if found else 0) == warned
    assert set(about.warnings) <= {"lost-events", "several-recordings"}


def test_fewer_lines_than_the_header_counts(trace):
    header = "# entries-in-buffer/entries-written: 4/4   #P:2"
    about = trace(header, GOOD, line("x: y")).about
    assert about.warnings["missing-lines"].count == 1
    (note,) = about.notes()
    assert note.endswith("the header counts 4 entries, the text has 2")
    assert about.lost == 0
    assert trace(header, GOOD, GOOD, GOOD, GOOD).about.notes() == []


def test_an_event_of_no_known_name_is_at_least_counted(trace):
    about = trace(GOOD, line(FREE.replace("mm_page_free", "mm_page_fred"))).about
    assert about.skipped == {"mm_page_fred": 1}


@pytest.mark.parametrize("event", KMEM)
def test_a_line_cut_anywhere_is_never_dropped(event, trace):
    whole = line(event)
    for length in range(1, len(whole)):
        lines = 0
        try:
            log = trace(GOOD, whole[:length], GOOD)
            lines = len(log) + len(log.about.warnings)
        except (MalformedEventError, UnknownGfpFlagError) as error:
            lines = error.line + 1
        assert lines == 3 or not whole[:length].strip()


def test_a_second_recording_in_the_text_is_named_with_its_line(trace):
    header = "# entries-in-buffer/entries-written: {0}/{0}   #P:2"
    again = trace(header.format(1), GOOD, header.format(1), GOOD).about
    assert "several-recordings" not in again.warnings, "the files of two CPUs"
    warned = trace(header.format(1), GOOD, header.format(2), GOOD).about.warnings
    assert warned["several-recordings"].line == 3
    for head in ("# captured on    : Mon Nov 23", "cpus=2"):
        assert "several-recordings" not in trace(head, GOOD, GOOD).about.warnings
        warned = trace(head, GOOD, head, GOOD).about.warnings
        assert warned["several-recordings"].line == 3
