# SPDX-License-Identifier: GPL-2.0-only
"""What the allocator costs: pairs of allocation and free, events, memory.

python bench/bench_allocator.py [--pairs N] [--kernel v6.1 …] [--small]

Time is of the CPU. The first run of everything is not counted: it is charged for
memory that it touches first.
"""

import argparse
import time
from typing import NamedTuple

import numpy as np

from xpfo_model.allocator import demand
from xpfo_model.allocator.model import Allocator
from xpfo_model.allocator.profiles import PROFILES, profile
from xpfo_model.allocator.zones import machine

SMALL = (1 << 18, 2)
LARGE = (201_326_592, 96)
"""Frames and CPUs: 1 GiB, 768 GiB."""
BURSTS = (1, 10, 1000)
"""Pages that are held at a time."""
RUNS = 4
"""Of which the first is not counted, and the fastest is told."""
PAIRS_BAR = 5e6
RATIO_BAR = 1.5
BYTES_BAR = 12


class Cost(NamedTuple):
    """Seconds of one run, and what it did."""

    seconds: float
    events: int
    octets: float
    """Of memory, for a frame."""


def storm(pairs: int, cpus: int, burst: int) -> demand.Demand:
    """Bursts of order-0 allocations, mostly movable, and of their frees."""
    rng = np.random.default_rng(0)
    rounds = pairs // burst
    page = np.arange(rounds * burst).reshape(rounds, burst)
    d = demand.empty(2 * page.size)
    op = np.concatenate(
        [np.full_like(page, demand.ALLOC), np.full_like(page, demand.FREE)], 1
    )
    d.op[:] = op.ravel()
    d.page[:] = np.concatenate([page, page], 1).ravel()
    d.cpu[:] = np.repeat(rng.integers(0, cpus, rounds), 2 * burst)
    d.migratetype[:] = rng.choice([0, 1, 1, 1, 2], page.size)[d.page]
    d.highest[:] = 2
    return d


def measure(kernel: str, pairs: int, frames: int, cpus: int, burst: int) -> Cost:
    """The fastest of the runs after the first."""
    d = storm(pairs, cpus, burst)
    model = Allocator(kernel, machine(profile(kernel), frames, cpus), pairs)
    s = model.state
    costs = []
    for _ in range(RUNS):
        at = events = 0
        start = time.process_time()
        while at < len(d.op):
            at = model.run(d, at)
            events += s.counters.events
            s.counters.events = 0
        costs.append((time.process_time() - start, int(events)))
    octets = sum(part.nbytes for part in (s.pages, s.pageblocks)) / s.frames
    return Cost(*min(costs[1:]), octets)


def verdict(*, met: bool) -> str:
    """How a line says that it misses its bar."""
    return "" if met else "  MISSED"


def table(kernel: str, pairs: int, *, large: bool) -> None:
    """Print what one kernel costs."""
    print(f"{kernel}, {pairs:,} pairs")
    for burst in BURSTS:
        costs = []
        for frames, cpus in (SMALL, LARGE) if large else (SMALL,):
            cost = measure(kernel, pairs, frames, cpus, burst)
            costs.append(cost)
            rate = pairs / cost.seconds
            print(
                f"{frames:>11,} frames {cpus:>3} CPUs burst {burst:>5}:"
                f" {rate / 1e6:7.3f} million pairs/s"
                f" {cost.seconds / cost.events * 1e9:6.0f} ns/event"
                f" {cost.octets:5.1f} bytes/frame"
                + verdict(met=rate >= PAIRS_BAR and cost.octets <= BYTES_BAR)
            )
        if large:
            first, last = (cost.seconds / cost.events for cost in costs)
            print(
                f"{'large machine to small, an event':>38}: {last / first:7.2f} times"
                + verdict(met=last / first <= RATIO_BAR)
            )


def main() -> None:
    """Print tables, and last the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--kernel", choices=PROFILES, nargs="+", default=[*PROFILES])
    parser.add_argument("--small", action="store_true", help="not the large machine")
    args = parser.parse_args()
    for kernel in args.kernel:
        table(kernel, args.pairs, large=not args.small)
    print(
        f"bars: {PAIRS_BAR / 1e6:g} million pairs/s"
        f", an event of the large machine {RATIO_BAR} times one of the small"
        f", {BYTES_BAR} bytes/frame",
        flush=True,
    )


if __name__ == "__main__":
    main()
