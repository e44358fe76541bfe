# SPDX-License-Identifier: GPL-2.0-only
"""Slab growth: inodes, dentries and kmalloc() objects that come and go in pages.

mm/slub.c: allocate_slab() first tries the order that wastes least without waiting,
then the smallest one, v6.1. Inodes and dentries have SLAB_RECLAIM_ACCOUNT and come
from the RECLAIMABLE lists, the others from UNMOVABLE ones. A slab's page goes when
its last object goes: by RCU, or when memory is short.

Numbers are of trace reclaim-2cpu between its marks, 3,825 pages of slabs.
"""

from typing import Final, NamedTuple

import numpy as np

from xpfo_model.workloads.activity import Activity, Pages, in_order
from xpfo_model.workloads.host import Host

QUICK: Final = (
    "__GFP_IO|__GFP_FS|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP|__GFP_NOMEMALLOC"
)
"""The first try of a slab of several pages."""


class Cache(NamedTuple):
    """Slabs of one mask and order."""

    share: float
    mask: str
    order: int = 0


CACHES: Final = (
    # kmalloc(), and what has no pages of several orders left
    Cache(0.30, "GFP_KERNEL|__GFP_NOWARN|__GFP_NORETRY"),
    Cache(0.04, "GFP_NOFS|__GFP_NOWARN|__GFP_NORETRY"),
    Cache(0.03, QUICK, 3),
    # dentries, buffer heads, xarray nodes
    Cache(0.25, "GFP_KERNEL|__GFP_RECLAIMABLE|__GFP_NOWARN|__GFP_NORETRY"),
    Cache(0.10, "GFP_NOFS|__GFP_RECLAIMABLE|__GFP_NOWARN|__GFP_NORETRY"),
    Cache(0.05, "GFP_ATOMIC|__GFP_RECLAIMABLE|__GFP_NOWARN|__GFP_NORETRY"),
    # inodes of ext4
    Cache(0.23, f"{QUICK}|__GFP_RECLAIMABLE", 2),
)
"""Shares as in the trace: 69 % are RECLAIMABLE, 30 % of order 2, 3 % of order 3."""
LIFE: Final = 5200
"""Allocations per CPU, median, of those that were freed: 10,406 on 2 CPUs."""
SPREAD: Final = 0.88
"""Sigma of the logarithm: the 90th percentile is 32,287."""
LONGEST: Final = 1 / 8
"""Share of a run that a page lives, median, at most: free choice, so that the run
has as many frees as allocations."""
FREED_TOGETHER: Final = 4
"""Pages of one round of frees: the mean run is 4.4."""
FINE: Final = 16
"""Parts of an allocation's time by which two frees are told apart."""


def slabs(host: Host) -> Activity:
    """Single pages on random CPUs, with lifetimes of a lognormal distribution."""
    rng = host.rng
    count = host.running(1, 0)
    which = rng.choice(len(CACHES), count, p=[cache.share for cache in CACHES])
    mean_frames = sum(cache.share * (1 << cache.order) for cache in CACHES)
    mean_life = np.exp(SPREAD**2 / 2)
    fits = host.frames / (mean_frames * host.share * mean_life)
    life = min(LIFE * host.cpus, host.allocations * LONGEST, fits)
    begin = host.starts(count, 0)
    end = begin + rng.lognormal(np.log(life), SPREAD, count)
    order, _ = in_order((end * FINE).astype(np.int64), np.arange(count))
    rounds = -(-count // FREED_TOGETHER)
    died, died_at = np.empty((2, count), np.int64)
    died[order], died_at[order] = np.divmod(np.arange(count), FREED_TOGETHER)
    last = np.minimum(np.arange(1, rounds + 1) * FREED_TOGETHER, count) - 1
    return Activity(
        np.concatenate([begin, end[order[last]]]),
        host.random_cpus(count + rounds),
        [
            Pages(
                host.kind(cache.mask, cache.order),
                born := np.flatnonzero(which == number),
                0,
                count + died[born],
                died_at[born],
            )
            for number, cache in enumerate(CACHES)
        ],
    )
