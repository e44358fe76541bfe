# SPDX-License-Identifier: GPL-2.0-only
"""The frames that are not free as a trace begins, where a recording lists them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xpfo_model.machine import ABSENT, FREE, KERNEL, Owners
from xpfo_model.replay.calls import UNIT_FRAMES


@dataclass(frozen=True)
class Held:
    """The frames that memblock holds, and the end of memory."""

    first: npt.NDArray[np.int64]
    """First pfn of each range that is not free."""
    number: npt.NDArray[np.int64]
    """Frames of each range."""
    end: int
    """The pfn behind the last that there is."""

    def owners(self, units: npt.NDArray[np.int64]) -> Owners:
        """Who has the frames of units of UNIT_FRAMES pfns at the start.

        FREE, KERNEL or ABSENT of each frame, unit after unit, uint8.
        """
        pfn = (units[:, None] * UNIT_FRAMES + np.arange(UNIT_FRAMES)).ravel()
        order = np.argsort(self.first, kind="stable")
        first, number = self.first[order], self.number[order]
        # ranges may touch, and do not overlap
        at = np.searchsorted(first, pfn, side="right") - 1
        inside = np.zeros(len(pfn), np.bool_)
        if len(first):
            inside = (at >= 0) & (pfn < first[at] + number[at])
        found = np.where(inside, KERNEL, FREE)
        return np.where(pfn >= self.end, ABSENT, found).astype(np.uint8)
