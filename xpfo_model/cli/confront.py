# SPDX-License-Identifier: GPL-2.0-only
"""The command ``confront``."""

import argparse
import json
from typing import Final

from xpfo_model.cli.common import add_kernel, opened, warn

EXIT_DIFFERENT: Final = 1


def run(arguments: argparse.Namespace) -> int:
    """Hold a kernel that runs XPFO against the model of its strategy."""
    from xpfo_model import confront, traces  # noqa: PLC0415 - quick --help
    from xpfo_model.confront import counters, report  # noqa: PLC0415

    with opened(arguments, arguments.trace) as trace:
        log = traces.whole(trace)
        file = arguments.counters or counters.beside(arguments.trace)
        found = confront.confront(log, file)
    if arguments.json:
        print(json.dumps(found.as_json()))
        warn(log.about.notes())
    elif arguments.kmaps:
        print(report.kmaps(found.accesses), end="")
        warn(log.about.notes())
    else:
        print(report.report(found), end="")
    return 0 if found.is_equal else EXIT_DIFFERENT


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument(
        "trace",
        metavar="TRACE",
        help="of the kernel of docs/kernel: ftrace text, plain or .gz .xz .zst; .npz; "
        "- for standard input",
    )
    command.add_argument(
        "--counters",
        metavar="FILE",
        help="the kernel's /sys/kernel/debug/xpfo/counters, held against its events; "
        "by default NAME.counters beside the trace, if it is there",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="all of it, as one object")
    form.add_argument(
        "--kmaps",
        action="store_true",
        help="who reaches users' pages, by caller and per page; and who does without "
        "kmap",
    )
    add_kernel(command)
