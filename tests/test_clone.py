# SPDX-License-Identifier: GPL-2.0-only
import subprocess
from pathlib import Path

import pytest

from xpfo_model import __version__, clone

ROOT = Path(__file__).parents[1]


def git(folder, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_the_commit_is_the_one_that_is_checked_out(repository):
    head = git(repository, "rev-parse", "HEAD").strip()
    assert clone.commit(repository) == head
    (repository / "file").write_text("two")
    assert clone.commit(repository) == f"{head}-dirty"


def test_a_package_within_another_repository_has_no_commit(repository):
    (repository / "inner").mkdir()
    assert clone.commit(repository / "inner") == ""


def test_a_folder_without_git_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert clone.commit(tmp_path) == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert clone.commit(tmp_path) == ""


def test_a_version_names_its_commit_as_the_kernel_does():
    assert clone.version("cf610e2f31896f28") == f"{__version__}-gcf610e2f3189"
    assert (
        clone.version("cf610e2f31896f28-dirty") == f"{__version__}-gcf610e2f3189-dirty"
    )
    assert clone.version("") == __version__


def test_the_traces_are_those_beside_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Path(clone.__file__).parents[1] == clone.ROOT
    assert clone.traces(ROOT) == ROOT / "docs" / "traces"
    assert clone.traces(tmp_path) == Path("docs", "traces")


def test_studies_are_those_beside_the_traces_or_else_the_clones(tmp_path):
    assert clone.docs(tmp_path / "traces", ROOT) == ROOT / "docs"
    (tmp_path / "data").mkdir()
    assert clone.docs(tmp_path / "traces") == tmp_path
