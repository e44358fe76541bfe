# SPDX-License-Identifier: GPL-2.0-only
"""Compare the model with the kernel over a whole trace; the face of the package."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from xpfo_model.allocator import zoneinfo as zoneinfo_text
from xpfo_model.allocator.demand import ALLOC
from xpfo_model.allocator.layout import BOOT_PAGESET, Layout
from xpfo_model.allocator.model import boot, events_of, pageset_update
from xpfo_model.allocator.pcp import pcp_of
from xpfo_model.allocator.profiles import PCP_LISTS, profile, profile_of_masks
from xpfo_model.allocator.state import FREE_PAGES, HIGH, HIGH_MAX, NR_ZONES, ZONE_FIELDS
from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    EVENT_NAMES,
    FAILED,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    MM_PAGE_PCPU_DRAIN,
    EventLog,
    Events,
    Recording,
)
from xpfo_model.fidelity import tally as counters
from xpfo_model.fidelity.context import NONE
from xpfo_model.fidelity.follow import follow
from xpfo_model.fidelity.initial import UNSEEN, fill, is_boot, sightings
from xpfo_model.fidelity.machine import fit, guessed_layout
from xpfo_model.fidelity.names import rename
from xpfo_model.fidelity.reading import Read, read
from xpfo_model.fidelity.result import BY_MASKS, NAMED, Both, Fidelity, Level
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
from xpfo_model.replay import Outcome, replay
from xpfo_model.strategies import COUNTED

LEVELS: Final = {"pcp": PCP, "full": FULL}
"""Levels by name: refills taken from the trace, or the buddy predicted as well."""
ROOM: Final = 1 << 20
SCRATCH: Final = 1 << 19


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
    real: Outcome | None = None,
) -> Level:
    """Run the model at one level and count; `sure` of the sizes of its pcps.

    `real` is the count of the kernel's own events, if it is known already.
    """
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
    real = real or replay(log, COUNTED)
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
            if name in ours.strategies
        },
        dump=np.stack(
            [row, np.asarray(tally.predicted)[number], events.pfn[row]], axis=1
        ),
    )


def compare(
    trace: Recording,
    zoneinfo: str | Path | None = None,
    allocator: str | None = None,
) -> Fidelity:
    """Compare an allocator with the kernel that made a trace.

    `zoneinfo` is the file with the machine's /proc/zoneinfo, by default that which
    the trace holds. Without one memory and CPUs are taken from the trace, and batch
    and high are learnt from its refills and drains. `allocator` is a profile, by
    default that of the trace's masks. Raises `UnknownKernelError`, `ZoneinfoError`,
    `FidelityError`.
    """
    log = whole(trace)
    name = allocator or profile_of_masks(log.kernel)
    source = ""
    if zoneinfo is not None:
        layout, source = zoneinfo_text.load(zoneinfo), Path(zoneinfo).name
    elif log.about.zoneinfo:
        source = f"zoneinfo in {log.about.name}"
        layout = zoneinfo_text.read(log.about.zoneinfo, source)
    else:
        layout = guessed_layout(log.events, name, log.cpus or 0)
    events, packed = fit(log.events, layout, log.about.name, source)
    fitted = EventLog(events, log.about)
    ends = [zone.end for zone in packed.layout.zones]
    demand = read(events, profile(name), log.kernel, ends)
    real = replay(fitted, COUNTED)
    levels = {
        key: compare_level(
            fitted, demand, packed.layout, name, level, sure=bool(source), real=real
        )
        for key, level in LEVELS.items()
    }
    for level in levels.values():
        level.dump[:, 1:] = packed.unpack(level.dump[:, 1:])
    return Fidelity(
        about=log.about,
        events=real.events,
        allocator=name,
        allocator_from=NAMED if allocator else BY_MASKS,
        zoneinfo=source,
        levels=levels,
        counting=[*real.notes, *_lacking(real)],
    )


def _lacking(real: Outcome) -> list[str]:
    """Events without which the model cannot be put where the kernel is."""
    return [
        f"the trace holds no {EVENT_NAMES[kind]}, so that the model is put right by "
        "less than a kernel does"
        for kind in (MM_PAGE_FREE, MM_PAGE_ALLOC_ZONE_LOCKED, MM_PAGE_PCPU_DRAIN)
        if not real.kinds[EVENT_NAMES[kind]]
    ]


def whole(trace: Recording) -> EventLog:
    """A trace in memory."""
    if isinstance(trace, EventLog):
        return trace
    parts: list[Events] = []
    about = trace.stream(parts.append)
    return EventLog(Events.concatenate(parts), about)
