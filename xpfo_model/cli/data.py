# SPDX-License-Identifier: GPL-2.0-only
"""The command ``data``."""

import argparse
from pathlib import Path
from typing import Final

from xpfo_model.cli.common import EXIT_CLAIM

MEASURED: Final = " Of a clock or of recordings: only when it is named."


def run(arguments: argparse.Namespace) -> int:
    """Compute the studies whose results the site keeps."""
    from xpfo_model.studies import store  # noqa: PLC0415 - quick --help

    if arguments.list:
        for item in store.known(arguments.names):
            print(f"{item.name}: {item.what}{MEASURED * item.measured}")
        return 0
    docs = Path(arguments.docs)
    status = 0
    for item in store.studies(arguments.names):
        changed, news = store.renew(item, docs, write=not arguments.check)
        print(f"{store.place(item, docs)}: {news}", flush=True)
        status = max(status, EXIT_CLAIM * (changed and arguments.check))
    return status


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument(
        "names",
        nargs="*",
        metavar="STUDY",
        help="by default all that need neither a clock nor recordings",
    )
    command.add_argument(
        "--check",
        action="store_true",
        help="write nothing; status 1 if another result came out",
    )
    command.add_argument(
        "--list",
        action="store_true",
        help="compute nothing: each study and what it is of",
    )
    command.add_argument(
        "--docs", metavar="DIR", default="docs", help="docs of a clone; docs by default"
    )
