# SPDX-License-Identifier: GPL-2.0-only
"""Compile plain functions with numba, together with all that they call.

Transition functions are written once, in the subset of Python that numba
compiles. A loop calls placeholders where a strategy's functions belong;
`compiled` puts these in their places. With NUMBA_DISABLE_JIT=1 in the
environment Python runs the same functions, a thousand times slower.
"""

import gc
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, wraps
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, NoReturn, TypeVar, cast

import numpy as np

from xpfo_model import native
from xpfo_model.errors import UnboundHookError

PACKAGE: Final = Path(__file__).parent

F = TypeVar("F", bound=Callable[..., Any])
Given = Mapping[Callable[..., Any], Callable[..., Any]]
"""Functions by those whose place they take."""

_KEPT_CACHES: Final = 4
_KEPT_LOOPS: Final = 500
"""Files of 50 to 1,100 KB: those of some changes to the sources."""
_LENGTH: Final = 16
_MEMBERS: Final = ("_fields", "__members__")
"""Of named tuples and of enumerations."""
_MAKERS: Final = ("jit.py", "native.py", "parts.py")
"""The sources of what makes the code."""

_NOINLINE: Final[set[Callable[..., Any]]] = set()
_PLACEHOLDERS: Final[set[Callable[..., Any]]] = set()


_LISTENERS: Final[list[Callable[[str], None]]] = []


def tell(listener: Callable[[str], None]) -> None:
    """Have a listener told once, before this process compiles for the first time."""
    _LISTENERS.append(listener)


def _announce() -> None:
    while _LISTENERS:
        _LISTENERS.pop()("compiling what runs for the first time: some seconds")


def noinline(function: F) -> F:
    """Mark a function that runs too seldom to be copied into each of its callers.

    The mark changes how long compiling takes and how fast the code runs, never a
    result.
    """
    _NOINLINE.add(function)
    return function


def placeholder(function: F) -> F:
    """Mark a function that stands for those that `bound` puts in its place.

    A call of the placeholder itself raises `UnboundHookError`.
    """

    @wraps(function)
    def unbound(*_: Any) -> NoReturn:
        raise _unbound(function)

    _PLACEHOLDERS.add(unbound)
    return cast("F", unbound)


def _unbound(function: Callable[..., Any]) -> UnboundHookError:
    return UnboundHookError(
        f"the hook {function.__name__} is not bound",
        remedy="call its caller through jit.compiled, with a function for it",
    )


def bound(function: F, given: Given | None = None) -> F:
    """The function as Python runs it, with others in the place of those it reaches.

    Its arrays are read and written as memoryviews, which give Python's integers:
    they are at least as wide as numba's, where NumPy's are as narrow as the array.
    Raises `UnboundHookError` for a placeholder for which no function is given.
    """
    python = _bind(cast("FunctionType", function), _pairs(given))

    @wraps(function)
    def entry(*arguments: Any) -> Any:
        return python(*map(_readable, arguments))

    return cast("F", entry)


def compiled(function: F, given: Given | None = None) -> F:
    """The function as `bound` binds it, compiled; its code is kept on disk.

    Raises `UnboundHookError` as `bound` does.
    """
    return cast("F", _compiled(cast("FunctionType", function), _pairs(given)))


def _readable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        array: Any = value
        return array.view(np.recarray) if array.dtype.names else memoryview(array)
    if isinstance(value, tuple):
        parts = map(_readable, value)
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    return value.item() if isinstance(value, np.number | np.bool_) else value


Pairs = frozenset[tuple[FunctionType, FunctionType]]


def _pairs(given: Given | None) -> Pairs:
    return frozenset(cast("Mapping[FunctionType, FunctionType]", given or {}).items())


@cache
def _compiled(function: FunctionType, given: Pairs) -> Any:
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return bound(cast("Any", function), dict(given))
    return Loop(function, given)


