# SPDX-License-Identifier: GPL-2.0-only
"""Save events in little space while they come, and load them again.

A zip of arrays, which `numpy.load` opens, too, and about.json: the facts, and the
numbers of each chunk. `columns` says how a chunk is stored. The fast form takes 2.6
MB for 1.2 million events, the small one 2.0 MB and many times as long. Nothing is
pickled. The same log gives the same file.

What a file claims about itself is not believed: a chunk has a bounded number of
rows, no member is unpacked beyond what its chunk can need, and every value is
checked.
"""

import contextlib
import io
import json
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, TypeVar

import numpy as np

from xpfo_model import gfp
from xpfo_model.errors import TraceError
from xpfo_model.events import SCHED_SWITCH, About, EventLog, Events, Observer
from xpfo_model.traces import columns, columns_xpfo, facts, npz_v1, zipped
from xpfo_model.traces.source import Source
from xpfo_model.xpfo_events import XpfoEvents

MAGIC: Final = b"PK\x03\x04"
"""First bytes of a zip file."""

_FORMAT: Final = "xpfo-model events"
_VERSION: Final = 2
_VERSION_XPFO: Final = 3
"""The same with events of group xpfo, which an older reader would leave out."""
_VERSION_BORDER: Final = 4
"""The same with events of the border of user space, whose kinds an older one lacks."""
_XPFO: Final = "xpfo/"
"""Where their arrays are."""
_ABOUT: Final = "about.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_ROWS: Final = {False: 1 << 17, True: 1 << 20}
"""Rows of a chunk, by whether it is to be small: a choice."""
_MOST_ROWS: Final = 1 << 21
"""Rows of the largest chunk: twice the rows at which one is stored."""
_HEADER: Final = 1 << 14
"""Bytes that an array takes beside its values, at most."""
_WIDEST: Final = 8
"""Bytes of the widest integer."""
_LARGEST_PACKED: Final = 1 << 30
"""Most bytes of an .npz that is compressed once more."""
_PIECE: Final = 1 << 20
_THREADS: Final = 2
_AHEAD: Final = 4
"""Chunks in work at a time."""

Table = TypeVar("Table", Events, XpfoEvents)
_Store = Callable[[list[Table]], None]


class Writer:
    """Saves chunks of events as they come: a context manager.

    Packing goes on in a thread, so the chunks must not change later. Nothing is
    complete before `finish`. Raises `TraceError` for events that no trace has.

    Parameters
    ----------
    file : BinaryIO
        Open for writing.
    name : str
        Of the file, for errors.
    small : bool
        Take the time to pack it as small as possible.
    """

    def __init__(self, file: BinaryIO, name: str, *, small: bool = False) -> None:
        self._zip = zipfile.ZipFile(file, "w")
        self._name = name
        self._small = small
        self._held: list[Events] = []
        self._held_xpfo: list[XpfoEvents] = []
        self._numbers: list[columns.Numbers] = []
        self._xpfo: list[columns.Numbers] = []
        self._crosses = False
        self._work = ThreadPoolExecutor(1)
        self._pending: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._work.shutdown(cancel_futures=True)
        with contextlib.ExitStack() as end:
            if kind is not None:  # the file is of no use, but zipfile wants an end
                end.enter_context(contextlib.suppress(OSError, ValueError))
            self._zip.close()

    def add(self, events: Events) -> None:
        """Save more events, in order."""
        self._hold(events, self._held, self._store)

    def observe(self, events: XpfoEvents) -> None:
        """Save more events of group xpfo, in order."""
        self._hold(events, self._held_xpfo, self._store_xpfo)

    def finish(self, about: About) -> None:
        """Save the facts: the last step."""
        self._flush(self._held, self._store)
        self._flush(self._held_xpfo, self._store_xpfo)
        while self._pending:
            self._pending.popleft().result()
        head = {
            "format": _FORMAT,
            "version": self._version(about),
            "about": facts.as_json(about),
            "chunks": self._numbers,
        }
        if self._xpfo:
            head["xpfo"] = self._xpfo
        self._add(_ABOUT, json.dumps(head, default=int).encode())

    def _version(self, about: About) -> int:
        """The oldest version that has all that was saved."""
        if self._crosses:
            return _VERSION_BORDER
        return _VERSION_XPFO if self._xpfo or about.xpfo else _VERSION

    def _hold(self, events: Table, held: list[Table], store: _Store[Table]) -> None:
        rows = _ROWS[self._small]
        for start in range(0, len(events.kind), rows):
            held.append(events.rows(slice(start, start + rows)))
            if sum(len(part.kind) for part in held) >= rows:
                self._flush(held, store)

    def _flush(self, held: list[Table], store: _Store[Table]) -> None:
        if held:
            self._pending.append(self._work.submit(store, held.copy()))
            held.clear()
        if len(self._pending) > _AHEAD:
            self._pending.popleft().result()

    def _store(self, parts: list[Events]) -> None:
        events = parts[0] if len(parts) == 1 else Events.concatenate(parts)
        self._crosses |= int(events.kind.max()) > SCHED_SWITCH
        with self._refusal():
            self._write("", self._numbers, *columns.encode(events))

    def _store_xpfo(self, parts: list[XpfoEvents]) -> None:
        events = parts[0] if len(parts) == 1 else XpfoEvents.concatenate(parts)
        with self._refusal():
            self._write(_XPFO, self._xpfo, *columns_xpfo.encode(events))

    @contextlib.contextmanager
    def _refusal(self) -> Iterator[None]:
        """Say of which file the events are that no trace has."""
        try:
            yield
        except ValueError as error:
            raise TraceError(
                str(error), file=self._name, remedy="record the trace again"
            ) from None

    def _write(
        self,
        group: str,
        chunks: list[columns.Numbers],
        planes: dict[str, columns.Planes],
        numbers: columns.Numbers,
    ) -> None:
        for name, array in planes.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            self._add(_member(len(chunks), name, group), content.getvalue())
        chunks.append(numbers)

    def _add(self, name: str, content: bytes) -> None:
        method = zipfile.ZIP_LZMA if self._small else zipfile.ZIP_DEFLATED
        self._zip.writestr(zipfile.ZipInfo(name, _EPOCH), content, method, 1)


