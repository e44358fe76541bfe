# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel wrote a trace, from what the trace says."""

import pytest
from texts import ALLOC, BATCHED, DATA, FREE, line

from xpfo_model import gfp, traces
from xpfo_model.errors import UnknownGfpFlagError
from xpfo_model.traces import guess


def masks(*texts, pfn="0x12"):
    event = f"mm_page_alloc: pfn={pfn} order=0 migratetype=0 gfp_flags="
    return "".join(f"{line(event + text)}\n" for text in texts).encode()


@pytest.mark.parametrize(
    ("release", "kernel"),
    [
        ("4.4.0", "v4.14"),
        ("4.14.336", "v4.14"),
        ("4.18.0-553.el8", "v4.14"),
        ("4.19.1", "v4.19"),
        ("5.3", "v4.19"),
        ("5.10.0-8-amd64", "v5.4"),
        ("6.1.0-56-amd64", "v6.1"),
        ("6.6.12", "v6.1"),
        ("6.18.44", "v6.18"),
        ("7.0-rc1", "v6.18"),
    ],
)
def test_a_release_has_the_table_before_it(release, kernel):
    assert guess.of_release(release) == kernel
    for header in (
        f"# os release : {release}\n",
        f"#\n# nop latency trace v1.1.5 on {release}\n",
    ):
        head = guess.of_head(header.encode())
        assert head == guess.Head(kernel, f"release {release}", release=release)
    assert guess.of_head(b"", release) == head


def test_a_table_that_is_named_is_not_guessed():
    head = masks("GFP_KERNEL|__GFP_ZERO|__GFP_COMP")
    assert guess.of_head(b"# GFP flags of v4.19\n" + head).kernel == "v4.19"
    assert guess.of_head(b"# GFP flags of v2.4\n" + head).kernel == "v6.18"


def test_what_a_kernel_prints_says_more_than_its_release():
    # v6.12 has the table of v6.18 already
    head = b"# os release : 6.12.117\n" + masks("GFP_KERNEL|__GFP_ZERO|__GFP_COMP")
    assert guess.of_head(head).kernel == "v6.18"
    head = b"# os release : 6.12.117\n" + masks("GFP_KERNEL|__GFP_COMP")
    assert guess.of_head(head).kernel == "v6.1"


@pytest.mark.parametrize(
    ("head", "kernel"),
    [
        (b"", "v6.1"),
        (masks("GFP_KERNEL"), "v6.1"),
        (masks("GFP_KERNEL", pfn="1234"), "v5.4"),
        (masks("GFP_KERNEL|__GFP_COLD", pfn="1234"), "v4.14"),
        (masks("GFP_KERNEL|__GFP_NOTRACK", pfn="1234"), "v4.14"),
        (f"{line(BATCHED)} cold=0\n".encode(), "v4.14"),
        (masks("GFP_KERNEL|__GFP_NO_OBJ_EXT"), "v6.18"),
        # in the order of the table up to v6.1, of the bits in v6.18
        (masks("GFP_KERNEL|__GFP_COMP|__GFP_ZERO"), "v6.1"),
        (masks("GFP_KERNEL|__GFP_ZERO|__GFP_COMP"), "v6.18"),
        # NOWARN is part of NOWAIT in v6.18, which prints what is left without it
        (masks("GFP_NOWAIT|__GFP_NOWARN"), "v6.1"),
        (masks("__GFP_HIGH|__GFP_ATOMIC"), "v6.1"),
        # all of them count
        (masks("GFP_KERNEL|__GFP_COMP|__GFP_ZERO", "GFP_NOWAIT"), "v6.1"),
        (masks("0xcc0", "GFP_WHAT"), "v6.1"),
    ],
)
def test_a_head_without_a_release(head, kernel):
    assert guess.of_head(head) == guess.Head(kernel, guess.GUESSED)
    assert not guess.of_head(head).named


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ftrace-6.1.txt", ("ftrace", None, 4)),
        ("ftrace-6.18.txt", ("ftrace", None, 2)),
        ("trace-cmd.txt", ("trace-cmd", None, 2)),
        ("trace-cmd-latency.txt", ("trace-cmd", None, 2)),
        ("trace-cmd-raw.txt", ("trace-cmd", None, 2)),
        ("perf.txt", ("perf", "6.18.44", 2)),
    ],
)
def test_a_head_says_format_release_and_cpus(name, found):
    head = guess.of_head((DATA / name).read_bytes())
    assert (head.format, head.release, head.cpus) == found


def test_a_head_says_which_events_were_recorded():
    text = b"# tracer: nop\n# events: kmem:mm_page_free sched:sched_switch\n"
    assert guess.of_head(text).events == ("mm_page_free", "sched_switch")
    text = b"# ========\n# event : name = kmem:mm_page_alloc, , type = 2\n"
    assert guess.of_head(text).events == ("mm_page_alloc",)
    assert guess.of_head(b"# events:\n").events is None


def test_the_table_that_the_user_names_is_taken():
    head = guess.of_head(b"# os release : 4.14.2\n", given="v6.1")
    assert (head.kernel, head.chosen) == ("v6.1", guess.NAMED)
    assert head.release == "4.14.2"


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("ftrace-6.1.txt", "v6.1"),
        ("ftrace-6.18.txt", "v6.18"),
        ("trace-cmd.txt", "v6.18"),
        ("perf.txt", "v6.18"),
    ],
)
def test_real_traces(name, kernel):
    assert traces.read(DATA / name).about.kernel == kernel


def test_a_foreign_name_is_kept_apart():
    bits, owner = guess.foreign("GFP_KERNEL|__GFP_NO_OBJ_EXT", "v6.1")
    assert owner == "v6.18"
    assert bits & 0xFFFFFFFF == gfp.mask("GFP_KERNEL", "v6.1")
    assert bits >> 32 == gfp.mask("__GFP_NO_OBJ_EXT", "v6.18")
    with pytest.raises(UnknownGfpFlagError):
        guess.foreign("GFP_KERNEL|__GFP_WHAT", "v6.1")


def test_a_foreign_name_behind_the_head_breaks_nothing(trace, monkeypatch):
    monkeypatch.setattr(guess, "of_head", lambda *_: guess.Head("v6.1", guess.GUESSED))
    event = ALLOC.replace("__GFP_ZERO", "__GFP_NO_OBJ_EXT")
    log = trace(line(FREE), line(ALLOC), line(event), line(event))
    assert log.about.kernel == "v6.1"
    warned = log.about.warnings["foreign-gfp-flags"]
    assert (warned.line, warned.count) == (3, 1)
    assert "--kernel v6.18" in warned.what
    user = gfp.mask("GFP_HIGHUSER_MOVABLE", "v6.1")
    assert log.events.gfp[3] & 0xFFFFFFFF == user
    assert gfp.is_user(log.events.gfp[1:], "v6.1").all()
