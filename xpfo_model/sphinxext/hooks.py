# SPDX-License-Identifier: GPL-2.0-only
"""A hook of a strategy in the model's Python and in the kernel's C, side by side."""

import inspect
import re
from pathlib import Path
from typing import Any, ClassVar, Final

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from xpfo_model import strategies

SERIES: Final = "kernel/0*.patch"
"""The kernel's patches, below docs/."""


def added(patch: str) -> str:
    """The lines that a patch adds, without their marks."""
    lines = patch.splitlines()
    return "\n".join(
        line[1:] for line in lines if line.startswith("+") and line[:4] != "+++ "
    )


def c_function(series: str, name: str) -> str:
    """The definition of a function in the added lines of a series.

    Raises `ValueError` if there is none.
    """
    found = re.search(
        rf"^(?:static )?[a-z_]+ (?:[a-z_]+ )*\*?{name}\((?:[^;{{]*)\)\n\{{\n.*?^\}}$",
        series,
        re.DOTALL | re.MULTILINE,
    )
    if not found:
        raise ValueError(f"no function {name} in the series of docs/kernel")
    return found[0]


def series(docs: Path) -> str:
    """The lines that the whole series adds."""
    return "\n".join(added(path.read_text()) for path in sorted(docs.glob(SERIES)))


class HookDirective(SphinxDirective):
    """``{kernel-hook} STRATEGY HOOK C_FUNCTION``: both texts of a hook."""

    required_arguments = 3
    has_content = False
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Build two literal blocks."""
        strategy, hook, name = self.arguments
        docs = Path(self.env.srcdir)
        for path in docs.glob(SERIES):
            self.env.note_dependency(str(path))
        try:
            ours = inspect.getsource(strategies.functions(strategy)[hook])
            theirs = c_function(series(docs), name)
        except (KeyError, ValueError) as error:
            raise self.error(str(error)) from error
        box = nodes.container(classes=["kernel-hook"])
        for language, text in (("python", ours), ("c", theirs)):
            text = text.rstrip()  # noqa: PLW2901
            box += nodes.literal_block(text, text, language=language)
        return [box]
