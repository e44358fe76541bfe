# SPDX-License-Identifier: GPL-2.0-only
"""The command ``convert``."""

import argparse
import sys

from xpfo_model.cli.common import add_kernel, opened, warn


def run(arguments: argparse.Namespace) -> int:
    """Store a trace compactly, as a table, or as ftrace text."""
    from xpfo_model import traces  # noqa: PLC0415 - quick --help

    def leftover(part: str) -> None:
        print(f"xpfo-model: replaced {part}, left by a killed process", file=sys.stderr)

    with opened(arguments, arguments.trace) as trace:
        about = traces.save(
            trace, arguments.out, small=arguments.small, leftover=leftover
        )
    warn(about.notes())
    return 0


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
