# SPDX-License-Identifier: GPL-2.0-only
"""Mixes that are meant to be like the recorded traces, to see how far they are.

Shares are read from the traces between their marks: pipes by their mask, fork and exec
by page tables, files and anonymous memory by what is left.
"""

from dataclasses import dataclass
from typing import Final

from xpfo_model.allocator.zones import Layout
from xpfo_model.workloads.load import Load
from xpfo_model.workloads.mix import generate


@dataclass(frozen=True)
class Likeness:
    """A mix and the profile of its kernel."""

    shares: dict[str, float]
    kernel: str = "v6.1"

    def load(self, layout: Layout, *, seed: int, length: int) -> Load:
        """Its demand on a machine; see `generate`."""
        return generate(
            self.shares,
            seed=seed,
            cpus=layout.cpus,
            frames=layout.frames,
            length=length,
            kernel=self.kernel,
            layout=layout,
        )


LIKE: Final = {
    "cc-1cpu": Likeness({"compilers": 0.47, "tmpfs": 0.40, "forks": 0.13}),
    "cc-4cpu": Likeness({"compilers": 0.47, "tmpfs": 0.40, "forks": 0.13}),
    "forkpipe-4cpu": Likeness({"forks": 0.876, "pipes": 0.12, "slabs": 0.004}),
    "reclaim-2cpu": Likeness({"pressure": 0.62, "forks": 0.34, "slabs": 0.04}),
    "netmap-3cpu": Likeness(
        {"page-faults": 0.57, "loopback": 0.36, "page-cache": 0.05, "forks": 0.02},
        kernel="v6.12",
    ),
}
"""By the short name of the trace."""
