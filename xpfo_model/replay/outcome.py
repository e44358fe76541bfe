# SPDX-License-Identifier: GPL-2.0-only
"""Counts of strategies over one trace, side by side, and their sources."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from xpfo_model import strategies
from xpfo_model.events import (
    EVENT_NAMES,
    MM_PAGE_ALLOC_EXTFRAG,
    MODEL,
    NANOSECONDS,
    About,
    Recording,
)
from xpfo_model.gfp import USER_TESTS
from xpfo_model.machine import MAPPED, UNMAPPED
from xpfo_model.plural import count
from xpfo_model.replay.calls import Calls
from xpfo_model.replay.held import Held
from xpfo_model.replay.reconstruct import Reconstruction
from xpfo_model.replay.run import Counts, Run

BOOT: Final = "boot"
LATER: Final = "later"
UNCLEAR: Final = "unclear"
BOOT_NS: Final = 1_000_000_000
"""A trace whose first event is in the first second of its clock begins with the boot:
nobody starts a recording by hand as early as that. A choice."""

ALL_FREE: Final = "none"
"""No frame is taken to be held as the trace begins."""
LISTED: Final = "listed"
"""The caller lists the frames that are held as the trace begins."""

SELDOM: Final = (EVENT_NAMES[MM_PAGE_ALLOC_EXTFRAG],)
"""Events that a trace may lack although they were recorded: fallbacks are rare."""


@dataclass(frozen=True)
class Outcome:
    """The counts of all strategies over one trace."""

    about: About
    events: int
    """kmem events in the trace."""
    begins: str
    """BOOT, LATER or UNCLEAR: whether a first touch is the first since boot."""
    kinds: dict[str, int]
    """Events of each kind that the trace holds, by name."""
    totals: dict[str, int]
    """Allocations, refills, changes of ownership, whatever the strategy."""
    start: str = MAPPED
    """Whether memory that nobody has had is mapped or unmapped."""
    held: str = ALL_FREE
    """How it is known which frames are held as the trace begins: ALL_FREE, LISTED or
    `run.FREED`."""
    held_frames: int = 0
    """Frames that the kernel holds then, or is first seen to free."""
    held_first_touches: int = 0
    """First touches by users of frames that the trace first shows being freed."""
    waits: dict[str, int] = field(default_factory=dict)
    """How often the MOVABLE list was asked by somebody who may not wait."""
    users: dict[str, dict[str, int]] = field(default_factory=dict)
    """User allocations by who had a frame before, by each of `gfp.USER_TESTS`."""
    quarters: list[dict[str, int]] = field(default_factory=list)
    """Allocations by quarter of the user allocations."""
    strategies: dict[str, Counts] = field(default_factory=dict)
    """The counts of each strategy that could be counted."""
    not_counted: dict[str, str] = field(default_factory=dict)
    """Why a strategy could not be counted, by its name."""

    @property
    def notes(self) -> list[str]:
        """Notes for a reader of the counts, a sentence each."""
        reasons = dict.fromkeys(self.not_counted.values())
        notes = [
            ", ".join(name for name, why in self.not_counted.items() if why == reason)
            + f": not counted, {reason}"
            for reason in reasons
        ]
        if not self.totals["refills"] and self.strategies:
            notes.append("no refill is in the trace: it cannot show what a batch saves")
        if self.start == UNMAPPED and self.held == ALL_FREE and self.held_first_touches:
            frames = count(self.held_frames, "frame is", "frames are")
            found = count(self.held_first_touches, "user allocation")
            notes.append(
                f"{frames} first seen being freed, such as the initrd's: this start "
                "takes such a frame for unmapped; if they are mapped, one is found "
                f"mapped by {found} more"
            )
        faulting = [name for name, c in self.strategies.items() if c.faults]
        if faulting:
            notes.append(
                f"{', '.join(faulting)}: the kernel gets frames that are unmapped, and "
                "faults"
            )
        crossing = [name for name in self.strategies if strategies.at_border(name)]
        if crossing:
            notes.append(
                f"{', '.join(crossing)}: an interrupt has no event, and enters the "
                "kernel unseen; the return from a page fault has none, and is taken "
                "where its CPU next enters"
            )
        return notes

    def as_json(self) -> dict[str, Any]:
        """The object that ``compare --json`` prints."""
        return {
            **self.about.as_json(),
            "events": self.events,
            "begins": self.begins,
            "start": self.start,
            "held": {
                "from": self.held,
                "frames": self.held_frames,
                "first_touches": self.held_first_touches,
            },
            "kinds": self.kinds,
            "notes": self.notes,
            "totals": self.totals,
            "users": self.users,
            "waits": self.waits,
            "quarters": self.quarters,
            "not_counted": self.not_counted,
            "strategies": {
                name: {
                    "user_test": strategies.REGISTRY[name].user_test,
                    "flushes": counts.flushes,
                    "flushes_by_cause": counts.flushes_by_cause,
                    "flushes_by_owner": counts.flushes_by_owner,
                    "flushes_warm": counts.flushes_warm,
                    "quarters": list(counts.quarters),
                    "frames_unmapped": counts.frames_unmapped,
                    "frames_mapped": counts.frames_mapped,
                    "frames_exposed": counts.frames_exposed,
                    "local_flushes": counts.local_flushes,
                    "splits": counts.splits,
                    "start_splits": counts.start_splits,
                    "faults": counts.faults,
                    "moved": counts.moved,
                    "moved_exposed": counts.moved_exposed,
                }
                for name, counts in self.strategies.items()
            },
        }


def replay(
    trace: Recording,
    names: Sequence[str] | None = None,
    *,
    start: str = MAPPED,
    held: Held | str | None = None,
) -> Outcome:
    """Run strategies over a trace, chunk by chunk, in memory that does not grow.

    Parameters
    ----------
    trace
        What is read, once.
    names
        Keys of `strategies.REGISTRY`, `strategies.SHOWN` by default. A strategy that
        needs a kind of event that the trace does not hold is not counted.
    start : str
        `machine.MAPPED` or `machine.UNMAPPED`: memory that nobody has had.
    held : Held or str, optional
        The frames that are not free as the trace begins, or `run.FREED` as in `Run`.

    Raises `UnknownStrategyError`, `TraceError`.
    """
    return replay_starts(trace, names, (start,), held=held)[0]


def replay_starts(
    trace: Recording,
    names: Sequence[str] | None,
    starts: Sequence[str],
    *,
    held: Held | str | None = None,
) -> list[Outcome]:
    """Run strategies over a trace as `replay` does, once for each start of memory."""
    from xpfo_model.replay.helper import helped  # noqa: PLC0415 - it makes runs

    listed = held if isinstance(held, Held) else None
    inferred = held if isinstance(held, str) else None
    runs = [
        [
            Run(name, cpus=trace.cpus or 1, start=start, held=inferred)
            for name in (names or strategies.SHOWN)
        ]
        for start in starts
    ]
    heeds = any(run.heeds_all for run in runs[0])
    reconstruction = Reconstruction(trace.kernel, everything=heeds, held=listed)

    def feed(steps: Calls) -> None:
        for some in runs:
            for run in some:
                run.feed(steps, reconstruction.frames, reconstruction.owners)

    with helped(runs[0]):
        about = trace.stream(lambda events: feed(reconstruction.calls(events)))
        feed(reconstruction.finish())
    how = LISTED if listed is not None else inferred or ALL_FREE
    return [
        _outcome(start, how, some, about, reconstruction)
        for start, some in zip(starts, runs, strict=True)
    ]


def _outcome(
    start: str, how: str, runs: list[Run], about: About, reconstruction: Reconstruction
) -> Outcome:
    kinds = dict(zip(EVENT_NAMES, reconstruction.kinds.tolist(), strict=True))
    missing = {run.strategy: lacking(run.strategy, about, kinds) for run in runs}
    held_frames, held_first_touches = reconstruction.held_so_far
    return Outcome(
        about=about,
        events=reconstruction.kmem_events,
        begins=begins_of(about, reconstruction.first_time),
        kinds=kinds,
        totals=reconstruction.totals,
        start=start,
        held=how,
        held_frames=held_frames,
        held_first_touches=held_first_touches,
        waits=reconstruction.waits,
        quarters=reconstruction.quarters,
        users={test: reconstruction.owners_by(test) for test in USER_TESTS},
        strategies={r.strategy: r.counts for r in runs if not missing[r.strategy]},
        not_counted={
            name: f"the trace holds no {' and no '.join(events)}"
            for name, events in missing.items()
            if events
        },
    )


def lacking(strategy: str, about: About, kinds: dict[str, int]) -> list[str]:
    """Kinds of event that a strategy needs and that were not recorded.

    Where the trace does not say what was recorded, a kind of which it holds nothing
    was not, unless kernels fire it so seldom that a trace may well hold none.
    """
    if about.recorded is not None:
        return [k for k in strategies.needs(strategy) if k not in about.recorded]
    return [
        kind
        for kind in strategies.needs(strategy)
        if not kinds.get(kind) and kind not in SELDOM
    ]


def begins_of(about: About, first: int | None) -> str:
    """Whether a trace begins with its machine: by its clock, which starts at boot."""
    if about.format == MODEL:
        return BOOT
    if about.clock != NANOSECONDS or first is None:
        return UNCLEAR
    return BOOT if first < BOOT_NS else LATER
