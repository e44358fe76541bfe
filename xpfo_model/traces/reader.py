# SPDX-License-Identifier: GPL-2.0-only
"""Open a trace, whatever its format, and read it in chunks or whole."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from xpfo_model import gfp
from xpfo_model.events import About, EventLog, Events
from xpfo_model.traces import npz, tools
from xpfo_model.traces.blocks import Blocks
from xpfo_model.traces.source import Progress, Source
from xpfo_model.traces.text import Text


class Trace:
    """An open trace: a context manager whose chunks are read once.

    `about` is complete when the chunks are exhausted.
    """

    def __init__(self, source: Source, kernel: str | None) -> None:
        self._source = source
        self._kernel = kernel
        self.about = About(source.name)

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
        self._source.close()

    def chunks(self) -> Iterator[Events]:
        """The events in order, in chunks of at most some hundred thousand rows.

        The memory that this takes does not grow with the trace. Raises, at the
        end at the latest, the `TraceError` that says what is wrong with it.
        """
        source, name = self._source, self.about.name
        magic = source.magic()
        tool = tools.of_magic(magic)
        if magic.startswith(npz.MAGIC):
            log = npz.load(source, name, self._kernel)
            self.about = log.about
            yield from log.chunks()
        elif tool is None:
            yield from Text(self.about, self._kernel).chunks(Blocks(source))
        else:
            with (
                tools.on_disk(source) as path,
                tools.Printed(tool, path, name) as printed,
            ):
                text = Text(self.about, self._kernel, printed.release())
                yield from text.chunks(Blocks(printed))


def open_trace(
    path: str | Path, *, kernel: str | None = None, progress: Progress | None = None
) -> Trace:
    """Open a trace to read it in chunks; ``-`` is standard input.

    Parameters
    ----------
    path : str or Path
        Text of ftrace, trace-cmd or perf, plain or in gzip, xz or zstd; a
        trace.dat or perf.data; or what `save_npz` has written. The content
        decides, not the name.
    kernel : str, optional
        One of `gfp.KERNELS`, the version whose GFP names the trace has; then a
        name that it lacks is an error. Guessed from the trace if not given.
    progress : callable, optional
        Called with the bytes read from the file, and its size or 0.

    Raises `TraceError` if it cannot be opened, `UnknownKernelError`.
    """
    if kernel is not None:
        gfp.names(kernel)
    return Trace(Source(path, progress), kernel)


def read(
    path: str | Path, *, kernel: str | None = None, progress: Progress | None = None
) -> EventLog:
    """A whole trace in memory; see `open_trace` for the arguments.

    About 50 bytes an event. Raises the `TraceError` that says what is wrong.
    """
    with open_trace(path, kernel=kernel, progress=progress) as trace:
        events = Events.concatenate(list(trace.chunks()))
        return EventLog(events, trace.about)
