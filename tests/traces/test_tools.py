# SPDX-License-Identifier: GPL-2.0-only
"""trace.dat and perf.data, with stand-ins for the programs that print them."""

import gzip
import io
import os
import shlex
import sys

import pytest
from texts import DATA, FREE, differing, line

from xpfo_model import traces
from xpfo_model.errors import MissingToolError, TraceError

TRACE_DAT = b"\x17\x08\x44tracing6\0" + bytes(100)
PERF_DATA = b"PERFILE2" + bytes(100)


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Put a program on the path; it notes its arguments."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}/usr/bin:/bin")

    def make(name, script):
        path = bin_ / name
        path.write_text(f'#!/bin/sh\necho "$@" >>{bin_}/{name}.said\n{script}\n')
        path.chmod(0o755)
        return bin_ / f"{name}.said"

    return make


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))


def test_trace_dat_is_read_through_trace_cmd(tool, tmp_path):
    said = tool(
        "trace-cmd",
        'case "$*" in *--uname*) echo cpus=2; echo "Linux host 6.18.44 x86_64";; '
        f"*) cat {DATA}/trace-cmd-latency.txt;; esac",
    )
    path = tmp_path / "any.name"
    path.write_bytes(TRACE_DAT)
    log = traces.read(path)
    assert differing(log, traces.read(DATA / "trace-cmd-latency.txt")) == []
    assert log.about.name == "any.name"
    assert log.about.kernel == "v6.18"
    assert f"report -t -l -i {path}" in said.read_text().splitlines()


def test_perf_data_is_read_through_perf_script(tool, tmp_path):
    said = tool("perf", f"cat {DATA}/perf.txt")
    path = tmp_path / "perf.data"
    path.write_bytes(PERF_DATA)
    log = traces.read(path)
    assert differing(log, traces.read(DATA / "perf.txt")) == []
    assert f"-i {path}" in said.read_text()
    assert "--show-lost-events" in said.read_text()


def test_the_release_is_only_a_guess_if_trace_cmd_does_not_know_it(tool, tmp_path):
    tool(
        "trace-cmd",
        f'case "$*" in *--uname*) ;; *) cat {DATA}/trace-cmd-raw.txt;; esac',
    )
    (tmp_path / "trace.dat").write_bytes(TRACE_DAT)
    assert "raw-gfp-masks" in traces.read(tmp_path / "trace.dat").about.warnings


@pytest.mark.parametrize("packed", [gzip.compress, bytes])
def test_from_standard_input_it_is_copied_first(packed, tool, tmp_path, monkeypatch):
    tool("perf", f"for f; do :; done; cmp $f {tmp_path}/x && cat {DATA}/perf.txt")
    (tmp_path / "x").write_bytes(PERF_DATA)
    stream = io.TextIOWrapper(io.BytesIO(packed(PERF_DATA)))
    monkeypatch.setattr(sys, "stdin", stream)
    log = traces.read("-")
    assert log.about.name == "<stdin>"
    assert len(log) == 20


@pytest.mark.parametrize(
    ("content", "package", "command"),
    [
        (TRACE_DAT, "trace-cmd", "trace-cmd report -t -l -i {} | xpfo-model"),
        (PERF_DATA, "linux-perf", "perf script"),
    ],
)
def test_a_missing_program_is_named(
    content, package, command, nothing_installed, tmp_path
):
    path = tmp_path / "x.dat"
    path.write_bytes(content)
    with pytest.raises(MissingToolError) as caught:
        traces.read(path)
    assert package in caught.value.remedy
    assert command.format(shlex.quote(str(path))) in caught.value.remedy


def test_a_failing_program_is_quoted(tool, tmp_path):
    tool("perf", f"cat {DATA}/perf.txt; echo 'bad magic' >&2; exit 3")
    (tmp_path / "perf.data").write_bytes(PERF_DATA)
    with pytest.raises(TraceError, match="status 3: bad magic"):
        traces.read(tmp_path / "perf.data")


def test_a_program_that_prints_nothing_has_failed(tool, tmp_path):
    # trace-cmd does that with a cut file, and returns 0
    tool("trace-cmd", "exit 0")
    (tmp_path / "trace.dat").write_bytes(TRACE_DAT)
    with pytest.raises(TraceError, match="printed nothing"):
        traces.read(tmp_path / "trace.dat")


def test_a_reader_that_stops_early_ends_the_program(tool, tmp_path):
    text = f"{line(FREE)}\n" * 10_000
    (tmp_path / "text").write_text(text)
    tool("perf", f"while cat {tmp_path}/text; do :; done")
    (tmp_path / "perf.data").write_bytes(PERF_DATA)

    def stop(events):
        assert len(events.kind) > 0
        raise KeyboardInterrupt

    with (
        traces.open_trace(tmp_path / "perf.data") as trace,
        pytest.raises(KeyboardInterrupt),
    ):
        trace.stream(stop)
