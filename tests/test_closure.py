# SPDX-License-Identifier: GPL-2.0-only
import ast
import dataclasses
import functools
import importlib
import itertools
import re
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import mutate

from xpfo_model import closure, definitions, machine, strategies
from xpfo_model.closure import digest, parts
from xpfo_model.replay.run import run_steps
from xpfo_model.strategies import guarantee, pcp_batch_local, v6, v8

ROOT = Path(__file__).parents[1]
MODULES = [
    "xpfo_model.machine",
    "xpfo_model.replay.calls",
    "xpfo_model.strategies.pageblock",
    "xpfo_model.allocator.pcp",
    "xpfo_model.checker.world",
    "xpfo_model.fidelity.drain",
    "xpfo_model.workloads.schedule",
]


def path_of(name):
    return f"{name.replace('.', '/')}.py"


class OfSource:
    """The digest of all functions and classes of a module, had it another source."""

    def __init__(self, folder):
        self.file = folder / "source.py"

    def __call__(self, name, source):
        before = sys.modules[name]
        module = ModuleType(name)
        module.__file__ = str(self.file)
        self.file.write_text(source)
        self.forget()
        sys.modules[name] = module
        try:
            exec(compile(source, str(self.file), "exec"), vars(module))
            own = [
                value
                for value in vars(module).values()
                if isinstance(value, FunctionType | type) and value.__module__ == name
            ]
            return digest(*own)
        finally:
            sys.modules[name] = before
            self.forget()

    @functools.cache  # noqa: B019 - one object for all tests
    def unchanged(self, name):
        return self(name, source_of(name))

    @staticmethod
    def forget():
        definitions.syntax.cache_clear()
        definitions.definition.cache_clear()


@pytest.fixture(scope="module")
def of_source(tmp_path_factory):
    for name in MODULES:
        importlib.import_module(name)
    return OfSource(tmp_path_factory.mktemp("source"))


def source_of(name):
    return (ROOT / path_of(name)).read_text()


class Reworded(ast.NodeTransformer):
    """Other docstrings, and other texts of errors."""

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = "Other words."
        return self.generic_visit(node)

    def visit_Raise(self, node):
        if isinstance(node.exc, ast.Call):
            node.exc.args = [ast.Constant("other words")]
            node.exc.keywords = []
        return node


@pytest.mark.parametrize("name", MODULES)
def test_words_comments_and_formatting_are_no_part(name, of_source):
    source = source_of(name)
    before = of_source.unchanged(name)
    commented = re.sub(
        r"^( +)(\w+) = ", r"\1# a comment\n\1\2 = ", source, flags=re.MULTILINE
    )
    assert of_source(name, commented) == before
    reworded = ast.unparse(Reworded().visit(ast.parse(source)))
    assert of_source(name, reworded) == before


@pytest.mark.parametrize("name", MODULES)
def test_the_order_of_definitions_is_no_part(name, of_source):
    source = source_of(name)
    tree = ast.parse(source)
    body = []
    for functions, nodes in itertools.groupby(
        tree.body, lambda node: isinstance(node, ast.FunctionDef)
    ):
        run = list(nodes)
        body += reversed(run) if functions else run
    tree.body = body
    assert of_source(name, ast.unparse(tree)) == of_source.unchanged(name)


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=20)
@given(data=st.data())
def test_every_mutant_of_a_module_is_another_source(name, of_source, data):
    source = (ROOT / path_of(name)).read_bytes()
    mutant = data.draw(st.sampled_from(mutants(path_of(name))))
    changed = source[: mutant.start] + mutant.text.encode() + source[mutant.stop :]
    assert of_source(name, changed.decode()) != of_source.unchanged(name)


@functools.cache
def mutants(path):
    """Those of a module's functions that change no text of an error."""
    source = (ROOT / path).read_bytes()
    errors = []
    begins = [0]
    for line in source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise):
            start = begins[node.lineno - 1] + node.col_offset
            errors.append((start, begins[node.end_lineno - 1] + node.end_col_offset))
    return [
        mutant
        for mutant in mutate.mutants_of(path)
        if mutant.scope
        and not any(start < mutant.start < stop for start, stop in errors)
    ]


