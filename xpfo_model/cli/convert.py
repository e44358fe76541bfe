# SPDX-License-Identifier: GPL-2.0-only
"""The command ``convert``."""

import argparse
import sys
from pathlib import Path
from typing import Final

from xpfo_model.cli.common import add_kernel, opened, warn
from xpfo_model.errors import XpfoModelError

PACKED: Final = (".gz", ".xz", ".zst")
"""Suffixes that pack a text."""
FORMS: Final = ("", ".npz", ".parquet", ".txt", ".text", ".trace", ".ftrace", ".log")
"""Suffixes of what is written; text but for the tables."""


def run(arguments: argparse.Namespace) -> int:
    """Store a trace compactly, as a table, or as ftrace text."""
    from xpfo_model import traces  # noqa: PLC0415 - quick --help
    from xpfo_model.traces.output import ready  # noqa: PLC0415 - the same

    def leftover(part: str) -> None:
        print(f"xpfo-model: replaced {part}, left by a killed process", file=sys.stderr)

    if same_file(arguments.trace, arguments.out):
        raise XpfoModelError(
            "OUT is TRACE: the recording and its sha256 would be lost",
            file=arguments.out,
            remedy="name another file",
        )
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
    path = Path(out)
    form = path.with_suffix("").suffix if path.suffix in PACKED else path.suffix
    if form in FORMS or (path.exists() and not path.is_file()):
        return
    raise XpfoModelError(
        f"the suffix {form} names no form that convert writes",
        file=out,
        remedy="choose .npz, .parquet or, for text, .txt or .trace, which may be "
        f"packed as {' '.join(PACKED)}",
    )


def same_file(trace: str, out: str) -> bool:
    """Whether both name one file, by whatever path."""
    return Path(out).exists() and Path(trace).exists() and Path(out).samefile(trace)


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
