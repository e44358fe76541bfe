# SPDX-License-Identifier: GPL-2.0-only
"""The command ``compare``."""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final

from xpfo_model import strategies
from xpfo_model.cli.common import add_kernel, opened, warn
from xpfo_model.cli.names import Names
from xpfo_model.errors import MissingToolError, XpfoModelError
from xpfo_model.machine import MAPPED, STARTS
from xpfo_model.replay import table
from xpfo_model.replay.outcome import ALL_FREE, Outcome
from xpfo_model.replay.run import FREED

BOTH: Final = "both"
"""Count with memory that starts mapped, and with memory that starts unmapped."""


def figures(path: str | None = None) -> ModuleType:
    """The module that draws, looked for before anything is computed.

    Raises `XpfoModelError` where it cannot draw into a file of that name.
    """
    try:
        from xpfo_model.figures import draw  # noqa: PLC0415 - matplotlib is an extra
    except ImportError as error:
        raise MissingToolError(
            f"drawing needs matplotlib: {error}",
            remedy="pip install 'xpfo-model[plot]'",
        ) from None
    if path is not None:
        from xpfo_model.traces import output  # noqa: PLC0415 - quick --help

        draw.known_format(Path(path))
        output.ready(path)
    return draw


def _letter(outcome: Outcome) -> str:
    from xpfo_model import clone  # noqa: PLC0415 - quick --help
    from xpfo_model.claims import cite_trace  # noqa: PLC0415 - the same

    return cite_trace.letter(outcome, commit=clone.commit())


def bill(arguments: argparse.Namespace) -> int:
    """Print the whole bill of every strategy over traces, by place."""
    from xpfo_model.claims import trace_bill  # noqa: PLC0415 - quick --help
    from xpfo_model.studies import own  # noqa: PLC0415 - the same

    for option in ("csv", "cite", "plot", "quarters"):
        if getattr(arguments, option):
            raise XpfoModelError(
                f"--bill and --{option} do not go together",
                remedy="--bill prints text, or objects with --json",
            )
    starts = STARTS if arguments.start == BOTH else (arguments.start,)
    named = Names(arguments.traces)
    for number, path in enumerate(arguments.traces):
        with tempfile.TemporaryDirectory() as name, opened(arguments, path) as trace:
            evidence = own.evidence_of(trace, Path(name), Path(name))
            about = evidence.log(own.facts_of(evidence).short).about
            about = named.told_apart(about, path)
            names = arguments.strategies or strategies.SHOWN
            found = list(trace_bill.charges(evidence, names, starts))
        if arguments.json:
            known = {**about.as_json(), "bill": trace_bill.as_json(found)}
            print(json.dumps(known), flush=True)
        else:
            head = f"trace {about.name}\n  sha256 {about.sha256[:16]}\n"
            print("\n" * bool(number) + head, trace_bill.table(found), sep="\n", end="")
        warn(about.notes())
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Count the flushes of every strategy over traces."""
    return (bill if arguments.bill else count)(arguments)


def count(arguments: argparse.Namespace) -> int:
    """Print the counts of every strategy over traces."""
    from xpfo_model import replay  # noqa: PLC0415 - quick --help

    draw = figures(arguments.plot) if arguments.plot else None
    starts = STARTS if arguments.start == BOTH else (arguments.start,)
    held = None if arguments.held == ALL_FREE else arguments.held
    outcomes: list[Outcome] = []
    named = Names(arguments.traces)
    for number, path in enumerate(arguments.traces):
        with opened(arguments, path) as trace:
            found = replay.replay_starts(trace, arguments.strategies, starts, held=held)
        about = named.told_apart(found[0].about, path)
        found = [replace(outcome, about=about) for outcome in found]
        outcomes += found
        if arguments.cite:
            letters = "\n".join(map(_letter, found))
            print("\n" * bool(number) + letters, end="", flush=True)
        elif arguments.json:
            for outcome in found:
                print(json.dumps(outcome.as_json()), flush=True)
        elif not arguments.csv:
            print(
                "\n" * bool(number) + table.table(*found, quarters=arguments.quarters),
                flush=True,
            )
        if arguments.json or arguments.csv or arguments.cite:
            notes = [*found[0].about.notes(), *(n for one in found for n in one.notes)]
            warn(list(dict.fromkeys(notes)))
    if arguments.csv:
        print(table.as_csv(outcomes), end="")
    elif not (arguments.json or arguments.cite):
        print(table.legend(outcomes) + table.COURSE * arguments.quarters, end="")
    if draw is not None:
        draw.save_comparison(outcomes, arguments.plot)
    return 0


def _strategies(text: str) -> list[str]:
    names = [name for part in text.split(",") if (name := part.strip())]
    if not names:
        raise XpfoModelError(
            f"--strategies {text!r} names no strategy",
            remedy=f"name some of {', '.join(strategies.REGISTRY)}, or leave it out",
        )
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
    command.add_argument(
        "--start",
        choices=(*STARTS, BOTH),
        default=MAPPED,
        help="whether memory that nobody has had has an alias in the direct map; "
        "mapped, as in every posted version, by default",
    )
    command.add_argument(
        "--quarters",
        action="store_true",
        help="also by quarter of the user allocations, and by who had a frame before; "
        "JSON and CSV always have it",
    )
    command.add_argument(
        "--held",
        choices=(ALL_FREE, FREED),
        default=ALL_FREE,
        help="freed: a page whose first event is that it is freed was held by the "
        "kernel, and mapped, as the trace begins",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="one object per trace, or per start"
    )
    form.add_argument(
        "--cite",
        action="store_true",
        help="a text for a cover letter, as those of the claims",
    )
    form.add_argument("--csv", action="store_true", help="one row per strategy")
    command.add_argument(
        "--bill",
        action="store_true",
        help="in place of the tables: flushes by place, with those at the kunmap of "
        "zeroed pages, interrupts and PTEs; as text or with --json",
    )
    command.add_argument("--plot", metavar="FILE", help="also draw it: .svg .png .pdf")
    add_kernel(command)
