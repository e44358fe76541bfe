# SPDX-License-Identifier: GPL-2.0-only
"""The command ``claims``."""

import argparse
import json
import os
import sys
from pathlib import Path

from xpfo_model.cli.common import EXIT_CLAIM


def run(arguments: argparse.Namespace) -> int:
    """Evaluate claims and print the text that a cover letter can cite."""
    from xpfo_model import claims, clone  # noqa: PLC0415 - quick --help
    from xpfo_model.claims import cite  # noqa: PLC0415 - quick --help
    from xpfo_model.studies.evidence import Evidence  # noqa: PLC0415

    if arguments.list:
        for claim in claims.REGISTRY.values():
            print(claim.id)
        return 0
    traces = Path(arguments.traces or clone.traces())
    evidence = Evidence(traces, docs=clone.docs(traces))
    where = {"commit": clone.commit(), "site": arguments.site}
    status, gap = 0, ""
    for claim in claims.select(arguments.ids):
        verdict = claims.evaluate(claim, evidence)
        if arguments.json:
            print(json.dumps(verdict.as_json()), flush=True)
        elif isinstance(verdict, claims.Standing):
            print(gap + cite.cover_letter(verdict, **where), end="", flush=True)
            gap = "\n"
        if not verdict.stands:
            print(f"xpfo-model: {verdict.complaint}", file=sys.stderr)
            status = EXIT_CLAIM
    return status


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument("ids", nargs="*", metavar="ID", help="all by default")
    command.add_argument("--list", action="store_true", help="only the ids")
    command.add_argument("--json", action="store_true", help="one object per claim")
    command.add_argument(
        "--traces",
        metavar="DIR",
        help="a folder of traces, NAME.npz with NAME.toml; the document's by default",
    )
    command.add_argument(
        "--site",
        metavar="URL",
        default=os.environ.get("XPFO_SITE_URL", ""),
        help="the published site of this version; XPFO_SITE_URL by default",
    )
