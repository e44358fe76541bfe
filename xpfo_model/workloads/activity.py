# SPDX-License-Identifier: GPL-2.0-only
"""Activity: what a workload does, as bursts of a CPU and pages with two ends.

A burst is what one CPU does without a break: a slice of a task, a softirq, a round
of reclaim. A page is born in one burst and dies in another, or in the same. When
bursts really begin, and so the order of all operations, is for `schedule` to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from xpfo_model import gfp
from xpfo_model.constants import PAGEBLOCK_NR_PAGES
from xpfo_model.errors import WorkloadError

NEVER: Final = -1
"""The burst of death of a page that is never freed."""
ONE_BY_ONE: Final = 0
"""A page that is not freed in a list: __free_pages(), folio_put()."""


class Activity(NamedTuple):
    """Columns of bursts, then columns of pages."""

    time: Any
    """Of a burst: when it wants to begin, in allocations of the machine so far,
    float64."""
    cpu: Any
    """Of a burst, int64."""
    born: Any
    """Of a page: number of the burst that allocates it, int64."""
    born_at: Any
    """Its place in that burst, int64."""
    died: Any
    """Number of the burst that frees it, or NEVER, int64."""
    died_at: Any
    """Its place in that burst, int64."""
    order: Any
    """int64."""
    gfp: Any
    """Bits of its mask, uint64."""
    listed: Any
    """Pages that its free takes in one go, as free_unref_page_list() does, or
    ONE_BY_ONE, int64."""


BURST_COLUMNS: Final = ("time", "cpu")


def activity(
    time: Any,
    cpu: Any,
    *,
    born: Any,
    died: Any,
    mask: Any,
    born_at: Any = 0,
    died_at: Any = 0,
    order: Any = 0,
    listed: Any = ONE_BY_ONE,
) -> Activity:
    """An activity whose page columns may be given as one value for all."""
    pages = np.broadcast(born, died, mask, born_at, died_at, order, listed).shape

    def column(values: Any, dtype: type) -> Any:
        return np.broadcast_to(np.asarray(values, dtype), pages)

    return Activity(
        np.asarray(time, np.float64),
        np.asarray(cpu, np.int64),
        born=column(born, np.int64),
        born_at=column(born_at, np.int64),
        died=column(died, np.int64),
        died_at=column(died_at, np.int64),
        order=column(order, np.int64),
        gfp=column(mask, np.uint64),
        listed=column(listed, np.int64),
    )


def together(parts: Sequence[Activity], *, same_bursts: bool = False) -> Activity:
    """All pages of several activities; their bursts are the same ones or others."""
    if same_bursts:
        first = parts[0]
        pages = [
            np.concatenate([getattr(part, name) for part in parts])
            for name in Activity._fields[len(BURST_COLUMNS) :]
        ]
        return Activity(first.time, first.cpu, *pages)
    offsets = np.cumsum([0, *(len(part.time) for part in parts)])
    moved = [
        part._replace(
            born=part.born + offset,
            died=np.where(part.died == NEVER, NEVER, part.died + offset),
        )
        for part, offset in zip(parts, offsets[:-1].tolist(), strict=True)
    ]
    return Activity(*(np.concatenate(columns) for columns in zip(*moved, strict=True)))


@dataclass(frozen=True)
class Scene:
    """The machine that a workload runs on, and how much of it is its own."""

    rng: np.random.Generator
    cpus: int
    frames: int
    """Frames that this workload may hold at one time."""
    memory: int
    """Frames of the machine."""
    allocations: float
    """Allocations of the whole machine: the run's length in time."""
    share: float
    """Of those, this workload's."""
    kernel: str
    """The GFP table of its masks."""

    @property
    def own(self) -> int:
        """Allocations of this workload."""
        return max(round(self.allocations * self.share), 1)

    def mask(self, text: str) -> int:
        """Bits of a mask as a trace prints it; a flag that the version lacks is 0."""
        known = gfp.names(self.kernel)
        return gfp.decode(
            "|".join(name for name in text.split("|") if name in known) or "none",
            self.kernel,
        )

    def at_once(self, pages: float, wanted: float) -> float:
        """How many things of so many pages run at one time: `wanted`, or what fits.

        Raises `WorkloadError` if not even one fits.
        """
        most = self.frames / pages
        if most < 1:
            raise WorkloadError(
                f"one task of {pages:,.0f} pages does not fit into {self.frames:,}",
                remedy="give the machine more memory or the workload a larger share",
            )
        return min(wanted, most)

    def starts(self, count: int, lasting: float) -> Any:
        """When `count` things of one duration begin, so that the run sees no ramp.

        Some begin before the run: what they did before it is left out.
        """
        return self.rng.uniform(-lasting, self.allocations, count)

    def random_cpus(self, count: int) -> Any:
        """A CPU for each of `count` bursts, all equally likely."""
        return self.rng.integers(self.cpus, size=count)

    def elsewhere(self, cpu: Any, share: float) -> Any:
        """The same CPUs, but for a `share` of them any CPU of the machine."""
        moves = self.rng.random(len(cpu)) < share
        return np.where(moves, self.random_cpus(len(cpu)), cpu)


def number_within(counts: Any) -> Any:
    """0, 1, … counts[0] - 1, 0, 1, … counts[1] - 1, and so on."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def blocks(pages: Any) -> Any:
    """Pageblocks that so many pages fill, the last perhaps not whole."""
    return -(-pages // PAGEBLOCK_NR_PAGES)
