# SPDX-License-Identifier: GPL-2.0-only
"""Many functions as one: what plain Python runs where nothing is compiled.

A call costs Python more than most transition functions do. `inlined` copies a
function and those that it calls into one text, from the same sources:

* a function that is one expression is written out wherever it is called, if no
  argument is then evaluated twice;
* any other where its call is all of the value that a statement assigns, returns,
  tests or drops; its arguments and its own names become local names.

Global numbers become literals, and the fields of a NamedTuple that is an argument
local names, read once. All other calls stay calls.
"""

import ast
import builtins
import linecache
from collections.abc import Callable
from copy import deepcopy
from types import FunctionType
from typing import Any, Final, NamedTuple, cast

from xpfo_model.subset import NotInlinableError, Text, has, read

LITERALS: Final = (int, float, bool, str, type(None))
SIMPLE: Final = (ast.Name, ast.Constant)
"""What is evaluated in no time and has no effect."""


class World(NamedTuple):
    """What the global names of a function mean, and which functions are copied."""

    resolve: Callable[[FunctionType, str], Any]
    """The value of a global name in a function. Raises `KeyError`."""
    copied: Callable[[Any], bool]
    """Whether a value is a function that is copied into its callers."""
    called: Callable[[Any], Any]
    """What is called in the place of a function that is not."""


def inlined(function: FunctionType, world: World) -> FunctionType:
    """A function with those that it calls in it. Raises `NotInlinableError`."""
    copier = _Copier(world)
    text = ast.unparse(copier.whole(function))
    name = f"<inlined {function.__module__}.{function.__qualname__} {id(copier):x}>"
    # what a traceback and a debugger show
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), copier.space)  # noqa: S102 - the same sources
    made = cast("FunctionType", copier.space[function.__name__])
    made.__module__, made.__doc__ = function.__module__, function.__doc__
    made.__qualname__ = function.__qualname__
    return made


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _assign(target: ast.expr, value: Any) -> ast.stmt:
    value = value if isinstance(value, ast.expr) else ast.Constant(value)
    return ast.Assign([target], value, lineno=0)


class _Scope:
    """A function that is being copied: what its names and its returns become."""

    def __init__(self, function: FunctionType, names: dict[str, ast.expr]) -> None:
        self.function = function
        self.text = read(function)
        self.names = names
        self.outermost = False
        self.result: ast.expr | None = None
        """Where its value goes; nowhere if nobody wants it."""
        self.done = ""
        """The name that is true once an inner loop has returned."""
        self.depth = 0
        """Its loops around the statement that is being copied."""


