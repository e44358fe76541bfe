# SPDX-License-Identifier: GPL-2.0-only
"""How large a machine is explored, and how far."""

from dataclasses import dataclass
from typing import Final

from xpfo_model.errors import XpfoModelError

# What a strategy heeds, and its machine has therefore; with the other bits of
# `transition.act`.
HAS_MODES: Final = 16
"""CPUs are in user space or in the kernel."""
ALONE: Final = 64
"""A CPU enters the kernel only while all others are in user space."""


@dataclass(frozen=True)
class Scope:
    """A tiny machine, and a bound on the exploration."""

    cpus: int = 2
    frames: int = 3
    block_order: int = 1
    """Frames per pageblock as a power of two: two blocks hold three frames."""
    nesting: int = 2
    """How often a frame may be kmapped at the same time."""
    orders: int = 2
    """Allocations are of order 0 to orders - 1."""
    most_states: int = 4_000_000
    """Where an exploration stops that is not exhausted."""

    @property
    def blocks(self) -> int:
        """Pageblocks that hold the frames."""
        return ((self.frames - 1) >> self.block_order) + 1

    def __str__(self) -> str:
        """In words, as a claim states it."""
        cpus = "1 CPU" if self.cpus == 1 else f"{self.cpus} CPUs"
        return (
            f"{cpus}, {self.frames} frames in {self.blocks} blocks, pages of up to "
            f"{1 << (self.orders - 1)} frames and kmaps nested {self.nesting} deep"
        )


SCOPES: Final = {
    "small": Scope(cpus=2, frames=2, block_order=0, nesting=1),
    "default": Scope(),
    "large": Scope(cpus=2, frames=5, nesting=1, most_states=20_000_000),
    "wide": Scope(cpus=3, frames=4, nesting=1, most_states=20_000_000),
}
"""By the name that ``check --scope`` takes."""


def scope(name: str) -> Scope:
    """The scope of a name. Raises `XpfoModelError`."""
    if name not in SCOPES:
        raise XpfoModelError(
            f"no scope {name!r}", remedy=f"choose from {', '.join(SCOPES)}"
        )
    return SCOPES[name]
