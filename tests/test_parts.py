# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest

from xpfo_model import jit


def part(numbers, at):
    return numbers[at] + 1


@jit.noinline
def rare(numbers, at):
    return part(numbers, at) * 10


def scaled(number, factor):
    return number * factor


def entry(numbers):
    total = scaled(1, 2) - scaled(2, 1)
    for at in range(len(numbers)):
        total += part(numbers, at) + rare(numbers, at)
    return total


@pytest.fixture
def loop(monkeypatch, tmp_path):
    monkeypatch.setattr(jit, "_cache_directory", lambda: tmp_path)
    for function in (part, rare, scaled, entry):
        monkeypatch.setattr(function, "__module__", "xpfo_model.gfp")
    caches = (jit._bind, jit._part, jit._reached, jit._compiled)
    for cache in caches:
        cache.cache_clear()
    yield jit.compiled(entry)
    for cache in caches:
        cache.cache_clear()


def part_as_noted(numbers, at):
    return numbers[at] + 100


def inner(name):
    return jit._part(entry, frozenset(), frozenset()).py_func.__globals__[name]


def test_a_loop_of_parts_gives_what_python_gives(loop):
    numbers = np.arange(5)
    assert loop(numbers) == entry(numbers) == 165


def test_a_function_that_is_no_placeholder_may_give_a_value_in_its_place(
    loop, monkeypatch
):
    monkeypatch.setattr(part_as_noted, "__module__", "xpfo_model.gfp")
    given = {part: part_as_noted}
    numbers = np.arange(5)
    noted = jit.compiled(entry, given)(numbers)
    assert noted == jit.bound(entry, given)(numbers) == 165 + 5 * 99 * 11
    assert loop(numbers) == 165


def test_parts_are_linked_and_not_emitted(loop):
    from xpfo_model.parts import Part

    loop(np.arange(5))
    (compiled,) = inner("part").overloads.values()
    assert isinstance(compiled.library, Part)


def test_a_part_is_compiled_once_whatever_constants_it_is_called_with(loop):
    loop(np.arange(5))
    assert len(inner("scaled").overloads) == 1


def test_code_keeps_nothing_of_numba_and_names_of_some_letters(loop):
    code = jit.Loop(entry, frozenset()).compile((np.arange(5),))
    assert code.name == "entry"
    assert b"NumbaEnv" not in code.data


def test_what_is_noinline_is_not_copied_into_its_callers(loop):
    assert inner("part").targetoptions["forceinline"]
    assert not inner("rare").targetoptions["forceinline"]


@jit.placeholder
def hook(numbers, at):
    """Stand for those below."""


def double(numbers, at):
    numbers[at] *= 2


def clear(numbers, at):
    numbers[at] = 0
    double(numbers, at)


def value(numbers, at):
    return numbers[at]


def refused(numbers, at):
    raise ValueError("refused")


def each(numbers):
    for at in range(len(numbers)):
        hook(numbers, at)


@pytest.fixture
def bound_to(monkeypatch, loop):
    takers = (hook, double, clear, value, refused, each)
    for function in takers:
        monkeypatch.setattr(function, "__module__", "xpfo_model.gfp")
    return lambda taker: jit.compiled(each, {hook: taker})


def test_a_loop_is_compiled_once_for_all_that_take_a_place(bound_to):
    found = []
    for taker in (double, clear):
        numbers = np.arange(1, 4)
        bound_to(taker)(numbers)
        found.append(numbers.tolist())
    assert found == [[2, 4, 6], [0, 0, 0]]
    assert len(jit._part(each, frozenset({hook}), frozenset()).overloads) == 1


def test_what_takes_a_place_may_raise(bound_to):
    with pytest.raises(ValueError, match="refused"):
        bound_to(refused)(np.arange(3))


def test_what_takes_a_place_gives_no_value(bound_to):
    with pytest.raises(TypeError, match="value gives a value, which nothing takes"):
        bound_to(value)(np.arange(3))
