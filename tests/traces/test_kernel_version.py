# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel wrote a trace, from what the trace says."""

import re

import pytest
from texts import ALLOC, BATCHED, DATA, FREE, line

from xpfo_model import gfp, traces
from xpfo_model.errors import TraceError, UnknownGfpFlagError, UnknownKernelError
from xpfo_model.traces import kernel_version


def masks(*texts, pfn="0x12"):
    event = f"mm_page_alloc: pfn={pfn} order=0 migratetype=0 gfp_flags="
    return "".join(f"{line(event + text)}\n" for text in texts).encode()


@pytest.mark.parametrize(
    ("release", "kernel", "table"),
    [
        ("4.4.0", "v4.4", "v4.4"),
        ("4.4.0-210-generic", "v4.4", "v4.4"),
        ("4.14.336", "v4.14", "v4.14"),
        ("4.18.0-553.el8", "v4.18", "v4.18"),
        ("4.18.0-477.13.1.el8_8.x86_64", "v4.18", "v4.18"),
        ("4.19.1", "v4.19", "v4.18"),
        ("5.3", "v5.3", "v5.1"),
        ("5.4.0-190-generic", "v5.4", "v5.1"),
        ("5.8.0-63-generic", "v5.8", "v5.1"),
        ("5.10.0-8-amd64", "v5.10", "v5.1"),
        ("5.13.0-52-generic", "v5.13", "v5.1"),
        ("5.14.0-427.13.1.el9_4.x86_64", "v5.14", "v5.14"),
        ("5.15.0-119-generic", "v5.15", "v5.14"),
        ("5.19.0-50-generic", "v5.19", "v5.18"),
        ("6.1.0-56-amd64", "v6.1", "v5.18"),
        ("6.2.0-39-generic", "v6.2", "v5.18"),
        ("6.5.0-45-generic", "v6.5", "v6.4"),
        ("6.6.12", "v6.6", "v6.4"),
        ("6.8.0-41-generic", "v6.8", "v6.8"),
        ("6.11.0-29-generic", "v6.11", "v6.10"),
        ("6.12.0-55.9.1.el10_0.x86_64", "v6.12", "v6.10"),
        ("6.18.44", "v6.18", "v6.15"),
        ("7.0-rc1", "v7.0", "v6.15"),
    ],
)
def test_a_release_names_its_version(release, kernel, table):
    assert kernel_version.of_release(release) == kernel
    assert gfp.table_of(kernel) == table
    for header in (
        f"# ========\n# os release : {release}\n",
        f"#\n# nop latency trace v1.1.5 on {release}\n",
        f"# tracer: nop\n# kernel: {release}\n",
    ):
        head = kernel_version.of_head(header.encode())
        assert (head.kernel, head.chosen) == (kernel, f"release {release}")
        assert head.release == release
        assert head.named
    assert kernel_version.of_head(b"", release).kernel == kernel


@pytest.mark.parametrize(
    "release", ["3.10.0-1160.el7.x86_64", "2.6.32", "4.3.6", "1.0"]
)
def test_a_release_that_is_older_than_all_tables_is_refused(release):
    head = f"# ========\n# os release : {release}\n".encode()
    for given in (None, "v4.14"):
        with pytest.raises(TraceError, match=re.escape(f"Linux {release}")) as caught:
            kernel_version.of_head(head, given=given, name="a.txt")
        assert caught.value.file == "a.txt"
        assert "Linux 4.4" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "kernel"),
    [
        ("v6.1", "v6.1"),
        ("6.1", "v6.1"),
        ("6.1.0-13-amd64", "v6.1"),
        ("6.12.74+deb13+1-amd64", "v6.12"),
        ("6.6.52_1", "v6.6"),
    ],
)
def test_a_user_names_a_version_or_a_release(text, kernel):
    assert kernel_version.of_user(text) == kernel


@pytest.mark.parametrize("text", ["v3.10", "3.10", "3.10.0-1160.el7.x86_64"])
def test_a_version_older_than_all_tables_is_said_to_be(text):
    with pytest.raises(
        UnknownKernelError, match=r"Linux 3\.10 is older than"
    ) as caught:
        kernel_version.of_user(text)
    assert "name a version from v4.4 on" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "6", "v6.1x", "linux", "x6.1"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(UnknownKernelError, match=re.escape(repr(text))) as caught:
        kernel_version.of_user(text)
    assert caught.value.remedy


def test_without_a_flag_nothing_is_guessed():
    old = f"{line(BATCHED)} cold=0\n".encode()
    for head, kernel in ((b"", "v6.1"), (old, "v4.14")):
        assert kernel_version.of_head(head).kernel == kernel
    for head in (b"", b"# tracer: nop\n", b" mm_page_free: page=0 pfn=99 order=0\n"):
        found = kernel_version.of_head(head)
        assert found.chosen == kernel_version.DEFAULT
        assert "no GFP flag" in found.chosen
        assert not found.named
    assert kernel_version.of_head(masks("none")).chosen == kernel_version.GUESSED


