# SPDX-License-Identifier: GPL-2.0-only
"""Tables of a recording, from a recording that is written here."""

import csv
import gzip
import io
import subprocess
import sys
from pathlib import Path

import pytest

TALLY = Path(__file__).parents[1] / "docs" / "kernel" / "tally.py"

TOML = """\
cpus = 2
workload = "workloads/callers.sh"
[kernel_run]
strategy = "pcp_batch_local"
start = "mapped"
kmap = "default"
workload_seconds = 12.5
"""
EVENTS = [
    "xpfo_kmap: pfn=1 way=local caller=copy_strings",
    "tracing_mark_write: xpfo-workload-start",
    "tracing_mark_write: xpfo-case ptrace",
    "xpfo_kmap: pfn=2 way=direct caller=__access_remote_vm",
    "xpfo_kunmap: pfn=2 way=direct caller=__access_remote_vm",
    "xpfo_kmap: pfn=3 way=direct caller=__access_remote_vm",
    "tracing_mark_write: xpfo-case dm-crypt",
    "xpfo_fault: pfn=4 owner=user caller=xts_xor_tweak.constprop.0",
    "tracing_mark_write: xpfo-case end",
    "xpfo_kmap: pfn=5 way=local caller=do_fault.isra.0",
    "tracing_mark_write: xpfo-workload-end",
    "xpfo_kmap: pfn=6 way=local caller=wp_page_copy",
]
CAUSES = ("alloc", "refill", "block", "kunmap", "migrate")


def counters(flush):
    lines = [f"flush_{cause} {flush + i}" for i, cause in enumerate(CAUSES)]
    lines += [f"flush_unsafe_{cause} 1000" for cause in CAUSES]
    lines += ["strategy pcp_batch_local", f"local_invlpg {2 * flush}"]
    return "\n".join([*lines, f"alloc_user {3 * flush}"]) + "\n"


def interrupts(calls):
    return (
        "            CPU0       CPU1\n"
        "  4:        100          0   IO-APIC   4-edge      ttyS0\n"
        f"CAL: {calls:10} {calls + 1:10}   Function call interrupts\n"
        "TLB:          3          4   TLB shootdowns\n"
        "ERR:          0\n"
    )


@pytest.fixture
def recording(tmp_path):
    def write(suffix, text):
        (tmp_path / f"callers-1.{suffix}").write_text(text)

    write("toml", TOML)
    write("counters.start", counters(10))
    write("counters", counters(110))
    write("interrupts.start", interrupts(20))
    write("interrupts.end", interrupts(220))
    write("log", "hello\ncase=pipe pfn=7 owner=user read=fault value=0x0 leaked=0\n")
    lines = [f"  a-1  [000] ..... {i}: {text}\n" for i, text in enumerate(EVENTS)]
    with gzip.open(tmp_path / "callers-1.trace.gz", "wt") as file:
        file.writelines(lines)
    return tmp_path / "callers-1"


def tally(table, *names):
    command = [sys.executable, TALLY, table, *names]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rows(table, *names):
    done = tally(table, *names)
    assert not done.returncode, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_each_touch_is_counted_under_its_case_and_caller(recording):
    columns = ("case", "caller", "how", "detail", "count")
    assert {tuple(row[c] for c in columns) for row in rows("touches", recording)} == {
        ("boot", "copy_strings", "kmap", "local", "1"),
        ("ptrace", "__access_remote_vm", "kmap", "direct", "2"),
        ("dm-crypt", "xts_xor_tweak", "fault", "user", "1"),
        ("between", "do_fault", "kmap", "local", "1"),
        ("end", "wp_page_copy", "kmap", "local", "1"),
    }


def test_flushes_and_interrupts_are_those_of_the_workload(recording):
    (row,) = rows("ipis", f"{recording}.toml")
    assert [row[f"flush_{cause}"] for cause in CAUSES] == ["100"] * 5
    assert row["flushes"] == "500"
    assert (row["cal"], row["tlb"]) == ("400", "0")
    assert (row["local_invlpg"], row["user_allocations"]) == ("200", "300")
    assert (row["strategy"], row["cpus"]) == ("pcp_batch_local", "2")
    assert row["seconds"] == "12.5"


def test_a_page_is_a_row_of_what_was_tried(recording):
    (row,) = rows("ret2dir", recording)
    assert (row["case"], row["read"], row["leaked"]) == ("pipe", "fault", "0")
    assert "value" not in row


def test_a_missing_file_is_named(recording):
    Path(f"{recording}.interrupts.end").unlink()
    done = tally("ipis", recording)
    assert done.returncode == 1
    assert "callers-1.interrupts.end" in done.stderr


def test_a_recording_without_such_rows_is_refused(recording):
    Path(f"{recording}.log").write_text("nothing\n")
    done = tally("ret2dir", recording)
    assert done.returncode == 1
    assert "nothing for a table of ret2dir" in done.stderr
