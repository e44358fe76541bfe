# SPDX-License-Identifier: GPL-2.0-only
"""The command ``convert``."""

import argparse
import sys
from pathlib import Path
from typing import Final

from xpfo_model.cli.common import add_kernel, opened, refuse_same, warn
from xpfo_model.errors import XpfoModelError

PACKED: Final = (".gz", ".xz", ".zst")
"""Suffixes that pack a text."""
TEXT: Final = ("", ".txt", ".text", ".trace", ".ftrace", ".log")
"""Suffixes of a text."""
FORMS: Final = (*TEXT, ".npz", ".parquet")
"""Suffixes of what is written and not packed."""


def run(arguments: argparse.Namespace) -> int:
    """Store a trace compactly, as a table, or as ftrace text."""
    from xpfo_model import traces  # noqa: PLC0415 - quick --help
    from xpfo_model.traces.output import ready  # noqa: PLC0415 - the same

    def leftover(part: str) -> None:
        print(f"xpfo-model: replaced {part}, left by a killed process", file=sys.stderr)

    refuse_same(arguments.trace, arguments.out)
    known_form(arguments.out)
    ready(arguments.out)
    with opened(arguments, arguments.trace) as trace:
        about = traces.save(
            trace, arguments.out, small=arguments.small, leftover=leftover
        )
    warn(about.notes())
    return 0


def known_form(out: str) -> None:
    """Raise `XpfoModelError` for a file whose suffix names no form that is written."""
    from xpfo_model.traces.output import is_replaced  # noqa: PLC0415 - quick --help

    path = Path(out)
    packed = path.suffix in PACKED
    form = path.with_suffix("").suffix if packed else path.suffix
    known = TEXT if packed else FORMS
    if form in known or not is_replaced(path):
        return
    raise XpfoModelError(
        f"the suffix {form}{path.suffix * packed} names no form that convert writes",
        file=out,
        remedy="choose .npz, .parquet or, for text, .txt or .trace, which may be "
        f"packed as {' '.join(PACKED)}",
    )


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument("trace", metavar="TRACE", help="any trace that compare reads")
    command.add_argument(
        "out",
        metavar="OUT",
        help=".npz for the compact form, .parquet for tables, else text, plain or .gz "
        ".xz .zst; - for standard output",
    )
    command.add_argument(
        "--small", action="store_true", help="an .npz a fifth smaller, in more time"
    )
    add_kernel(command)
