# SPDX-License-Identifier: GPL-2.0-only
"""A stream that a thread reads ahead is the same stream."""

from collections.abc import Iterator
from threading import current_thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.traces.ahead import ahead


@given(st.lists(st.integers()))
def test_the_parts_and_their_order_stay(parts: list[int]) -> None:
    assert list(ahead(iter(parts))) == parts


def test_what_making_a_part_raises_comes_after_the_parts_before_it() -> None:
    def failing() -> Iterator[int]:
        yield from (1, 2)
        raise OSError("the disk")

    taken = []
    with pytest.raises(OSError, match="the disk"):
        taken.extend(ahead(failing()))
    read = ahead(failing())
    assert [next(read), next(read)] == [1, 2]
    with pytest.raises(OSError, match="the disk"):
        next(read)


def test_another_thread_makes_one_part_more_than_is_used() -> None:
    made = []
    thread = current_thread()

    def counted() -> Iterator[int]:
        for number in range(9):
            assert current_thread() is not thread
            made.append(number)
            yield number

    read = ahead(counted())
    assert next(read) == 0
    assert next(read) == 1
    read.close()  # type: ignore[attr-defined] # a generator
    assert made[:3] == [0, 1, 2]
    assert len(made) == 3
