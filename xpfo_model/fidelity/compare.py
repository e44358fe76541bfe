# SPDX-License-Identifier: GPL-2.0-only
"""Compare the model with the kernel over a whole trace; the face of the package."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from xpfo_model.allocator import zoneinfo as zoneinfo_text
from xpfo_model.allocator.demand import ALLOC
from xpfo_model.allocator.model import boot, events_of, pageset_update, records
from xpfo_model.allocator.profiles import profile, profile_of_masks
from xpfo_model.allocator.state import NR_ZONES, Records, State
from xpfo_model.allocator.zones import BOOT_PAGESET, Layout
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
from xpfo_model.fidelity.extract import Read, read
from xpfo_model.fidelity.follow import follow
from xpfo_model.fidelity.initial import UNSEEN, fill, is_boot, sightings
from xpfo_model.fidelity.machine import fit, guessed_layout
from xpfo_model.fidelity.renaming import rename
from xpfo_model.fidelity.result import BY_MASKS, NAMED, Both, Fidelity, Level
from xpfo_model.fidelity.tally import (
    FRAME,
    FULL,
    NUMBERS,
    PCP,
    REASONS,
    RIGHT,
    SCORE,
    SIZES,
    SWAP,
    Follow,
    Tally,
)
from xpfo_model.jit import compiled
from xpfo_model.replay.outcome import Outcome, replay
from xpfo_model.strategies import COUNTED

LEVELS: Final = {"pcp": PCP, "full": FULL}
"""Levels by name: refills taken from the trace, or the buddy predicted as well."""
ROOM: Final = 1 << 20
"""Events that are kept at a time."""


def set_up(events: Events, demand: Read, layout: Layout, kernel: str) -> State:
    """A machine as the trace begins, but for its free pages.

    The pcps of a machine that boots are still those of boot. On all others the
    first drain tells how much is on them: until then a zone is no bound.
    """
    state = boot(kernel, layout, demand.allocations, ROOM)
    booting = is_boot(events)
    for pcp in state.pcps:
        zone = layout.zones[pcp.zone]
        if booting:
            pageset_update(state, pcp, BOOT_PAGESET)
        else:
            pcp.high = zone.managed
            pcp.high_max = max(zone.pageset.high_max, zone.managed)
    return state


def sizes_of(layout: Layout, *, sizes_known: bool) -> Records:
    """SIZES by zone; where they are guesses, high is as much as the zone has."""
    sizes = records(NR_ZONES, SIZES)
    for number, zone in enumerate(layout.zones):
        high, high_max = zone.pageset.high, zone.pageset.high_max
        if not sizes_known:
            high = high_max = zone.managed
        sizes[number] = (zone.pageset.batch, high, high_max)
    return sizes


def tally_of(
    state: State,
    demand: Read,
    sizes: Records,
    *,
    level: int,
    midway: bool,
    sizes_known: bool,
) -> Tally:
    """Counts of zero, and room for all that one operation can write."""
    answers = int(np.diff(demand.first).max(initial=0))
    return Tally(
        score=records(1, SCORE)[0],
        reasons=np.zeros(len(REASONS), np.int64),
        predicted=np.full(demand.allocations, FAILED, np.int64),
        reason=np.full(demand.allocations, RIGHT, np.int8),
        frames=records(state.frames, FRAME),
        mine=np.zeros(len(state.record), np.int64),
        event=np.zeros(len(state.record), np.int64),
        theirs=np.zeros(answers, np.int64),
        row=np.zeros(answers, np.int64),
        unknown=np.full(len(state.pcps) * state.profile.pcp_lists, midway, np.uint8),
        missing=np.zeros(len(state.pcps), np.int64),
        sizes=sizes,
        swaps=records(ROOM + answers + 1, SWAP),
        numbers=records(1, NUMBERS)[0],
        midway=int(midway),
        sizes_known=int(sizes_known),
        level=level,
    )


def run(f: Follow) -> Events:
    """Follow the whole trace; the model's events, under names of its own."""
    s = f.state
    name, place = (np.arange(s.frames, dtype=np.int32) for _ in range(2))
    parts = []
    at = 0
    while at < len(f.read.row):
        at = compiled(follow)(f, at)
        compiled(rename)(s.record[: s.counters.events], f.tally, name, place)
        parts.append(events_of(s, f.demand))
    return Events.concatenate(parts)


def in_time(model: Events, events: Events, demand: Read) -> Events:
    """The model's events in the order and at the times of the kernel's.

    Their `time` is the operation that they are of.
    """
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
    return model._replace(
        time=events.time[rows], gfp=events.gfp[rows], pid=events.pid[rows]
    )


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
    sizes_known: bool = True,
    real: Outcome | None = None,
) -> Level:
    """Run the model at one level and count; `sizes_known`: those of its pcps.

    `real` is the count of the kernel's own events, if it is known already.
    """
    events = log.events
    # followed, a demand is filled in: each level has its own
    own = demand.demand._replace(wanted=demand.demand.wanted.copy())
    state = set_up(events, demand, layout, kernel)
    kind = sightings(events, state.frames)
    runs = fill(state, events, layout, kind, demand.next_row)
    midway = not is_boot(events)
    for number, zone in enumerate(layout.zones):
        if midway and zone.free:
            state.zones[number].free_pages = zone.free
    sizes = sizes_of(layout, sizes_known=sizes_known)
    tally = tally_of(
        state, demand, sizes, level=level, midway=midway, sizes_known=sizes_known
    )
    tally.frames["unseen"] = kind == UNSEEN
    model = run(Follow(state, own, events, demand, tally))
    model = in_time(model, events, demand)
    score = tally.score
    resynchronised = {n: int(tally.reasons[k]) for k, n in enumerate(REASONS)}
    resynchronised["boot"] += runs
    missed = {
        name: int(np.count_nonzero(tally.reason == k)) for k, name in enumerate(REASONS)
    }
    ours = replay(EventLog(model, log.about), COUNTED)
    real = real or replay(log, COUNTED)
    kernel_numbers = _numbers(events) | {"refills": real.totals["refills"]}
    model_numbers = _numbers(model) | {"refills": ours.totals["refills"]}
    taken = demand.demand.op == ALLOC
    row = demand.row[taken]
    number = demand.demand.page[taken]
    return Level(
        allocations=int(score.allocations),
        pfn_exact=int(score.exact),
        resynchronised={k: v for k, v in resynchronised.items() if v},
        missed={k: v for k, v in missed.items() if v},
        refill_batches={
            "kernel": int(score.refills),
            "model_too": int(score.refills_also),
            "same_size": int(score.refills_same_size),
            "same_first": int(score.refills_same_first),
            "same_frames": int(score.refills_same_frames),
        },
        drain_batches={
            "kernel": int(score.drains),
            "model_too": int(score.drains_also),
            "same_size": int(score.drains_same_size),
            "same_frames": int(score.drains_same_frames),
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
        dump=np.stack([row, tally.predicted[number], events.pfn[row]], axis=1),
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
            fitted,
            demand,
            packed.layout,
            name,
            level,
            sizes_known=bool(source),
            real=real,
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
