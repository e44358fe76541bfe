# SPDX-License-Identifier: GPL-2.0-only
"""The command: its exit status, its JSON and its text."""

import json
import re

import pytest
from runs import again, run

from xpfo_model.cli import main

ACTS = [
    *((cpu, what, 8 * cpu) for cpu in range(3) for what in ("user", "access")),
    (0, "kernel", 1),
    (1, "free", 3),
    (0, "user", 3),
    (2, "access", 1),
]
SIDES = {"kernel", "model"}


@pytest.fixture
def kernel():
    return run("per_frame", "mapped", ACTS)


@pytest.fixture
def path(kernel, tmp_path):
    (tmp_path / "run.counters").write_text(kernel.counters())
    (tmp_path / "run.trace").write_text(kernel.text())
    return tmp_path / "run.trace"


def without_a_flush(kernel, path):
    row = next(i for i, line in enumerate(kernel.lines) if "cause=kunmap pfn" in line)
    path.write_text(again(kernel, kernel.lines[:row] + kernel.lines[row + 1 :]))
    return row


def confront(capsys, *arguments):
    status = main(["confront", *map(str, arguments)])
    return status, capsys.readouterr()


def test_equal_is_0(path, capsys):
    status, output = confront(capsys, path)
    assert status == 0
    assert "EQUAL: kernel and model agree in all" in output.out
    assert "the counters of run.counters confirm the events" in output.out
    assert max(map(len, output.out.splitlines())) <= 72


def test_different_is_1_and_says_where(kernel, path, capsys):
    row = without_a_flush(kernel, path)
    status, output = confront(capsys, path)
    assert status == 1
    assert "DIFFERENT, first at event" in output.out
    assert re.search(r"kernel: +nothing\n +model: +what=flush cause=kunmap", output.out)
    assert "run.counters contradict the events" in output.out
    event = int(re.search(r"CPU 0, event (\d+)", output.out)[1])
    assert event - 1 == row - 2  # its kunmap
    assert "xpfo_kunmap: pfn=" in output.out


@pytest.mark.parametrize("text", ["", "no trace at all\n"])
def test_no_trace_is_2(tmp_path, capsys, text):
    (tmp_path / "bad.txt").write_text(text)
    status, output = confront(capsys, tmp_path / "bad.txt")
    assert status == 2
    assert output.err.count("\n") == 2


def test_a_stock_trace_is_2(kernel, path, capsys):
    stock = [line for line in kernel.lines if "xpfo_" not in line]
    path.write_text(again(kernel, stock))
    status, output = confront(capsys, path)
    assert status == 2
    assert "no xpfo_start" in output.err
    assert "make kernel" in output.err


def test_json_has_both_sides(path, capsys):
    status, output = confront(capsys, "--json", path)
    told = json.loads(output.out)
    assert status == 0
    assert told["trace"] == "run.trace"
    assert len(told["sha256"]) == 64
    assert (told["strategy"], told["start"], told["kmap"]) == (
        "per_frame",
        "mapped",
        "direct",
    )
    assert told["cpus"] == 3
    for key in ("flushes", "frames_unmapped", "frames_mapped", "splits", "unsafe"):
        assert set(told[key]) == SIDES
    assert (
        sum(both["kernel"] for both in told["by_cause"].values())
        == (told["flushes"]["kernel"])
    )
    assert (
        sum(both["model"] for both in told["mapped_by_cause"].values())
        == (told["frames_mapped"]["model"])
    )
    assert set(told["by_cause"]) == {"alloc", "kunmap"}
    assert told["kmaps"] == {"copy_page_to_iter": 4}
    assert told["first_difference"] is None
    assert told["equal"] is True


def test_json_tells_the_first_difference(kernel, path, capsys):
    row = without_a_flush(kernel, path)
    status, output = confront(capsys, "--json", path)
    told = json.loads(output.out)
    first = told["first_difference"]
    assert status == 1
    assert told["equal"] is False
    assert first["what"] == "flush"
    assert first["kernel"] is None
    assert first["model"]["cause"] == "kunmap"
    assert first["event"] - 1 == row - 2
    assert any("xpfo_kunmap" in line for line in first["neighbours"])
    assert any(f"pfn={first['model']['pfn']} " in line for line in first["history"])
    assert told["unmatched"]["flush"] == {"kernel": 0, "model": 1}
    assert {one["name"] for one in told["counters"]} == {"flush_kunmap"}


def test_other_counters_can_be_named(kernel, path, tmp_path, capsys):
    (tmp_path / "other").write_text(kernel.counters().replace("splits 1", "splits 2"))
    status, output = confront(capsys, path, "--counters", tmp_path / "other")
    assert status == 1
    assert "the kernel contradicts itself" in output.out
    assert re.search(r"splits +2 +1\n", output.out)


def test_a_flush_that_contradicts_itself_is_told(kernel, path, capsys):
    path.write_text(kernel.text().replace("full=0", "full=1", 1))
    (path.parent / "run.counters").unlink()
    status, output = confront(capsys, path)
    assert status == 1
    assert "1 flushes are full and of few frames, or the reverse" in output.out
    path.write_text(kernel.text().replace("waits=1", "waits=0", 1))
    status, output = confront(capsys, path)
    assert status == 1
    assert "1 flushes are said to wait where nobody can" in output.out


def test_kmaps_are_a_table(path, capsys):
    status, output = confront(capsys, "--kmaps", path)
    assert status == 0
    assert re.search(r"copy_page_to_iter +4 +4 +1\.000\n", output.out)


def test_a_stored_trace_gives_the_same(path, capsys, tmp_path):
    _, text = confront(capsys, "--json", path)
    assert main(["convert", str(path), str(tmp_path / "run.npz")]) == 0
    capsys.readouterr()
    _, stored = confront(capsys, "--json", tmp_path / "run.npz")
    assert json.loads(stored.out) == json.loads(text.out)


def test_compare_says_what_the_kernel_ran(path, capsys):
    assert main(["compare", str(path)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "ran XPFO: strategy per_frame, memory starts mapped, kmap direct" in text
    assert main(["compare", "--json", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["xpfo"] == "per_frame"
