# SPDX-License-Identifier: GPL-2.0-only
"""A short sequence of allocations, one at a time: what each costs each strategy."""

from collections.abc import Sequence
from dataclasses import dataclass

from xpfo_model.events import EventLog
from xpfo_model.replay.calls import ALLOC, Calls
from xpfo_model.replay.reconstruct import Reconstruction, calls_of
from xpfo_model.replay.run import Run


@dataclass(frozen=True)
class Step:
    """The cost of an allocation, its refill included."""

    flushes: int
    unmapped: int
    """Frames whose PTE is cleared."""

    def __str__(self) -> str:
        flush = "flush" if self.flushes == 1 else f"flush x{self.flushes}"
        parts = [f"unmap {self.unmapped}"] if self.unmapped else []
        return ", ".join([*parts, *([flush] if self.flushes else [])]) or "-"


def walk(log: EventLog, strategies: Sequence[str]) -> dict[str, list[Step]]:
    """The steps of each strategy, one for each allocation of a log on one CPU."""
    reconstruction = Reconstruction(log.about.kernel)
    parts = list(calls_of(log.chunks(), reconstruction))
    return {
        strategy: _steps(Run(strategy, cpus=1), parts, reconstruction.frames)
        for strategy in strategies
    }


def _steps(run: Run, parts: list[Calls], frames: int) -> list[Step]:
    found: list[Step] = []
    flushes = unmapped = 0
    for some in parts:
        for i, op in enumerate(some.op):
            row = {f: getattr(some, f)[i : i + 1] for f in Calls._fields}
            run.feed(Calls(**(row | {"frames": some.frames})), frames)
            if op == ALLOC:
                now = run.counts
                cost = Step(now.flushes - flushes, now.frames_unmapped - unmapped)
                found.append(cost)
                flushes, unmapped = now.flushes, now.frames_unmapped
    return found