def test_a_table_that_is_named_is_not_guessed():
    head = masks("GFP_KERNEL|__GFP_ZERO|__GFP_COMP")
    named = kernel_version.of_head(b"# GFP flags of v4.19\n" + head)
    assert (named.kernel, named.chosen) == ("v4.19", "named in the trace")
    assert kernel_version.of_head(b"# GFP flags of v2.4\n" + head).kernel == "v6.18"


def test_a_release_says_more_than_what_its_kernel_prints():
    # updates of v6.12 print in the order of the bits; they mean the same
    head = b"# os release : 6.12.117\n" + masks("GFP_KERNEL|__GFP_ZERO|__GFP_COMP")
    assert kernel_version.of_head(head).kernel == "v6.12"


def test_masks_tell_which_updates_a_4_9_has():
    head = b"# os release : 4.9.0-13-amd64\n"
    old, new = b"gfp_flags=0x24200ca\n", b"gfp_flags=0x14200ca\n"
    assert kernel_version.of_head(head + old).kernel == "v4.9"
    assert kernel_version.of_head(head + new).kernel == "v4.10"
    assert kernel_version.of_head(head).kernel == "v4.10"


def test_red_hat_takes_flags_of_later_versions_into_its_9th():
    head = b"# os release : 5.14.0-503.el9.x86_64\n"
    assert (
        kernel_version.of_head(head + masks("GFP_KERNEL|__GFP_ZERO")).kernel == "v5.14"
    )
    later = head + masks("GFP_KERNEL|__GFP_NO_OBJ_EXT")
    assert kernel_version.of_head(later).kernel == "v6.10"


@pytest.mark.parametrize(
    ("raw", "kernel"),
    [
        # GFP_HIGHUSER_MOVABLE|__GFP_ZERO of v4.18, and what else it may be taken for
        (["0x6280ca"], "v4.19"),
        (["0x14280ca"], "v4.15"),
        (["0x24280ca"], "v4.9"),
        (["0x100dca"], "v6.1"),
        (["0x2342ca", "0x6280ca"], "v4.19"),
        (["0xcc0", "0xdc0", "0x6280ca"], "v6.1"),
    ],
)
def test_masks_that_are_numbers_have_to_be_possible(raw, kernel):
    head = "".join(f"pfn=0x1 gfp_flags={mask} \n" for mask in raw).encode()
    assert kernel_version.of_head(head) == kernel_version.Head(
        kernel, kernel_version.GUESSED
    )


