# SPDX-License-Identifier: GPL-2.0-only
import os
import subprocess
import sys
import time

import pytest

from xpfo_model import jit, replay
from xpfo_model.replay import helper

CACHES = (jit._compiled, jit._cache_directory)


@pytest.fixture(autouse=True)
def cold(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for cache in CACHES:
        cache.cache_clear()
    yield
    for cache in CACHES:
        cache.cache_clear()


def runs(*names):
    return [replay.Run(name, cpus=1) for name in names]


def test_a_loop_is_cold_until_it_is_compiled():
    none, v6 = runs("none", "v6")
    assert none.is_cold
    helper.prepare(["none"])
    assert not none.is_cold
    assert v6.is_cold


def test_a_loop_that_cannot_be_kept_is_not_cold(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert not runs("none")[0].is_cold


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="there is one CPU")
def test_the_helper_leaves_its_code_to_the_other_process():
    some = runs("none", "v6")
    with helper.helped(some):
        while any(run.is_cold for run in some):
            time.sleep(0.05)
    for run in some:
        run.prepare()


def test_no_helper_is_started_for_what_is_there(monkeypatch):
    helper.prepare(["none", "v6"])
    monkeypatch.setattr(subprocess, "Popen", None)
    with helper.helped(runs("none", "v6")):
        pass


def test_compiling_is_said_once_and_only_where_nothing_is_kept():
    code = (
        "from xpfo_model import jit, replay, workloads\n"
        "jit.tell(print)\n"
        "replay.replay(workloads.seed_sequence(), ['none', 'v6'])"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert said == ["compiling what runs for the first time: some seconds\n", ""]
