# SPDX-License-Identifier: GPL-2.0-only
"""Save a trace in the form that a file's name says, whole or not at all."""

from collections.abc import Callable
from pathlib import Path

from xpfo_model.errors import RecordError
from xpfo_model.events import About, EventLog, Events, Recording
from xpfo_model.traces import npz, parquet, write
from xpfo_model.traces.output import whole
from xpfo_model.xpfo_events import XpfoEvents


def save(
    trace: Recording,
    path: str | Path,
    *,
    small: bool = False,
    leftover: Callable[[str], None] | None = None,
) -> About:
    """Save a trace with all its facts, which are returned.

    Parameters
    ----------
    trace : Recording
        An open trace, or a log.
    path : str or Path
        ``.npz`` for the form that is read fastest, ``.parquet`` for tables; else the
        text of ftrace, in ``.gz``, ``.xz`` or ``.zst`` or plain. ``-`` is standard
        output.
    small : bool
        Take the time to pack an ``.npz`` as small as possible.
    leftover : callable, optional
        As `output.whole` has it.

    Raises `TraceError` for what is wrong with the trace, `RecordError` if the file
    cannot be written, `MissingToolError`. There is no file then.
    """
    suffix = Path(path).suffix
    if small and suffix != ".npz":
        raise RecordError(
            "only an .npz has a small form", file=str(path), remedy="name an .npz"
        )
    with whole(path, leftover) as file:
        if suffix == ".npz":
            with npz.Writer(file, str(path), small=small) as stored:
                about = trace.stream(stored.add, stored.observe)
                stored.finish(about)
        elif suffix == ".parquet":
            with parquet.Writer(file, str(path)) as table:
                about = trace.stream(table.add)
                table.finish(about)
        else:
            parts: list[Events] = []
            xpfo: list[XpfoEvents] = []
            about = trace.stream(parts.append, xpfo.append)
            events, observed = Events.concatenate(parts), XpfoEvents.concatenate(xpfo)
            for piece in write.pieces(EventLog(events, about, observed)):
                file.write(piece.encode(errors="backslashreplace"))
    return about