def test_hooks_that_are_given_are_part_with_all_that_they_call(monkeypatch):
    def of(module):
        return digest(run_steps, given={"alloc": module.alloc})

    assert of(v6) == of(v6)
    assert of(v6) != of(v8)
    assert of(v6) != digest(run_steps, given={"free": v6.alloc})
    before = of(pcp_batch_local)
    monkeypatch.setattr(guarantee, "unmap", machine.map_back)
    assert of(pcp_batch_local) != before


def test_a_strategy_is_no_part_of_another(monkeypatch):
    given = strategies.functions("v6")
    before = digest(run_steps, given=given)
    entry = strategies.Entry("new")
    monkeypatch.setitem(strategies.REGISTRY, "new", entry)
    assert digest(run_steps, given=given) == before


def test_a_changed_constant_is_another_source_wherever_it_is_read(monkeypatch):
    before = parts(run_steps, given=strategies.functions("pcp_batch_local"))
    monkeypatch.setattr(machine, "IS_STALE", 4)
    after = parts(run_steps, given=strategies.functions("pcp_batch_local"))
    assert {name for name in before if before[name] != after[name]} == {
        "xpfo_model.machine"
    }


def test_parts_are_the_modules_that_are_read():
    found = parts(guarantee.guarantee)
    assert list(found) == [
        "given",
        "xpfo_model.machine",
        "xpfo_model.strategies.guarantee",
    ]
    assert "xpfo_model.replay.loop" in parts(run_steps)
    assert "xpfo_model.strategies" not in parts(run_steps)


def test_what_is_apart_counts_by_its_name():
    found = parts(guarantee.guarantee, apart=(machine,))
    assert "xpfo_model.machine" not in found


LOOKED_UP = {"a": guarantee.leave}


def looks_up(name):
    return LOOKED_UP[name]


def test_the_functions_of_a_table_are_part_unless_it_is_apart(monkeypatch):
    assert "xpfo_model.strategies.guarantee" in parts(looks_up)
    assert "xpfo_model.strategies.guarantee" not in parts(looks_up, apart=(LOOKED_UP,))
    before = digest(looks_up), digest(looks_up, apart=(LOOKED_UP,))
    monkeypatch.setitem(LOOKED_UP, "b", guarantee.ignore)
    assert digest(looks_up) != before[0]
    assert digest(looks_up, apart=(LOOKED_UP,)) == before[1]


def counted(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def registered(function):
    LOOKED_UP.setdefault("registered", function)
    return function


@counted
def wrapped(m):
    return guarantee.leave(m, 0, ())


@functools.cache
def cached(m):
    return guarantee.leave(m, 0, ())


@registered
def marked(m):
    return guarantee.leave(m, 0, ())


class Has:
    def method(self):
        return guarantee.leave(None, 0, ())


@pytest.mark.parametrize(
    "function",
    [
        wrapped,
        cached,
        marked,
        Has,
        functools.partial(marked, 1),
        lambda m: guarantee.leave(m, 0, ()),
    ],
    ids=["wrapped", "cached", "marked", "class", "partial", "lambda"],
)
def test_functions_in_other_forms_are_followed(function):
    assert "xpfo_model.strategies.guarantee" in parts(function)


def test_a_decorator_that_gives_the_function_back_is_no_part():
    assert (
        "LOOKED_UP"
        not in definitions.definition(
            marked.__module__, "marked", marked.__code__.co_firstlineno
        )[1]
    )
    assert parts(marked)[marked.__module__]


@dataclasses.dataclass(frozen=True)
class Numbers:
    one: int = 1
    other: object = None


values = st.recursive(
    st.integers() | st.text() | st.none() | st.booleans() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.builds(Numbers, st.integers(), inner)
    ),
    max_leaves=5,
)


@given(values, values)
def test_values_that_are_given_are_told_apart(one, other):
    same = digest(given={"a": one}) == digest(given={"a": other})
    assert same == (repr(one) == repr(other))


def test_arrays_are_told_apart_by_type_shape_and_numbers():
    arrays = [
        np.zeros(4, np.uint8),
        np.zeros((2, 2), np.uint8),
        np.zeros(1, np.int32),
        np.ones(4, np.uint8),
        np.int64(1),
        np.uint64(1),
    ]
    assert len({digest(given={"a": array}) for array in arrays}) == len(arrays)


def test_a_value_that_no_text_tells_from_another_is_an_error():
    with pytest.raises(TypeError, match="no text tells <object"):
        digest(given={"a": object()})


def test_the_package_is_this_one():
    assert closure.PACKAGE == "xpfo_model"
