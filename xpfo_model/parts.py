# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="misc, no-untyped-call, no-any-return, import-untyped"
"""How numba compiles functions that only compiled code calls, and how they are linked.

By default numba optimises and emits each function with all that it inlines, so
that the innermost ones are compiled once for every floor above them. Here a function
becomes LLVM's IR, once for one type of arguments. A call of a placeholder stays open:
the IR names a symbol that has no definition. `Linked` puts an entry, the functions
that it calls and those that take the places of placeholders into one module, which
LLVM optimises and emits. A loop is so typed once for all strategies. numba 0.61 to
0.68: `CompilerBase`, the pass builder and `intrinsic` are documented,
`JITCodeLibrary.finalize` is not.
"""

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final, NamedTuple

import llvmlite.binding as llvm
from numba.core import cgutils, types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.registry import CPUDispatcher
from numba.core.typed_passes import NopythonTypeInference
from numba.extending import intrinsic

NO_ADDRESS: Final = 0

_ENVIRONMENT: Final = "_ZN08NumbaEnv"
"""How names of the objects begin by which numba's functions reach Python's."""

_COUNTS_REFERENCES: Final = False
"""Compiled functions allocate nothing and return numbers, so that references to
arrays need no count; counting took nine tenths of the allocator's time."""


class Part(JITCodeLibrary):
    """Code that is linked into others and cannot be called by itself."""

    def finalize(self) -> None:
        """CPUCodeLibrary.finalize(), without its optimising and emitting."""
        self._raise_if_finalized()
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)  # noqa: SLF001
            module = library._get_module_for_linking()  # noqa: SLF001
            self._final_module.link_in(module, preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:  # noqa: ARG002
        """Nothing was emitted."""
        return NO_ADDRESS

    @property
    def codegen(self) -> "Part":
        """Who sets the environment of a function, which parts do not have."""
        return self

    def set_env(self, name: str, env: Any) -> None:
        """Nothing to set; as where numba loads a function from its cache."""


@register_pass(mutates_CFG=False, analysis_only=True)
class _AsPart(AnalysisPass):
    _name = "xpfo_model_as_part"

    def __init__(self) -> None:
        AnalysisPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        state.library = Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return False


class PartCompiler(CompilerBase):
    """numba's own pipeline, but for where the code goes."""

    def define_pipelines(self) -> list[Any]:
        """The one pipeline of nopython mode."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(_AsPart, NopythonTypeInference)
        passes.finalize()
        return [passes]


class PartDispatcher(CPUDispatcher):
    """A function that is compiled for each type of arguments that it is called with.

    numba compiles it for each constant, too; here LLVM sees constants where it inlines.
    """

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """How a call of it is typed."""
        plain = {name: types.unliteral(kind) for name, kind in kws.items()}
        return super().get_call_template(tuple(map(types.unliteral, args)), plain)


def part(function: FunctionType, *, inline: bool) -> PartDispatcher:
    """A function of parts, for `link`."""
    options = {
        "nopython": True,
        "forceinline": inline,
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
        "_nrt": _COUNTS_REFERENCES,
    }
    return PartDispatcher(function, {}, options, PartCompiler)


class Place(NamedTuple):
    """A placeholder, and the types of arguments that it is called with."""

    function: FunctionType
    arguments: tuple[Any, ...]


_PLACES: Final[dict[str, Place]] = {}
"""By the symbols that IR names."""
_SYMBOLS: Final[dict[Place, str]] = {}


def _symbol(place: Place) -> str:
    name = f"{place.function.__qualname__}.{len(_SYMBOLS)}"
    symbol = _SYMBOLS.setdefault(place, name)
    _PLACES[symbol] = place
    return symbol


def left_open(function: FunctionType) -> Any:
    """The callee in compiled code that stands for a function linked in later."""
    parameters = inspect.signature(function)

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        convention, given = context.call_conv, signature.args
        kind = convention.get_function_type(types.none, given)
        symbol = _symbol(Place(function, given))
        callee = cgutils.get_or_insert_function(builder.module, kind, symbol)
        status, none = convention.call_function(
            builder, callee, types.none, given, arguments
        )
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return none

    def typed(_: Any, *arguments: Any, **named: Any) -> Any:
        given = parameters.bind(*arguments, **named).args
        return types.none(*map(types.unliteral, given)), lower

    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [context, *parameters.parameters.values()]
    vars(typed)["__signature__"] = inspect.Signature(named)
    return intrinsic(typed)


class Linked(NamedTuple):
    """An entry with all that it calls, optimised and emitted."""

    symbol: str
    """Of the entry."""
    signature: Any
    convention: Any
    """How numba calls functions."""
    module: Any
    """LLVM's, optimised."""
    data: bytes
    """An object file."""


def link(entry: Any, arguments: tuple[Any, ...], taker: Callable[[Any], Any]) -> Linked:
    """Compile a part for types of arguments, with the part that takes each place.

    Raises `TypeError` if a function gives a value where its placeholder gives none.
    """
    entry.compile(arguments)
    compiled = entry.overloads[arguments]
    symbol = compiled.fndesc.llvm_func_name
    whole = compiled.library._get_module_for_linking().clone()  # noqa: SLF001
    while needed := [f.name for f in whole.functions if f.is_declaration]:
        names = [name for name in needed if name in _PLACES]
        if not names:
            break
        for name in names:
            place = _PLACES[name]
            hook = taker(place.function)
            hook.compile(place.arguments)
            found = hook.overloads[place.arguments]
            if found.signature.return_type != types.none:
                raise TypeError(f"{hook.__name__} gives a value, which nothing takes")
            module = found.library._get_module_for_linking().clone()  # noqa: SLF001
            module.get_function(found.fndesc.llvm_func_name).name = name
            whole.link_in(module)
    for variable in whole.global_variables:
        if variable.name.startswith(_ENVIRONMENT):
            variable.linkage = llvm.Linkage.internal  # nobody reads it: it goes
    function = whole.get_function(symbol)
    function.linkage = llvm.Linkage.external
    function.name = symbol = compiled.fndesc.qualname  # the other has 2,000 letters
    codegen = entry.targetctx.codegen()
    manager, builder = codegen._module_pass_manager()  # noqa: SLF001
    manager.run(whole, builder)
    data = codegen._tm.emit_object(whole)  # noqa: SLF001
    convention = entry.targetctx.call_conv
    return Linked(symbol, compiled.signature, convention, whole, data)
