# SPDX-License-Identifier: GPL-2.0-only
"""The machine that a workload runs on, and how much of it is its own."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from xpfo_model import gfp
from xpfo_model.errors import WorkloadError
from xpfo_model.workloads.activity import ONE_BY_ONE, Kind

SPARE: Final = 2
"""Memory that tasks get, as a multiple of their mean size: a task may begin before
the last has exited. Free choice."""
HALF: Final = 0.5
"""Mean of what rounding up adds."""


@dataclass(frozen=True)
class Host:
    """The machine of a generator. Time is counted in allocations of the machine."""

    rng: np.random.Generator
    cpus: int
    frames: int
    """Frames that this workload may hold at one time."""
    allocations: float
    """Allocations of the whole machine: the length of the run."""
    share: float
    """Of those, this workload's."""
    kernel: str
    """The GFP table of its masks."""
    reclaimed: int = 0
    """Frames that kswapd frees in one go: from the low watermarks to the high ones."""

    @property
    def own(self) -> float:
        """Allocations of this workload."""
        return self.allocations * self.share

    def kind(self, mask: str, order: int = 0, listed: int = ONE_BY_ONE) -> Kind:
        """A kind of page; flags that the kernel does not have are left out."""
        known = gfp.names(self.kernel)
        flags = [name for name in mask.split("|") if name in known]
        return Kind(gfp.decode("|".join(flags), self.kernel), order, listed)

    def at_once(self, pages: float, wanted: float) -> float:
        """How many tasks of so many pages run at one time: `wanted`, or what fits.

        Raises `WorkloadError` if not even one fits.
        """
        if pages > self.frames:
            raise WorkloadError(
                f"a task of {pages:,.0f} pages does not fit into {self.frames:,}",
                remedy="give the machine more memory or the workload a larger share",
            )
        return min(wanted, max(self.frames / (pages * SPARE), 1))

    def starts(self, count: int, lasting: float) -> Any:
        """When `count` things of one duration begin, so that the run sees no ramp.

        Some begin before the run: what they did before it is left out.
        """
        return self.rng.uniform(-lasting, self.allocations, count)

    def running(self, allocations: float, lasting: float) -> int:
        """How many things of so many allocations each make this workload's share."""
        return round(self.own * (1 + lasting / self.allocations) / allocations)

    def sizes(self, mean: float, count: int) -> Any:
        """Whole numbers from 1 on, exponentially distributed, int64.

        Drawn one from each of `count` parts of the distribution, so that they add up
        to `count * mean`, nearly, however few they are.
        """
        part = (self.rng.permutation(count) + self.rng.random(count)) / max(count, 1)
        drawn = np.ceil(-np.log1p(-part) * max(mean - HALF, HALF))
        return np.maximum(drawn, 1).astype(np.int64)

    def random_cpus(self, count: int) -> Any:
        """A CPU for each of `count` bursts, all equally likely."""
        return self.rng.integers(self.cpus, size=count)

    def wandering(self, bursts: Any, moves: float) -> Any:
        """CPUs of tasks with so many bursts each, which move between two of them.

        A task begins on any CPU; before each later burst it moves with a
        probability of `moves`.
        """
        steps = self.elsewhere(np.zeros(int(np.sum(bursts)), np.int64), moves)
        first = np.cumsum(bursts) - bursts
        steps[first] = self.random_cpus(len(first))
        so_far = np.cumsum(steps)
        return (so_far - np.repeat(so_far[first] - steps[first], bursts)) % self.cpus

    def elsewhere(self, cpu: Any, share: float) -> Any:
        """The same CPUs, but for a `share` of them another CPU of the machine."""
        moves = self.rng.random(len(cpu)) < share
        step = self.rng.integers(1, max(self.cpus, 2), len(cpu))
        return np.where(moves, (cpu + step) % self.cpus, cpu)
