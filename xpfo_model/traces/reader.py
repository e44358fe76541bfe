# SPDX-License-Identifier: GPL-2.0-only
"""Open a trace, whatever its format, and read it in chunks or whole."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from xpfo_model.events import About, EventLog, Events, Observer, Recording
from xpfo_model.traces import kernel_version, npz, tools
from xpfo_model.traces.ahead import ahead
from xpfo_model.traces.source import Progress, Source
from xpfo_model.traces.text import Text
from xpfo_model.xpfo_events import XpfoEvents


class Trace:
    """An open trace, whose head has been looked at: a context manager.

    Its facts come with its last event: `stream` returns them, and nothing else does.
    """

    def __init__(
        self, path: str | Path, kernel: str | None, progress: Progress | None
    ) -> None:
        self._open = ExitStack()
        source = Source(path, progress)
        self._open.callback(source.close)
        self._read = False
        self._on_disk = source.on_disk
        try:
            self._content = self._look(source, kernel)
        except BaseException:
            self._open.close()
            raise

    def _look(self, source: Source, kernel: str | None) -> Text | npz.Stored:
        magic = source.magic()
        if magic.startswith(npz.MAGIC):
            return npz.load(source, source.file, kernel)
        tool = tools.of_magic(magic)
        if tool is None:
            return Text(source, source.name, kernel, file=source.file)
        path = self._open.enter_context(tools.on_disk(source))
        printed = self._open.enter_context(tools.Printed(tool, path, source.file))
        release = printed.release()
        return Text(printed, source.name, kernel, release, file=source.file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and end the program that prints it."""
        self._open.close()

    @property
    def head(self) -> About:
        """The facts that the head of the trace tells: no losses, no warnings."""
        content = self._content
        return content.head if isinstance(content, Text) else content.about

    @property
    def kernel(self) -> str:
        """The GFP table of its masks."""
        return self.head.kernel

    @property
    def cpus(self) -> int | None:
        """CPUs of its machine, if the head says how many."""
        return self.head.cpus

    def stream(
        self, consume: Callable[[Events], None], observe: Observer | None = None
    ) -> About:
        """Give all events to `consume`, in order, in chunks; return the facts.

        `observe` gets those of group xpfo, in chunks of their own. The memory that
        this takes does not grow with the length of a text. Raises, at the end at the
        latest, the `TraceError` that says what is wrong with the trace, and
        `ValueError` when called a second time.
        """
        if self._read:
            raise ValueError(f"{self.head.name} has been read")
        self._read = True
        content = self._content
        if isinstance(content, npz.Stored):
            return content.stream(consume, observe)
        chunks = content.chunks(observe)
        # who observes is called in order with who consumes, and a pipe may wait
        for chunk in ahead(chunks) if self._on_disk and observe is None else chunks:
            consume(chunk)
        return content.about()


def open_trace(
    path: str | Path, *, kernel: str | None = None, progress: Progress | None = None
) -> Trace:
    """Open a trace to read it in chunks; ``-`` is standard input.

    Parameters
    ----------
    path : str or Path
        Text of ftrace, trace-cmd or perf, plain or in gzip, xz or zstd; a
        trace.dat or perf.data; or what `save` has written. The content
        decides, not the name.
    kernel : str, optional
        The version whose GFP masks the trace has, such as ``v6.1``, or a release as
        uname -r prints it. If it is not given, the trace's release says it, or it is
        guessed from the masks.
    progress : callable, optional
        Called with the bytes read from the file, and its size or 0.

    Raises `TraceError` if it cannot be opened, `UnknownKernelError`.
    """
    if kernel is not None:
        kernel = kernel_version.of_user(kernel)
    return Trace(path, kernel, progress)


def read(
    path: str | Path, *, kernel: str | None = None, progress: Progress | None = None
) -> EventLog:
    """Read a whole trace into memory; see `open_trace` for the arguments.

    About 50 bytes an event. Raises the `TraceError` that says what is wrong.
    """
    with open_trace(path, kernel=kernel, progress=progress) as trace:
        return whole(trace)


def whole(trace: Recording) -> EventLog:
    """An open trace in memory. Raises the `TraceError` that says what is wrong."""
    parts: list[Events] = []
    xpfo: list[XpfoEvents] = []
    about = trace.stream(parts.append, xpfo.append)
    return EventLog(Events.concatenate(parts), about, XpfoEvents.concatenate(xpfo))
