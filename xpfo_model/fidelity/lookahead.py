# SPDX-License-Identifier: GPL-2.0-only
"""The next event of a page in the trace, looked up only where the model was wrong.

It tells where a page is that the model had in another place, so that the model can
go on from there; no prediction rests on it.
"""

from xpfo_model.events import MM_PAGE_ALLOC_ZONE_LOCKED, MM_PAGE_FREE
from xpfo_model.fidelity.locks import NONE
from xpfo_model.fidelity.tally import Follow


def says_next(f: Follow, pfn: int) -> int:
    """The kind of event that the trace has next for a page, or NONE."""
    e, r, t = f.events, f.read, f.tally
    row = t.frames[pfn].seen - 1
    if row == NONE:
        return NONE
    following = r.next_row[row]
    return NONE if following == NONE else e.kind[following]


def gone(f: Follow, pfn: int) -> bool:
    """Whether a page cannot be on the list where the model has it.

    The trace next says that it is freed, or that it leaves the buddy lists, or
    nothing any more.
    """
    kind = says_next(f, pfn)
    return bool(
        kind == NONE or kind == MM_PAGE_FREE or kind == MM_PAGE_ALLOC_ZONE_LOCKED  # noqa: PLR1714
    )


def in_buddy(f: Follow, pfn: int) -> bool:
    """Whether a page went to the buddy lists as it was freed: it leaves them next."""
    return bool(says_next(f, pfn) == MM_PAGE_ALLOC_ZONE_LOCKED)
