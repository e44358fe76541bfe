# SPDX-License-Identifier: GPL-2.0-only
"""Bytes of a trace file or of standard input, decompressed on the way."""

import lzma
import os
import re
import shlex
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from xpfo_model.errors import MissingToolError, TraceError, TruncatedTraceError

STDIN: Final = "-"
STDIN_NAME: Final = "<stdin>"
_NAME_ONE: Final = "name a trace, or - for standard input"

MAGIC_LENGTH: Final = 512
"""Bytes that tell every format apart: a block of tar."""

# Input bytes at a time: what comes out of them has to fit in memory.
_PIECE: Final = 1 << 16
# zlib.decompressobj: 15 bits of window, 16 for a gzip header
_GZIP_WINDOW: Final = 31

Progress = Callable[[int, int], None]


class Bytes(Protocol):
    """A source of bytes for a reader."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, or somewhat more; none at the end."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def _zstd(name: str) -> Callable[[], _Decompressor]:
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - new in 3.14

        return zstd.ZstdDecompressor
    try:
        import zstandard  # noqa: PLC0415 - an extra, for this one format
    except ImportError:
        raise MissingToolError(
            "reading zstd needs Python 3.14 or the package zstandard",
            file=name,
            remedy="pip install 'xpfo-model[zst]', or decompress it on the way: "
            f"zstd -dc {shlex.quote(name)} | xpfo-model ... -",
        ) from None
    return lambda: zstandard.ZstdDecompressor().decompressobj()


def _codec(magic: bytes, name: str) -> tuple[str, Callable[[], Any]] | None:
    if magic.startswith(b"\x1f\x8b"):
        return "gzip", lambda: zlib.decompressobj(_GZIP_WINDOW)
    if magic.startswith(b"\xfd7zXZ\x00"):
        return "xz", lzma.LZMADecompressor
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd", _zstd(name)
    return None


# The first file of an archive: APPNOTE.TXT 4.3.7. An .npz is one.
_ZIP: Final = b"PK\x03\x04"
_OURS: Final = (b".npy", b"about.json")
_ZIP_NAME: Final = 30
_ZIP_NAME_LENGTH: Final = slice(26, 28)
_TAR: Final = slice(257, 262)
# https://parquet.apache.org/docs/file-format; a task may have that name
_PARQUET: Final = re.compile(rb"PAR1[^ -~]")


def _archive(magic: bytes) -> tuple[str, str] | None:
    """The kind of archive that begins so, and the program that prints a member."""
    if magic.startswith(_ZIP):
        length = int.from_bytes(magic[_ZIP_NAME_LENGTH], "little")
        if not magic[_ZIP_NAME : _ZIP_NAME + length].endswith(_OURS):
            return "zip archive", "unzip -p"
    if magic[_TAR] == b"ustar":
        return "tar archive", "tar -xOf"
    for begin, kind, program in (
        (b"BZh", "bzip2 file", "bzip2 -dc"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip archive", "7z e -so"),
        (b"Rar!\x1a\x07", "RAR archive", "unrar p -inul"),
        (b"\x04\x22\x4d\x18", "lz4 file", "lz4 -dc"),
        (b"MSCF", "cabinet", "cabextract -p"),
    ):
        if magic.startswith(begin):
            return kind, program
    return None


_UTF_16: Final = re.compile(
    rb"\xff\xfe|\xfe\xff|(?:[\t\n\r -~]\0){8}|(?:\0[\t\n\r -~]){8}"
)


def _not_a_trace(magic: bytes, name: str) -> tuple[str, str] | None:
    """What else begins so, and how a trace can be given instead."""
    if found := _archive(magic):
        kind, program = found
        member = " MEMBER" if "archive" in kind else ""
        return (
            f"it is a {kind}, not a trace",
            f"give one trace of it: {program} {shlex.quote(name)}{member} | "
            "xpfo-model ... -",
        )
    if _UTF_16.match(magic):
        return (
            "it is text in UTF-16, as PowerShell writes it",
            "save it as UTF-8, as iconv -f UTF-16 -t UTF-8 does",
        )
    if _PARQUET.match(magic):
        return (
            "it is Parquet, an export that is not read back",
            "give the trace that it was made from, or an .npz of that",
        )
    return None


class _Decompressed:
    """The text of one or more compressed members after one another."""

    def __init__(
        self, inner: Bytes, name: str, codec: str, new: Callable[[], _Decompressor]
    ) -> None:
        self._inner = inner
        self._name = name
        self._codec = codec
        self._new = new
        self._member: _Decompressor | None = new()

    def read(self, size: int, /) -> bytes:
        parts: list[bytes] = []
        have = 0
        while have < size:
            piece = self._inner.read(_PIECE)
            if not piece:
                if self._member is not None:
                    raise TruncatedTraceError(
                        f"the {self._codec} data ends before its end mark",
                        file=self._name,
                        remedy="copy or record it again: what is missing is unknown",
                    )
                break
            for part in self._members(piece):
                parts.append(part)
                have += len(part)
        return b"".join(parts)

    def _members(self, piece: bytes) -> list[bytes]:
        parts = []
        while piece:
            if self._member is None:
                piece = piece.lstrip(b"\0")  # padding, as of a tape
                if not piece:
                    break
                self._member = self._new()
            try:
                parts.append(self._member.decompress(piece))
            except Exception as error:
                # zlib.error, LZMAError and ZstdError have no other common base
                raise TraceError(
                    f"the {self._codec} data is damaged: {error}",
                    file=self._name,
                    remedy="copy or record it again",
                ) from error
            piece = b""
            if self._member.eof:
                piece = self._member.unused_data
                self._member = None
        return parts


class _Peekable:
    """Bytes whose beginning can be seen before it is read."""

    def __init__(self, inner: Bytes) -> None:
        self._inner = inner
        self._seen = b""

    def peek(self) -> bytes:
        while len(self._seen) < MAGIC_LENGTH:
            more = self._inner.read(MAGIC_LENGTH)
            if not more:
                break
            self._seen += more
        return self._seen[:MAGIC_LENGTH]

    def read(self, size: int, /) -> bytes:
        if self._seen:
            piece, self._seen = self._seen, b""
            return piece
        return self._inner.read(size)


class _File:
    """A file, or standard input, that reports how far it has been read."""

    def __init__(self, path: Path | None, name: str, progress: Progress | None) -> None:
        self._name = name
        self._progress = progress
        self._done = 0
        self._size = 0
        self._file: BinaryIO
        if path is None:
            self._file = sys.stdin.buffer
            return
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise TraceError(
                f"it cannot be opened: {error.strerror}",
                file=name,
                remedy=_NAME_ONE,
            ) from error
        self._size = os.fstat(self._file.fileno()).st_size

    def read(self, size: int, /) -> bytes:
        try:
            piece = self._file.read(size)
        except OSError as error:
            raise TraceError(
                f"it cannot be read: {error.strerror}", file=self._name
            ) from error
        self._done += len(piece)
        if self._progress is not None:
            self._progress(self._done, self._size)
        return piece

    def close(self) -> None:
        if self._file is not sys.stdin.buffer:
            self._file.close()


class Source:
    """A file, or standard input for ``-``, as decompressed bytes.

    `progress` is called with the bytes read from the file so far, and its size or
    0. Raises `TraceError` if it cannot be opened.
    """

    def __init__(self, path: str | Path, progress: Progress | None = None) -> None:
        self.path = None if str(path) == STDIN else Path(path)
        self.name = STDIN_NAME if self.path is None else self.path.name
        """Of the file, without its folder."""
        self.file = STDIN_NAME if self.path is None else str(path)
        """The file as it was named, for errors."""
        if not self.file:
            raise TraceError("the name of the trace is empty", remedy=_NAME_ONE)
        self._file = _File(self.path, self.file, progress)
        self._top: _Peekable | None = None
        self.compressed = False

    @property
    def on_disk(self) -> bool:
        """Whether it is a regular file, reading which never waits for its writer."""
        return self.path is not None and self.path.is_file()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        self._file.close()

    def magic(self) -> bytes:
        """The first decompressed bytes, which stay to be read."""
        return self._decompressed().peek()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, or somewhat more; none at the end.

        Raises `TruncatedTraceError` and `TraceError` for compressed data that
        ends early or is damaged.
        """
        return self._decompressed().read(size)

    def _decompressed(self) -> _Peekable:
        if self._top is None:
            top = _Peekable(self._file)
            while codec := _codec(top.peek(), self.file):
                top = _Peekable(_Decompressed(top, self.file, *codec))
                self.compressed = True
            if found := _not_a_trace(top.peek(), self.file):
                what, remedy = found
                raise TraceError(what, file=self.file, remedy=remedy)
            self._top = top
        return self._top
