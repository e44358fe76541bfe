# SPDX-License-Identifier: GPL-2.0-only
import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

from xpfo_model import jit, strategies
from xpfo_model.checker.transition import act
from xpfo_model.errors import UnboundHookError
from xpfo_model.replay.run import run_steps
from xpfo_model.strategies import hooks, none


def test_a_loop_bound_to_other_hooks_is_another_loop():
    given = strategies.given(strategies.functions("v6"))
    one = jit.compiled(run_steps, given)
    two = jit.compiled(run_steps, given | {hooks.alloc: none.alloc})
    assert one is not two
    assert jit.compiled(run_steps, dict(given)) is one


@pytest.mark.parametrize("hook", strategies.HOOKS)
@pytest.mark.parametrize("loop", [run_steps, act])
@pytest.mark.parametrize("bind", [jit.compiled, jit.bound])
def test_a_loop_without_one_of_its_hooks_is_an_error_that_names_it(bind, loop, hook):
    given = strategies.given(strategies.functions("v6"))
    del given[getattr(hooks, hook)]
    with pytest.raises(UnboundHookError, match=f"the hook {hook} is not bound"):
        bind(loop, given)


@pytest.mark.parametrize("hook", strategies.HOOKS)
def test_a_placeholder_that_is_called_is_an_error_that_names_it(hook):
    function = getattr(hooks, hook)
    with pytest.raises(UnboundHookError, match=f"the hook {hook} is not bound"):
        function(None, 0)


def reached(function):
    """All functions that a bound function can call, by their names."""
    found, waiting = {}, [function]
    while waiting:
        for name, value in jit._named(waiting.pop()).items():
            if name not in found:
                found[name] = value
                waiting.append(value)
    return found


@pytest.mark.parametrize("name", strategies.REGISTRY)
@pytest.mark.parametrize("loop", [run_steps, act])
def test_each_hook_is_the_strategys_own_wherever_it_is_called(name, loop):
    functions = strategies.functions(name)
    given = jit._pairs(strategies.given(functions))
    calls = reached(jit._bind(loop, given, jit._as_python))
    for hook in strategies.HOOKS:
        assert calls[hook].__code__ is functions[hook].__code__
    if "use" in functions and loop is run_steps:
        assert calls["use"].__code__ is functions["use"].__code__


class Pair(NamedTuple):
    small: np.ndarray
    record: np.void


def test_python_reads_integers_that_no_array_makes_narrow():
    rows = np.zeros(2, np.dtype([("one", np.int64)]))
    pair = Pair(np.full(2, 200, np.uint8), rows)
    read = jit._readable((pair, np.uint16(3), True, None))
    assert read[0].small[0] << 8 == 200 << 8
    read[0].small[1] = 7
    read[0].record[1].one = 9
    assert [pair.small[1], rows["one"][1]] == [7, 9]
    assert read[1:] == (3, True, None)
    assert type(read[1]) is int


def test_the_digest_is_of_the_sources():
    assert len(jit.digest()) == 64
    int(jit.digest(), 16)


def run(code, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_engine_works_where_nothing_can_be_cached(tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    code = (
        "from xpfo_model import replay, workloads\n"
        "print(replay.replay(workloads.seed_sequence(), ['v6'])"
        ".strategies['v6'].flushes)"
    )
    done = run(code, XDG_CACHE_HOME=str(blocked))
    assert done.stdout == "1\n", done.stderr


def test_a_changed_source_is_another_cache(tmp_path):
    """Only the callee's file changes."""
    import shutil

    shutil.copytree(jit.PACKAGE, tmp_path / "xpfo_model")
    code = (
        "from xpfo_model import replay, workloads\n"
        "log = workloads.seed_sequence()\n"
        "print(replay.replay(log, ['pcp_batch']).strategies['pcp_batch'].flushes)"
    )
    environment = {
        "PYTHONPATH": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert run(code, tmp_path, **environment).stdout == "1\n"
    machine = tmp_path / "xpfo_model" / "machine.py"
    text = machine.read_text()
    changed = text.replace("by_cause[cause] += 1", "by_cause[cause] += 2")
    assert changed != text
    machine.write_text(changed)
    assert run(code, tmp_path, **environment).stdout == "2\n"
