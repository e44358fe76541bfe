# SPDX-License-Identifier: GPL-2.0-only
import sys
from types import ModuleType

import pytest

from xpfo_model import definitions

SOURCE = '''
"""A module."""

import sys

from somewhere import thing

LIMIT: int = 3
"""A constant."""


def first(a: int, b: thing = 2) -> int:
    """Add."""
    total: int = a + LIMIT  # not b
    if total > LIMIT:
        raise ValueError(f"{total} is above {thing}")
    return total


class Pair:
    """Two."""

    left: int
    """The first of them."""

    def both(self, thing):
        from xpfo_model.gfp import decode

        return thing, decode, [LIMIT for LIMIT in (sys.path, self.left)]
'''


@pytest.fixture
def text(tmp_path, monkeypatch):
    """The text and the names of a definition in a source."""

    def read(source, name, line=0):
        module = ModuleType("made_up")
        module.__file__ = str(tmp_path / "made_up.py")
        (tmp_path / "made_up.py").write_text(source)
        monkeypatch.setitem(sys.modules, "made_up", module)
        definitions.syntax.cache_clear()
        definitions.definition.cache_clear()
        return definitions.definition("made_up", name, line)

    yield read
    definitions.syntax.cache_clear()
    definitions.definition.cache_clear()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # not b", ""),
        ('"""Add."""', '"""Add two."""'),
        ("a: int,", "a: float,"),
        ("total: int = a", "total = a"),
        (" is above ", " is more than "),
        ("a + LIMIT", "( a\n        + LIMIT )"),
        ("LIMIT: int = 3", "LIMIT: int = 4"),
    ],
)
def test_what_changes_no_result_changes_no_text(text, old, new):
    line = SOURCE.splitlines().index("def first(a: int, b: thing = 2) -> int:") + 1
    assert old in SOURCE
    assert text(SOURCE, "first", line) == text(SOURCE.replace(old, new), "first", line)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a + LIMIT", "a - LIMIT"),
        ("b: thing = 2", "b: thing = 3"),
        ("total > LIMIT", "total > 3"),
        ("raise ValueError", "raise TypeError"),
        ("def first(a: int", "def first(c: int"),
    ],
)
def test_what_may_change_a_result_changes_the_text(text, old, new):
    line = SOURCE.splitlines().index("def first(a: int, b: thing = 2) -> int:") + 1
    assert text(SOURCE, "first", line) != text(SOURCE.replace(old, new), "first", line)


def test_a_function_reads_names_of_its_module_and_no_classes_of_errors(text):
    line = SOURCE.splitlines().index("def first(a: int, b: thing = 2) -> int:") + 1
    assert text(SOURCE, "first", line)[1] == ("LIMIT",)


def test_a_class_reads_what_its_methods_read_and_import(text):
    assert text(SOURCE, "Pair")[1] == ("decode", "sys.path", "xpfo_model.gfp:decode")


def test_the_fields_of_a_class_are_part_of_it(text):
    changed = SOURCE.replace("    left: int", "    left: str")
    assert text(SOURCE, "Pair")[0] != text(changed, "Pair")[0]


def test_a_file_without_the_definition_is_an_error(text):
    with pytest.raises(TypeError, match="made_up: no definition of third"):
        text(SOURCE, "third")
