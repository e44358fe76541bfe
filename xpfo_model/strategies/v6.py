# SPDX-License-Identifier: GPL-2.0-only
"""XPFO v6 as posted, 7 September 2017: flush for every user allocation.

Allocation marks the frames and flushes, but clears no PTE: that is left to the
first kunmap. Free forgets the mark and maps the frame back, so the next user of
the same frame pays again. Mirrors mm/xpfo.c: xpfo_alloc_pages, xpfo_free_pages.
"""

from typing import Any

from xpfo_model.machine import ALLOC, USER, Machine, flush, map_back
from xpfo_model.strategies.guarantee import ignore


def alloc(m: Machine, cpu: int, frames: Any, user: bool) -> None:
    """xpfo_alloc_pages(): flush for a user, whatever the order."""
    if user:
        flush(m, ALLOC)


def free(m: Machine, cpu: int, frames: Any) -> None:
    """xpfo_free_pages(): map a user's frames back."""
    for frame in frames:
        if m.owner[frame] == USER:
            map_back(m, range(frame, frame + 1))


refill = ignore
change_block = ignore
