# SPDX-License-Identifier: GPL-2.0-only
"""Text in blocks of whole lines, in one buffer that is used over and over."""

import codecs
import mmap
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from xpfo_model.traces.digest import Digest
from xpfo_model.traces.source import Bytes

BLOCK: Final = 1 << 20
"""Bytes to scan at a time: they stay in a cache between reading and scanning."""
LONG_LINE: Final = 16
"""Of a line that is longer than a block, this part of a block is kept."""

_PIECE: Final = 1 << 18
# The scanner looks a few bytes behind the newline that it stands on.
_SLACK: Final = 64


class LineBuffer:
    """Whole lines of a stream, its digest, and what follows the last newline."""

    def __init__(self, source: Bytes, block: int = BLOCK) -> None:
        self._source = source
        self._block = block
        self._digest = Digest()
        self._buffer = mmap.mmap(-1, 1)
        self._grow(block + 2 * _PIECE + _SLACK)
        self.rest = b""
        """At the end: the last line, if it has no newline."""

    def __iter__(self) -> Iterator[int]:
        """Fill the buffer; the index behind its last newline, each time."""
        held = self._begin()
        skipping = False
        while True:
            stop, more = self._fill(held, skipping=skipping)
            end = self._buffer.rfind(b"\n", 0, stop) + 1
            if end:
                yield end
            skipping = not end and stop >= self._block
            if skipping:
                stop = self._block // LONG_LINE
            held = stop - end
            self._buffer.move(0, end, held)
            if not more:
                break
        self.rest = self._buffer[:held]

    def _begin(self) -> int:
        """Read the first bytes, and keep them without a byte order mark; how many."""
        head = b""
        while len(head) < len(codecs.BOM_UTF8):
            piece = self._source.read(_PIECE)
            if not piece:
                break
            head += piece
        self._digest.update(head)
        return self._put(0, head.removeprefix(codecs.BOM_UTF8))

    def _fill(self, held: int, *, skipping: bool) -> tuple[int, bool]:
        """Read behind the bytes held until a block is full; whether there is more.

        When skipping, what comes before the next newline is read, but not held.
        """
        stop = held
        while stop < self._block:
            piece = self._source.read(_PIECE)
            if not piece:
                return stop, False
            self._digest.update(piece)
            if skipping:
                newline = piece.find(b"\n")
                if newline < 0:
                    continue
                piece = piece[newline:]
                skipping = False
            stop = self._put(stop, piece)
        return stop, True

    def _put(self, stop: int, piece: bytes) -> int:
        """Keep bytes behind those that are held; the index behind them."""
        if stop + len(piece) + _SLACK > len(self._buffer):
            self._grow(2 * (stop + len(piece)), stop)
        self._buffer[stop : stop + len(piece)] = piece
        return stop + len(piece)

    def text(self, start: int, stop: int) -> bytes:
        """Bytes of the buffer."""
        return self._buffer[start:stop]

    def line_end(self, start: int) -> int:
        """Index of the newline that ends the line from `start` on."""
        return self._buffer.find(b"\n", start)

    def sha256(self) -> str:
        """Digest of everything read, as hex."""
        return self._digest.hexdigest()

    def _grow(self, size: int, held: int = 0) -> None:
        # anonymous memory: what a small file does not touch costs nothing
        larger = mmap.mmap(-1, size)
        larger[:held] = self._buffer[:held]
        self._buffer = larger
        self.data: Any = np.frombuffer(self._buffer, np.uint8)
        """The buffer as the scanner reads it."""
