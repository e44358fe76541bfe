# SPDX-License-Identifier: GPL-2.0-only
"""The command ``record``."""

import argparse
import sys

from xpfo_model.cli.common import positive


def run(arguments: argparse.Namespace) -> int:
    """Record the kmem events of this machine."""
    from xpfo_model.recorder import record  # noqa: PLC0415 - quick --help

    return record.record(
        arguments.out,
        sched=arguments.sched,
        border=arguments.border,
        duration=arguments.duration,
        command=arguments.command,
        buffer_kb=arguments.buffer_size,
        say=lambda text: print(text, file=sys.stderr),
    )


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument("--sched", action="store_true", help="also sched_switch")
    command.add_argument(
        "--border",
        action="store_true",
        help="also system calls and page faults of user space: many events",
    )
    command.add_argument(
        "--duration",
        type=positive(float),
        metavar="SECONDS",
        help="how long, if no command is given; until interrupted by default",
    )
    command.add_argument(
        "--buffer-size",
        type=positive(int),
        metavar="KIB",
        help="trace buffer of each CPU; from the free memory by default",
    )
    command.add_argument("out", metavar="OUT", help="text, or .gz .xz .zst by its name")
    command.usage = "%(prog)s [options] OUT [-- COMMAND ...]"
    command.epilog = "With a COMMAND, the recording lasts as long as it runs."
