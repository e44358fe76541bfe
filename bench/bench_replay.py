# SPDX-License-Identifier: GPL-2.0-only
"""Replay speed: events per second for one strategy over a loaded log.

Medians of several runs. Machines are noisy: compare the ratios.
"""

import argparse
import statistics
import time
from pathlib import Path

from xpfo_model import replay, strategies, traces
from xpfo_model.replay.reconstruct import Reconstruction, calls_of

TRACES = Path(__file__).parents[1] / "docs" / "traces"
RUNS = 7


def measure(path: Path) -> list[tuple[str, float]]:
    """Million events per second of each strategy, and of the steps before it."""
    log = traces.read(path)

    def prepare() -> tuple[list[object], Reconstruction]:
        reconstruction = Reconstruction(log.about.kernel)
        return list(calls_of(log.chunks(), reconstruction)), reconstruction

    parts, reconstruction = prepare()
    results = [("(steps, once a trace)", rate(len(log), prepare))]
    for name in strategies.COUNTED:

        def once(name: str = name) -> None:
            run = replay.Run(name, cpus=1)
            for part in parts:
                run.feed(part, reconstruction.frames)

        once()  # compiled now
        results.append((name, rate(reconstruction.kmem_events, once)))
    return results


def rate(events: int, work: object) -> float:
    """Median million events per second."""
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return events / statistics.median(seconds) / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trace", type=Path, default=None)
    arguments = parser.parse_args()
    path = arguments.trace or min(TRACES.glob("*.npz"))
    print(f"replay of {path.name}, median of {RUNS} runs")
    for name, speed in measure(path):
        print(f"{name:24}{speed:9.2f} million events/s")


if __name__ == "__main__":
    main()
