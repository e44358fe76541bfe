# SPDX-License-Identifier: GPL-2.0-only
"""Compare the model with the kernel over a whole trace; the face of the package."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TextIO

import numpy as np

from xpfo_model.allocator import zoneinfo as zoneinfo_text
from xpfo_model.allocator.demand import ALLOC
from xpfo_model.allocator.layout import (
    BOOT_PAGESET,
    Layout,
    machine,
)
from xpfo_model.allocator.model import LARGEST, boot, events_of, pageset_update
from xpfo_model.allocator.pcp import pcp_of
from xpfo_model.allocator.profiles import PCP_LISTS, profile
from xpfo_model.allocator.state import FREE_PAGES, HIGH, HIGH_MAX, NR_ZONES, ZONE_FIELDS
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_PCPU_DRAIN,
    EventLog,
    Events,
)
from xpfo_model.fidelity import tally as counters
from xpfo_model.fidelity.context import NONE
from xpfo_model.fidelity.follow import follow
from xpfo_model.fidelity.initial import UNSEEN, fill, is_boot, sightings
from xpfo_model.fidelity.names import rename
from xpfo_model.fidelity.reading import Read, read
from xpfo_model.fidelity.speed import at_speed, columns, flat, is_long
from xpfo_model.fidelity.tally import (
    FULL,
    NR_COUNTS,
    PCP,
    REASONS,
    SIZES,
    SWAP_FIELDS,
    SWAPS,
    Tally,
)
from xpfo_model.replay import replay
from xpfo_model.strategies import COUNTED

LEVELS: Final = {"pcp": PCP, "full": FULL}
"""Levels by name: refills taken from the trace, or the buddy predicted as well."""
ROOM: Final = 1 << 20
SCRATCH: Final = 1 << 19


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
    """What one level of the comparison gave."""

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
    """By strategy."""
    dump: Any = field(repr=False)
    """Per allocation: row of its event, predicted pfn, actual pfn; int64."""

    @property
    def exact(self) -> float:
        """Share of the allocations whose frame was predicted."""
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

    trace: str
    sha256: str
    kernel: str
    zoneinfo: str
    """Where the sizes of the pcps are from; empty if learnt from the trace."""
    levels: dict[str, Level]

    def as_json(self, level: str = "full") -> dict[str, Any]:
        """The object that ``fidelity --json`` prints: `level`, then every level."""
        return {
            "trace": self.trace,
            "sha256": self.sha256,
            "kernel": self.kernel,
            "zoneinfo": self.zoneinfo,
            "level": level,
            **self.levels[level].as_json(),
            **{name: level.as_json() for name, level in self.levels.items()},
        }

    def notes(self) -> list[str]:
        """What a reader must know before the numbers."""
        if self.zoneinfo:
            return []
        return [
            f"{self.trace}: no zoneinfo, so that memory, batch and high are learnt "
            "from the trace; give it the machine's /proc/zoneinfo"
        ]

    def write_dump(self, file: TextIO, level: str = "full") -> None:
        """Write one line an allocation: event number, predicted and actual pfn.

        Events are numbered from 0, in trace order; a prediction that the model
        could not make is empty.
        """
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["event", "predicted_pfn", "actual_pfn"])
        for event, predicted, actual in self.levels[level].dump.tolist():
            writer.writerow([event, "" if predicted < 0 else predicted, actual])


def guessed_layout(log: EventLog, kernel: str) -> Layout:
    """A layout for a trace without its zoneinfo: memory up to the last frame."""
    events = log.events
    end = int((events.pfn + (1 << events.order.astype(np.int64))).max(initial=1))
    return machine(
        profile(kernel),
        -(-end // LARGEST) * LARGEST,
        int(events.cpu.max(initial=0)) + 1,
    )


def _run(
    events: Events,
    demand: Read,
    layout: Layout,
    kernel: str,
    level: int,
    *,
    sure: bool,
) -> Iterator[Any]:
    """The model's events in pieces, then the tally."""
    state = columns(boot(kernel, layout, demand.allocations, ROOM))
    booting = is_boot(events)
    sizes = np.zeros((NR_ZONES, SIZES), np.int64)
    for number, zone in enumerate(layout.zones):
        pages = zone.pageset
        sizes[number] = pages.batch, pages.high, pages.high_max
        if not sure:
            sizes[number, 1:] = zone.managed
        for cpu in range(layout.cpus):
            if not booting:
                # nobody knows how much is there: the first drain tells
                state.mem[pcp_of(cpu, number) + HIGH] = zone.managed
                state.mem[pcp_of(cpu, number) + HIGH_MAX] = max(
                    zone.pageset.high_max, zone.managed
                )
            else:
                pageset_update(state, pcp_of(cpu, number), BOOT_PAGESET)
    kind = sightings(events, state.frames)
    runs = fill(state, events, layout, kind, demand.next_row)
    for number, zone in enumerate(layout.zones):
        if not booting and zone.free:
            state.mem[number * ZONE_FIELDS + FREE_PAGES] = zone.free
    tally = Tally(
        counts=(np.zeros(NR_COUNTS, np.int64)),
        predicted=(np.full(demand.allocations, FAILED, np.int64)),
        reason=(np.full(demand.allocations, NR_COUNTS, np.int8)),
        instead=(np.zeros(state.frames, np.int32)),
        why=(np.zeros(state.frames, np.int8)),
        mine=(np.zeros(SCRATCH, np.int64)),
        theirs=(np.zeros(SCRATCH, np.int64)),
        event=(np.zeros(SCRATCH, np.int64)),
        row=(np.zeros(SCRATCH, np.int64)),
        last=(np.full(state.frames, NONE, np.int64)),
        unseen=((kind == UNSEEN).astype(np.uint8)),
        unknown=(
            np.full(
                layout.cpus * NR_ZONES * state.mem[PCP_LISTS], not booting, np.uint8
            )
        ),
        ghosts=(np.zeros(len(state.mem), np.int64)),
        sizes=(sizes.ravel()),
        home=(np.zeros(state.frames, np.int32)),
        skipped=np.zeros(state.frames, np.uint8),
        fresh=np.zeros(state.frames, np.uint8),
        midway=int(not booting),
        swaps=np.zeros(SWAPS + SWAP_FIELDS * 2 * ROOM, np.int64),
        sure=int(sure),
        level=level,
    )
    fast = is_long(len(events.kind))
    asked = columns(demand.demand, fast)
    arguments = (
        columns(state, fast),
        asked,
        columns(events, fast),
        columns(demand._replace(demand=asked), fast),
        columns(tally, fast),
    )
    run = at_speed(follow, fast)
    name, place = np.arange(state.frames), np.arange(state.frames)
    at = 0
    while at < len(demand.row):
        at = run(*arguments, at, ROOM)
        found = events_of(state, demand.demand)
        at_speed(rename, fast)(
            *(flat(column, fast) for column in (found.kind, found.pfn, found.order)),
            *(flat(column, fast) for column in (tally.swaps, name, place)),
        )
        yield found
    yield tally, runs


