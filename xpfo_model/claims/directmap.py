# SPDX-License-Identifier: GPL-2.0-only
"""Claims about the direct map: 2M entries split, and what whole pageblocks save.

A split entry stays split. All runs here zero what is asked zeroed through kmap,
since a kmap through the direct map splits, too.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from xpfo_model.claims.access import BUILDS, in_use
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs, ratio
from xpfo_model.claims.pictures import at_end
from xpfo_model.claims.prose import by_trace, counted, each, listing, spread, two_digits
from xpfo_model.claims.thread import SCARCE
from xpfo_model.claims.whatif import rows as swept
from xpfo_model.constants import PAGE_SIZE, PAGEBLOCK_NR_PAGES, PAGEBLOCK_ORDER
from xpfo_model.errors import CannotJudgeError
from xpfo_model.figures.charts import Curves, Spot
from xpfo_model.figures.forms import Course, Dumbbells
from xpfo_model.history import mails
from xpfo_model.replay.calls import ALLOC, REFILL
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.studies import whatif

FLIPS: Final = "freetype"
"""Flips whole pageblocks, and kmaps through a mapping of one CPU."""
TABLED: Final = (
    "v6",
    "v9",
    "nov2017",
    "per_frame",
    "pcp_batch",
    RECOMMENDED,
    "pageblock",
    FLIPS,
)
CROWDED: Final = (SCARCE, "netmap-3cpu")
"""Traces on which users and kernel share pageblocks."""

FULL_FLUSHES: Final = {
    "v4.14, as XPFO called it": 0,
    "since c0a759abf5a6": 1,
    "… with its 1G entry": 2,
}
"""Flushes of all CPUs for a split of a 2M entry. arch/x86/mm/pageattr.c in v4.14:
__split_large_page flushes its own CPU, and __change_page_attr, which set_kpte does not
call, all; arch/x86/mm/pat/set_memory.c: __split_large_page, v6.1."""
MOST_FLUSHES: Final = max(FULL_FLUSHES.values())
PAGES_OF_A_SPLIT: Final = 1
"""Order-0 pages for the new page table. Same function."""

HALF: Final = 0.5
MOST: Final = 0.8
THIRDS: Final = 3
THIRD: Final = 1 / THIRDS
A_TENTH_MORE: Final = 1.1
FOUR: Final = 4
FOURTH: Final = "fourth"
NO_SPLIT: Final = "no 2M entry is split"
NO_FLUSH: Final = "nothing is flushed"
MEMORY: Final = re.compile(r"(\d+) (MiB|GiB)")
PIECES: Final = 96
"""Parts of a trace in a figure over time."""


def touched(evidence: Inputs, trace: str) -> int:
    """Pageblocks of which a page was allocated, or put on a pcp list.

    Frees are left out: at boot all memory is freed once.
    """
    blocks: list[Any] = []
    for some in evidence.steps(trace)[0]:
        pages = some.op == ALLOC
        blocks += [some.start[pages], some.stop[pages] - 1]
        if (some.op == REFILL).any():
            blocks.append(some.frames)
    return len(np.unique(np.concatenate(blocks) >> PAGEBLOCK_ORDER))


def all_blocks(evidence: Inputs, trace: str) -> int:
    """Pageblocks of the machine's memory, as its provenance says."""
    size = MEMORY.fullmatch(evidence.use(trace).memory)
    if size is None:
        raise CannotJudgeError("its provenance gives no memory in MiB or GiB", [trace])
    number, unit = size.groups()
    mebibytes = int(number) << (10 if unit == "GiB" else 0)
    return (mebibytes << 20) // (PAGE_SIZE * PAGEBLOCK_NR_PAGES)


def splits(evidence: Inputs, trace: str, strategy: str) -> int:
    """2M entries that a strategy splits, with zeroing through its kmap."""
    return in_use(evidence, trace, strategy).splits


