# SPDX-License-Identifier: GPL-2.0-only
"""The command ``diff``."""

import argparse

from xpfo_model import strategies


def run(arguments: argparse.Namespace) -> int:
    """Show how two strategies differ, hook by hook."""
    found = strategies.diff(arguments.one, arguments.other)
    print(found or "no hook differs\n", end="")
    return 0


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument("one", metavar="STRATEGY")
    command.add_argument("other", metavar="STRATEGY")
