# SPDX-License-Identifier: GPL-2.0-only
"""Which free belongs to which allocation of a log."""

from typing import Any, Final, NamedTuple

import numpy as np

from xpfo_model.events import (
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_FREE,
    MM_PAGE_FREE_BATCHED,
    Events,
)

NONE: Final = -1


class Lifetimes(NamedTuple):
    """Rows of a log, one place an allocation that succeeded, in their order."""

    born: Any
    freed: Any
    """Row of its mm_page_free, or NONE."""
    committed: Any
    """Row of its mm_page_free_batched, or NONE."""


def lifetimes(events: Events) -> Lifetimes:
    """Each allocation with the next free of the same page, if it has its order.

    A page of which only a part is freed counts as not freed.
    """
    kind = events.kind
    succeeds = (kind == MM_PAGE_ALLOC) & (events.pfn != FAILED)
    named = succeeds | (kind == MM_PAGE_FREE) | (kind == MM_PAGE_FREE_BATCHED)
    rows = np.flatnonzero(named)
    rows = rows[np.argsort(events.pfn[rows], kind="stable")]
    following = np.full(len(kind), NONE, np.int64)
    same = events.pfn[rows[1:]] == events.pfn[rows[:-1]]
    following[rows[:-1][same]] = rows[1:][same]
    born = np.flatnonzero(succeeds)
    freed = following[born]
    mine = (
        (freed != NONE)
        & (kind[freed] == MM_PAGE_FREE)
        & (events.order[freed] == events.order[born])
    )
    freed = np.where(mine, freed, NONE)
    committed = np.where(mine, following[freed], NONE)
    batched = (committed != NONE) & (kind[committed] == MM_PAGE_FREE_BATCHED)
    return Lifetimes(born, freed, np.where(batched, committed, NONE))
