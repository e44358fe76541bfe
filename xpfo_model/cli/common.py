# SPDX-License-Identifier: GPL-2.0-only
"""The parts that several commands share: exit statuses, a bar, types of arguments."""

import argparse
import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from xpfo_model.errors import TraceError, XpfoModelError

EXIT_ERROR: Final = 2
EXIT_CLAIM: Final = 1
EXIT_INTERRUPTED: Final = 130

Progress = Callable[[int, int], None]


def _untold(done: int, total: int) -> None:
    """Show nothing of how far a command is."""


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Progress]:
    """A bar on standard error if that is a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield _untold
        return
    from tqdm import tqdm  # noqa: PLC0415 - a tenth of a second

    with tqdm(
        desc=what, unit="B", unit_scale=True, leave=False, file=sys.stderr
    ) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        yield progress


@contextlib.contextmanager
def opened(arguments: argparse.Namespace, path: str) -> Iterator[Any]:
    """A trace, open, with a bar while it is read.

    Of an error about it, the file is the path as it was given.
    """
    from xpfo_model import traces  # noqa: PLC0415 - quick --help
    from xpfo_model.traces.source import STDIN  # noqa: PLC0415 - the same

    with (
        progress_bar(Path(path).name) as progress,
        traces.open_trace(path, kernel=arguments.kernel, progress=progress) as trace,
    ):
        try:
            yield trace
        except TraceError as error:
            if path == STDIN or error.file != trace.head.name:
                raise
            raise type(error)(
                error.what, file=path, line=error.line, remedy=error.remedy
            ) from None


def refuse_same(trace: str, out: str) -> None:
    """Raise `XpfoModelError` where what is to be written is what is to be read."""
    if Path(out).exists() and Path(trace).exists() and Path(out).samefile(trace):
        raise XpfoModelError(
            "OUT is TRACE: the recording and its sha256 would be lost",
            file=out,
            remedy="name another file",
        )


def warn(notes: list[str]) -> None:
    """Print warnings on standard error."""
    for note in notes:
        print(f"xpfo-model: warning: {note}", file=sys.stderr)


def number(
    kind: Callable[[str], Any], what: str, fits: Callable[[Any], bool]
) -> Callable[[str], Any]:
    """A type of argument: a finite number that fits, and in words what fits."""

    def convert(text: str) -> Any:
        with contextlib.suppress(ValueError, OverflowError):
            value = kind(text)
            if math.isfinite(value) and fits(value):
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}")

    return convert


def positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """A type of argument: a number above 0."""
    what = "whole number above 0" if kind is int else "number above 0"
    return number(kind, what, lambda value: value > 0)


def add_kernel(command: argparse.ArgumentParser) -> None:
    """Add ``--kernel``, which means the GFP table wherever a command has it."""
    command.add_argument(
        "--kernel",
        metavar="VERSION",
        help="GFP flags of this kernel version, such as v6.1, or of what uname -r "
        "prints; guessed if absent",
    )
