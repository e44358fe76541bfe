# SPDX-License-Identifier: GPL-2.0-only
"""The command ``report``."""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Final

from xpfo_model.cli.common import add_kernel, opened, refuse_same
from xpfo_model.cli.compare import figures
from xpfo_model.errors import XpfoModelError

NAMES: Final = (".html", ".htm")
"""Suffixes of a report."""


def run(arguments: argparse.Namespace) -> int:
    """Write the figures and tables of a trace into one HTML file."""
    figures()
    from xpfo_model import clone, report  # noqa: PLC0415 - quick --help
    from xpfo_model.studies import own  # noqa: PLC0415 - the same
    from xpfo_model.traces.output import STDOUT, ready, whole  # noqa: PLC0415 - the same

    if Path(arguments.out).suffix not in NAMES and arguments.out != STDOUT:
        raise XpfoModelError(
            "the report is HTML, and its name says something else",
            file=arguments.out,
            remedy="name an .html file, or - for standard output",
        )
    refuse_same(arguments.trace, arguments.out)
    ready(arguments.out)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with opened(arguments, arguments.trace) as trace:
            evidence = own.evidence_of(trace, folder, clone.docs(clone.traces()))
        verdicts = []
        for claim, verdict in report.heard(evidence):
            print(f"xpfo-model: claim {claim.id}", file=sys.stderr)
            verdicts.append((claim, verdict))
        with whole(arguments.out) as file:
            file.write(report.page(evidence, verdicts).encode())
    return 0


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument("trace", metavar="TRACE", help="any trace that compare reads")
    command.add_argument("out", metavar="OUT", help="an .html file; - for output")
    add_kernel(command)
