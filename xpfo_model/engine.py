# SPDX-License-Identifier: GPL-2.0-only
"""One text, two speeds: run plain functions as they are, or compiled by numba.

Transition functions are written once, in the subset of Python that numba
compiles. `compiled` compiles a function together with the functions of this
package that it calls; without numba it makes one function of them all. The tests
run both and compare.
"""

import builtins
import hashlib
import importlib.util
import os
import platform
import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import FunctionType
from typing import Any, Final, TypeVar, cast

import numpy as np

from xpfo_model.inline import World, inlined
from xpfo_model.subset import NotInlinableError

PACKAGE: Final = Path(__file__).parent

F = TypeVar("F", bound=Callable[..., Any])

_KEPT_CACHES: Final = 4

_COUNTS_REFERENCES: Final = False
"""Compiled functions allocate nothing and return numbers, so that nobody need
count who holds an array; counting took nine tenths of the allocator's time."""

_SELDOM: Final[set[Callable[..., Any]]] = set()


def _fast() -> bool:
    wanted = os.environ.get("XPFO_MODEL_ENGINE", "")
    if wanted not in {"", "numba", "python"}:
        raise ValueError(f"XPFO_MODEL_ENGINE={wanted}: it is numba or python")
    if wanted == "python":
        return False
    return wanted == "numba" or importlib.util.find_spec("numba") is not None


FAST: Final = _fast()
"""Whether functions are compiled. XPFO_MODEL_ENGINE=python turns it off."""


@cache
def digest() -> str:
    """SHA-256 of every source file of this package, as hex."""
    whole = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        whole.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0")
        whole.update(path.read_bytes() + b"\0")
    return whole.hexdigest()


def view(array: Any) -> Any:
    """An array as the engine reads it fastest: itself, or a memoryview of it.

    A memoryview shares the memory and gives Python integers, several times
    faster than NumPy scalars.
    """
    return array if FAST else memoryview(array)


def numbers(array: Any) -> Any:
    """A few numbers as the engine reads and writes them fastest: array or list.

    Unlike a `view` it does not share the memory of the array.
    """
    return array.copy() if FAST else array.tolist()


def seldom(function: F) -> F:
    """Mark a function that runs too seldom to be copied into each of its callers.

    It changes how long compiling takes and how fast it runs, never a result.
    """
    _SELDOM.add(function)
    return function


def plain(function: F, **hooks: Callable[..., Any]) -> F:
    """The function as Python runs it, with the global names in `hooks` replaced."""
    bound = cast("FunctionType", function)
    return cast("F", _bind(bound, tuple(sorted(hooks.items())), fast=False))


def compiled(function: F, **hooks: Callable[..., Any]) -> F:
    """The function at its best speed, with the global names in `hooks` replaced.

    `hooks` is how a loop is bound to a strategy: the loop calls ``alloc``, and
    ``compiled(loop, alloc=v6.alloc)`` is that loop for v6.
    """
    if not FAST:
        return as_one(function, **hooks)
    bound = cast("FunctionType", function)
    return cast("F", _bind(bound, tuple(sorted(hooks.items())), entry=True))


def as_one(function: F, **hooks: Callable[..., Any]) -> F:
    """The function as plain Python runs it fastest: with those that it calls in it."""
    bound = cast("FunctionType", function)
    return cast("F", _as_one(bound, tuple(sorted(hooks.items()))))


def _ours(value: Any) -> bool:
    package = __name__.partition(".")[0]
    return (
        isinstance(value, FunctionType)
        and value.__module__.partition(".")[0] == package
    )


@cache
def _as_one(function: FunctionType, hooks: tuple[tuple[str, Any], ...]) -> Any:
    def resolve(of: FunctionType, name: str) -> Any:
        if name in replaced and _calls_hooks(of, function, hooks):
            return replaced[name]
        names = of.__globals__
        return names[name] if name in names else vars(builtins)[name]

    def called(value: Any) -> Any:
        if not _ours(value):
            return value
        return _as_one(value, hooks if _calls_hooks(value, function, hooks) else ())

    replaced = dict(hooks)
    world = World(resolve, lambda f: _ours(f) and f not in _SELDOM, called)
    try:
        return inlined(function, world)
    except NotInlinableError:
        return _bind(function, hooks, fast=False)


@cache
def _bind(
    function: FunctionType,
    hooks: tuple[tuple[str, Any], ...],
    *,
    entry: bool = False,
    fast: bool = FAST,
) -> Any:
    called = {
        name: value
        for name in function.__code__.co_names
        if _ours(value := function.__globals__.get(name))
    }
    ready = {
        name: _bind(
            value, hooks if _calls_hooks(value, function, hooks) else (), fast=fast
        )
        for name, value in called.items()
    }
    ready |= {name: _bind(hook, (), fast=fast) for name, hook in hooks}
    copy = _copy(function, ready, hooks)
    if not fast:
        return copy
    if entry:
        return _jit(copy)
    import numba  # noqa: PLC0415

    from xpfo_model.parts import PartCompiler  # noqa: PLC0415 - imports numba

    njit: Any = numba.njit
    # Only compiled code calls it: no wrapper for Python, no cache of its own.
    return njit(
        forceinline=function not in _SELDOM,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        pipeline_class=PartCompiler,
        _nrt=_COUNTS_REFERENCES,
    )(copy)


def _calls_hooks(
    function: Any, loop: FunctionType, hooks: tuple[tuple[str, Any], ...]
) -> bool:
    """Whether a function calls a loop's hooks by their names.

    Those of the loop's own module do, and those of a module that imports what a
    hook takes the place of.
    """
    if function.__module__ == loop.__module__:
        return True
    found = (function.__globals__.get(name) for name, _ in hooks)
    return any(_ours(one) and one.__module__ != function.__module__ for one in found)


def _copy(
    function: FunctionType, names: dict[str, Any], hooks: tuple[tuple[str, Any], ...]
) -> FunctionType:
    copy = FunctionType(
        function.__code__, function.__globals__ | names, function.__name__
    )
    copy.__module__ = function.__module__
    bound = "".join(f"_{hook.__module__}_{hook.__name__}" for _, hook in hooks)
    # numba's cache tells functions apart by their qualified names
    suffix = hashlib.sha256(bound.encode()).hexdigest()[:12] if bound else ""
    copy.__qualname__ = function.__qualname__ + suffix
    return copy


def _jit(function: FunctionType) -> Any:
    import numba  # noqa: PLC0415 - half a second, only where it is used

    config: Any = numba.config
    njit: Any = partial(numba.njit, _nrt=_COUNTS_REFERENCES, nogil=True)

    before = config.CACHE_DIR
    try:
        # numba looks only at the file of the function itself; a directory that
        # is named by all sources cannot go stale.
        config.CACHE_DIR = str(_cache_directory(numba.__version__))
        return njit(cache=True)(function)
    except (OSError, RuntimeError):  # nowhere to write: compile every time
        return njit()(function)
    finally:
        config.CACHE_DIR = before


@cache
def _cache_directory(numba_version: str) -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = home / "xpfo-model"
    versions = (
        f"{digest()} {numba_version} {np.__version__} {platform.python_version()}"
    )
    directory = root / hashlib.sha256(versions.encode()).hexdigest()[:16]
    directory.mkdir(parents=True, exist_ok=True)
    directory.touch()
    caches = sorted(root.iterdir(), key=lambda path: path.stat().st_mtime)
    for old in caches[:-_KEPT_CACHES]:
        shutil.rmtree(old, ignore_errors=True)
    return directory