class _Copier(ast.NodeTransformer):
    """Makes the text of one function, and the globals that it needs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.space: dict[str, Any] = {"__builtins__": builtins}
        self.taken: set[str] = set()
        self.fields: dict[str, dict[str, str]] = {}
        self.loads: list[ast.stmt] = []
        self.scopes: list[_Scope] = []

    @property
    def scope(self) -> _Scope:
        return self.scopes[-1]

    def whole(self, function: FunctionType) -> ast.FunctionDef:
        """The function with all that can be copied into it."""
        scope = _Scope(function, {})
        scope.outermost = True
        self.taken.add(function.__name__)
        for name in scope.text.arguments:
            scope.names[name] = _name(self.fresh(name))
            if name not in scope.text.stored:
                fields = getattr(function.__annotations__.get(name), "_fields", ())
                self.fields[name] = dict.fromkeys(fields, "")
        body = self.copy(scope, scope.text.body)
        arguments = [ast.arg(name) for name in scope.text.arguments]
        plain = ast.arguments([], arguments, None, [], [], None, [])
        name = function.__name__
        return ast.FunctionDef(name, plain, [*self.loads, *body], [], lineno=0)

    def fresh(self, name: str) -> str:
        """A name like this one that nothing else has."""
        unique, number = name, 1
        while unique in self.taken:
            number += 1
            unique = f"{name}_{number}"
        self.taken.add(unique)
        return unique

    def copy(self, scope: _Scope, nodes: list[Any]) -> list[Any]:
        """Statements, or one expression, in the names of a scope."""
        self.scopes.append(scope)
        made = cast("ast.Module", self.generic_visit(ast.Module(deepcopy(nodes), [])))
        self.scopes.pop()
        return made.body

    # names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A local name by what it has become, a global one by its value."""
        names = self.scope.names
        if node.id not in names:
            if node.id not in self.scope.text.stored:
                return self.value(node.id, self.globally(node.id))
            names[node.id] = _name(self.fresh(node.id))
        return deepcopy(names[node.id])

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A field of an argument by the local name that has its value."""
        of = self.visit(node.value)
        fields = self.fields.get(of.id, {}) if isinstance(of, ast.Name) else {}
        if node.attr not in fields:
            return ast.Attribute(of, node.attr, node.ctx)
        if not fields[node.attr]:
            name = fields[node.attr] = self.fresh(f"{of.id}_{node.attr}")
            load = ast.Attribute(of, node.attr, ast.Load())
            self.loads.append(_assign(_name(name), load))
        return _name(fields[node.attr])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """An operation, unless it adds 0: the first field is where its record is."""
        left: ast.expr = self.visit(node.left)
        right = self.visit(node.right)
        nothing = isinstance(right, ast.Constant) and right.value == 0
        if nothing and isinstance(node.op, ast.Add):
            return left
        return ast.BinOp(left, node.op, right)

    def is_global(self, node: ast.expr) -> bool:
        """Whether an expression is a global name."""
        if not isinstance(node, ast.Name):
            return False
        scope = self.scope
        return node.id not in scope.names and node.id not in scope.text.stored

    def globally(self, name: str) -> Any:
        """The value of a global name in the function that is being copied."""
        try:
            return self.world.resolve(self.scope.function, name)
        except KeyError:
            raise NotInlinableError(f"nothing is named {name}") from None

    def value(self, name: str, value: Any) -> ast.expr:
        """A number as it is, anything else by a global name of the new text."""
        if type(value) in LITERALS:
            # a literal of a negative number is an operation
            return ast.parse(repr(value), mode="eval").body
        for known, there in self.space.items():
            if there is value:
                return _name(known)
        unique = self.fresh(name)
        self.space[unique] = value
        return _name(unique)

    # calls

    def callee(self, node: ast.AST | None) -> FunctionType | None:
        """The function of which a copy can replace a call."""
        if not isinstance(node, ast.Call) or not self.is_global(node.func):
            return None
        function = self.globally(cast("ast.Name", node.func).id)
        if not self.world.copied(function):
            return None
        try:
            fits = len(read(function).arguments) == len(node.args)
        except NotInlinableError:
            return None
        if not fits or node.keywords or has(node, ast.Starred):
            return None
        return cast("FunctionType", function)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A call, or the expression that the function is."""
        function = self.callee(node)
        given = [self.visit(one) for one in node.args]
        if function is not None:
            short = self.written_out(function, given)
            if short is not None:
                return short
        if self.is_global(node.func):
            name = cast("ast.Name", node.func).id
            func = self.value(name, self.world.called(self.globally(name)))
        else:
            func = self.visit(node.func)
        keywords = [self.visit(keyword) for keyword in node.keywords]
        return ast.Call(func, given, keywords)

    def written_out(
        self, function: FunctionType, given: list[ast.expr]
    ) -> ast.expr | None:
        """The expression that a function is, if that evaluates nothing twice."""
        text = read(function)
        if text.expression is None or text.stored:
            return None
        nodes = list(ast.walk(text.expression))
        used = [node.id for node in nodes if isinstance(node, ast.Name)]
        dear = [
            (name, value)
            for name, value in zip(text.arguments, given, strict=True)
            if not isinstance(value, SIMPLE)
        ]
        if any(used.count(name) > 1 for name, _ in dear):
            return None
        names = dict(zip(text.arguments, given, strict=True))
        (made,) = self.copy(_Scope(function, names), [text.expression])
        # a call between them could see that an argument is evaluated later
        return None if dear and has(made, ast.Call) else made

    def lifted(
        self,
        node: ast.expr | None,
        into: ast.expr | None = None,
        *,
        wanted: bool = True,
    ) -> tuple[list[ast.stmt], Any]:
        """The statements that a value takes, and the value.

        `into` is where they may put it; they put it nowhere if it is not `wanted`.
        """
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            before, value = self.lifted(node.operand)
            return before, ast.UnaryOp(node.op, value)
        function = self.callee(node)
        if function is None:
            return [], node and self.visit(node)
        given = [self.visit(one) for one in cast("ast.Call", node).args]
        short = self.written_out(function, given)
        if short is not None:
            return [], short
        before, names = self.bound(read(function), given)
        scope = _Scope(function, names)
        if wanted:
            scope.result = into or _name(self.fresh(function.__name__.strip("_")))
        return before + self.statements(scope), scope.result

    def bound(
        self, text: Text, given: list[ast.expr]
    ) -> tuple[list[ast.stmt], dict[str, ast.expr]]:
        """What evaluates the arguments, and the names that stand for them."""
        before = []
        names = dict(zip(text.arguments, given, strict=True))
        for name, value in names.items():
            if name in text.stored or not isinstance(value, SIMPLE):
                names[name] = _name(self.fresh(name))
                before.append(_assign(names[name], value))
        return before, names

    def statements(self, scope: _Scope) -> list[ast.stmt]:
        """All of a function; in a loop, to leave, if it returns early."""
        before = []
        if scope.text.returns_in_loop:
            scope.done = self.fresh("done")
            before.append(_assign(_name(scope.done), value=False))
        body = self.copy(scope, scope.text.body)
        if not scope.text.returns_early:
            return before + body
        always = ast.Constant(value=True)
        return [*before, ast.While(always, [*body, ast.Break()], [])]

    # statements

    def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
        """A return; of a function that is copied, its value and the way out."""
        scope = self.scope
        if scope.outermost:
            before, value = self.lifted(node.value)
            return [*before, ast.Return(value)]
        wanted = scope.result is not None
        made, value = self.lifted(node.value, scope.result, wanted=wanted)
        if wanted and value is not scope.result:
            made.append(_assign(deepcopy(cast("ast.expr", scope.result)), value))
        elif not wanted and value is not None:
            made.append(ast.Expr(value))
        if scope.depth:
            made.append(_assign(_name(scope.done), value=True))
        return [*made, ast.Break()] if scope.text.returns_early else made

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        """A call of which nobody takes the value."""
        before, value = self.lifted(node.value, wanted=False)
        return before if value is None else [*before, ast.Expr(value)]

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        """An assignment; what is copied may assign by itself."""
        whole = (ast.Name, ast.Tuple, ast.Store)
        target = node.targets[0]
        local = all(isinstance(part, whole) for part in ast.walk(target))
        if len(node.targets) > 1 or not local:
            before, value = self.lifted(node.value)
            targets = [self.visit(target) for target in node.targets]
            return [*before, ast.Assign(targets, value, lineno=0)]
        into = self.visit(target)
        before, value = self.lifted(node.value, into)
        return before if value is into else [*before, _assign(into, value)]

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        """An assignment whose target is read before its value is evaluated."""
        target = self.visit(node.target)
        before: list[ast.stmt] = []
        if isinstance(target, ast.Name):
            before, value = self.lifted(node.value)
        else:
            value = self.visit(node.value)
        return [*before, ast.AugAssign(target, node.op, value)]

    def visit_If(self, node: ast.If) -> list[ast.stmt]:
        """A test, and before it the statements that it takes."""
        before, node.test = self.lifted(node.test)
        node.body, node.orelse = self.block(node.body), self.block(node.orelse)
        return [*before, node]

    def visit_For(self, node: ast.For) -> list[ast.stmt]:
        """A loop over values that are evaluated once."""
        before, node.iter = self.lifted(node.iter)
        node.target = self.visit(node.target)
        return [*before, *self.loop(node)]

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        """A loop whose test stays an expression."""
        node.test = self.visit(node.test)
        return self.loop(node)

    def loop(self, node: ast.For | ast.While) -> list[ast.stmt]:
        """A loop, and the way out if it has returned."""
        scope = self.scope
        returns = has(node, ast.Return) and not scope.outermost
        scope.depth += 1
        node.body = self.block(node.body)
        scope.depth -= 1
        if not returns:
            return [node]
        return [node, ast.If(_name(scope.done), [ast.Break()], [])]

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """The statements of a block."""
        made: list[ast.stmt] = []
        for statement in body:
            new = self.visit(statement)
            made += new if isinstance(new, list) else [new]
        return made
