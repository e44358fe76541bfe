# SPDX-License-Identifier: GPL-2.0-only
"""Counts over the course of a trace, by quarter of its user allocations.

A trace is read once, and its length is known at its end. So counts are kept in cells
of equally many user allocations, by the posted test; where there get too many, two
become one. Up to `MOST` user allocations a quarter is exact.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

QUARTERS: Final = 4
FEW: Final = 1 << 10
"""Cells to begin with."""
MOST: Final = 1 << 19
"""Cells at most: 30 MB with seven columns."""

# Indices of Tally.at.
USERS: Final = 0
SHIFT: Final = 1

NO_USER: Final = 3
"""In the place of NOBODY, KERNEL or USER: the allocation is no user's."""
NR_TAKERS: Final = 4


class Tally(NamedTuple):
    """Where a loop notes flushes beside its machine's counts."""

    cells: Any
    """By user allocations so far and cause, int64."""
    before: Any
    """By cause: flushes that are in cells already, int64."""
    owners: Any
    """Flushes of allocations by who had the frames before, then those of
    allocations that are no user's, int64."""
    at: Any
    """User allocations so far, and how many make a cell as a power of two, int64."""


def tally(causes: int) -> Tally:
    """Room for flushes by so many causes."""
    return Tally(
        np.zeros((FEW, causes), np.int64),
        np.zeros(causes, np.int64),
        np.zeros(NR_TAKERS, np.int64),
        np.zeros(2, np.int64),
    )


def make_room(t: Tally, users: int) -> Tally:
    """The same with cells for so many more user allocations."""
    cells = t.cells
    while (int(t.at[USERS]) + users) >> int(t.at[SHIFT]) >= len(cells):
        if len(cells) < MOST:
            cells = np.concatenate([cells, np.zeros_like(cells)])
        else:
            cells = cells.reshape(len(cells) // 2, 2, -1).sum(axis=1)
            cells = np.concatenate([cells, np.zeros_like(cells)])
            t.at[SHIFT] += 1
    return t._replace(cells=cells)


def quarters(t: Tally) -> npt.NDArray[np.int64]:
    """The cells added up by quarter of the user allocations: four rows.

    The n-th of N user allocations, from 0, is in quarter 4 n / N, rounded down; what
    happens before it and after the one before, too.
    """
    users = int(t.at[USERS])
    first = np.arange(len(t.cells), dtype=np.int64) << int(t.at[SHIFT])
    which = np.minimum(QUARTERS * first // max(users, 1), QUARTERS - 1)
    found = np.zeros((QUARTERS, t.cells.shape[1]), np.int64)
    np.add.at(found, which, t.cells)
    return found
