# SPDX-License-Identifier: GPL-2.0-only
"""The text of a transition function, if it is in the subset that can be copied."""

import ast
import inspect
import textwrap
from functools import cache
from types import FunctionType
from typing import Any, Final, NamedTuple

STATEMENTS: Final = (
    *(ast.Assign, ast.AugAssign, ast.Break, ast.Continue, ast.Expr, ast.For),
    *(ast.If, ast.Pass, ast.Return, ast.While),
)
LOOPS: Final = (ast.For, ast.While)
NOT_EXPRESSIONS: Final = (ast.Lambda, ast.NamedExpr, ast.Yield, ast.YieldFrom)
"""Expressions with names or an order of their own."""


class NotInlinableError(ValueError):
    """A function of which no copy can be made; it is called as it is."""


class Text(NamedTuple):
    """A function as it is written, without its docstring."""

    arguments: tuple[str, ...]
    body: list[ast.stmt]
    stored: frozenset[str]
    """Names that it assigns."""
    expression: ast.expr | None
    """What it returns, if it does nothing else."""
    returns_early: bool
    """Whether it returns anywhere but at its very end."""
    returns_in_loop: bool


def has(tree: ast.AST | list[ast.stmt], kinds: Any) -> bool:
    """Whether a tree has a node of some kinds."""
    trees = tree if isinstance(tree, list) else [tree]
    return any(isinstance(node, kinds) for one in trees for node in ast.walk(one))


@cache
def read(function: FunctionType) -> Text:
    """The text of a function. Raises `NotInlinableError`."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError) as error:
        raise NotInlinableError(f"{function.__qualname__} has no source") from error
    if not isinstance(tree, ast.FunctionDef) or tree.name != function.__name__:
        raise NotInlinableError(f"{function.__qualname__} is no plain function")
    plain = ast.arguments([], tree.args.args, None, [], [], None, [])
    if ast.dump(plain) != ast.dump(tree.args):
        raise NotInlinableError(f"{function.__qualname__} has other arguments")
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    nodes = [node for one in body for node in ast.walk(one)]
    for node in nodes:
        if (
            (isinstance(node, ast.stmt) and not isinstance(node, STATEMENTS))
            or (isinstance(node, LOOPS) and node.orelse)
            or isinstance(node, NOT_EXPRESSIONS)
        ):
            raise NotInlinableError(f"{function.__qualname__}: {ast.unparse(node)}")
    last = body[-1] if body else ast.Pass()
    value = last.value if isinstance(last, ast.Return) else None
    return Text(
        arguments=tuple(argument.arg for argument in tree.args.args),
        body=body or [last],
        stored=frozenset(
            node.id
            for node in nodes
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ),
        expression=value if len(body) == 1 else None,
        returns_early=any(
            isinstance(node, ast.Return) and node is not last for node in nodes
        ),
        returns_in_loop=any(
            isinstance(node, LOOPS) and has(node, ast.Return) for node in nodes
        ),
    )
