# SPDX-License-Identifier: GPL-2.0-only
"""One function of many does what the many do, and in the same order."""

import builtins
import inspect
import traceback
from typing import NamedTuple

import numpy as np
import pytest

from xpfo_model import engine, replay, strategies
from xpfo_model.inline import World, inlined
from xpfo_model.subset import NotInlinableError

OFFSET = 3
NEGATIVE = -1
TABLE = (5, 7)


class Pair(NamedTuple):
    numbers: list
    log: list


def one(*names):
    """The first function named, with the others copied into it."""
    functions = [globals()[name] for name in names]

    def resolve(of, name):
        found = of.__globals__
        return found[name] if name in found else vars(builtins)[name]

    world = World(resolve, lambda value: value in functions[1:], lambda value: value)
    return inlined(functions[0], world)


def text(function):
    return inspect.getsource(function)


def note(p, what):
    p.log.append(what)
    return what


def triple(x):
    return x * OFFSET


def twice(x):
    return x + x


def at_first(p):
    return p.numbers[0]


def sign(x):
    if x < 0:
        return NEGATIVE
    if x == 0:
        return 0
    return 1


def find(p, wanted):
    """Returns from within two loops."""
    for row in range(3):
        for column in range(3):
            if p.numbers[row * 3 + column] == wanted:
                return row, column
        p.log.append(row)
    return NEGATIVE, NEGATIVE


def add_to(p, x):
    x += 1
    p.numbers[0] += x


def stop_at(p, limit):
    if p.numbers[0] > limit:
        p.log.append("stop")
        return
    p.numbers[0] += 1


def use_expressions(x):
    y = triple(x + 1) - triple(x)
    return twice(y), TABLE[1]


def use_signs(values):
    total = 0
    for value in values:
        this = sign(value)
        if not sign(value + 1):
            continue
        total += this
        total += sign(value)
    return total


def use_find(p, wanted):
    row, column = find(p, wanted)
    return row * 10 + column


def use_find_twice(p, wanted):
    found = []
    for i in range(2):
        where = find(p, wanted + i)
        found.append(where)
    return found


def use_statements(p, x):
    add_to(p, x)
    add_to(p, x)
    stop_at(p, 20)
    stop_at(p, 20)
    return x


def use_names_again(p, x):
    row = x
    limit = 5
    where = find(p, x)
    stop_at(p, 0)
    return row, limit, where


def use_order(p):
    p.numbers[0] = at_first(p) + note(p, triple(at_first(p)))
    return p.numbers[triple(0)]


def use_value_later(p):
    return at_first(p) + bump(p) + at_first(p)


def bump(p):
    p.numbers[0] += 1
    return 100


def use_dear(p):
    return twice(at_first(p)), twice(bump(p))


def forward(p, wanted):
    return find(p, wanted)


def use_forward(p):
    where = forward(p, 5)
    forward(p, 99)
    p.numbers[2] = sign(bump(p))
    return where


def use_while(p):
    while sign(p.numbers[0]) > 0:
        p.numbers[0] -= 1
        if triple(p.numbers[0]) == 6:
            break
    return p.numbers[0]


def use_fields(pair: Pair, other: Pair, n: int):
    if n:
        return pair.numbers[0]
    pair = other
    return pair.numbers[0] + other.numbers[1]


def fail(p):
    return p.numbers[99]


def use_failure(p):
    return triple(fail(p))


CASES = [
    (("use_expressions", "triple", "twice"), (4,)),
    (("use_signs", "sign"), ([-2, -1, 0, 1, 2, 5],)),
    (("use_find", "find"), ("pair", 4)),
    (("use_find", "find"), ("pair", 77)),
    (("use_find_twice", "find"), ("pair", 4)),
    (("use_statements", "add_to", "stop_at"), ("pair", 6)),
    (("use_names_again", "find", "stop_at"), ("pair", 4)),
    (("use_order", "at_first", "note", "triple"), ("pair",)),
    (("use_value_later", "at_first", "bump"), ("pair",)),
    (("use_dear", "twice", "at_first", "bump"), ("pair",)),
    (("use_forward", "forward", "find", "sign", "bump"), ("pair",)),
    (("use_while", "sign", "triple"), ("pair",)),
    (("use_fields",), ("pair", Pair([8, 9], []), 0)),
    (("use_fields",), ("pair", Pair([8, 9], []), 1)),
]


