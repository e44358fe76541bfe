# SPDX-License-Identifier: GPL-2.0-only
"""Memory pressure: page cache and slabs in memory that is full.

At the low watermark kswapd frees the oldest pages, up to the high one. mm/vmscan.c:
shrink_folio_list() does so through free_unref_page_list(), SWAP_CLUSTER_MAX pages at a
time, v6.1; what is not page
cache is freed one by one by shrinkers. As kinds mix in one queue, a frame often
comes back as another kind, and pageblocks change their migratetype.

Memory that the run is too short to fill is held by huge pages from the start.
"""

from typing import Final

import numpy as np

from xpfo_model.constants import PAGEBLOCK_NR_PAGES, PAGEBLOCK_ORDER
from xpfo_model.workloads.activity import Activity, Pages, number_within, repeated
from xpfo_model.workloads.host import Host
from xpfo_model.workloads.page_faults import ANONYMOUS, HUGE, PAGE_TABLE
from xpfo_model.workloads.pagecache import READ, READ_2017, WRITTEN
from xpfo_model.workloads.slabs import CACHES

SWAP_CLUSTER_MAX: Final = 32
"""Pages of one round of reclaim. include/linux/swap.h, v6.1."""
KINDS: Final = (
    (0.30, WRITTEN, SWAP_CLUSTER_MAX),
    (0.18, READ, SWAP_CLUSTER_MAX),
    (0.38, ANONYMOUS, SWAP_CLUSTER_MAX),
    (0.10, PAGE_TABLE, 0),
    (0.03, CACHES[3].mask, 0),
    (0.01, CACHES[0].mask, 0),
)
"""Share, mask and list of what comes: order 0 of trace reclaim-2cpu between its
marks, where zeroed and copied pages are 0.23 and 0.15."""
GOES_ON: Final = 10
"""Pages of one kind in a row on a CPU, mean: written pages come in runs of 9.3,
zeroed ones of 10.5."""
FILLED_IN: Final = 1 / 5
"""Share of the run that fills what huge pages do not hold: before WARM_UP ends."""
ROUND_OF_RUN: Final = 1 / 16
"""Most that one round of reclaim takes, of what is filled and of what a CPU does in
the whole run: free choice, so that there are many rounds."""


def pressure(host: Host) -> Activity:
    """Runs of pages of one kind on random CPUs; kswapd takes the oldest in rounds."""
    rng = host.rng
    count = host.running(GOES_ON, 0)
    pages = rng.geometric(1 / GOES_ON, count)
    which = rng.choice(len(KINDS), count, p=[share for share, *_ in KINDS])
    filled = int(min(host.own * FILLED_IN, host.frames))
    ballast = max(host.frames - filled, 0) // PAGEBLOCK_NR_PAGES
    short = min(filled, host.own / host.cpus) * ROUND_OF_RUN
    round_of = max(int(min(host.reclaimed, short)), SWAP_CLUSTER_MAX)
    begin = np.sort(host.starts(count, 0))
    burst = repeated(np.arange(count), pages)
    place = number_within(pages)
    # reclaim in rounds: the first when memory is full
    total = len(burst)
    rounds = max(total - filled, 0) // round_of
    wanted = filled + round_of * np.arange(rounds)
    number = np.arange(total)
    turn = number // round_of
    died = np.where(turn < rounds, count + turn, -1)
    kinds = which[burst]
    reading = READ_2017 if host.kernel == "v4.14" else READ
    return Activity(
        np.concatenate([begin, begin[burst[wanted]]]),
        host.random_cpus(count + rounds),
        [
            Pages(
                host.kind(reading if mask == READ else mask, listed=listed),
                burst[mine := kinds == kind],
                place[mine],
                died[mine],
                number[mine] % round_of,
            )
            for kind, (_, mask, listed) in enumerate(KINDS)
        ],
        ballast,
        host.kind(HUGE, PAGEBLOCK_ORDER),
    )
