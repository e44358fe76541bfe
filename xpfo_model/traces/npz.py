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
import lzma
import re
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import numpy as np
import numpy.typing as npt

from xpfo_model import gfp
from xpfo_model.errors import TraceError
from xpfo_model.events import About, EventLog, Events
from xpfo_model.traces import columns, facts, npz_v1
from xpfo_model.traces.source import Source

MAGIC: Final = b"PK\x03\x04"
"""First bytes of a zip file."""

_FORMAT: Final = "xpfo-model events"
_VERSION: Final = 2
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
_ROOM: Final = 1 << 26
"""Bytes that may be unpacked of any file, however small."""
_RATIO: Final = 1 << 6
"""Bytes that a byte of a file may unpack to above that: traces have 4 to 6."""
_LARGEST_PACKED: Final = 1 << 30
"""Most bytes of an .npz that is compressed once more."""
_LZMA_MEMORY: Final = 1 << 27
"""Bytes that unpacking LZMA may take: 9 MiB is what packing asks for."""
_ARRAY: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|][ui][1248])', "
    rb"'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)
"""The head of an array of integers, as NumPy writes it: numpy.lib.format. NumPy's own
reader of it takes more, and fails in many ways."""
_NUMBER: Final = re.compile(rb"\d{1,18}")
_PIECE: Final = 1 << 20
_THREADS: Final = 2
_AHEAD: Final = 4
"""Chunks in work at a time."""

Array = npt.NDArray[Any]


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
        self._numbers: list[columns.Numbers] = []
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
        rows = _ROWS[self._small]
        for start in range(0, len(events.kind), rows):
            self._held.append(events.rows(slice(start, start + rows)))
            if sum(len(part.kind) for part in self._held) >= rows:
                self._flush()

    def finish(self, about: About) -> None:
        """Save the facts: the last step."""
        self._flush()
        while self._pending:
            self._pending.popleft().result()
        head = {
            "format": _FORMAT,
            "version": _VERSION,
            "about": facts.as_json(about),
            "chunks": self._numbers,
        }
        self._add(_ABOUT, json.dumps(head, default=int).encode())

    def _flush(self) -> None:
        if self._held:
            self._pending.append(self._work.submit(self._store, self._held))
            self._held = []
        if len(self._pending) > _AHEAD:
            self._pending.popleft().result()

    def _store(self, parts: list[Events]) -> None:
        events = parts[0] if len(parts) == 1 else Events.concatenate(parts)
        try:
            planes, numbers = columns.encode(events)
        except ValueError as error:
            raise TraceError(
                str(error), file=self._name, remedy="record the trace again"
            ) from None
        for name, array in planes.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            self._add(_member(len(self._numbers), name), content.getvalue())
        self._numbers.append(numbers)

    def _add(self, name: str, content: bytes) -> None:
        method = zipfile.ZIP_LZMA if self._small else zipfile.ZIP_DEFLATED
        self._zip.writestr(zipfile.ZipInfo(name, _EPOCH), content, method, 1)


def _member(chunk: int, name: str) -> str:
    return f"{chunk}/{name}.npy"


