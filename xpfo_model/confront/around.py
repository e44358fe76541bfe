# SPDX-License-Identifier: GPL-2.0-only
"""The events around a place in a recording: those of its CPU, and those of a frame."""

from typing import Final

import numpy as np
import numpy.typing as npt

from xpfo_model.confront.recorded import Recorded
from xpfo_model.events import FAILED, MM_PAGE_ALLOC_EXTFRAG, SCHED_SWITCH
from xpfo_model.traces import write, write_xpfo
from xpfo_model.xpfo_events import XPFO_FLUSH, XPFO_MIGRATE, XPFO_SPLIT

NEIGHBOURS: Final = 8
"""Events of the CPU that are shown before the place, and behind it."""
HISTORY: Final = 10
"""Events of a frame that are shown before the place."""

Rows = npt.NDArray[np.int64]


def of_cpu(found: Recorded, cpu: int, place: int) -> list[str]:
    """The events of a CPU around a place, as lines of the trace."""
    kmem = np.flatnonzero(found.events.cpu == cpu)
    xpfo = np.flatnonzero(found.xpfo.cpu == cpu)
    return _lines(found, kmem, xpfo, place, NEIGHBOURS, NEIGHBOURS)


def of_frame(found: Recorded, pfn: int, place: int) -> list[str]:
    """The events that name a frame until a place, as lines of the trace."""
    events, xpfo = found.events, found.xpfo
    size = np.int64(1) << events.order.astype(np.int64)
    is_page = (events.kind < SCHED_SWITCH) & (events.pfn != FAILED)
    is_page &= events.kind != MM_PAGE_ALLOC_EXTFRAG
    kmem = is_page & (events.pfn <= pfn) & (pfn < events.pfn + size)
    size = np.int64(1) << xpfo.order.astype(np.int64)
    size = np.where(xpfo.kind == XPFO_FLUSH, xpfo.extent, size)
    named = (xpfo.pfn <= pfn) & (pfn < xpfo.pfn + size) & (xpfo.kind != XPFO_SPLIT)
    named |= (xpfo.kind == XPFO_MIGRATE) & (xpfo.extent == pfn)
    return _lines(found, np.flatnonzero(kmem), np.flatnonzero(named), place, HISTORY, 1)


def _lines(
    found: Recorded, kmem: Rows, xpfo: Rows, place: int, before: int, behind: int
) -> list[str]:
    """The lines of the last events before a place and of the first from it on."""
    stamp = write.stamp_of(found.about.clock)
    chosen: list[tuple[int, str]] = []
    places, at = (
        found.kmem_places[kmem],
        int(np.searchsorted(found.kmem_places[kmem], place)),
    )
    some = kmem[max(0, at - before) : at + behind]
    part = found.events.rows(_indices(some))
    lines = write.lines(part, found.about.kernel, stamp)
    chosen += zip(found.kmem_places[some].tolist(), lines, strict=True)
    places = found.xpfo_places[xpfo]
    at = int(np.searchsorted(places, place))
    some = xpfo[max(0, at - before) : at + behind]
    part_xpfo = found.xpfo.rows(_indices(some))
    chosen += zip(
        found.xpfo_places[some].tolist(),
        (
            write_xpfo.line(row, found.about.words, stamp)
            for row in write_xpfo.rows_of(part_xpfo)
        ),
        strict=True,
    )
    chosen.sort()
    past = [line.strip() for number, line in chosen if number < place]
    future = [line.strip() for number, line in chosen if number >= place]
    return past[-before:] + future[:behind]


def _indices(rows: Rows) -> npt.NDArray[np.bool_]:
    return rows  # type: ignore[return-value]  # an index selects as a mask does