@pytest.mark.parametrize(
    ("head", "kernel"),
    [
        (masks("GFP_KERNEL"), "v6.1"),
        (masks("GFP_KERNEL", pfn="1234"), "v5.4"),
        (masks("GFP_KERNEL|__GFP_COLD", pfn="1234"), "v4.14"),
        (masks("GFP_KERNEL|__GFP_NOTRACK", pfn="1234"), "v4.14"),
        (masks("GFP_KERNEL|__GFP_REPEAT", pfn="1234"), "v4.9"),
        (masks("GFP_KERNEL|__GFP_NOACCOUNT", pfn="1234"), "v4.4"),
        (masks("GFP_KERNEL|__GFP_NO_OBJ_EXT"), "v6.18"),
        # a name of a vendor says nothing
        (masks("GFP_KERNEL|__GFP_COMP|__GFP_ZERO|__GFP_CMA"), "v6.1"),
        (masks("GFP_KERNEL|__GFP_ZERO|__GFP_COMP|__GFP_CMA"), "v6.18"),
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
    assert kernel_version.of_head(head) == kernel_version.Head(
        kernel, kernel_version.GUESSED
    )
    assert not kernel_version.of_head(head).named


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
    head = kernel_version.of_head((DATA / name).read_bytes())
    assert (head.format, head.release, head.cpus) == found


def test_a_head_says_which_events_were_recorded():
    text = b"# tracer: nop\n# events: kmem:mm_page_free sched:sched_switch\n"
    assert kernel_version.of_head(text).events == ("mm_page_free", "sched_switch")
    text = b"# ========\n# event : name = kmem:mm_page_alloc, , type = 2\n"
    assert kernel_version.of_head(text).events == ("mm_page_alloc",)
    assert kernel_version.of_head(b"# events:\n").events is None


def test_the_table_that_the_user_names_is_taken():
    head = kernel_version.of_head(b"# os release : 4.14.2\n", given="v6.1")
    assert (head.kernel, head.chosen) == ("v6.1", kernel_version.NAMED)
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
    bits, owner, unknown = kernel_version.lenient("GFP_KERNEL|__GFP_NO_OBJ_EXT", "v6.1")
    assert (owner, unknown) == ("v6.10", [])
    assert bits & 0xFFFFFFFF == gfp.mask("GFP_KERNEL", "v6.1")
    assert bits >> 32 == gfp.mask("__GFP_NO_OBJ_EXT", "v6.18")


def test_of_a_foreign_name_the_flags_that_are_known_stay_where_they_are():
    bits, owner, _ = kernel_version.lenient("GFP_TEMPORARY|GFP_REPEAT", "v6.1")
    assert owner == "v4.4"
    assert bits & 0xFFFFFFFF == gfp.decode("GFP_KERNEL|__GFP_RECLAIMABLE", "v6.1")
    assert bits >> 32 == gfp.mask("__GFP_REPEAT", "v4.4")


def test_a_flag_of_no_version_is_named_and_marked():
    text = "GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_CMA|__GFP_SKIP_KASAN"
    bits, owner, unknown = kernel_version.lenient(text, "v6.1")
    assert (owner, unknown) == (None, ["__GFP_CMA", "__GFP_SKIP_KASAN"])
    known = gfp.decode("GFP_HIGHUSER_MOVABLE|__GFP_ZERO", "v6.1")
    assert bits == known | kernel_version.UNKNOWN_FLAG


@pytest.mark.parametrize(
    "name",
    [
        "GFP_WHAT",
        "__GFP_ZERRO",
        "__GFP_MOVABLA",
        "__GFP_Z",
        "__GFP_MOVABL",
        "__GFP_",
        "__gfp_zero",
        "ZERO",
        "x",
        "",
    ],
)
def test_what_may_be_a_damaged_flag_is_an_error(name):
    with pytest.raises(UnknownGfpFlagError):
        kernel_version.lenient(f"GFP_KERNEL|{name}", "v6.1")


def test_a_foreign_name_behind_the_head_breaks_nothing(trace, monkeypatch):
    head = kernel_version.Head("v6.1", kernel_version.GUESSED)
    monkeypatch.setattr(kernel_version, "of_head", lambda *_, **__: head)
    event = ALLOC.replace("__GFP_ZERO", "__GFP_NO_OBJ_EXT")
    log = trace(line(FREE), line(ALLOC), line(event), line(event))
    assert log.about.kernel == "v6.1"
    warned = log.about.warnings["foreign-gfp-flags"]
    assert (warned.line, warned.count) == (3, 1)
    assert "v6.10 has" in warned.what
    user = gfp.mask("GFP_HIGHUSER_MOVABLE", "v6.1")
    assert log.events.gfp[3] & 0xFFFFFFFF == user
    assert gfp.is_user(log.events.gfp[1:], "v6.1").all()


def locked(order, refill, cpu=1):
    event = f"mm_page_alloc_zone_locked: page=1 pfn=0x1000 order={order} migratetype=1 "
    return line(f"{event}percpu_refill={refill}", cpu=cpu)


def head_of(*lines):
    return "".join(f"{text}\n" for text in lines).encode()


RUN = [locked(3, 0)] * 3


@pytest.mark.parametrize(
    ("release", "by_order"),
    [
        ("5.12.19", False),
        ("5.13.0-52-generic", False),
        ("5.14.21", True),
        ("5.15.0-119-generic", True),
        ("5.18.1", True),
        ("5.19.0", False),
        ("6.1.0-56-amd64", False),
    ],
)
def test_a_release_says_what_percpu_refill_means(release, by_order):
    assert kernel_version.of_head(b"", release).refill_by_order == by_order
    assert kernel_version.of_head(head_of(*RUN), release).refill_by_order == by_order


@pytest.mark.parametrize(
    ("lines", "by_order"),
    [
        ([], False),
        (RUN, True),
        # trace-cmd report -l
        ([text.replace("[001] ", " 1") for text in RUN], True),
        ([locked(0, 1), *RUN], True),
        # each allocated before the next one is taken: no list
        ([locked(3, 0), line(ALLOC)] * 5, False),
        ([locked(3, 0, cpu) for cpu in (0, 1, 2)], False),
        ([locked(3, 0), locked(2, 0), locked(1, 0)], False),
        ([locked(5, 0)] * 9, False),
        # the field is the kernel's own, not `order == 0`
        ([*RUN, locked(0, 0)], False),
        ([*RUN, locked(2, 1)], False),
    ],
)
def test_without_a_release_runs_of_pages_are_refills(lines, by_order):
    assert kernel_version.of_head(head_of(*lines)).refill_by_order == by_order


@pytest.mark.parametrize("text", ["[1] ", "-1 1d ", "[1] mm_page_alloc", "order=1 "])
def test_a_line_as_long_as_a_block_takes_no_time(text):
    head = text.encode() * ((1 << 20) // len(text))
    assert not kernel_version.of_head(head).refill_by_order


def test_what_was_converted_says_which_pages_are_refills():
    for given in (None, "v5.15"):
        head = kernel_version.of_head(
            b"# GFP flags of v5.15\n" + head_of(*RUN), given=given
        )
        assert not head.refill_by_order


def test_of_red_hats_9th_the_lines_say_what_percpu_refill_means():
    release = "5.14.0-70.el9.x86_64"
    assert not kernel_version.of_head(b"", release).refill_by_order
    assert kernel_version.of_head(head_of(*RUN), release).refill_by_order
