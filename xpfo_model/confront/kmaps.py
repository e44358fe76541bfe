# SPDX-License-Identifier: GPL-2.0-only
"""How often the kernel reaches a user's page, and who does: kmap, kunmap and faults."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model import gfp
from xpfo_model.confront.drive import Driven
from xpfo_model.confront.recorded import Recorded
from xpfo_model.confront.steps import ALLOC
from xpfo_model.events import FAILED, MM_PAGE_ALLOC
from xpfo_model.xpfo_events import (
    NO_WORD,
    XPFO_FAULT,
    XPFO_KMAP,
    XPFO_KUNMAP,
    XPFO_SILENT_ALLOC,
)

ZEROED: Final = "zeroed"
OTHER: Final = "other"
MOST: Final = 1 << 10
"""Times that a page is kmapped beyond which all count alike."""


@dataclass(frozen=True)
class Accesses:
    """Accesses to users' pages by caller, and what they are held against."""

    user_allocations: int
    """Pages handed to users, by the kernel's test."""
    user_zeroed: int
    """Those of them that are zeroed."""
    kmaps: dict[str, int]
    """By caller, most frequent first."""
    kunmaps: dict[str, int]
    ways: dict[str, int]
    """kmaps by way: direct, local, none."""
    faults: dict[str, dict[str, int]]
    """By caller: faults by the owner of the frame."""
    pages: dict[str, dict[str, int]]
    """Of pages that are ``zeroed`` and of ``other`` ones: how many pages were kmapped
    so many times between their allocation and the next of the same frames."""

    @property
    def per_user_allocation(self) -> float:
        """How many kmaps there are for each page that a user gets."""
        if not self.user_allocations:
            return 0.0
        return sum(self.kmaps.values()) / self.user_allocations

    def as_json(self) -> dict[str, Any]:
        """The part of ``confront --json`` on it."""
        return {
            "user_allocations": self.user_allocations,
            "user_zeroed": self.user_zeroed,
            "kmaps": self.kmaps,
            "kunmaps": self.kunmaps,
            "kmaps_by_way": self.ways,
            "kmaps_per_user_allocation": round(self.per_user_allocation, 4),
            "kmaps_per_page": {
                whose: round(_mean(pages), 4) for whose, pages in self.pages.items()
            },
            "pages_by_kmaps": self.pages,
            "faults": self.faults,
        }


def accesses(found: Recorded, driven: Driven) -> Accesses:
    """Count the accesses of a recording."""
    events, xpfo = found.events, found.xpfo
    masks = np.concatenate(
        [
            events.gfp[(events.kind == MM_PAGE_ALLOC) & (events.pfn != FAILED)],
            xpfo.gfp[xpfo.kind == XPFO_SILENT_ALLOC],
        ]
    )
    users = masks[found.is_user(masks)]
    zeroed = gfp.is_zeroed(users, found.about.kernel)
    words = found.about.words
    is_kmap, is_fault = xpfo.kind == XPFO_KMAP, xpfo.kind == XPFO_FAULT
    faults: dict[str, dict[str, int]] = {}
    for caller in _named(xpfo.caller[is_fault], words):
        of_caller = is_fault & (xpfo.caller == words.index(caller))
        faults[caller] = _named(xpfo.word[of_caller], words)
    return Accesses(
        user_allocations=len(users),
        user_zeroed=int(np.count_nonzero(zeroed)),
        kmaps=_named(xpfo.caller[is_kmap], words),
        kunmaps=_named(xpfo.caller[xpfo.kind == XPFO_KUNMAP], words),
        ways=_named(xpfo.word[is_kmap], words),
        faults=faults,
        pages=_pages(driven),
    )


def _pages(driven: Driven) -> dict[str, dict[str, int]]:
    steps = driven.steps
    user = (steps.op == ALLOC) & (steps.user != 0)
    found = {}
    for whose, zeroed in ((ZEROED, 1), (OTHER, 0)):
        times = driven.kmaps[user & (steps.zeroed == zeroed)]
        counts = np.bincount(np.minimum(times, MOST)).tolist()
        found[whose] = {str(n): count for n, count in enumerate(counts) if count}
    return found


def _mean(pages: dict[str, int]) -> float:
    """Average kmaps of a page; those of more than MOST count as MOST."""
    whole = sum(pages.values())
    return sum(int(n) * count for n, count in pages.items()) / whole if whole else 0.0


def _named(column: npt.NDArray[np.int16], words: tuple[str, ...]) -> dict[str, int]:
    """How often each word occurs, most frequent first, then by name."""
    numbers, counts = np.unique(column[column != NO_WORD], return_counts=True)
    pairs = zip(numbers.tolist(), counts.tolist(), strict=True)
    named = [(words[number], count) for number, count in pairs]
    return dict(sorted(named, key=lambda one: (-one[1], one[0])))
