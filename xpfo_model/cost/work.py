# SPDX-License-Identifier: GPL-2.0-only
"""The work that a strategy makes for each user allocation, on average."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from xpfo_model.cost.parameters import Number

WRITES_OF_A_PAIR: Final = 2
"""PTE writes of a kmap and its kunmap: one sets the entry, one clears it."""


class Kunmap(Enum):
    """The way of a strategy at the last kunmap of a user's page."""

    NOTHING = "nothing"
    """The page stays mapped."""
    ALL_CPUS = "flush of all CPUs"
    """Through the direct map, as in v6."""
    DEFERRED = "this CPU now, others later"
    """Through the direct map, as in v8 and v9."""
    OWN_MAPPING = "INVLPG on this CPU"
    """Through a mapping that only this CPU has."""


@dataclass(frozen=True)
class Work:
    """For each user allocation, on all CPUs together."""

    one: Number = 0.0
    """Flushes of all CPUs of at most `ceiling` pages; each is of one page here."""
    full: Number = 0.0
    """Flushes of all CPUs, in full."""
    local_one: Number = 0.0
    """INVLPGs of one CPU."""
    local_full: Number = 0.0
    """Full flushes of one CPU."""
    writes: Number = 0.0
    """Writes of PTEs of the direct map, or of a CPU's own mapping."""

    @property
    def flushes(self) -> Number:
        """Flushes of all CPUs."""
        return self.one + self.full


@dataclass(frozen=True)
class Rates:
    """A strategy's work for each user allocation, apart from the kernel's accesses.

    A trace of the allocator gives these; how often the kernel maps users' pages it
    does not.
    """

    one: float = 0.0
    full: float = 0.0
    local_one: float = 0.0
    local_full: float = 0.0
    writes: float = 0.0
    """All as in `Work`."""
    kunmap: Kunmap = Kunmap.NOTHING
    spared: float = 0.0
    """Accesses that the strategy makes needless: pages zeroed ahead."""

    def work(self, kunmaps: Number) -> Work:
        """With so many accesses of the kernel for each user allocation."""
        left = kunmaps - self.spared if self.kunmap is not Kunmap.NOTHING else 0.0
        one, local = self.one, self.local_one
        if self.kunmap is Kunmap.ALL_CPUS:
            one = one + left
        else:
            local = local + left
        return Work(
            one=one,
            full=self.full,
            local_one=local,
            local_full=self.local_full,
            writes=self.writes + WRITES_OF_A_PAIR * left,
        )


V6: Final = Rates(one=1.0, kunmap=Kunmap.ALL_CPUS)
"""v6 on a machine that has run for a while: its 2M entries are split.

Its free maps back what a kunmap unmapped, so that each access writes two PTEs."""
