# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own counters, held against the events that it traced."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from xpfo_model import gfp
from xpfo_model.confront.recorded import Recorded
from xpfo_model.confront.sides import Side
from xpfo_model.confront.steps import ISOLATED
from xpfo_model.confront.watch import FLUSH, MAP, SPLIT, UNMAP
from xpfo_model.errors import TraceError
from xpfo_model.events import FAILED, MM_PAGE_ALLOC, MM_PAGE_FREE
from xpfo_model.xpfo_events import (
    FULL_FLUSH,
    NO_WORD,
    XPFO_FAULT,
    XPFO_FLUSH,
    XPFO_KMAP,
    XPFO_KUNMAP,
    XPFO_SILENT_ALLOC,
    XPFO_SILENT_BLOCK,
)

SUFFIX: Final = ".counters"
_LINE: Final = re.compile(r"(\w+)\s+(\S+)")
_TRACE: Final = re.compile(r"(\.trace)?(\.(txt|npz|gz|xz|zst))*$")


class Mismatch(NamedTuple):
    """A counter that is not what the events say."""

    name: str
    counter: int
    events: int


def beside(path: str | Path) -> Path | None:
    """The counters beside a trace: NAME.counters of NAME.trace.gz; None without."""
    path = Path(path)
    name = _TRACE.sub("", path.name)
    there = path.with_name(name + SUFFIX)
    return there if there.is_file() else None


def read_counters(path: str | Path) -> dict[str, str]:
    """The counters of a file, lines of a name and a value. Raises `TraceError`."""
    name = Path(path).name
    try:
        text = Path(path).read_text(errors="backslashreplace")
    except OSError as error:
        raise TraceError(
            f"it cannot be read: {error.strerror}",
            file=str(path),
            remedy="copy /sys/kernel/debug/xpfo/counters of the recorded kernel",
        ) from None
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        pair = _LINE.fullmatch(line.strip())
        if pair is None:
            raise TraceError(
                f"no counter: {line[:60]!a}",
                file=name,
                line=number,
                remedy="copy /sys/kernel/debug/xpfo/counters of the recorded kernel",
            )
        found[pair[1]] = pair[2]
    return found


def mismatches(
    found: Recorded, kernel: Side, counters: dict[str, str], file: str
) -> list[Mismatch]:
    """The counters that are not what the events say.

    Only those are compared that events tell. Raises `TraceError` for counters of
    another strategy, and for a counter that is no number.
    """
    for name, said in (
        ("strategy", found.start.strategy),
        ("start", found.start.start),
    ):
        if counters.get(name) != said:
            raise TraceError(
                f"its {name} is {counters.get(name)}, that of the trace is {said}",
                file=file,
                remedy="give the counters of the same boot",
            )
    wrong = []
    for name, events in expected(found, kernel).items():
        if name not in counters:
            continue
        if not counters[name].isdecimal():
            raise TraceError(
                f"{name} is no number: {counters[name]!r}",
                file=file,
                remedy="copy /sys/kernel/debug/xpfo/counters of the recorded kernel",
            )
        if int(counters[name]) != events:
            wrong.append(Mismatch(name, int(counters[name]), events))
    return wrong


def expected(found: Recorded, kernel: Side) -> dict[str, int]:
    """The values that the counters must have, by the events."""
    counts = {}
    for prefix, kind in (("flush", FLUSH), ("unmap", UNMAP), ("map", MAP)):
        for cause, number in kernel.by_cause(kind).items():
            counts[f"{prefix}_{cause}"] = number
    unsafe = kernel.rows((kernel.kind == FLUSH) & ~kernel.waits)
    for cause, number in unsafe.by_cause(FLUSH).items():
        counts[f"flush_unsafe_{cause}"] = number
    counts["splits"] = int(np.count_nonzero(kernel.kind == SPLIT))
    return counts | _of_pages(found) | _of_accesses(found)


def _of_pages(found: Recorded) -> dict[str, int]:
    events, xpfo, words = found.events, found.xpfo, found.about.words
    silent = xpfo.kind == XPFO_SILENT_ALLOC
    isolated = words.index(ISOLATED) if ISOLATED in words else NO_WORD
    masks = np.concatenate(
        [
            events.gfp[(events.kind == MM_PAGE_ALLOC) & (events.pfn != FAILED)],
            # the hook of isolated pages is another
            xpfo.gfp[silent & (xpfo.word != isolated)],
        ]
    )
    user = found.is_user(masks)
    zeroed = gfp.is_zeroed(masks[user], found.about.kernel)
    full = (xpfo.kind == XPFO_FLUSH) & (xpfo.flags & FULL_FLUSH != 0)
    return {
        "alloc_user": int(np.count_nonzero(user)),
        "alloc_kernel": int(np.count_nonzero(~user)),
        "alloc_zeroed": int(np.count_nonzero(zeroed)),
        "free": int(np.count_nonzero(events.kind == MM_PAGE_FREE)),
        "silent_alloc": int(np.count_nonzero(silent)),
        "silent_block": int(np.count_nonzero(xpfo.kind == XPFO_SILENT_BLOCK)),
        "flush_full": int(np.count_nonzero(full)),
    }


def _of_accesses(found: Recorded) -> dict[str, int]:
    xpfo, words = found.xpfo, found.about.words
    counts = {}
    for prefix, kind, known in (
        ("kmap", XPFO_KMAP, ("direct", "local", "none")),
        ("kunmap", XPFO_KUNMAP, ("direct", "local", "none")),
        ("faults", XPFO_FAULT, ("user", "kernel", "free")),
    ):
        for word in known:
            number = words.index(word) if word in words else len(words)
            of_word = (xpfo.kind == kind) & (xpfo.word == number)
            counts[f"{prefix}_{word}"] = int(np.count_nonzero(of_word))
    return counts
