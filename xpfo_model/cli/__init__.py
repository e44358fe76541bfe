# SPDX-License-Identifier: GPL-2.0-only
"""The command ``xpfo-model``: a module for each of its commands."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from xpfo_model import __version__, jit
from xpfo_model.cli import (
    check,
    claims,
    compare,
    confront,
    convert,
    data,
    diff,
    explore,
    fidelity,
    record,
    report,
)
from xpfo_model.cli.common import EXIT_ERROR, EXIT_INTERRUPTED
from xpfo_model.errors import XpfoModelError

COMMANDS: Final = {
    "compare": compare,
    "report": report,
    "confront": confront,
    "convert": convert,
    "record": record,
    "check": check,
    "fidelity": fidelity,
    "explore": explore,
    "data": data,
    "diff": diff,
    "claims": claims,
}


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    top = argparse.ArgumentParser(
        prog="xpfo-model",
        description="A reference model of XPFO, run over traces of real kernels.",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(dest="command_name", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        text = (module.run.__doc__ or "").rstrip(".")
        command = commands.add_parser(name, help=text, description=f"{text}.")
        command.set_defaults(run=module.run)
        module.add_arguments(command)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0, 1 if a claim fails or a kernel differs, 2 for an error."""
    try:
        line = list(sys.argv[1:] if argv is None else argv)
        command = None
        if line[:1] == ["record"] and "--" in line:
            dashes = line.index("--")
            line, command = line[:dashes], line[dashes + 1 :]
        arguments = parser().parse_args(line, argparse.Namespace(command=command))
        jit.tell(lambda text: print(f"xpfo-model: {text}", file=sys.stderr))
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except XpfoModelError as error:
        print(f"xpfo-model: {error}", file=sys.stderr)
        return EXIT_ERROR
    except BrokenPipeError:  # the reader of our output has gone, as in | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except OSError as error:
        name = error.filename or "<stdout>"
        print(f"xpfo-model: {name}: {error.strerror}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return status
