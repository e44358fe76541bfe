# SPDX-License-Identifier: GPL-2.0-only
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import NamedTuple

import numpy as np
import pytest

from xpfo_model import jit, machine, native, strategies
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
    calls = reached(jit._bind(loop, given))
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


def loops():
    """The sources of every loop of a strategy."""
    return [
        jit._sources(loop, jit._pairs(strategies.given(strategies.functions(name))))
        for loop in (run_steps, act)
        for name in strategies.REGISTRY
    ]


def test_loops_of_other_hooks_have_other_sources():
    hooks = {
        jit._pairs(strategies.given(strategies.functions(name)))
        for name in strategies.REGISTRY
    }
    assert len(set(loops())) == 2 * len(hooks) > len(strategies.REGISTRY)


def test_sources_are_the_same_in_every_process():
    code = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); "
    code += "import test_jit; print(test_jit.loops())"
    said = {run(code, PYTHONHASHSEED=seed).stdout.strip() for seed in "12"}
    assert said == {str(loops())}


SCALE = 3


class Of(NamedTuple):
    numbers: np.ndarray
    others: np.ndarray


def scaled(number):
    """A docstring."""
    return machine.USER + number * SCALE


def scaled_all(numbers):
    return Of(scaled(numbers[0]), numbers)


def again(function, old, new):
    """The function, had its file another text."""
    text = inspect.getsource(function)
    changed = text.replace(old, new)
    assert changed != text
    names = dict(function.__globals__)
    exec("\n" * 7 + changed, names)
    return FunctionType(
        names[function.__name__].__code__,
        function.__globals__,
        function.__name__,
    )


@pytest.mark.parametrize("new", ['"""Other words."""', '"""A docstring."""  # so'])
def test_words_and_lines_are_no_part_of_the_sources(new):
    changed = again(scaled, '"""A docstring."""', new)
    changed.__doc__ = changed.__code__.co_consts[0]
    assert jit._text(changed) == jit._text(scaled)


@pytest.mark.parametrize(
    ("old", "new"), [("+", "-"), ("USER", "KERNEL"), ("* SCALE", "* SCALE * 3")]
)
def test_the_text_of_a_function_is_part_of_the_sources(old, new):
    assert jit._text(again(scaled, old, new)) != jit._text(scaled)


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (sys.modules[__name__], "SCALE", 4),
        (sys.modules[__name__], "SCALE", 3.0),
        (sys.modules[__name__], "Of", Pair),
        (sys.modules[__name__], "scaled", machine.flush),
        (machine, "USER", 9),
    ],
)
def test_the_value_of_a_name_is_part_of_the_sources(place, name, value, monkeypatch):
    for function in (scaled, scaled_all):
        monkeypatch.setattr(function, "__module__", "xpfo_model.gfp")
    jit._reached.cache_clear()
    before = jit._sources(scaled_all, frozenset())
    monkeypatch.setattr(place, name, value)
    jit._reached.cache_clear()
    assert jit._sources(scaled_all, frozenset()) != before
    monkeypatch.undo()
    jit._reached.cache_clear()


def test_code_is_inlined_or_not_and_that_is_part_of_the_sources(monkeypatch):
    before = jit._text(scaled)
    monkeypatch.setattr(jit, "_NOINLINE", {scaled})
    assert jit._text(scaled) != before


def test_the_order_of_the_fields_is_part_of_a_type():
    class Other(NamedTuple):
        record: np.void
        small: np.ndarray

    Other.__qualname__ = Pair.__qualname__
    assert repr(Other) == repr(Pair)
    assert jit._fields_too(Other) != jit._fields_too(Pair)


def test_few_loops_are_kept_and_those_that_were_used_last(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jit, "_KEPT_LOOPS", 3)
    jit._cache_directory.cache_clear()
    directory = jit._cache_directory()
    code = native.Code("name", [], "q", False, b"data")
    for number in range(5):
        code.save(directory / f"{number}.o")
        os.utime(directory / f"{number}.o", (number, number))
    assert native.saved(directory / "0.o") == code
    jit._cache_directory.cache_clear()
    jit._cache_directory()
    assert {path.name for path in directory.iterdir()} == {"0.o", "3.o", "4.o"}
    jit._cache_directory.cache_clear()


def run(code, cwd=None, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


FLUSH = """
from xpfo_model import jit, machine

jit.tell(lambda said: print("compiling"))
m = machine.boot(1, cpus=1)
jit.compiled(machine.flush)(m, 0)
print(m.counts.flushes_by_cause[0])
"""


def test_code_runs_where_nothing_can_be_kept(tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    done = run(FLUSH, XDG_CACHE_HOME=str(blocked))
    assert done.stdout.split() == ["compiling", "1"], done.stderr


def test_code_is_compiled_again_where_its_source_changed_and_only_there(tmp_path):
    shutil.copytree(jit.PACKAGE, tmp_path / "xpfo_model")
    environment = {
        "PYTHONPATH": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    source = tmp_path / "xpfo_model" / "machine.py"
    text = source.read_text()
    for old, new, said in (
        ("", "", ["compiling", "1"]),
        ("def flush(", "# a comment\n\n\ndef flush(", ["1"]),
        ("by_cause[cause] += 1", "by_cause[cause] += 2", ["compiling", "2"]),
    ):
        changed = text.replace(old, new)
        assert old == new or changed != text
        source.write_text(changed)
        assert run(FLUSH, tmp_path, **environment).stdout.split() == said
