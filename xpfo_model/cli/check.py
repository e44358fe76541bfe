# SPDX-License-Identifier: GPL-2.0-only
"""The command ``check``."""

import argparse
import json
import os
import sys
from typing import Final

from xpfo_model import strategies
from xpfo_model.cli.common import EXIT_CLAIM, positive
from xpfo_model.machine import STARTS

START: Final = {**{start: (start,) for start in STARTS}, "both": STARTS}
"""Starts of memory by the word that names them."""


def run(arguments: argparse.Namespace) -> int:
    """Explore every interleaving of a tiny machine, and tell what goes wrong."""
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415
    from multiprocessing import get_context  # noqa: PLC0415

    from xpfo_model import checker  # noqa: PLC0415 - quick --help

    names = arguments.names or [n for n in strategies.REGISTRY if n != "none"]
    for name in names:
        strategies.load(name)
    scope = checker.scope(arguments.scope)
    if arguments.states:
        scope = checker.limited(scope, arguments.states)
    jobs = min(arguments.jobs or os.cpu_count() or 1, len(names))
    reports = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        bound = None if arguments.all or arguments.states else checker.ENOUGH
        starts = None if arguments.start is None else START[arguments.start]
        for report in checker.check_all(names, scope, pool, bound, starts):
            reports.append(report)
            if not arguments.json:
                print(checker.tell(report), flush=True)
    if arguments.json:
        print(json.dumps([report.as_json() for report in reports]))
    wrong = [r.strategy for r in reports if r.claims_safe and r.violations]
    for name in wrong:
        print(f"xpfo-model: {name} is said to be safe, and is not", file=sys.stderr)
    return EXIT_CLAIM if wrong else 0


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument("names", nargs="*", metavar="STRATEGY", help="all by default")
    command.add_argument(
        "--scope", default="default", help="small, default, large, wide"
    )
    command.add_argument(
        "--states", type=positive(int), metavar="N", help="stop at so many states"
    )
    command.add_argument(
        "--all",
        action="store_true",
        help="exhaust also the strategies that are not said to be safe",
    )
    command.add_argument(
        "--start",
        choices=tuple(START),
        help="how memory starts; by default both ways for what is said to be safe, "
        "mapped for the others",
    )
    command.add_argument(
        "--jobs", type=positive(int), metavar="N", help="processes; one a CPU"
    )
    command.add_argument("--json", action="store_true", help="a list, one a strategy")
