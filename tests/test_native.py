# SPDX-License-Identifier: GPL-2.0-only
import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from xpfo_model import jit, native, parts


class Pair(NamedTuple):
    first: np.ndarray
    second: int


def both(pair, factor, negative):
    total = 0
    for i in range(pair.first.shape[0]):
        for j in range(pair.first.shape[1]):
            total += int(pair.first[i, j]) * (i + 2 * j + 1)
    if negative:
        total = -total
    return total * factor, pair.second


def field(record, rows):
    record.small += 1
    rows[1].small = record.small
    return record.small > 1


def nothing(numbers):
    numbers[0] = 7


def ratio(one, other):
    return one / other


def divided(one, other):
    return one // other


def imaginary(number):
    return number * 1j


def gamma(number):
    return math.gamma(number)


def said(number):
    print(number)


def allocated(number):
    return np.zeros(number)[0]


loops = {
    function: jit.Loop(function, frozenset())
    for function in (both, field, nothing, ratio, divided, imaginary)
}

TABLES = npst.arrays(
    st.sampled_from([np.int64, np.uint8, np.int16, np.int8]),
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
VIEWS = st.sampled_from([lambda a: a, lambda a: a.T, lambda a: a[::2, ::-1]])


@given(TABLES, VIEWS, st.integers(-(10**6), 10**6), st.booleans(), st.booleans())
def test_arrays_of_any_layout_and_numbers_arrive_whole(
    table, view, number, negative, writeable
):
    table = view(table % 100)
    table.flags.writeable = writeable
    pair = Pair(table, number)
    assert loops[both](pair, number, negative) == both(pair, number, negative)
    assert loops[both](pair, np.int64(number), np.bool_(negative)) == both(
        pair, number, negative
    )


def test_records_are_written_where_they_are():
    rows = np.zeros(2, np.dtype((np.record, [("pad", "u1"), ("small", "i8")])))
    assert loops[field](rows[0], rows) is False
    assert loops[field](rows[0], rows) is True
    assert rows["small"].tolist() == [2, 2]


def test_results_are_pythons():
    numbers = np.zeros(1, np.int64)
    assert loops[nothing](numbers) is None
    assert numbers[0] == 7
    assert loops[ratio](1.0, 4.0) == 0.25
    assert type(loops[divided](9, 2)) is int


def test_an_exception_of_compiled_code_is_raised():
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        loops[divided](1, 0)
    assert loops[divided](4, 2) == 2


@pytest.mark.parametrize("value", [None, "text", [1], range(3), 1j])
def test_an_argument_that_no_compiled_function_takes_is_an_error(value):
    with pytest.raises(TypeError, match="take no"):
        loops[nothing](value)


def test_a_result_that_no_compiled_function_gives_is_an_error():
    with pytest.raises(TypeError, match="give no complex128"):
        loops[imaginary](3)


@pytest.mark.parametrize(
    ("function", "argument", "symbol"),
    [(gamma, 2.5, "numba_"), (said, 3, "numba_gil_ensure"), (allocated, 3, "NRT_")],
)
def test_code_that_calls_numba_or_python_is_an_error_that_names_it(
    function, argument, symbol, monkeypatch
):
    """Nothing would be there to call where numba is not imported."""
    monkeypatch.setattr(parts, "_COUNTS_REFERENCES", function is allocated)
    loop = jit.Loop(function, frozenset())
    with pytest.raises(TypeError, match=f"the code calls .*{symbol}.* of numba"):
        loop.compile((argument,))


@given(st.binary(), st.integers(0, 400), st.integers(0, 255))
def test_saved_code_is_loaded_as_it_was_or_not_at_all(tmp_path_factory, data, at, byte):
    path = tmp_path_factory.mktemp("code") / "loop.o"
    code = native.Code("name", ["i64", "i8*"], "qq", True, data)
    assert native.saved(path) is None
    code.save(path)
    assert native.saved(path) == code
    whole = bytearray(path.read_bytes())
    body = whole.index(b"\n") + 1
    if data:
        at = body + at % len(data)
        whole[at] = byte
        path.write_bytes(whole)
        assert native.saved(path) in (None, code)
    path.write_bytes(whole[: body // 2])
    assert native.saved(path) is None


def test_loops_of_one_name_do_not_meet():
    loop = loops[divided]
    loop(1, 1)
    code = loop.compile((1, 1))
    again = [native.load(code) for _ in range(3)]
    assert [call([n, 2]) for n, call in enumerate(again)] == [0, 0, 1]