def _numbers(events: Events) -> dict[str, int]:
    fallback = events.kind == MM_PAGE_ALLOC_EXTFRAG
    owned = fallback & (events.flags & CHANGE_OWNERSHIP != 0)
    return {
        "drains": int(np.count_nonzero(events.kind == MM_PAGE_PCPU_DRAIN)),
        "fallbacks": int(np.count_nonzero(fallback)),
        "ownership_changes": int(np.count_nonzero(owned)),
    }


def compare_level(
    log: EventLog,
    demand: Read,
    layout: Layout,
    kernel: str,
    level: int,
    *,
    sure: bool = True,
) -> Level:
    """Run the model at one level and count; `sure` of the sizes of its pcps."""
    events = log.events
    demand = demand._replace(
        demand=type(demand.demand)(*(column.copy() for column in demand.demand))
    )
    *parts, (tally, runs) = _run(events, demand, layout, kernel, level, sure=sure)
    model = Events.concatenate(parts)
    by = model.time
    rows = demand.row[by]
    # other CPUs may come between an event and its refill or drain
    begun = np.isin(
        model.kind,
        (MM_PAGE_ALLOC_ZONE_LOCKED, MM_PAGE_ALLOC_EXTFRAG, MM_PAGE_PCPU_DRAIN),
    )
    order: Any = np.argsort(np.where(begun, demand.start[by], rows), kind="stable")
    model = model.rows(order)
    rows = rows[order]
    model = model._replace(
        time=events.time[rows], gfp=events.gfp[rows], pid=events.pid[rows]
    )
    counts = [int(count) for count in tally.counts]
    resynchronised = {name: counts[k] for k, name in enumerate(REASONS)}
    resynchronised["boot"] += runs
    reasons = np.asarray(tally.reason)
    missed = {
        name: int(np.count_nonzero(reasons == k)) for k, name in enumerate(REASONS)
    }
    ours = replay(EventLog(model, log.about), COUNTED)
    real = replay(log, COUNTED)
    kernel_numbers = _numbers(events) | {"refills": real.totals["refills"]}
    model_numbers = _numbers(model) | {"refills": ours.totals["refills"]}
    taken = demand.demand.op == ALLOC
    row = demand.row[taken]
    number = demand.demand.page[taken]
    return Level(
        allocations=counts[counters.ALLOCATIONS],
        pfn_exact=counts[counters.EXACT],
        resynchronised={k: v for k, v in resynchronised.items() if v},
        missed={k: v for k, v in missed.items() if v},
        refill_batches={
            "kernel": counts[counters.REFILLS],
            "model_too": counts[counters.REFILLS_ALSO],
            "same_size": counts[counters.SAME_SIZE],
            "same_first": counts[counters.SAME_FIRST],
            "same_frames": counts[counters.SAME_FRAMES],
        },
        drain_batches={
            "kernel": counts[counters.DRAINS],
            "model_too": counts[counters.DRAINS_ALSO],
            "same_size": counts[counters.DRAINS_SAME_SIZE],
            "same_frames": counts[counters.DRAINS_SAME],
        },
        numbers={
            name: Both(kernel_numbers[name], model_numbers[name])
            for name in ("refills", "drains", "fallbacks", "ownership_changes")
        },
        flushes={
            name: Both(real.strategies[name].flushes, ours.strategies[name].flushes)
            for name in real.strategies
        },
        dump=np.stack(
            [row, np.asarray(tally.predicted)[number], events.pfn[row]], axis=1
        ),
    )


def compare(
    log: EventLog, zoneinfo: str | None, kernel: str = "v6.1", source: str = "given"
) -> Fidelity:
    """Compare the allocator of `kernel` with the kernel that made a trace.

    `zoneinfo` is the text of the machine's /proc/zoneinfo, `source` its name;
    without it, memory and CPUs are taken from the trace, and batch and high are
    learnt from its refills and drains. Raises `UnknownKernelError`, `ZoneinfoError`.
    """
    if zoneinfo is None:
        layout = guessed_layout(log, kernel)
    else:
        try:
            layout = zoneinfo_text.read(zoneinfo)
        except zoneinfo_text.ZoneinfoError as error:
            raise zoneinfo_text.ZoneinfoError(
                error.what, file=source, remedy=error.remedy
            ) from None
    demand = read(log.events, profile(kernel), log.about.kernel)
    return Fidelity(
        trace=log.about.name,
        sha256=log.about.sha256,
        kernel=kernel,
        zoneinfo="" if zoneinfo is None else source,
        levels={
            name: compare_level(
                log, demand, layout, kernel, level, sure=zoneinfo is not None
            )
            for name, level in LEVELS.items()
        },
    )
