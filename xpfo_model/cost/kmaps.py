# SPDX-License-Identifier: GPL-2.0-only
"""How often the kernel maps a user's page, as kernels that run XPFO have counted.

v6 to v9 flush at the last kunmap of each such access.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ZEROING: Final = "kernel_init_pages"
"""The caller that zeroes a new page. mm/page_alloc.c, v6.1."""
LIKE: Final = {"cc": "build", "mix": "build"}
"""Loads that stand for another, by the name of their script."""


@dataclass(frozen=True)
class Kmaps:
    """The accesses in a recording of a kernel that runs XPFO."""

    recording: str
    load: str
    """The script that ran."""
    cpus: int
    user_allocations: int
    """More than none."""
    pairs: dict[str, int]
    """Accesses by caller: pairs of kmap and kunmap, or of their local forms."""

    @property
    def like(self) -> str:
        """The load that it stands for."""
        return LIKE.get(self.load, self.load)

    @property
    def total(self) -> int:
        """Accesses of all callers."""
        return sum(self.pairs.values())

    @property
    def per_allocation(self) -> float:
        """Accesses for each user allocation."""
        return self.total / self.user_allocations


def like(load: str, recordings: Iterable[Kmaps]) -> tuple[Kmaps, ...]:
    """The recordings that stand for a load."""
    return tuple(one for one in recordings if one.like == load)
