# SPDX-License-Identifier: GPL-2.0-only
"""How many pairs of allocation and free the allocator does in a second of CPU time.

python bench/bench_allocator.py [--pairs N] [--kernel v6.1] [--large]
"""

import argparse
import time

import numpy as np

from xpfo_model.allocator import demand
from xpfo_model.allocator.layout import machine
from xpfo_model.allocator.model import Allocator
from xpfo_model.allocator.profiles import PROFILES, profile
from xpfo_model.allocator.state import EVENTS
from xpfo_model.engine import FAST

SMALL = (1 << 18, 2)
LARGE = (201_326_592, 96)
BURSTS = (1, 10, 1000)
"""Pages that are held at a time."""


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


def measure(kernel: str, pairs: int, frames: int, cpus: int, burst: int) -> float:
    """Pairs a second."""
    d = storm(pairs, cpus, burst)
    model = Allocator(kernel, machine(profile(kernel), frames, cpus), pairs)
    at = model.run(demand.empty(0))
    start = time.process_time()
    while at < len(d.op):
        at = model.run(d, at)
        model.state.mem[EVENTS] = 0
    return len(d.op) / 2 / (time.process_time() - start)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000 if FAST else 50_000)
    parser.add_argument("--kernel", choices=PROFILES, default="v6.1")
    parser.add_argument("--large", action="store_true", help="96 CPUs, 768 GiB too")
    args = parser.parse_args()
    print(f"{'numba' if FAST else 'python'}, {args.kernel}, {args.pairs:,} pairs")
    for frames, cpus in (SMALL, LARGE) if args.large else (SMALL,):
        for burst in BURSTS:
            rate = measure(args.kernel, args.pairs, frames, cpus, burst)
            print(
                f"{frames:>11,} frames {cpus:>3} CPUs burst {burst:>5}: {rate:>12,.0f}/s"  # noqa: E501
            )


if __name__ == "__main__":
    main()
