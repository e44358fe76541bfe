# SPDX-License-Identifier: GPL-2.0-only
"""The scripts that build and record a kernel, as far as they go without one."""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

KERNEL = Path(__file__).parents[1] / "docs" / "kernel"
WORKLOADS = sorted((KERNEL / "workloads").glob("*.sh"))

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("bash", "patch", "xz", "tar")),
    reason="needs bash, patch, xz and tar",
)

PATCH = """\
--- a/mm/file.c
+++ b/mm/file.c
@@ -1,3 +1,3 @@
 one
-two
+{}
 three
--- /dev/null
+++ b/mm/{}.c
@@ -0,0 +1 @@
+new
"""


def run(*command):
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def source(tmp_path):
    tree = tmp_path / "linux-9.9"
    (tree / "mm").mkdir(parents=True)
    (tree / "Makefile").write_text("VERSION = 9\nPATCHLEVEL = 9\nSUBLEVEL = 1\n")
    (tree / "mm" / "file.c").write_text("one\ntwo\nthree\n")
    with tarfile.open(tmp_path / "linux.tar.xz", "w:xz") as tar:
        tar.add(tree, tree.name)
    return tmp_path / "linux.tar.xz"


@pytest.fixture
def build(tmp_path, source):
    def build(series):
        folder = tmp_path / "series"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in series.items():
            (folder / name).write_text(text)
        command = [KERNEL / "build.sh", "--out", tmp_path / "out", "--source", source]
        return run(*command, "--series", folder, "--until", "patch")

    build.tree = tmp_path / "out" / "linux" / "mm"
    return build


def test_a_series_is_applied_once(build):
    first = build({"1.patch": PATCH.format("2", "added")})
    assert first.returncode == 0, first.stderr
    assert (build.tree / "file.c").read_text() == "one\n2\nthree\n"
    assert (build.tree / "added.c").read_text() == "new\n"
    again = build({"1.patch": PATCH.format("2", "added")})
    assert (again.returncode, again.stdout) == (0, "")


def test_another_series_leaves_nothing_of_the_first(build):
    build({"1.patch": PATCH.format("2", "added")})
    done = build({"1.patch": PATCH.format("zwei", "other")})
    assert done.returncode == 0, done.stderr
    assert (build.tree / "file.c").read_text() == "one\nzwei\nthree\n"
    assert {path.name for path in build.tree.iterdir()} == {"file.c", "other.c"}


def test_a_file_that_only_the_first_series_touched_is_as_it_came(build):
    build({"1.patch": PATCH.format("2", "added")})
    build({"1.patch": PATCH[PATCH.index("--- /dev") :].format("other")})
    assert (build.tree / "file.c").read_text() == "one\ntwo\nthree\n"


def test_a_series_that_does_not_apply_changes_nothing(build):
    build({"1.patch": PATCH.format("2", "added")})
    wrong = PATCH.format("2", "more").replace(" three", " four")
    done = build({"1.patch": PATCH.format("zwei", "other"), "2.patch": wrong})
    assert done.returncode == 1
    assert "2.patch does not apply to 9.9.1" in done.stderr
    assert "--source" in done.stderr
    assert (build.tree / "file.c").read_text() == "one\n2\nthree\n"


def test_a_missing_source_names_its_package(tmp_path):
    source = tmp_path / "linux-source-9.9.tar.xz"
    done = run(KERNEL / "build.sh", "--out", tmp_path / "out", "--source", source)
    assert done.returncode == 1
    assert "apt-get install" in done.stderr
    assert "linux-source-9.9" in done.stderr


def sweep(tmp_path, *words):
    kernel = tmp_path / "bzImage"
    if not kernel.exists():
        kernel.write_text("a kernel")
    out = tmp_path / "recordings"
    command = [sys.executable, KERNEL / "sweep.py", "--kernel", kernel, "--out", out]
    return run(*command, *words, "--list")


def test_the_sweep_is_the_whole_matrix(tmp_path):
    words = ["--strategies", "none", "v6", "--cpus", "1", "4", "--workloads", "mix"]
    done = sweep(tmp_path, *words, "--runs", "2", "--repeat", "none=3")
    names = done.stdout.splitlines()[1:]
    assert len(names) == len(set(names)) == 2 * (2 + 3)
    assert names[0] == "mix-1cpu-none-1"
    assert names[-1] == "mix-4cpu-none-3"


def test_the_sweep_leaves_out_only_what_is_of_this_kernel_and_workload(tmp_path):
    words = ["--strategies", "none", "v6", "--cpus", "1", "--workloads", "mix"]
    out = tmp_path / "recordings"
    out.mkdir()
    (tmp_path / "bzImage").write_text("a kernel")
    image, script = sha256(tmp_path / "bzImage"), sha256(KERNEL / "workloads/mix.sh")
    text = f'[kernel_run]\nimage_sha256 = "{image}"\nworkload_sha256 = "{script}"\n'
    (out / "mix-1cpu-none-1.toml").write_text(text)
    assert sweep(tmp_path, *words).stdout.splitlines()[1:] == ["mix-1cpu-v6-1"]
    (tmp_path / "bzImage").write_text("another")
    assert len(sweep(tmp_path, *words).stdout.splitlines()[1:]) == 2


def test_the_sweep_refuses_an_unknown_workload(tmp_path):
    done = sweep(tmp_path, "--workloads", "nonsense")
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert "'mix'" in done.stderr


@pytest.mark.parametrize("path", WORKLOADS, ids=lambda path: path.stem)
def test_a_workload_asks_for_what_record_sh_has(path):
    options = re.findall(r"^# record.sh: (.*)$", path.read_text(), re.MULTILINE)
    assert options
    words = " ".join(options).split()
    known = (KERNEL / "record.sh").read_text()
    for word in words:
        if word.startswith("--"):
            assert f"\n\t\t{word})" in known, word
    for program in re.findall(r"--guest (\S+)", " ".join(options)):
        assert (KERNEL / "guest" / f"{program}.c").exists()


def test_a_recording_needs_a_kernel(tmp_path):
    words = ["--strategy", "none", "--cpus", "1", "--workload", WORKLOADS[0]]
    done = run(
        KERNEL / "record.sh",
        "--kernel",
        tmp_path / "no",
        *words,
        "--out",
        tmp_path / "x",
    )
    assert done.returncode == 1
    assert "build.sh makes it" in done.stderr
    assert not list(tmp_path.iterdir())