class Loop:
    """A function that is compiled when it is first called with a type of arguments.

    Raises `UnboundHookError` as `bound` does.
    """

    def __init__(self, function: FunctionType, given: Pairs) -> None:
        for one in (function, *_reached(function, given)):
            if one in _PLACEHOLDERS and one not in dict(given):
                raise _unbound(one)
        self.__wrapped__ = function
        self.given = given
        self.sources = _sources(function, given)
        self.loaded: dict[tuple[Any, ...], Callable[[list[Any]], Any]] = {}
        """Code by the types of its arguments."""

    def __call__(self, *arguments: Any) -> Any:
        """Run it. Raises `TypeError` for what compiled functions do not take."""
        kinds: list[Any] = []
        parts: list[Any] = []
        native.flatten(arguments, kinds, parts)
        types = tuple(kinds)
        call = self.loaded.get(types)
        if call is None:
            call = self.loaded[types] = self._load(types, arguments)
        return call(parts)

    def is_cold(self, *arguments: Any) -> bool:
        """Whether it is still to be compiled for such arguments, and can be kept."""
        kinds: list[Any] = []
        native.flatten(arguments, kinds, [])
        path = self._path(tuple(kinds))
        return path is not None and not path.exists()

    def _load(
        self, types: tuple[Any, ...], arguments: tuple[Any, ...]
    ) -> Callable[[list[Any]], Any]:
        path = self._path(types)
        code = native.saved(path) if path else None
        if code is None:
            _announce()
            code = self.compile(arguments)
            if path:
                with suppress(OSError):
                    code.save(path)
        return native.load(code)

    def _path(self, types: tuple[Any, ...]) -> Path | None:
        """The file of the code; None if there is nowhere to write."""
        whole = f"{self.sources}\n{_facts(types)}"
        name = hashlib.sha256(whole.encode()).hexdigest()[:_LENGTH]
        try:
            return _cache_directory() / f"{self.__wrapped__.__name__}-{name}.o"
        except OSError:
            return None

    def compile(self, arguments: tuple[Any, ...]) -> native.Code:
        """The code for arguments of such types."""
        import numba  # noqa: PLC0415 - half a second, only where it is used

        from xpfo_model import parts  # noqa: PLC0415 - imports numba

        places = dict(self.given)
        types = tuple(map(numba.typeof, map(native.plain, arguments)))

        hooks = frozenset(one for one in places if one in _PLACEHOLDERS)
        replaced = frozenset(pair for pair in self.given if pair[0] not in hooks)

        def taker(function: FunctionType) -> Any:
            return _part(places[function], hooks, replaced)

        with _no_collector():
            entry = _part(self.__wrapped__, hooks, replaced)
            return native.code_of(parts.link(entry, types, taker))


