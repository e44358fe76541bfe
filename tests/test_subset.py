# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model.subset import NotInlinableError, read


def nested():
    def inner():
        return 1

    return inner()


def keyword(x, *, y):
    return x + y


def default(x=1):
    return x


def handled(x):
    try:
        return x
    finally:
        pass


def otherwise(x):
    for _ in range(x):
        pass
    else:  # noqa: PLW0120
        x = 0
    return x


def named(x):
    return (y := x) + y


anonymous = lambda x: x  # noqa: E731


@pytest.mark.parametrize(
    "function", [nested, keyword, default, handled, otherwise, named, anonymous]
)
def test_what_is_not_in_the_subset(function):
    with pytest.raises(NotInlinableError):
        read(function)


def value(x, y):
    """A text that is not part of it."""
    return x + y


def early(x):
    if x:
        return 1
    return 2


def within(values):
    total = 0
    for one in values:
        if one:
            return total
        total += one
    return total


def nothing():
    pass


def test_a_function_that_is_one_expression():
    text = read(value)
    assert text.arguments == ("x", "y")
    assert text.expression is not None
    assert not text.stored
    assert not text.returns_early


@pytest.mark.parametrize(
    ("function", "stored", "returns_early", "returns_in_loop"),
    [
        (early, set(), True, False),
        (within, {"total", "one"}, True, True),
        (nothing, set(), False, False),
    ],
)
def test_how_a_function_returns(function, stored, returns_early, returns_in_loop):
    text = read(function)
    assert text.stored == stored
    assert text.expression is None
    assert (text.returns_early, text.returns_in_loop) == (
        returns_early,
        returns_in_loop,
    )
