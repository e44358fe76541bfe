# SPDX-License-Identifier: GPL-2.0-only
"""From a recording to the steps that drive a strategy: what its hooks are called for.

Of group xpfo only what the model cannot know is a step: accesses by kmap and kunmap,
pages that are handed out without an event, migration, and faults. What the kernel
unmapped, mapped and flushed is not: that is the model's to say.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model import gfp
from xpfo_model.confront.recorded import Recorded
from xpfo_model.constants import PAGEBLOCK_ORDER
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    PERCPU_REFILL,
)
from xpfo_model.xpfo_events import (
    IN_INTERRUPT,
    IRQS_OFF,
    XPFO_FAULT,
    XPFO_KMAP,
    XPFO_KUNMAP,
    XPFO_MIGRATE,
    XPFO_SILENT_ALLOC,
)

# Operations of a step.
ALLOC: Final = 0
FREE: Final = 1
REFILL_PAGE: Final = 2
"""A page of a refill, which takes effect when the refill ends."""
CHANGE_BLOCK: Final = 3
KMAP: Final = 4
KUNMAP: Final = 5
MIGRATE: Final = 6
FAULT: Final = 7
ISOLATE: Final = 8
"""A free page that compaction takes, to move another one to it."""
NO_STEP: Final = 9

DIRECT: Final = "direct"
ISOLATED: Final = "isolate"

_OF_KMEM: Final = {
    MM_PAGE_ALLOC: ALLOC,
    MM_PAGE_FREE: FREE,
    MM_PAGE_ALLOC_ZONE_LOCKED: REFILL_PAGE,
    MM_PAGE_ALLOC_EXTFRAG: CHANGE_BLOCK,
}
_OF_XPFO: Final = {
    XPFO_KMAP: KMAP,
    XPFO_KUNMAP: KUNMAP,
    XPFO_SILENT_ALLOC: ALLOC,
    XPFO_MIGRATE: MIGRATE,
    XPFO_FAULT: FAULT,
}


class Steps(NamedTuple):
    """Columns, one row a step, in the order of the trace."""

    op: Any
    """ALLOC … ISOLATE, uint8."""
    cpu: Any
    start: Any
    """First frame; of CHANGE_BLOCK the block, of MIGRATE the source, int64."""
    order: Any
    """Order of the page, int8."""
    other: Any
    """Of MIGRATE the first frame of the destination, int64."""
    number: Any
    """Of MIGRATE how many frames are moved, int64."""
    user: Any
    """Of ALLOC: 1 if the mask passes the kernel's test, uint8."""
    zeroed: Any
    """Of ALLOC: 1 if the mask asks for zeroed pages, uint8."""
    migratetype: Any
    direct: Any
    """Of KMAP and KUNMAP: 1 if it goes through the direct map, uint8."""
    atomic: Any
    """1 if the event fired where nobody may wait, uint8."""
    time: Any
    place: Any
    """Number of the event in the trace, int64."""

    def rows(self, which: Any) -> "Steps":
        """The steps that a slice, a mask or indices select."""
        return Steps(*(column[which] for column in self))


def steps_of(found: Recorded) -> Steps:
    """The steps of a recording, in its order."""
    ours, theirs = _of_kmem(found), _of_xpfo(found)
    both = Steps(*(np.concatenate(pair) for pair in zip(ours, theirs, strict=True)))
    both = both.rows(both.op != NO_STEP)
    return both.rows(np.argsort(both.place, kind="stable"))


def _ops(kind: npt.NDArray[np.uint8], table: dict[int, int]) -> Any:
    """The operation of each kind of event."""
    ops = np.full(256, NO_STEP, np.uint8)
    ops[list(table)] = list(table.values())
    return ops.take(kind)


def _of_kmem(found: Recorded) -> Steps:
    events, order = found.events, PAGEBLOCK_ORDER
    op = _ops(events.kind, _OF_KMEM)
    refill = events.flags & PERCPU_REFILL != 0
    claims = events.flags & CHANGE_OWNERSHIP != 0
    op[(op == REFILL_PAGE) & ~refill] = NO_STEP
    op[(op == CHANGE_BLOCK) & ~claims] = NO_STEP
    op[events.pfn == FAILED] = NO_STEP
    blocks = np.where(op == CHANGE_BLOCK, events.fallback_order - order, 0)
    # a fallback of more than a block changes each block of its page
    times = np.int64(1) << np.maximum(blocks, 0).astype(np.int64)
    source = np.repeat(np.arange(len(op)), times)
    part = np.arange(len(source)) - np.repeat(np.cumsum(times) - times, times)
    is_block = op == CHANGE_BLOCK
    start = np.where(is_block, events.pfn >> order, events.pfn).take(source) + part
    zeros = np.zeros(len(op), np.uint8)
    return (
        Steps(
            op=op,
            cpu=events.cpu,
            start=zeros,
            order=events.order,
            other=np.zeros(len(op), np.int64),
            number=np.zeros(len(op), np.int64),
            user=(found.is_user(events.gfp) & (op == ALLOC)).astype(np.uint8),
            zeroed=np.asarray(gfp.is_zeroed(events.gfp, found.about.kernel), np.uint8),
            migratetype=events.migratetype,
            direct=zeros,
            atomic=(events.flags & IRQS_OFF != 0).astype(np.uint8),
            time=events.time,
            place=found.kmem_places,
        )
        .rows(source)
        ._replace(start=start)
    )


def _of_xpfo(found: Recorded) -> Steps:
    xpfo, words = found.xpfo, found.about.words
    op = _ops(xpfo.kind, _OF_XPFO)
    op[(op == ALLOC) & _is(xpfo.word, ISOLATED, words)] = ISOLATE
    return Steps(
        op=op,
        cpu=xpfo.cpu,
        start=xpfo.pfn,
        order=xpfo.order,
        other=xpfo.extent,
        number=xpfo.frames,
        user=(found.is_user(xpfo.gfp) & (op == ALLOC)).astype(np.uint8),
        zeroed=np.asarray(gfp.is_zeroed(xpfo.gfp, found.about.kernel), np.uint8),
        migratetype=xpfo.migratetype,
        direct=_is(xpfo.word, DIRECT, words).astype(np.uint8),
        # a kmap is traced under the lock of its frame, with interrupts off
        atomic=(xpfo.flags & IN_INTERRUPT != 0).astype(np.uint8),
        time=xpfo.time,
        place=found.xpfo_places,
    )


def _is(word: npt.NDArray[np.int16], text: str, words: tuple[str, ...]) -> Any:
    """Whether the word of an event is a text."""
    return word == (words.index(text) if text in words else len(words))
