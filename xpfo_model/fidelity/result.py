# SPDX-License-Identifier: GPL-2.0-only
"""How close the model came to the kernel, and what that rests on."""

import csv
from dataclasses import dataclass, field
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from xpfo_model.events import About

NAMED = "named by the caller"
BY_MASKS = "the last not newer than the trace's masks; --allocator names one"
LEARNT = "learnt from the trace"
"""Where the sizes of the pcps are from if no zoneinfo is there."""


@dataclass(frozen=True)
class Both:
    """A number on the kernel's side and on the model's."""

    kernel: int
    model: int

    def as_json(self) -> dict[str, int]:
        """As an object."""
        return {"kernel": self.kernel, "model": self.model}


@dataclass(frozen=True)
class Level:
    """The result of one level of the comparison."""

    allocations: int
    pfn_exact: int
    resynchronised: dict[str, int]
    """Times that the model was put right, by reason."""
    missed: dict[str, int]
    """Allocations that do not count as predicted, by reason."""
    refill_batches: dict[str, int]
    """Of the kernel's refills: all, where the model refilled too, with the same
    size, the same first frame, the same frames."""
    drain_batches: dict[str, int]
    """Of the kernel's drains: all, at the same free, of the same size, of the
    same frames."""
    numbers: dict[str, Both]
    """refills, drains, fallbacks, ownership_changes."""
    flushes: dict[str, Both]
    """By strategy; a strategy that the trace does not let count is in neither."""
    dump: npt.NDArray[np.int64] = field(repr=False)
    """Per allocation: row of its event, predicted pfn, actual pfn."""

    @property
    def exact(self) -> float:
        """Share of the allocations whose frame was predicted; 1 of none."""
        return self.pfn_exact / self.allocations if self.allocations else 1.0

    def as_json(self) -> dict[str, Any]:
        """The object that ``fidelity --json`` prints for a level."""
        return {
            "allocations": self.allocations,
            "pfn_exact": self.pfn_exact,
            "resynchronised": self.resynchronised,
            "missed": self.missed,
            "refill_batches": self.refill_batches,
            "drain_batches": self.drain_batches,
            **{name: both.as_json() for name, both in self.numbers.items()},
            "flushes": {name: both.as_json() for name, both in self.flushes.items()},
        }


@dataclass(frozen=True)
class Fidelity:
    """How close the model came to the kernel over one trace."""

    about: About
    """The trace: how it was read, what was lost, skipped or wrong."""
    events: int
    """kmem events in the trace."""
    allocator: str
    """The profile that was followed."""
    allocator_from: str
    """NAMED or BY_MASKS."""
    zoneinfo: str
    """Where the sizes of the pcps are from; empty if learnt from the trace."""
    levels: dict[str, Level]
    counting: list[str] = field(default_factory=list)
    """Notes on the kernel's counts. `replay.Outcome.notes`."""

    def as_json(self, level: str = "full") -> dict[str, Any]:
        """The object that ``fidelity --json`` prints: `level`, then every level."""
        return {
            **self.about.as_json(),
            "events": self.events,
            "allocator": self.allocator,
            "allocator_from": self.allocator_from,
            "zoneinfo": self.zoneinfo,
            "notes": self.notes(),
            "level": level,
            **self.levels[level].as_json(),
            **{name: level.as_json() for name, level in self.levels.items()},
        }

    def notes(self) -> list[str]:
        """Limits of this comparison, a sentence each."""
        notes = list(self.counting)
        if not self.zoneinfo:
            notes.insert(
                0,
                "no zoneinfo, so that memory, batch and high are learnt from the "
                "trace; give it the machine's /proc/zoneinfo",
            )
        return notes

    def write_dump(self, file: TextIO, level: str = "full") -> None:
        """Write one line an allocation: event number, predicted and actual pfn.

        Events are numbered from 0, in trace order; a prediction that the model
        could not make is empty.
        """
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["event", "predicted_pfn", "actual_pfn"])
        for event, predicted, actual in self.levels[level].dump.tolist():
            writer.writerow([event, "" if predicted < 0 else predicted, actual])
