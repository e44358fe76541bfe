# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-untyped-call"
"""Code that numba has made: keeping it, loading it and calling it, without numba.

To import numba and to ready it for loading takes longer than reading a trace of a
million lines. The code itself needs nothing of it: an object file with one function
of C, which LLVM links into the process. It is called as numba's own compiled code
calls it (numba 0.61 to 0.68, `CPUCallConv`): with the addresses of the result and of
an exception, then with the parts of all arguments, one after the other. The
interpreter's lock is free meanwhile, so that other threads run.
"""

import ctypes
import hashlib
import json
import os
import pickle
import platform
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

RETURNED: Final = (0, -2)
"""Status of a function that raised nothing; -2 says that it gave None."""
_RESULT: Final = ctypes.c_int64 * 8
_ARGUMENTS: Final = {
    "i64": ctypes.c_int64,
    "i8": ctypes.c_int8,
    "double": ctypes.c_double,
}
_RESULTS: Final = {
    "int64": "q",
    "uint64": "Q",
    "int32": "i",
    "uint8": "B",
    "int8": "b",
    "bool": "?",
    "float64": "d",
}
"""The letters of `struct` for numba's types."""


class Code(NamedTuple):
    """An object file, and how its function is called."""

    name: str
    """Symbol of the function."""
    arguments: list[str]
    """LLVM's type of each part of the arguments; pointers end in ``*``."""
    result: str
    """Format of `struct`; empty for None."""
    is_tuple: bool
    """Whether the result is a tuple."""
    data: bytes

    def save(self, path: Path) -> None:
        """Write a file that is complete or not there. Raises `OSError`."""
        head = self._replace(data=b"")._asdict() | {"data": _sha(self.data)}
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(json.dumps(head).encode() + b"\n" + self.data)
        part.replace(path)


def saved(path: Path) -> Code | None:
    """The code in a file; None if there is none, or if it is damaged."""
    try:
        head, _, data = path.read_bytes().partition(b"\n")
        facts = json.loads(head)
        with suppress(OSError):  # it may be another user's
            path.touch()  # `jit` removes those that were used least lately
        return Code(**facts | {"data": data}) if facts["data"] == _sha(data) else None
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def flatten(value: Any, kinds: list[Any], parts: list[Any]) -> None:
    """Add what numba's type of an argument depends on, and the argument's parts.

    Raises `TypeError` for an argument that compiled functions do not take.
    """
    kind: Any = type(value)
    if issubclass(kind, np.ndarray):
        facts, flags = value.__array_interface__, value.flags
        layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
        kinds += (kind, value.dtype, value.ndim, layout, flags.writeable, flags.aligned)
        parts += (0, 0, value.size, value.itemsize, facts["data"][0])
        parts += value.shape
        parts += value.strides
    elif issubclass(kind, bool | np.bool_):
        kinds.append(bool)
        parts.append(bool(value))
    elif issubclass(kind, int | np.integer):
        kinds.append(int)
        parts.append(int(value))
    elif issubclass(kind, float):
        kinds.append(float)
        parts.append(value)
    elif issubclass(kind, tuple):
        kinds += (kind, len(value))
        for part in value:
            flatten(part, kinds, parts)
    elif issubclass(kind, np.void):
        kinds += (np.void, value.dtype)
        parts.append(np.frombuffer(value, np.uint8).__array_interface__["data"][0])
    else:
        raise TypeError(f"compiled functions take no {kind.__name__}")


def plain(value: Any) -> Any:
    """An argument as `flatten` reads it: NumPy's numbers as Python's."""
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, tuple):
        parts = map(plain, value)
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    return value


def code_of(linked: Any) -> Code:
    """The code of what `parts.link` has made.

    Raises `TypeError` if it cannot be called, or be loaded without numba.
    """
    returned = linked.signature.return_type
    is_tuple = hasattr(returned, "types")
    given = [str(one) for one in (returned.types if is_tuple else [returned])]
    try:
        result = "" if given == ["none"] else "".join(_RESULTS[one] for one in given)
    except KeyError:
        raise TypeError(f"compiled functions give no {returned}") from None
    needed = [f.name for f in linked.module.functions if f.is_declaration]
    if astray := [name for name in needed if name.startswith(("numba", "NRT", "Py"))]:
        raise TypeError(f"the code calls {', '.join(astray)} of numba")
    function = linked.convention.get_function_type(returned, linked.signature.args)
    return Code(
        linked.symbol,
        [str(one) for one in function.args[2:]],
        result,
        is_tuple,
        linked.data,
    )


@cache
def _llvm() -> Any:
    """LLVM, ready to link."""
    import llvmlite.binding as llvm  # noqa: PLC0415 - quick --help

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def _linker() -> Any:
    """A linker with symbols of its own: the names of two functions may be equal."""
    llvm = _llvm()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    reloc = "static" if target.name.startswith("x86") else "default"
    machine = target.create_target_machine(
        reloc=reloc, codemodel="jitdefault", jit=True
    )
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


@cache
def host() -> str:
    """The processor that code is made for, and versions of what makes it."""
    import importlib.util  # noqa: PLC0415 - quick --help

    llvm = _llvm()
    found = importlib.util.find_spec("numba")
    directory = Path(found.origin).parent if found and found.origin else Path()
    version = (directory / "_version.py").read_text(encoding="utf-8")
    facts = (
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
        version,
        np.__version__,
        platform.python_version(),
    )
    return "\n".join(facts)


def load(code: Code) -> Callable[[list[Any]], Any]:
    """Link code into this process; the function takes the parts of its arguments."""
    linker = _linker()
    linker.add_object_file(_llvm().object_file.ObjectFileRef.from_data(code.data))
    linker.finalize_object()
    types: list[Any] = [_ARGUMENTS.get(one, ctypes.c_void_p) for one in code.arguments]
    prototype = ctypes.CFUNCTYPE(
        ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *types
    )
    function = prototype(linker.get_function_address(code.name))
    read = struct.Struct(f"@{code.result}").unpack_from
    is_none, is_tuple = not code.result, code.is_tuple

    def call(parts: list[Any]) -> Any:
        result = _RESULT()
        raised = ctypes.c_void_p()
        status = function(ctypes.addressof(result), ctypes.addressof(raised), *parts)
        if status not in RETURNED:
            raise _exception(raised.value)
        if is_none:
            return None
        values = read(result)
        return values if is_tuple else values[0]

    call.__dict__["linker"] = linker  # who frees the code when it goes
    return call


class _Raised(ctypes.Structure):
    """The head of numba's excinfo_t."""

    _fields_ = (("pickled", ctypes.c_void_p), ("size", ctypes.c_int32))


def _exception(address: int | None) -> BaseException:
    if not address:
        return SystemError("compiled code failed without an exception")
    raised = _Raised.from_address(address)
    kind, arguments, _ = pickle.loads(  # noqa: S301 - a constant of our own code
        ctypes.string_at(raised.pickled, raised.size)
    )
    exception: BaseException = kind(*arguments)
    return exception
