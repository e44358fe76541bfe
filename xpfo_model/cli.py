# SPDX-License-Identifier: GPL-2.0-only
"""The command ``xpfo-model`` and its subcommands."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from xpfo_model import __version__, jit, strategies
from xpfo_model.allocator.profiles import PROFILES, version_of
from xpfo_model.errors import MissingToolError, XpfoModelError
from xpfo_model.replay import table

EXIT_ERROR: Final = 2
EXIT_CLAIM: Final = 1
EXIT_INTERRUPTED: Final = 130

Progress = Callable[[int, int], None]


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """A bar on standard error if that is a terminal, nothing in a pipe."""
    from tqdm import tqdm  # noqa: PLC0415 - only a long command needs it

    with tqdm(
        desc=what, unit="B", unit_scale=True, leave=False, disable=None, file=sys.stderr
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        yield progress


def _replay(path: str, arguments: argparse.Namespace) -> Any:
    from xpfo_model import replay, traces  # noqa: PLC0415 - quick --help

    with (
        progress_bar(Path(path).name) as progress,
        traces.open_trace(path, kernel=arguments.kernel, progress=progress) as trace,
    ):
        return replay.replay(trace, arguments.strategies)


def _figures() -> ModuleType:
    """The module that draws, looked for before anything is computed."""
    try:
        from xpfo_model.figures import draw  # noqa: PLC0415 - matplotlib is an extra
    except ImportError as error:
        raise MissingToolError(
            f"drawing needs matplotlib: {error}",
            remedy="pip install 'xpfo-model[plot]'",
        ) from None
    return draw


def run_compare(arguments: argparse.Namespace) -> int:
    """Count the flushes of every strategy over traces."""
    draw = _figures() if arguments.plot else None
    outcomes = []
    for number, path in enumerate(arguments.traces):
        outcome = _replay(path, arguments)
        outcomes.append(outcome)
        if arguments.json:
            print(json.dumps(outcome.as_json()), flush=True)
        elif not arguments.csv:
            print("\n" * bool(number) + table.table(outcome), flush=True)
        if arguments.json or arguments.csv:
            for note in outcome.about.notes() + outcome.notes:
                print(f"xpfo-model: warning: {note}", file=sys.stderr)
    if arguments.csv:
        print(table.as_csv(outcomes), end="")
    elif not arguments.json:
        print(table.LEGEND, end="")
    if draw is not None:
        draw.save_comparison(outcomes, arguments.plot)
    return 0


def run_convert(arguments: argparse.Namespace) -> int:
    """Store a trace compactly, as a table, or as ftrace text."""
    from xpfo_model import traces  # noqa: PLC0415 - quick --help

    def leftover(part: str) -> None:
        print(f"xpfo-model: replaced {part}, left by a killed process", file=sys.stderr)

    with (
        progress_bar(Path(arguments.trace).name) as progress,
        traces.open_trace(
            arguments.trace, kernel=arguments.kernel, progress=progress
        ) as trace,
    ):
        about = traces.save(
            trace, arguments.out, small=arguments.small, leftover=leftover
        )
    for note in about.notes():
        print(f"xpfo-model: warning: {note}", file=sys.stderr)
    return 0


def run_record(arguments: argparse.Namespace) -> int:
    """Record the kmem events of this machine."""
    from xpfo_model.recorder import record  # noqa: PLC0415 - quick --help

    return record.record(
        arguments.out,
        sched=arguments.sched,
        duration=arguments.duration,
        command=arguments.command,
        buffer_kb=arguments.buffer_size,
        say=lambda text: print(text, file=sys.stderr),
    )


def run_data(arguments: argparse.Namespace) -> int:
    """Compute the studies whose results the site keeps."""
    from xpfo_model.studies import store  # noqa: PLC0415 - quick --help

    docs = Path(arguments.docs)
    status = 0
    for item in store.studies(arguments.names):
        if arguments.list:
            print(f"{item.name}: {item.what}")
            continue
        changed, news = store.renew(item, docs, write=not arguments.check)
        print(f"{store.place(item, docs)}: {news}", flush=True)
        status = max(status, EXIT_CLAIM * (changed and arguments.check))
    return status


def run_claims(arguments: argparse.Namespace) -> int:
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


def run_check(arguments: argparse.Namespace) -> int:
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
        for report in checker.check_all(names, scope, pool, bound):
            reports.append(report)
            if not arguments.json:
                print(checker.tell(report), flush=True)
    if arguments.json:
        print(json.dumps([report.as_json() for report in reports]))
    wrong = [r.strategy for r in reports if r.claims_safe and r.violations]
    for name in wrong:
        print(f"xpfo-model: {name} is said to be safe, and is not", file=sys.stderr)
    return EXIT_CLAIM if wrong else 0


def run_fidelity(arguments: argparse.Namespace) -> int:
    """Compare the allocator model's choices with those of the traced kernel."""
    from xpfo_model import fidelity, traces  # noqa: PLC0415 - quick --help

    with (
        progress_bar(Path(arguments.trace).name) as progress,
        traces.open_trace(
            arguments.trace, kernel=arguments.kernel, progress=progress
        ) as trace,
    ):
        zoneinfo = arguments.zoneinfo or fidelity.zoneinfo_beside(arguments.trace)
        found = fidelity.compare(trace, zoneinfo, arguments.allocator)
    if arguments.json:
        for note in found.about.notes() + found.notes():
            print(f"xpfo-model: warning: {note}", file=sys.stderr)
    if arguments.dump:
        with Path(arguments.dump).open("w", encoding="utf-8") as file:
            found.write_dump(file, arguments.level)
    if arguments.json:
        print(json.dumps(found.as_json(arguments.level)))
    else:
        print(fidelity.tell(found), end="")
    return 0