def _member(chunk: int, name: str, group: str = "") -> str:
    return f"{group}{chunk}/{name}.npy"


class Stored:
    """A saved trace that has been opened: a `Recording`, which streams once or more."""

    def __init__(self, content: bytes, name: str) -> None:
        self._name = name
        with self._damage():
            self._zip = zipped.Zipped(content)
            self._head = json.loads(self._zip.unpacked(_ABOUT, self._zip.most()))
            if self._head["format"] != _FORMAT:
                raise ValueError(f"its format is {self._head['format']!r}")
            if self._head["version"] > _VERSION_BORDER:
                raise TraceError(
                    "it was saved by a newer xpfo-model",
                    file=name,
                    remedy="update xpfo-model, or convert the text again",
                )
            known = {} if self._head["version"] >= _VERSION else _V1_FACTS
            self.about = facts.of_json(known | self._head["about"])

    @property
    def kernel(self) -> str:
        """The GFP table of its masks."""
        return self.about.kernel

    @property
    def cpus(self) -> int | None:
        """CPUs of its machine, if the trace said how many."""
        return self.about.cpus

    def stream(
        self, consume: Callable[[Events], None], observe: Observer | None = None
    ) -> About:
        """Give all events to `consume`, in order, in chunks; return the facts.

        `observe` gets those of group xpfo. Raises `TraceError` for a damaged file.
        """
        about, rows, last = self.about, 0, 0
        observed = 0
        if observe is not None:
            for events in self._observed():
                observed += len(events.kind)
                with self._damage():
                    if events.row[0] < last:
                        raise ValueError("events of group xpfo are not in order")
                    last = int(events.row[-1])
                observe(events)
        for chunk in self._chunks():
            rows += len(chunk.kind)
            consume(chunk)
        with self._damage():
            if any(not 0 <= row <= rows for row, _, _ in about.marks):
                raise ValueError("a mark is behind the last event")
            if observe is not None:
                _check_starts(about, rows, last, observed)
        return about

    def _observed(self) -> Iterator[XpfoEvents]:
        """The events of group xpfo, in chunks."""
        with self._damage():
            chunks = [_numbers(numbers) for numbers in self._head.get("xpfo", ())]
        for number, numbers in enumerate(chunks):
            with self._damage():
                planes = self._planes(number, numbers, _XPFO)
                events = columns_xpfo.decode(planes, numbers)
                words = max(int(events.word.max()), int(events.caller.max()))
                if words >= len(self.about.words):
                    raise ValueError("a word of group xpfo is not in its table")
            yield events

    def _chunks(self) -> Iterator[Events]:
        if self._head["version"] < _VERSION:
            with self._damage():
                events = self._first_form()
            yield from EventLog(events, self.about).chunks()
            return
        with self._damage():
            chunks = [_numbers(numbers) for numbers in self._head["chunks"]]
        pending: deque[Future[Events]] = deque()
        with ThreadPoolExecutor(_THREADS) as work:
            for number, numbers in enumerate(chunks):
                pending.append(work.submit(self._chunk, number, numbers))
                if len(pending) == _AHEAD:
                    yield self._result(pending.popleft())
            while pending:
                yield self._result(pending.popleft())

    def _result(self, future: Future[Events]) -> Events:
        with self._damage():
            return future.result()

    def _chunk(self, chunk: int, numbers: columns.Numbers) -> Events:
        return columns.decode(self._planes(chunk, numbers), numbers)

    def _planes(
        self, chunk: int, numbers: columns.Numbers, group: str = ""
    ) -> dict[str, columns.Planes]:
        most = _HEADER + _WIDEST * numbers["rows"]
        return {
            name: self._zip.array(_member(chunk, name, group), most)
            for name in numbers["least"]
        }

    def _first_form(self) -> Events:
        most = self._zip.most()
        if sum(member.file_size for member in self._zip.members.values()) > most:
            raise ValueError("it claims to be larger than any trace")
        names = [name for name in self._zip.members if name != _ABOUT]
        with ThreadPoolExecutor(_THREADS) as work:
            arrays = work.map(lambda name: self._zip.array(name, most), names)
            named = zip(names, arrays, strict=True)
            found = {name.removesuffix(".npy"): array for name, array in named}
        return npz_v1.decode(found, self._head["coding"])

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        """Say of which file an error is that its content gives."""
        try:
            yield
        except zipped.DAMAGE as error:
            raise TraceError(
                f"it is no saved trace, or is damaged: {error or type(error).__name__}",
                file=self._name,
                remedy="convert it again from the text: xpfo-model convert",
            ) from error


