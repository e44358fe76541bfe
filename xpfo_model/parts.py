# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="misc, no-untyped-call, no-any-return, import-untyped"
"""How numba compiles a function that only compiled code calls: not by itself.

By default numba optimises and emits each function with all that it inlines, so
that the innermost ones are compiled once for every floor above them. Here they
are only linked; the entry, the one function that Python calls, is optimised and
emitted with all its parts. An allocator that took 96 s so takes 35. numba 0.59
to 0.68: `CompilerBase` and the pass builder are its documented way in,
`JITCodeLibrary.finalize` is not.
"""

from typing import Any, Final

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import AnalysisPass, register_pass
from numba.core.typed_passes import NopythonTypeInference

NO_ADDRESS: Final = 0


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
