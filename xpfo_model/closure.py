# SPDX-License-Identifier: GPL-2.0-only
"""The sources of a result: the functions that gave it, and all that they read.

`parts` follows functions through the names that they read to the functions, classes
and constants of this package. `digest` is one number for all of them. Comments,
docstrings, annotations, the texts of errors, formatting and the order of definitions
are no part of it. Python's own and other libraries count by name, not by version.
"""

import dataclasses
import hashlib
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

import numpy as np

from xpfo_model.definitions import definition

PACKAGE: Final = __name__.partition(".")[0]
GIVEN: Final = "given"
"""The part that holds what the caller gives."""
_LENGTH: Final = 16
_DEFINED: Final = (FunctionType, type)
_PLAIN: Final = (bool, int, float, complex, str, bytes, range, slice)


def digest(
    *roots: Any, given: Mapping[str, Any] = {}, apart: Collection[Any] = ()
) -> str:
    """SHA-256 of all that functions depend on, as hex; see `parts`."""
    return _sha(map(str, parts(*roots, given=given, apart=apart).items()))


def parts(
    *roots: Any, given: Mapping[str, Any] = {}, apart: Collection[Any] = ()
) -> dict[str, str]:
    """Digests of what functions depend on, by module.

    Names that are looked up at run time, such as those of strategies, cannot be
    followed: the caller gives what they stand for.

    Parameters
    ----------
    roots
        Functions and classes.
    given
        Values by name that the functions get at run time, such as a strategy's hooks.
    apart
        Values that count by name only: modules, and functions and registries in the
        place of which entries are given.

    Raises `TypeError` for a value whose text would not tell it from another.
    """
    walk = _Walk((*roots, *given.values()), apart)
    first = [f"{name}={walk.tell(value)}" for name, value in given.items()]
    found = {GIVEN: [*map(walk.tell, roots), *sorted(first)]}
    while walk.todo:
        value = walk.todo.pop()
        found.setdefault(_home(value), []).append(walk.text(value))
    return {home: _sha(sorted(found[home]))[:_LENGTH] for home in sorted(found)}


class _Walk:
    """A walk from definition to definition."""

    def __init__(self, roots: Collection[Any], apart: Collection[Any]) -> None:
        bare = (root for root in map(_bare, roots) if isinstance(root, _DEFINED))
        self.ours = {PACKAGE, *map(_top, bare)}
        self.apart = {id(value) for value in apart}
        self.apart |= {id(vars(m)) for m in apart if isinstance(m, ModuleType)}
        self.seen: set[int] = set()
        self.todo: list[Any] = []

    def tell(self, value: Any) -> str:  # noqa: PLR0911 - a line for each type
        """A value as text; a definition by its name, and its own text comes later."""
        kind = type(value)
        if id(value) in self.apart:
            return "apart"
        if value is None or value is ... or isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, FunctionType | type | ModuleType):
            return self._definition(value)
        if isinstance(value, np.ndarray | np.generic):
            return f"{value.dtype.descr}{value.shape}{value.tobytes().hex()}"
        if isinstance(value, Mapping):
            pairs = (f"{self.tell(key)}:{self.tell(value[key])}" for key in value)
            return f"{self.tell(kind)}{{{', '.join(pairs)}}}"
        if isinstance(value, set | frozenset):
            return f"{self.tell(kind)}{{{', '.join(sorted(map(self.tell, value)))}}}"
        if isinstance(value, list | tuple):
            return f"{self.tell(kind)}[{', '.join(map(self.tell, value))}]"
        inner = _inner(value)
        if inner:
            return self.tell(kind) + self.tell(inner)
        if " at 0x" in repr(value):
            raise TypeError(f"no text tells {value!r} from another of its type")
        return repr(value)

    def _definition(self, value: Any) -> str:
        name = f"{_public(_home(value))}.{getattr(value, '__qualname__', '')}"
        if _top(value) not in self.ours:
            wrapped = getattr(value, "__wrapped__", None)
            return name + (self.tell(wrapped) if wrapped else "")
        is_error = isinstance(value, type) and issubclass(value, BaseException)
        is_apart = id(vars(sys.modules[_home(value)])) in self.apart
        if id(value) not in self.seen and not is_error and not is_apart:
            self.seen.add(id(value))
            self.todo.append(value)
        return name

    def text(self, value: Any) -> str:
        """A definition, and the values of what it reads."""
        names = vars(sys.modules[_home(value)])
        line, name, held = 0, "", []
        if isinstance(value, FunctionType):
            names = value.__globals__
            line, name = value.__code__.co_firstlineno, value.__code__.co_name
            held = [value.__defaults__, value.__kwdefaults__]
            held += [cell.cell_contents for cell in value.__closure__ or ()]
        elif isinstance(value, type):
            name, held = value.__name__, [value.__bases__]
        told, read = definition(_home(value), name, line)
        values = (f"{one}={self._read(one, names)}" for one in read)
        return "\n".join([told, *map(self.tell, held), *values])

    def _read(self, dotted: str, names: Mapping[str, Any]) -> str:
        module, _, imported = dotted.rpartition(":")
        if module:
            if module.partition(".")[0] not in self.ours:
                return module
            names = vars(import_module(module))
        first, *rest = imported.split(".")
        value = names.get(first, first)
        for name in rest:
            if not isinstance(value, ModuleType) or _top(value) not in self.ours:
                break
            value = getattr(value, name)
        return self.tell(value)


def _inner(value: Any) -> list[Any] | None:
    """The values that an object of a known type consists of."""
    if isinstance(value, MethodType):  # whose object is a library's counts by name
        held = [value.__self__] if _top(type(value.__self__)) == PACKAGE else []
        return [value.__func__, *held]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, re.Pattern):
        return [value.pattern, value.flags]
    if isinstance(value, Path):
        return [value.name]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    bare = _bare(value)
    return None if bare is value else [bare]


def _bare(value: Any) -> Any:
    """The function in what was made of it by cache(), partial() or the compiler."""
    for name in ("__wrapped__", "func", "py_func"):
        if not isinstance(value, _DEFINED) and hasattr(value, name):
            return _bare(getattr(value, name))
    return value


def _home(value: Any) -> str:
    if isinstance(value, FunctionType):  # functools.wraps() changes __module__
        return str(value.__globals__["__name__"])
    return str(value.__name__ if isinstance(value, ModuleType) else value.__module__)


def _public(module: str) -> str:
    """A module without its private parts: Path is of pathlib, or of pathlib._local."""
    return ".".join(part for part in module.split(".") if not part.startswith("_"))


def _top(value: Any) -> str:
    return _home(value).partition(".")[0]


def _sha(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