def run_diff(arguments: argparse.Namespace) -> int:
    """Show how two strategies differ, hook by hook."""
    print(strategies.diff(arguments.one, arguments.other), end="")
    return 0


def _strategies(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        strategies.load(name)
    return names


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return convert


def _check_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("names", nargs="*", metavar="STRATEGY", help="all by default")
    command.add_argument(
        "--scope", default="default", help="small, default, large, wide"
    )
    command.add_argument(
        "--states", type=_positive(int), metavar="N", help="stop at so many states"
    )
    command.add_argument(
        "--all",
        action="store_true",
        help="exhaust also the strategies that are not said to be safe",
    )
    command.add_argument(
        "--jobs", type=_positive(int), metavar="N", help="processes; one a CPU"
    )
    command.add_argument("--json", action="store_true", help="a list, one a strategy")


def _data_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("names", nargs="*", metavar="STUDY", help="all by default")
    command.add_argument(
        "--check",
        action="store_true",
        help="write nothing; status 1 if another result came out",
    )
    command.add_argument("--list", action="store_true", help="only names")
    command.add_argument(
        "--docs", metavar="DIR", default="docs", help="docs of a clone; docs by default"
    )


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    top = argparse.ArgumentParser(
        prog="xpfo-model",
        description="A reference model of XPFO, run over traces of real kernels.",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(dest="command_name", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int]) -> Any:
        text = (run.__doc__ or "").rstrip(".")
        command = commands.add_parser(name, help=text, description=f"{text}.")
        command.set_defaults(run=run)
        return command

    def add_kernel(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--kernel",
            metavar="VERSION",
            help="GFP flags of this kernel version, such as v6.1; guessed if absent",
        )

    command = add("compare", run_compare)
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
    form.add_argument("--csv", action="store_true", help="one row per strategy")
    command.add_argument("--plot", metavar="FILE", help="also draw it: .svg .png .pdf")
    add_kernel(command)

    command = add("convert", run_convert)
    command.add_argument("trace", metavar="TRACE", help="any trace that compare reads")
    command.add_argument(
        "out",
        metavar="OUT",
        help=".npz for the compact form, .parquet for tables, else text, plain or .gz "
        ".xz .zst; - for standard output",
    )
    command.add_argument(
        "--small", action="store_true", help="an .npz a fifth smaller, in more time"
    )
    add_kernel(command)

    command = add("record", run_record)
    command.add_argument("--sched", action="store_true", help="also sched_switch")
    command.add_argument(
        "--duration",
        type=_positive(float),
        metavar="SECONDS",
        help="how long, if no command is given; until interrupted by default",
    )
    command.add_argument(
        "--buffer-size",
        type=_positive(int),
        metavar="KIB",
        help="trace buffer of each CPU; from the free memory by default",
    )
    command.add_argument("out", metavar="OUT", help="text, or .gz .xz .zst by its name")
    command.usage = "%(prog)s [options] OUT [-- COMMAND ...]"
    command.epilog = "With a COMMAND, the recording lasts as long as it runs."

    _check_arguments(add("check", run_check))

    command = add("fidelity", run_fidelity)
    command.add_argument("trace", metavar="TRACE", help="any trace that compare reads")
    command.add_argument(
        "--zoneinfo",
        metavar="FILE",
        help="/proc/zoneinfo of the machine when the trace began; NAME.zoneinfo.start "
        "beside the trace by default",
    )
    command.add_argument(
        "--allocator",
        choices=sorted(PROFILES, key=version_of),
        help="allocator of this kernel version; by default the last one that is not "
        "newer than the trace's masks",
    )
    command.add_argument("--json", action="store_true", help="one object")
    command.add_argument(
        "--dump", metavar="FILE", help="CSV: event, predicted pfn, actual pfn"
    )
    command.add_argument(
        "--level",
        choices=("pcp", "full"),
        default="full",
        help="of the dump and of the JSON",
    )
    add_kernel(command)

    _data_arguments(add("data", run_data))

    command = add("diff", run_diff)
    command.add_argument("one", metavar="STRATEGY")
    command.add_argument("other", metavar="STRATEGY")

    command = add("claims", run_claims)
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
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0, 1 a claim failed, 2 an error."""
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