class Stored:
    """A saved trace that has been opened: a `Recording`, which streams once or more."""

    def __init__(self, content: bytes, name: str) -> None:
        self._content = content
        self._name = name
        with self._damage(), zipfile.ZipFile(io.BytesIO(content)) as file:
            members = file.infolist()
            self._members = {member.filename: member for member in members}
            if len(self._members) != len(members):
                raise ValueError("it has two arrays of one name")
            self._head = json.loads(self._unpacked(_ABOUT, self._most()))
            if self._head["format"] != _FORMAT:
                raise ValueError(f"its format is {self._head['format']!r}")
            if self._head["version"] > _VERSION:
                raise TraceError(
                    "it was saved by a newer xpfo-model",
                    file=name,
                    remedy="update xpfo-model, or convert the text again",
                )
            known = {} if self._head["version"] == _VERSION else _V1_FACTS
            self.about = facts.of_json(known | self._head["about"])

    @property
    def kernel(self) -> str:
        """The GFP table of its masks."""
        return self.about.kernel

    @property
    def cpus(self) -> int | None:
        """CPUs of its machine, if the trace said how many."""
        return self.about.cpus

    def stream(self, consume: Callable[[Events], None]) -> About:
        """Give all events to `consume`, in order, in chunks; return the facts.

        Raises `TraceError` for a damaged file.
        """
        rows = 0
        for events in self._chunks():
            rows += len(events.kind)
            consume(events)
        with self._damage():
            if any(not 0 <= row <= rows for row, _, _ in self.about.marks):
                raise ValueError("a mark is behind the last event")
        return self.about

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
        most = _HEADER + _WIDEST * numbers["rows"]
        planes = {
            name: self._array(_member(chunk, name), most) for name in numbers["least"]
        }
        return columns.decode(planes, numbers)

    def _first_form(self) -> Events:
        most = self._most()
        if sum(member.file_size for member in self._members.values()) > most:
            raise ValueError("it claims to be larger than any trace")
        names = [name for name in self._members if name != _ABOUT]
        with ThreadPoolExecutor(_THREADS) as work:
            arrays = work.map(lambda name: self._array(name, most), names)
            named = zip(names, arrays, strict=True)
            found = {name.removesuffix(".npy"): array for name, array in named}
        return npz_v1.decode(found, self._head["coding"])

    def _most(self) -> int:
        """Bytes that this file may unpack to."""
        return _ROOM + _RATIO * len(self._content)

    def _array(self, name: str, most: int) -> Array:
        content = self._unpacked(name, most)
        found = _ARRAY.match(content)
        if found is None:
            raise ValueError(f"{name} is no array of integers")
        dtype, shape = found[1].decode(), [int(n) for n in _NUMBER.findall(found[3])]
        values = np.frombuffer(content, dtype, offset=found.end())
        return values.reshape(shape, order="F" if found[2] == b"True" else "C")

    def _unpacked(self, name: str, most: int) -> bytes:
        """The content of a member of at most so many bytes."""
        member = self._members[name]
        size = member.file_size
        if size > most:
            raise ValueError(f"{name} claims to be of {size:,} bytes")
        at = member.header_offset
        lengths = struct.unpack_from("<HH", self._content, at + 26)
        start = at + 30 + sum(lengths)
        packed = self._content[start : start + member.compress_size]
        if member.compress_type == zipfile.ZIP_STORED:
            content = packed
        elif member.compress_type == zipfile.ZIP_DEFLATED:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
        elif member.compress_type == zipfile.ZIP_LZMA:
            # APPNOTE.TXT 5.8.8: two bytes of version, the length of the properties,
            # then these; the stream says itself where it ends
            properties = packed[4:9]
            alone = properties + b"\xff" * 8 + packed[9:]
            unpacker = lzma.LZMADecompressor(lzma.FORMAT_ALONE, _LZMA_MEMORY)
            content = unpacker.decompress(alone, size + 1)
        else:
            raise ValueError(f"{name} is packed in another way")
        if len(content) != size or zlib.crc32(content) != member.CRC:
            raise ValueError(f"{name} is damaged")
        return content

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        """Say of which file an error is that its content gives."""
        try:
            yield
        except _DAMAGE as error:
            raise TraceError(
                f"it is no saved trace, or is damaged: {error or type(error).__name__}",
                file=self._name,
                remedy="convert it again from the text: xpfo-model convert",
            ) from error


_V1_FACTS: Final = {"format": "ftrace", "kernel_from": "as it was saved"}
"""Facts that the first version did not save: it saved recordings of ftrace."""

_DAMAGE: Final = (
    zipfile.BadZipFile,
    lzma.LZMAError,
    struct.error,
    zlib.error,
    EOFError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,  # nested too deeply
    TypeError,
    ValueError,
)


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
