# SPDX-License-Identifier: GPL-2.0-only
"""Activity: what a workload does, as bursts of a CPU and pages with two ends.

A burst is what one CPU does without a break: a slice of a task, a softirq, a round
of reclaim. A page is born in one burst and dies in another, or in the same. When
bursts really begin, and so the order of all operations, is for `schedule` to say.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

NEVER: Final = -1
"""The burst of death of a page that is never freed."""
ONE_BY_ONE: Final = 0
"""Pages that are not freed in a list: __free_pages(), folio_put()."""


class Kind(NamedTuple):
    """Mask, order and way of freeing that pages share."""

    mask: int
    """Bits of the GFP mask, in the table of the host's kernel."""
    order: int = 0
    listed: int = ONE_BY_ONE
    """Pages that their free takes in one go, as free_unref_page_list() does, or
    ONE_BY_ONE."""


class Pages(NamedTuple):
    """Pages of one kind: columns of equal length, or one value for all."""

    kind: Kind
    born: Any
    """Number of the burst that allocates it."""
    born_at: Any
    """Its place in that burst, from 0."""
    died: Any
    """Number of the burst that frees it, or NEVER."""
    died_at: Any
    """Its place in that burst."""

    def columns(self) -> tuple[Any, ...]:
        """born, born_at, died and died_at as int32 of equal length."""
        wide = np.broadcast_arrays(*(np.asarray(c, np.int32) for c in self[1:]))
        return tuple(np.atleast_1d(column) for column in wide)

    def keep(self, which: Any) -> "Pages":
        """The pages that a mask selects; columns of one value stay."""
        return Pages(
            self.kind,
            *(
                c[which] if isinstance(c, np.ndarray) and c.ndim else c
                for c in self[1:]
            ),
        )


class Activity(NamedTuple):
    """Bursts, and the pages that live between them."""

    time: Any
    """Of a burst: when it wants to begin, in allocations of the machine so far,
    float64."""
    cpu: Any
    """Of a burst, int64."""
    pages: Sequence[Pages]
    ballast: int = 0
    """Pages that are there before the run and stay."""
    ballast_kind: Kind = Kind(0)


def together(parts: Sequence[Activity]) -> Activity:
    """Several activities as one, each with its own bursts."""
    pages = []
    offset = 0
    for part in parts:
        for kind, born, born_at, died, died_at in part.pages:
            later = np.where(np.equal(died, NEVER), NEVER, np.add(died, offset))
            pages.append(Pages(kind, np.add(born, offset), born_at, later, died_at))
        offset += len(part.time)
    return Activity(
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.cpu for part in parts]),
        pages,
        sum(part.ballast for part in parts),
        next((part.ballast_kind for part in parts if part.ballast), Kind(0)),
    )


def number_within(counts: Any) -> Any:
    """0, 1, … counts[0] - 1, 0, 1, … counts[1] - 1, and so on, int32."""
    counts = np.asarray(counts, np.int64)
    ends = np.cumsum(counts)
    whole = int(ends[-1]) if len(ends) else 0
    return np.arange(whole, dtype=np.int32) - repeated(ends - counts, counts)


def repeated(values: Any, counts: Any) -> Any:
    """Each value as often as its count says, int32."""
    return np.repeat(np.asarray(values, np.int32), counts)


def in_order(time: Any, what: Any) -> tuple[Any, Any]:
    """Things in the order of their non-negative times, and the times.

    Both in one number: sorting values is several times faster than sorting indices,
    and no two are equal, so that every machine sorts them alike. Spoils `time`.
    """
    bits = int(what.max(initial=0)).bit_length()
    time <<= bits
    time |= what
    time.sort()
    what = time & ((1 << bits) - 1)
    time >>= bits
    return what, time
