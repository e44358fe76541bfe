# SPDX-License-Identifier: GPL-2.0-only
"""Network buffers: large fragments for sending, single pages for receiving.

A stream socket fills fragments of order 3, net/core/sock.c: skb_page_frag_refill();
a Unix socket takes order 2, net/core/skbuff.c: alloc_skb_with_frags(), freed by who
receives; a network card's driver takes pages in a softirq, net/core/page_pool.c:
page_pool_dev_alloc_pages(), and heads of packets come from fragments of order 3,
mm/page_alloc.c: __page_frag_cache_refill(). All v6.1. The first two are measured in
trace netmap-3cpu; that machine has no card, the others are read from the source.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from xpfo_model.workloads.activity import (
    Activity,
    Pages,
    number_within,
    repeated,
    together,
)
from xpfo_model.workloads.host import Host


class Flow(NamedTuple):
    """A way of a packet through the machine."""

    share: float
    """Of the workload's allocations."""
    mask: str
    order: int
    burst: float
    """Allocations in one go, mean."""
    delay: float
    """Allocations per CPU from the burst to its free, mean."""
    elsewhere: float
    """Share of bursts that another CPU frees."""


TRIES: Final = "__GFP_COMP|__GFP_NOWARN|__GFP_NORETRY"
NO_WAIT: Final = "__GFP_IO|__GFP_FS|__GFP_KSWAPD_RECLAIM"
"""GFP_KERNEL without __GFP_DIRECT_RECLAIM."""
FLOWS: Final = (
    # a run on a CPU is 20 to 38 pages in the middle half; they live for 17
    # allocations of 3 CPUs, median, 114 at the 90th percentile; none is freed
    # elsewhere: over loopback the sender's softirq does it
    Flow(0.4, f"{NO_WAIT}|{TRIES}", 3, burst=20, delay=8, elsewhere=0.0),
    # runs of 13 to 33; 8 allocations, median; all are freed elsewhere
    Flow(0.2, f"{NO_WAIT}|__GFP_COMP|__GFP_ACCOUNT", 2, 17, delay=4, elsewhere=1.0),
    # a poll takes 64 packets at most: include/linux/netdevice.h, NAPI_POLL_WEIGHT;
    # who reads the socket runs on any CPU: free choice
    Flow(0.36, "GFP_ATOMIC|__GFP_NOWARN|__GFP_COMP", 0, 32, delay=60, elsewhere=0.75),
    # a head of a packet of 1,500 bytes is a ninth of a fragment
    Flow(0.04, f"GFP_ATOMIC|{TRIES}|__GFP_NOMEMALLOC", 3, 4, delay=60, elsewhere=0.75),
)
"""Shares are free choice, but for the first two, 2 to 1 in trace netmap-3cpu as 19,193
to 12,288."""
LOOPBACK: Final = FLOWS[:2]
"""The flows of trace netmap-3cpu."""


def network(host: Host, *, flows: Sequence[Flow] = FLOWS) -> Activity:
    """Bursts of buffers on random CPUs, each freed after a while in one go."""
    whole = sum(flow.share for flow in flows)
    return together([_flow(host, flow, flow.share / whole) for flow in flows])


def _flow(host: Host, flow: Flow, share: float) -> Activity:
    rng = host.rng
    host.at_once(flow.burst * (1 << flow.order), 1)
    delay = flow.delay * host.cpus
    count = host.running(flow.burst / share, 0)
    pages = rng.geometric(1 / flow.burst, count)
    begin = host.starts(count, 0)
    cpu = host.random_cpus(count)
    burst = repeated(np.arange(count), pages)
    place = number_within(pages)
    kind = host.kind(flow.mask, flow.order)
    return Activity(
        np.concatenate([begin, begin + rng.exponential(delay, count)]),
        np.concatenate([cpu, host.elsewhere(cpu, flow.elsewhere)]),
        [Pages(kind, burst, place, burst + count, place)],
    )