def pair():
    return Pair([1, 2, 3, 4, 5, 6, 7, 8, 9], [])


@pytest.mark.parametrize(("names", "arguments"), CASES)
def test_the_copy_does_the_same(names, arguments):
    said = []
    for function in (globals()[names[0]], one(*names)):
        p = pair()
        given = [p if value == "pair" else value for value in arguments]
        said.append((function(*given), p))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        (("use_expressions", "triple"), "triple("),
        (("use_signs", "sign"), " sign("),
        (("use_find", "find"), " find("),
        (("use_statements", "add_to", "stop_at"), "_to("),
    ],
)
def test_the_call_is_gone(names, gone):
    assert gone in text(globals()[names[0]])
    assert gone not in text(one(*names))


def test_an_argument_is_not_evaluated_twice():
    assert text(one("use_dear", "twice", "bump")).count("twice(") == 2


def test_a_call_amid_others_stays_where_it_is():
    assert "bump(p)" in text(one("use_value_later", "at_first", "bump"))


def test_a_number_is_literal_and_a_field_is_read_once():
    copy = text(one("use_order", "at_first", "triple"))
    assert "OFFSET" not in copy
    annotated = text(one("use_fields"))
    assert annotated.count("other.numbers") == 1
    assert annotated.count("pair.numbers") == 2  # it is assigned to


def test_a_traceback_shows_the_text():
    with pytest.raises(IndexError) as caught:
        one("use_failure", "fail")(pair())
    assert "numbers[99]" in "".join(traceback.format_exception(caught.value))


def unknown():
    return nowhere  # noqa: F821


def handled(x):
    try:
        return x
    finally:
        pass


def keyword(x, *, y):
    return x + y


def test_a_name_that_means_nothing():
    with pytest.raises(NotInlinableError, match="nowhere"):
        one("unknown")


def test_nothing_is_copied_of_what_has_no_source():
    space = {}
    exec("def made():\n    return 1\n", space)
    with pytest.raises(NotInlinableError, match="no source"):
        inlined(space["made"], World(None, None, None))
    assert engine.as_one(space["made"])() == 1


def test_what_cannot_be_copied_is_called():
    def resolve(of, name):
        return {"handled": handled, "keyword": keyword}[name]

    def caller(x):
        x = handled(x)
        return keyword(x, y=2)

    world = World(resolve, lambda value: True, lambda value: value)
    assert inlined(caller, world)(1) == 3


def test_hooks_are_what_the_names_of_a_loop_mean():
    for strategy in strategies.REGISTRY:
        hooks = strategies.hooks(strategy)
        loop = engine.as_one(replay.run_steps, **hooks)
        assert "xpfo_model.replay" in loop.__module__
        assert "inlined" in loop.__code__.co_filename


def test_the_allocator_is_the_same_as_one_function():
    from xpfo_model.allocator import demand, model
    from xpfo_model.allocator.layout import machine
    from xpfo_model.allocator.profiles import profile

    rng = np.random.default_rng(3)
    length = 600
    d = demand.empty(length)
    d.page[:] = np.arange(length) // 2
    d.op[1::2] = demand.FREE
    d.order[:] = np.repeat(rng.choice([0, 0, 1, 4, 9], length // 2), 2)
    d.migratetype[:] = rng.integers(0, 3, length)
    d.highest[:] = 2
    states = []
    for run in (engine.plain(model.run), engine.as_one(model.run)):
        s = model.boot("v6.18", machine(profile("v6.18"), 1 << 13, 1), length, 1 << 15)
        parts = (np.asarray(part) for part in (s.link, s.tag, s.held, s.record))
        link, tag, held, record = map(memoryview, parts)
        mem = np.asarray(s.mem).tolist()
        s = s._replace(link=link, tag=tag, held=held, record=record, mem=mem)
        columns = demand.Demand(*(memoryview(column) for column in d))
        assert run(s, columns, 0, 1 << 15) == length
        states.append([part.tolist() for part in (link, tag, held, record)] + [mem])
    assert states[0] == states[1]
