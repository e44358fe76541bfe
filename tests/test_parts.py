# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest

from xpfo_model import jit


def part(numbers, at):
    return numbers[at] + 1


@jit.noinline
def rare(numbers, at):
    return part(numbers, at) * 10


def entry(numbers):
    total = 0
    for at in range(len(numbers)):
        total += part(numbers, at) + rare(numbers, at)
    return total


@pytest.fixture
def loop(monkeypatch, tmp_path):
    monkeypatch.setattr(jit, "_cache_directory", lambda: tmp_path)
    for function in (part, rare, entry):
        monkeypatch.setattr(function, "__module__", "xpfo_model.gfp")
    caches = (jit._bind, jit._reached, jit._compiled)
    for cache in caches:
        cache.cache_clear()
    yield jit.compiled(entry)
    for cache in caches:
        cache.cache_clear()


def inner(name):
    whole = jit._bind(entry, frozenset(), jit._as_part, entry=True)
    return whole.__globals__[name]


def test_a_loop_of_parts_gives_what_python_gives(loop):
    numbers = np.arange(5)
    assert loop(numbers) == entry(numbers) == 165


def test_parts_are_linked_and_not_emitted(loop):
    from xpfo_model.parts import Part

    loop(np.arange(5))
    (compiled,) = inner("part").overloads.values()
    assert isinstance(compiled.library, Part)


def test_what_is_noinline_is_not_copied_into_its_callers(loop):
    assert inner("part").targetoptions["forceinline"]
    assert not inner("rare").targetoptions["forceinline"]
