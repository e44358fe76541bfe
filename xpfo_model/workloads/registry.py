# SPDX-License-Identifier: GPL-2.0-only
"""All workloads by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from xpfo_model.errors import WorkloadError
from xpfo_model.workloads.activity import Activity
from xpfo_model.workloads.forks import forks
from xpfo_model.workloads.host import Host
from xpfo_model.workloads.network import LOOPBACK, network
from xpfo_model.workloads.page_faults import COMPILER, page_faults
from xpfo_model.workloads.pagecache import page_cache
from xpfo_model.workloads.pipes import pipes
from xpfo_model.workloads.pressure import pressure
from xpfo_model.workloads.slabs import slabs


@dataclass(frozen=True)
class Workload:
    """A generator of demand and what it stands for."""

    name: str
    stands_for: str
    """The real thing, one sentence."""
    function: Callable[[Host], Activity]
    fills: bool = False
    """Whether it fills all memory that it gets."""


REGISTRY: Final = {
    workload.name: workload
    for workload in (
        Workload(
            "page-faults",
            "programs that map anonymous memory, touch it and unmap it",
            page_faults,
        ),
        Workload(
            "page-faults-thp",
            "the same, half of the areas of transparent huge pages",
            partial(page_faults, huge=0.5),
        ),
        Workload(
            "compilers",
            "the same in programs of a parallel build, which hold more memory",
            partial(page_faults, area=COMPILER),
        ),
        Workload(
            "forks", "a shell script: children that fork, exec, run and exit", forks
        ),
        Workload("page-cache", "files that are read, written and deleted", page_cache),
        Workload(
            "tmpfs",
            "files in memory, written and deleted",
            partial(page_cache, reads=0.0, disk=False),
        ),
        Workload("pipes", "programs that pass bytes through pipes", pipes),
        Workload("slabs", "inodes, dentries and small kernel objects", slabs),
        Workload(
            "loopback",
            "sockets within one machine",
            partial(network, flows=LOOPBACK),
        ),
        Workload("network", "sockets over loopback, and a network card", network),
        Workload(
            "pressure",
            "page cache, anonymous memory and slabs in memory that is full",
            pressure,
            fills=True,
        ),
    )
}
"""All workloads by name."""

Shares = str | Mapping[str, float] | Mapping[Workload, float]


def chosen(shares: Shares) -> dict[Workload, float]:
    """Workloads with shares that add up to 1. Raises `WorkloadError`."""
    asked = {shares: 1.0} if isinstance(shares, str) else dict(shares)
    found = {}
    for key, share in asked.items():
        if isinstance(key, str) and key not in REGISTRY:
            raise WorkloadError(
                f"no workload {key!r}", remedy=f"choose from {', '.join(REGISTRY)}"
            )
        if share < 0:
            raise WorkloadError(f"{key}: a share of {share}", remedy="0 or more")
        if share:
            found[REGISTRY[key] if isinstance(key, str) else key] = float(share)
    whole = sum(found.values())
    if not whole:
        raise WorkloadError("a mix of nothing", remedy="give a workload a share")
    return {workload: share / whole for workload, share in found.items()}
