# SPDX-License-Identifier: GPL-2.0-only
"""Counts over the course of a trace, by quarter of its user allocations.

A trace is read once, and its length is known at its end. So counts are kept in cells
of equally many user allocations, by the posted test; where there get too many, two
become one. Up to `MOST` user allocations a quarter is exact.
"""

from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

QUARTERS: Final = 4
MOST: Final = 1 << 19
"""Cells: 15 MB with seven columns, of which a loop touches what it needs."""

# Indices of Tally.at.
USERS: Final = 0
SHIFT: Final = 1

NO_USER: Final = 3
"""In the place of NOBODY, KERNEL or USER: the allocation is no user's."""
NR_TAKERS: Final = 4


class Tally(NamedTuple):
    """Where a loop notes flushes beside its machine's counts."""

    cells: Any
    """By user allocations so far and cause, int32."""
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
        np.zeros((MOST, causes), np.int32),
        np.zeros(causes, np.int64),
        np.zeros(NR_TAKERS, np.int64),
        np.zeros(2, np.int64),
    )


def make_room(t: Tally, users: int) -> None:
    """Make cells larger until there are enough for so many more user allocations."""
    while (int(t.at[USERS]) + users) >> int(t.at[SHIFT]) >= MOST:
        half = MOST // 2
        t.cells[:half] = t.cells.reshape(half, 2, -1).sum(axis=1)
        t.cells[half:] = 0
        t.at[SHIFT] += 1


def quarters(t: Tally) -> npt.NDArray[np.int64]:
    """The cells added up by quarter of the user allocations: four rows.

    The n-th of N user allocations, from 0, is in quarter 4 n / N, rounded down; what
    happens before it and after the one before, too.
    """
    users = int(t.at[USERS])
    shift = int(t.at[SHIFT])
    used = min((users >> shift) + 1, MOST)
    first = np.arange(used, dtype=np.int64) << shift
    which = np.minimum(QUARTERS * first // max(users, 1), QUARTERS - 1)
    # the cells are in order, so that a quarter is a run of them
    ends = np.searchsorted(which, np.arange(QUARTERS), side="right")
    runs = pairwise([0, *ends.tolist()])
    return np.array([t.cells[one:end].sum(axis=0) for one, end in runs], np.int64)
