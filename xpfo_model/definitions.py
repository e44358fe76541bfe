# SPDX-License-Identifier: GPL-2.0-only
"""Definitions as text: of a source file, what can change a result.

No part of a text are comments, docstrings, annotations of variables and arguments,
the texts of errors, and how the file is formatted. Every Python gives the same text.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, Final

_NO_PART: Final = {"ctx", "kind", "type_comment", "type_params", "returns"}
"""Fields of a syntax tree that change no result, or that not every Python has."""


@cache
def syntax(module: str) -> dict[tuple[str, int], list[Any]]:
    """The syntax trees of a module's definitions, by name and first line.

    A class is at line 0, and the whole module is named "".
    """
    file = str(sys.modules[module].__file__)
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    found: dict[tuple[str, int], list[Any]] = {("", 0): [tree]}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            key = (node.name, 0)
        elif isinstance(node, ast.Lambda):
            key = ("<lambda>", node.lineno)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = [node.lineno, *(each.lineno for each in node.decorator_list)]
            key = (node.name, min(lines))
        else:
            continue
        found.setdefault(key, []).append(node)
    return found


@cache
def definition(module: str, name: str, line: int) -> tuple[str, tuple[str, ...]]:
    """A definition as text, and the names that it reads from its module."""
    found = syntax(module).get((name, line))
    if not found:
        raise TypeError(f"{module}: no definition of {name} in its file")
    read: set[str] = set()
    told = [_dump(node, read, top=True) for node in found]
    names = {name for node in found for name in _names(_compiled(node))}
    kept = {one for one in read if ":" in one or one.partition(".")[0] in names}
    return "\n".join(told), tuple(sorted(kept))


def _compiled(node: Any) -> CodeType:
    if isinstance(node, ast.Lambda):
        return compile(ast.Expression(node), "", "eval")
    body = node.body if isinstance(node, ast.Module) else [node]
    return compile(ast.Module(body, []), "", "exec")


def _names(code: CodeType) -> Iterator[str]:
    """The names that are no variables of a function: global ones, and attributes."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _dump(  # noqa: C901, PLR0911 - a case for each kind of node
    node: Any, read: set[str], *, top: bool = False
) -> str:
    """A syntax tree as text without what is no part, the same in every Python.

    `read` gets the names that it loads: ``a``, ``a.b`` or, imported in a function,
    ``module:a``. A `top` function has no decorators: if they replaced it, it is
    found through what they put in its place.
    """
    if isinstance(node, list):
        told = (_dump(each, read) for each in node if not _is_text(each))
        return f"[{', '.join(told)}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    skipped = _NO_PART | ({"decorator_list"} if top else set())
    match node:
        case ast.ClassDef():
            skipped = _NO_PART
            # what is annotated are the fields of a dataclass
            fields = [n.annotation for n in node.body if isinstance(n, ast.AnnAssign)]
            return _fields(node, read, skipped) + _dump(fields, set())
        case ast.Raise(exc=ast.Call(func=error)):
            return f"raise {_dump(error, set())}"
        case ast.AnnAssign(target=target, value=value):
            return _dump(ast.Assign([target], value) if value else target, read)
        case ast.arg(arg=name):
            return name
        case ast.Import(names=names):
            read |= {f"{each.name}:" for each in names}
        case ast.ImportFrom(module=module, names=names):
            read |= {f"{module}:{each.name}" for each in names}
        case ast.Name(id=name, ctx=ast.Load()):
            read.add(name)
        case ast.Attribute() if dotted := _dotted(node):
            read.add(dotted)
            return dotted
    return _fields(node, read, skipped)


def _fields(node: ast.AST, read: set[str], skipped: set[str]) -> str:
    parts = ((name, value) for name, value in ast.iter_fields(node))
    told = [
        f"{name}={_dump(value, read)}"
        for name, value in parts
        if name not in skipped and value is not None and value != []
    ]
    return f"{type(node).__name__}({', '.join(told)})"


def _is_text(node: Any) -> bool:
    """Whether a statement is a docstring, of a function or of a name."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""