_V1_FACTS: Final = {"format": "ftrace", "kernel_from": "as it was saved"}
"""Facts that the first version did not save: it saved recordings of ftrace."""


def _check_starts(about: About, rows: int, last: int, observed: int) -> None:
    """Refuse starts of XPFO, and events of its group, behind the end of a trace."""
    behind = last > rows
    for start in about.xpfo:
        behind |= not (0 <= start.row <= rows and 0 <= start.event <= observed)
    if behind:
        raise ValueError("an event of group xpfo is behind the last event")


def _numbers(found: Any) -> columns.Numbers:
    """The numbers of a chunk, of the types that `columns.decode` expects."""
    for name in ("rows", "start", "unit"):
        if type(found[name]) is not int:
            raise TypeError(f"{name} is no number")
    if not 0 < found["rows"] <= _MOST_ROWS or found["unit"] < 1:
        raise ValueError(f"a chunk of {found['rows']} rows, unit {found['unit']}")
    numbers: columns.Numbers = found
    return numbers


def load(source: Source, name: str, kernel: str | None = None) -> Stored:
    """Open a file that `Writer` has saved.

    Raises `TraceError` if it is something else or damaged, or if the masks are not
    those of `kernel`.
    """
    pieces: list[bytes] = []
    size = 0
    while piece := source.read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if source.compressed and size > _LARGEST_PACKED:
            raise TraceError(
                f"it unpacks to more than {_LARGEST_PACKED:,} bytes",
                file=name,
                remedy="decompress it first",
            )
    stored = Stored(b"".join(pieces), name)
    if kernel is not None and gfp.table_of(kernel) != gfp.table_of(stored.kernel):
        gfp.names(kernel)
        raise TraceError(
            f"its GFP masks are those of {stored.kernel}, not of {kernel}",
            file=name,
            remedy=f"convert it again from the text with --kernel {kernel}",
        )
    return stored