@contextmanager
def _no_collector() -> Iterator[None]:
    """Collect no garbage meanwhile: numba makes many objects, and nearly all stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@cache
def _bind(function: FunctionType, given: Pairs) -> FunctionType:
    """A copy of a function that names such copies of those that it calls."""
    if function in _PLACEHOLDERS:
        raise _unbound(function)
    places = dict(given)
    ready = {}
    for name, value in _named(function).items():
        called = places.get(value, value)
        reached = _reached(called, given)
        needed = frozenset(pair for pair in given if pair[0] in reached)
        ready[name] = _bind(called, needed)
    return _naming(function, ready)


@cache
def _part(
    function: FunctionType, hooks: frozenset[FunctionType], replaced: Pairs
) -> Any:
    """A function as compiled code calls it: `hooks` stay open, `replaced` are bound."""
    from xpfo_model import parts  # noqa: PLC0415 - imports numba

    takers = dict(replaced)
    ready = {}
    for name, value in _named(function).items():
        called = takers.get(value, value)
        if called in hooks:
            ready[name] = _open(called)
        else:
            reached = _reached(called, replaced)
            needed = frozenset(pair for pair in replaced if pair[0] in reached)
            ready[name] = _part(called, hooks & reached, needed)
    return parts.part(_naming(function, ready), inline=function not in _NOINLINE)


@cache
def _open(function: FunctionType) -> Any:
    from xpfo_model import parts  # noqa: PLC0415 - imports numba

    return parts.left_open(function)


def _naming(function: FunctionType, ready: dict[str, Any]) -> FunctionType:
    """A copy of a function whose names stand for others."""
    copy = FunctionType(
        function.__code__, function.__globals__ | ready, function.__name__
    )
    copy.__module__ = function.__module__
    copy.__qualname__ = function.__qualname__
    return copy


def _named(function: FunctionType) -> dict[str, FunctionType]:
    """The functions of this package that a function names."""
    names = function.__globals__
    return {
        name: names[name]
        for name in function.__code__.co_names
        if _is_ours(names.get(name))
    }


@cache
def _reached(function: FunctionType, given: Pairs) -> frozenset[FunctionType]:
    """All functions of this package that a function names, itself or by others."""
    places = dict(given)
    found: set[FunctionType] = set()
    waiting = [function]
    while waiting:
        new = set(_named(waiting.pop()).values()) - found
        found |= new
        waiting += [places.get(one, one) for one in new]
    return frozenset(found)


def _is_ours(value: Any) -> bool:
    return isinstance(value, FunctionType) and _is_in_package(value.__module__)


def _is_our_module(value: Any) -> bool:
    return isinstance(value, ModuleType) and _is_in_package(value.__name__)


def _is_in_package(module: str) -> bool:
    return module.partition(".")[0] == __name__.partition(".")[0]


def _sources(function: FunctionType, given: Pairs) -> str:
    """Digest of all that numba reads of a function and of those that it reaches."""
    takers = [f"{_name(one)} is {_name(other)}" for one, other in given]
    reached = {function, *_reached(function, given), *dict(given).values()}
    whole = "\n".join(sorted([*takers, *map(_text, reached)]))
    return hashlib.sha256(whole.encode()).hexdigest()


def _text(function: FunctionType) -> str:
    """A function as numba reads it: without comments, docstring and line numbers."""
    names = function.__code__.co_names
    spaces = [function.__globals__]
    spaces += [vars(m) for m in map(spaces[0].get, names) if _is_our_module(m)]
    read = [(name, space[name]) for space in spaces for name in names if name in space]
    return "\n".join(
        [
            _name(function),
            "noinline" * (function in _NOINLINE),
            *_code(function.__code__, function.__doc__),
            *(f"{name} = {_value(value)}" for name, value in read),
        ]
    )


def _code(code: CodeType, docstring: str | None = None) -> Iterator[str]:
    yield code.co_code.hex()
    yield code.co_exceptiontable.hex()
    yield f"{code.co_flags} {code.co_argcount} {code.co_names} {code.co_varnames}"
    for number, value in enumerate(code.co_consts):
        if isinstance(value, CodeType):
            yield from _code(value)
        elif number or value != docstring:
            yield _value(value)


def _value(value: Any) -> str:
    """The value of a name: functions, classes and modules by their names."""
    if isinstance(value, type):
        return f"{_name(value)} {[getattr(value, of, '') for of in _MEMBERS]}"
    if isinstance(value, FunctionType | ModuleType):
        return _name(value)
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {value.tobytes().hex()}"
    return f"{type(value).__qualname__} {value!r}"


def _name(value: FunctionType | type | ModuleType) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    return f"{value.__module__}.{value.__qualname__}"


@cache
def _facts(types: tuple[Any, ...]) -> str:
    """Types of arguments as text; the loops of all strategies have the same."""
    return "\n".join(map(_fields_too, types))


def _fields_too(kind: Any) -> str:
    """A type of an argument, or a fact of one, with the fields of a named tuple."""
    return f"{kind!r} {getattr(kind, '_fields', '')}"


@cache
def _cache_directory() -> Path:
    """The folder of code that this processor can run and this compiler has made."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = home / "xpfo-model"
    makers = "".join((PACKAGE / name).read_text(encoding="utf-8") for name in _MAKERS)
    maker = hashlib.sha256(f"{makers}\n{native.host()}".encode())
    directory = root / maker.hexdigest()[:_LENGTH]
    directory.mkdir(parents=True, exist_ok=True)
    directory.touch()
    for old in _by_age(root)[:-_KEPT_CACHES]:
        shutil.rmtree(old, ignore_errors=True)
    for old in _by_age(directory)[:-_KEPT_LOOPS]:
        old.unlink(missing_ok=True)
    return directory


def _by_age(directory: Path) -> list[Path]:
    """The files of a directory, the oldest first; other processes may remove some."""
    found = []
    for path in directory.iterdir():
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]
