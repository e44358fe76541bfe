# SPDX-License-Identifier: GPL-2.0-only
"""Text in blocks of whole lines, in one buffer that is used over and over."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from xpfo_model import engine
from xpfo_model.traces.source import Bytes

BLOCK: Final = 1 << 22
"""Bytes to read at a time."""
LONG_LINE: Final = 1 << 16
"""Bytes that are kept of a line that is longer than a block."""

# The scanner looks a few bytes behind the newline that it stands on.
_SLACK: Final = 64


class Blocks:
    """Whole lines of a stream, its digest, and what follows the last newline."""

    def __init__(self, source: Bytes, block: int = BLOCK) -> None:
        self._source = source
        self._block = block
        self._digest = hashlib.sha256()
        self._buffer = bytearray(2 * block + _SLACK)
        self._array = np.frombuffer(self._buffer, np.uint8)
        self.data: Any = engine.view(self._array)
        """The buffer as the scanner reads it."""
        self.rest = b""
        """At the end: the last line, if it has no newline."""
        self.long_lines = 0

    def __iter__(self) -> Iterator[int]:
        """Fill the buffer; the index behind its last newline, each time."""
        held = 0
        skipping = False
        while piece := self._read():
            self._digest.update(piece)
            if skipping:
                newline = piece.find(b"\n")
                if newline < 0:
                    continue
                piece = piece[newline:]
                skipping = False
            stop = held + len(piece)
            self._fit(stop)
            self._buffer[held:stop] = piece
            end = self._buffer.rfind(b"\n", 0, stop) + 1
            if end:
                yield end
                held = stop - end
                self._buffer[:held] = self._buffer[end:stop]
            else:
                held = stop
            if held > self._block:
                held = LONG_LINE
                self.long_lines += 1
                skipping = True
        self.rest = bytes(self._buffer[:held])

    def text(self, start: int, stop: int) -> bytes:
        """Bytes of the buffer."""
        return bytes(self._buffer[start:stop])

    def line_end(self, start: int) -> int:
        """Index of the newline that ends the line from `start` on."""
        return self._buffer.index(b"\n", start)

    def sha256(self) -> str:
        """Digest of everything read, as hex."""
        return self._digest.hexdigest()

    def _read(self) -> bytes:
        """A full block where there is one, also from a pipe that gives less."""
        piece = self._source.read(self._block)
        if not piece or len(piece) >= self._block:
            return piece
        parts = [piece]
        have = len(piece)
        while have < self._block and (piece := self._source.read(self._block - have)):
            parts.append(piece)
            have += len(piece)
        return b"".join(parts)

    def _fit(self, stop: int) -> None:
        if stop + _SLACK > len(self._buffer):
            self._buffer = self._buffer + bytearray(stop)
            self._array = np.frombuffer(self._buffer, np.uint8)
            self.data = engine.view(self._array)