def _splits(evidence: Inputs) -> Table:
    """Splits by strategy and trace, and the entries that there are."""
    return by_trace(
        "2M entries split",
        evidence.names,
        [
            *each(TABLED, lambda name, trace: splits(evidence, trace, name)),
            (
                "2M entries that pages were allocated from",
                lambda trace: touched(evidence, trace),
            ),
            ("2M entries of the machine", lambda trace: all_blocks(evidence, trace)),
        ],
    )


def _percent(evidence: Inputs, trace: str, strategy: str) -> int:
    """Splits in percent of the entries that pages were allocated from."""
    split = splits(evidence, trace, strategy)
    return round(ratio(100 * split, touched(evidence, trace), trace, "no allocation"))


def _shares(evidence: Inputs, names: tuple[str, ...]) -> Table:
    def cell(name: str, trace: str) -> str:
        split = splits(evidence, trace, name)
        whole = ratio(100 * split, all_blocks(evidence, trace), trace, "no pageblock")
        return f"{_percent(evidence, trace, name)} ({whole:.0f})"

    return by_trace("split, % of those (of all)", evidence.names, each(names, cell))


def _expenses(evidence: Inputs, strategy: str) -> Table:
    """The cost of a strategy's splits beside its own flushes."""

    def times(number: int) -> Callable[[str], int]:
        return lambda trace: number * splits(evidence, trace, strategy)

    def flushes(trace: str) -> int:
        return in_use(evidence, trace, strategy).flushes

    most = times(MOST_FLUSHES)

    return by_trace(
        strategy,
        evidence.names,
        [
            ("its own flushes of all CPUs", flushes),
            *((f"for splits, {name}", times(n)) for name, n in FULL_FLUSHES.items()),
            (
                "… the most, % of its own",
                lambda t: two_digits(ratio(100 * most(t), flushes(t), t, NO_FLUSH)),
            ),
            ("pages for page tables", times(PAGES_OF_A_SPLIT)),
        ],
    )


