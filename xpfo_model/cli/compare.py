# SPDX-License-Identifier: GPL-2.0-only
"""The command ``compare``."""

import argparse
import json
from types import ModuleType

from xpfo_model import strategies
from xpfo_model.cli.common import add_kernel, opened, warn
from xpfo_model.errors import MissingToolError
from xpfo_model.replay import table
from xpfo_model.replay.run import Outcome


def figures() -> ModuleType:
    """The module that draws, looked for before anything is computed."""
    try:
        from xpfo_model.figures import draw  # noqa: PLC0415 - matplotlib is an extra
    except ImportError as error:
        raise MissingToolError(
            f"drawing needs matplotlib: {error}",
            remedy="pip install 'xpfo-model[plot]'",
        ) from None
    return draw


def _letter(outcome: Outcome) -> str:
    from xpfo_model import clone  # noqa: PLC0415 - quick --help
    from xpfo_model.claims import cite_trace  # noqa: PLC0415 - the same

    return cite_trace.letter(outcome, commit=clone.commit())


def run(arguments: argparse.Namespace) -> int:
    """Count the flushes of every strategy over traces."""
    from xpfo_model import replay  # noqa: PLC0415 - quick --help

    draw = figures() if arguments.plot else None
    outcomes = []
    for number, path in enumerate(arguments.traces):
        with opened(arguments, path) as trace:
            outcome = replay.replay(trace, arguments.strategies)
        outcomes.append(outcome)
        if arguments.cite:
            print("\n" * bool(number) + _letter(outcome), end="", flush=True)
        elif arguments.json:
            print(json.dumps(outcome.as_json()), flush=True)
        elif not arguments.csv:
            print("\n" * bool(number) + table.table(outcome), flush=True)
        if arguments.json or arguments.csv:
            warn(outcome.about.notes() + outcome.notes)
    if arguments.csv:
        print(table.as_csv(outcomes), end="")
    elif not (arguments.json or arguments.cite):
        print(table.LEGEND, end="")
    if draw is not None:
        draw.save_comparison(outcomes, arguments.plot)
    return 0


def _strategies(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        strategies.load(name)
    return names


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    command.add_argument(
        "traces",
        nargs="+",
        metavar="TRACE",
        help="ftrace, trace-cmd report or perf script text, plain or .gz .xz .zst; "
        "trace.dat; perf.data; .npz; - for standard input",
    )
    command.add_argument(
        "--strategies",
        type=_strategies,
        metavar="A,B,…",
        help=f"of {', '.join(strategies.REGISTRY)}; by default those of the thread "
        "and the recommended one",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one object per trace")
    form.add_argument(
        "--cite",
        action="store_true",
        help="a text for a cover letter, as those of the claims",
    )
    form.add_argument("--csv", action="store_true", help="one row per strategy")
    command.add_argument("--plot", metavar="FILE", help="also draw it: .svg .png .pdf")
    add_kernel(command)
