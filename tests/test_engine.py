# SPDX-License-Identifier: GPL-2.0-only
import os
import subprocess
import sys

import numpy as np
import pytest

from xpfo_model import engine, replay, strategies
from xpfo_model.strategies import none, v6


def test_a_view_shares_the_memory_of_its_array():
    array = np.zeros(4, np.int64)
    engine.view(array)[2] = 7
    assert array[2] == 7


def test_a_loop_bound_to_other_hooks_is_another_loop():
    hooks = {name: getattr(v6, name) for name in strategies.HOOKS}
    one = engine.compiled(replay.run_steps, **hooks)
    two = engine.compiled(replay.run_steps, **(hooks | {"alloc": none.alloc}))
    assert one is not two
    assert engine.compiled(replay.run_steps, **hooks) is one


def test_the_digest_is_of_the_sources():
    assert len(engine.digest()) == 64
    int(engine.digest(), 16)


def run(code, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_engine_that_does_not_exist_is_an_error():
    done = run("import xpfo_model.engine", XPFO_MODEL_ENGINE="fortran")
    assert done.returncode != 0
    assert "it is numba or python" in done.stderr


def test_the_engine_works_where_nothing_can_be_cached(tmp_path):
    pytest.importorskip("numba")
    blocked = tmp_path / "file"
    blocked.touch()
    code = (
        "from xpfo_model import replay, workloads\n"
        "print(replay.replay(workloads.seed_sequence(), ['v6'])"
        ".strategies['v6'].flushes)"
    )
    done = run(code, XDG_CACHE_HOME=str(blocked), XPFO_MODEL_ENGINE="numba")
    assert done.stdout == "1\n", done.stderr


def test_a_changed_source_is_another_cache(tmp_path):
    """numba alone would serve the old code: only the callee's file changes."""
    pytest.importorskip("numba")
    import shutil

    shutil.copytree(engine.PACKAGE, tmp_path / "xpfo_model")
    code = (
        "from xpfo_model import replay, workloads\n"
        "log = workloads.seed_sequence()\n"
        "print(replay.replay(log, ['pcp_batch']).strategies['pcp_batch'].flushes)"
    )
    environment = {
        "PYTHONPATH": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XPFO_MODEL_ENGINE": "numba",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert run(code, tmp_path, **environment).stdout == "1\n"
    machine = tmp_path / "xpfo_model" / "machine.py"
    text = machine.read_text()
    changed = text.replace("m.counts[cause] += 1", "m.counts[cause] += 2")
    assert changed != text
    machine.write_text(changed)
    assert run(code, tmp_path, **environment).stdout == "2\n"