def _bells(
    title: str, names: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> Dumbbells:
    return Dumbbells.by_trace(title, rows, names, "2M entries split", text=str)


@claim(
    "block-flips-keep-2m",
    must="on both builds, block flips split at most half as many 2M entries as batches "
    "of frames",
    instead="kmap through the direct map, with the same flips",
    change={"flips": "pageblock"},
    downside="Under reclaim and with sockets flips save little: see "
    "exceptions-split-blocks.",
    mails=(
        mails.HAEFLIGER_2018_09_13,
        mails.JACKMAN_2026_02_25,
        mails.HANSEN_2017_09_20_1727,
    ),
    needs=("user_allocations", "refills_movable"),
)
def block_flips(evidence: Inputs, flips: str = FLIPS) -> Finding:
    """A pageblock that flips as a whole keeps its entry."""
    names = ("per_frame", RECOMMENDED, flips)
    for trace in BUILDS:
        evidence.use(trace)
    rows: list[tuple[Any, ...]] = []
    for trace in evidence.names:
        counts = [splits(evidence, trace, name) for name in names]
        rows.append((trace, *counts, all_blocks(evidence, trace)))
    values: dict[str, int | float | str] = {
        f"per_frame.{trace}.touched": _percent(evidence, trace, "per_frame")
        for trace in evidence.names
    }
    builds = [row for row in rows if row[0] in BUILDS]
    ours, theirs = (listing([str(row[i]) for row in builds]) for i in (3, 2))
    values |= {"flips": ours, "batches": theirs}
    return Finding(
        holds=all(row[3] <= HALF * row[2] for row in builds),
        sentence=f"In the two builds, flips of whole pageblocks ({flips}) split {ours} "
        f"entries of 2M; {RECOMMENDED} splits {theirs}.",
        values=values,
        table=Table(("trace", *names, "all 2M"), tuple(rows)),
        more={
            "splits": _splits(evidence),
            "shares": _shares(evidence, ("per_frame", RECOMMENDED, FLIPS)),
        },
        chart=_bells("In builds, flips of whole blocks split least", names, rows),
    )


@claim(
    "exceptions-split-blocks",
    must="under reclaim, and with sockets beside mappings, block flips split more than "
    f"{MOST:.0%} of the 2M entries that batches of frames split",
    instead="the two builds in place of these traces",
    change={"traces": BUILDS},
    downside="An allocator that keeps mapped and unmapped lists would have fewer.",
    mails=(mails.JACKMAN_2026_02_25,),
    needs=("user_allocations", "refills_movable"),
)
def exceptions_split(evidence: Inputs, traces: tuple[str, ...] = CROWDED) -> Finding:
    """Frames that differ from their block split it anyway."""
    names = (RECOMMENDED, FLIPS)
    rows: list[tuple[Any, ...]] = []
    for trace in traces:
        by_frames, by_blocks = (splits(evidence, trace, name) for name in names)
        flips = in_use(evidence, trace, FLIPS).flushes_by_cause["block"]
        percent = round(ratio(100 * by_blocks, by_frames, trace, NO_SPLIT))
        rows.append((trace, by_frames, by_blocks, flips, percent))
    shares = [row[-1] for row in rows]
    return Finding(
        holds=min(shares) > 100 * MOST,
        sentence=f"On {listing([row[0] for row in rows])}, {FLIPS} splits "
        f"{listing([str(row[2]) for row in rows])} entries of 2M; {RECOMMENDED} splits "
        f"{listing([str(row[1]) for row in rows])}.",
        values={
            "flips": listing([str(row[2]) for row in rows]),
            "batches": listing([str(row[1]) for row in rows]),
        },
        table=Table(("trace", *names, "flips", "percent"), tuple(rows)),
        chart=at_end(
            evidence, "Frames that differ from their block split it", traces, FLIPS
        ),
    )


@claim(
    "batching-splits-more",
    must="over all traces, unmapping whole refills splits at least a tenth more 2M "
    "entries than unmapping what users get",
    instead="flips of whole pageblocks in place of the refills",
    change={"strategy": FLIPS},
    downside="On some traces a batch splits no more than per_frame does.",
    mails=(mails.HANSEN_2017_09_20_1727,),
    needs=("user_allocations", "refills_movable"),
)
def batching_splits(evidence: Inputs, strategy: str = RECOMMENDED) -> Finding:
    """A batch also unmaps frames that no user will have."""
    names = ("per_frame", strategy)
    rows: list[tuple[Any, ...]] = [
        (trace, *(splits(evidence, trace, name) for name in names))
        for trace in evidence.names
    ]
    fewer, more = (sum(row[i] for row in rows) for i in (1, 2))
    whole = "whole pageblocks" if strategy == FLIPS else "whole refills"
    entries = counted(f"{more}", "entry", "entries")
    over = f"On {rows[0][0]}" if len(rows) == 1 else f"Over {len(rows)} traces"
    return Finding(
        holds=more >= A_TENTH_MORE * fewer,
        sentence=f"{over}, unmapping {whole} ({strategy}) splits "
        f"{entries} of 2M, and unmapping just what users get (per_frame) splits "
        f"{fewer}.",
        values={
            "per_frame": fewer,
            "batch": more,
            "none": sum(row[2] == row[1] for row in rows),
        },
        table=Table(("trace", *names), tuple(rows)),
        chart=_bells("Batches split entries of which users get no page", names, rows),
    )


@claim(
    "splits-grow-with-cpus",
    must="from 1 CPU to 256 with as much to do for each, the 2M entries that pcp_batch "
    f"splits grow, and fall to a {FOURTH} or less for each CPU",
    instead="pageblock, which has just booted and flips blocks whole",
    change={"strategy": "pageblock"},
    downside="A machine that has just booted, without kmap: zeroing would split more.",
    mails=(mails.HANSEN_2017_09_20_1727,),
    basis=Basis.DEMAND,
)
def splits_grow(evidence: Inputs, strategy: str = "pcp_batch") -> Finding:
    """On larger machines more entries are split, and fewer for each CPU."""
    names = ("per_frame", "pcp_batch", "pageblock")
    found = {
        name: {
            cpus: row["splits"]
            for cpus, row in swept(evidence, whatif.cpus, name, "cpus").items()
        }
        for name in names
    }
    counts = list(found[strategy])
    one, most = (found[strategy][cpus] for cpus in (counts[0], counts[-1]))
    each = [one / int(counts[0]), most / int(counts[-1])]
    return Finding(
        holds=most > one and FOUR * each[1] <= each[0],
        sentence=f"In a build, {strategy} splits {one:g} entries of 2M on "
        f"{counts[0]} CPU and {most:g} on {counts[-1]} CPUs, with as much to do for "
        f"each: {two_digits(each[0])} and {two_digits(each[1])} for each CPU.",
        values={
            "one": one,
            "most": most,
            "one.each": two_digits(each[0]),
            "most.each": two_digits(each[1]),
        },
        table=Table(
            ("CPUs", *names),
            tuple((cpus, *(found[name][cpus] for name in names)) for cpus in counts),
        ),
        chart=Curves(
            "CPUs share the entries that they split",
            [
                (name, [Spot(str(at), n, n, n) for at, n in some.items()])
                for name, some in found.items()
            ],
            list(map(str, counts)),
            "CPUs, each with as much to do",
            "2M entries split, median of 20 seeds (model)",
        ),
    )


@claim(
    "splits-come-early",
    must="on every trace, half of the splits come within the first third of the "
    "allocations",
    instead="flips of whole pageblocks, where the exceptions accumulate",
    change={"strategy": FLIPS},
    downside="Counted from boot; a machine that is up for days is past it.",
    mails=(mails.XING_2021_01_15,),
    needs=("user_allocations", "refills_movable"),
)
def splits_early(evidence: Inputs, strategy: str = RECOMMENDED) -> Finding:
    """The damage is done once, and early."""
    rows: list[tuple[Any, ...]] = []
    panels: list[Any] = []
    extra: list[float] = []
    for trace in evidence.names:
        lines: list[Any] = []
        for name in dict.fromkeys(("per_frame", strategy, FLIPS)):
            course = evidence.course(trace, name, pieces=PIECES)
            lines.append((name, [(float(n), float(c.splits)) for n, c in course]))
        panels.append((trace, lines))
        evidence.need_boot(trace, "entries may have been split before")
        course = evidence.course(trace, strategy, pieces=PIECES)
        allocations, last = course[-1]
        if not last.splits:
            raise CannotJudgeError(NO_SPLIT, [trace])
        half = next(n for n, c in course if c.splits >= HALF * last.splits)
        rows.append((trace, last.splits, allocations, round(100 * half / allocations)))
        extra.append(
            ratio(100 * MOST_FLUSHES * last.splits, last.flushes, trace, NO_FLUSH)
        )
    halves = [row[-1] for row in rows]
    return Finding(
        holds=max(halves) <= 100 * THIRD,
        sentence=f"Half of the 2M entries that {strategy} splits are split within the "
        f"first {spread(halves, 'd')}% of the allocations from boot.",
        values={
            "smallest": min(halves),
            "largest": max(halves),
            "extra": two_digits(max(extra)),
        },
        table=Table(("trace", "splits", "allocations", "half at %"), tuple(rows)),
        more={"costs": _expenses(evidence, strategy)},
        chart=Course(
            "Half of a batch's splits come in the first third",
            panels,
            "page allocations from the start of the trace, lines mark its thirds",
            "2M entries split so far",
            parts=THIRDS,
        ),
    )
