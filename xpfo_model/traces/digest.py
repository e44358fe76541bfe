# SPDX-License-Identifier: GPL-2.0-only
"""SHA-256 of a stream, computed on another CPU while the stream is read."""

import hashlib
from collections.abc import Callable
from queue import Queue
from threading import Thread
from typing import Final

_WAITING: Final = 16
"""Pieces that may wait to be digested: the reader is no further ahead."""
_SMALL: Final = 1 << 16
"""Bytes up to which a piece is digested at once: to hand it over takes as long."""


class Digest:
    """A digest of pieces, in their order."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._pieces: Queue[bytes] | None = None

    def update(self, piece: bytes) -> None:
        """Add a piece that is not empty."""
        if self._pieces is None:
            if len(piece) <= _SMALL:
                self._sha256.update(piece)
                return
            self._pieces = Queue(_WAITING)
            work = (self._pieces, self._sha256.update)
            Thread(target=_digest, args=work, daemon=True).start()
        self._pieces.put(piece)

    def hexdigest(self) -> str:
        """The digest of everything so far, as hex."""
        if self._pieces is not None:
            self._pieces.put(b"")
            self._pieces.join()
            self._pieces = None
        return self._sha256.hexdigest()

    def __del__(self) -> None:
        """End the thread of a stream that was not read to its end."""
        if self._pieces is not None:
            self._pieces.put(b"")


def _digest(pieces: "Queue[bytes]", update: Callable[[bytes], None]) -> None:
    """Digest pieces until there is an empty one; a thread that holds no `Digest`."""
    while piece := pieces.get():
        update(piece)
        pieces.task_done()
    pieces.task_done()
