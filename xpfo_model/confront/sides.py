# SPDX-License-Identifier: GPL-2.0-only
"""The two sides that are compared, in one form: what the kernel and the model did."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model.confront import watch
from xpfo_model.confront.drive import Driven
from xpfo_model.confront.recorded import Recorded
from xpfo_model.confront.watch import CAUSES, FLUSH, KINDS, MAP, SPLIT, UNMAP
from xpfo_model.errors import TraceError
from xpfo_model.xpfo_events import (
    NO_WORD,
    WAITS,
    XPFO_FLUSH,
    XPFO_MAP,
    XPFO_SPLIT,
    XPFO_UNMAP,
)

START: Final = "start"
"""The cause of what the kernel does before any strategy: not compared."""
_OF_XPFO: Final = {
    XPFO_FLUSH: FLUSH,
    XPFO_UNMAP: UNMAP,
    XPFO_MAP: MAP,
    XPFO_SPLIT: SPLIT,
}


class Side(NamedTuple):
    """Columns, one row for each thing done, in the order of the trace."""

    kind: npt.NDArray[np.uint8]
    """FLUSH, UNMAP, MAP, SPLIT."""
    cpu: npt.NDArray[np.uint16]
    cause: npt.NDArray[np.int8]
    """Index of CAUSES, or NO_CAUSE."""
    pfn: npt.NDArray[np.int64]
    span: npt.NDArray[np.int64]
    frames: npt.NDArray[np.int64]
    waits: npt.NDArray[np.bool_]
    """Of a flush: whether it could wait for all CPUs."""
    place: npt.NDArray[np.int64]
    """Number of the event in the trace: its own, or that which made the model act."""
    time: npt.NDArray[np.int64]

    def rows(self, which: Any) -> "Side":
        """The rows that a mask or indices select."""
        return Side(*(column[which] for column in self))

    def of(self, kind: int) -> "Side":
        """The rows of a kind."""
        return self.rows(self.kind == kind)

    def by_cause(self, kind: int) -> dict[str, int]:
        """How many rows of a kind there are of each cause."""
        causes = self.cause[self.kind == kind]
        counts = np.bincount(causes[causes >= 0], minlength=len(CAUSES)).tolist()
        return dict(zip(CAUSES, counts, strict=True))

    def tell(self, row: int) -> dict[str, Any]:
        """A row, as JSON has it."""
        kind = int(self.kind[row])
        told: dict[str, Any] = {"what": KINDS[kind]}
        if kind == SPLIT:
            return told | {"block": int(self.pfn[row])}
        told |= {"cause": CAUSES[self.cause[row]], "pfn": int(self.pfn[row])}
        if kind == FLUSH:
            told |= {"span": int(self.span[row]), "frames": int(self.frames[row])}
        return told


def kernel_side(found: Recorded) -> Side:
    """The kernel's side of a recording. Raises `TraceError` for an unknown cause."""
    xpfo, words = found.xpfo, found.about.words
    known = {word: number for number, word in enumerate(CAUSES)}
    table = np.array([known.get(word, watch.NO_CAUSE) for word in words] + [0])
    kinds = np.full(256, len(KINDS), np.uint8)
    kinds[list(_OF_XPFO)] = list(_OF_XPFO.values())
    kind = kinds.take(xpfo.kind)
    ours = kind < len(KINDS)
    if START in words:
        ours &= (xpfo.word != words.index(START)) | (kind == SPLIT)
    cause = np.where(xpfo.word == NO_WORD, watch.NO_CAUSE, table.take(xpfo.word))
    strange = ours & (kind != SPLIT) & (cause == watch.NO_CAUSE)
    if strange.any():
        row = int(np.flatnonzero(strange)[0])
        raise TraceError(
            f"event {int(found.xpfo_places[row]) + 1} has the cause "
            f"{words[xpfo.word[row]]}, which this model has not",
            file=found.about.name,
            remedy=f"its causes are {', '.join(CAUSES)}",
        )
    side = Side(
        kind=kind,
        cpu=xpfo.cpu,
        cause=cause.astype(np.int8),
        pfn=xpfo.pfn,
        span=np.where(kind == FLUSH, xpfo.extent, 1),
        frames=xpfo.frames,
        waits=xpfo.flags & WAITS != 0,
        place=found.xpfo_places,
        time=xpfo.time,
    )
    return side.rows(ours)


def model_side(driven: Driven) -> Side:
    """The model's side of a recording."""
    notes, steps = driven.notes, driven.steps
    return Side(
        kind=notes.kind,
        cpu=notes.cpu,
        cause=notes.cause,
        pfn=notes.pfn,
        span=notes.span,
        frames=notes.frames,
        waits=steps.atomic.take(notes.step) == 0,
        place=steps.place.take(notes.step),
        time=steps.time.take(notes.step),
    )
