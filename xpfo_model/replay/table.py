# SPDX-License-Identifier: GPL-2.0-only
"""The answer as text: strategies side by side, in tables of 72 columns, and CSV."""

import csv
import io
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from xpfo_model.machine import MAPPED
from xpfo_model.plural import count
from xpfo_model.replay.outcome import ALL_FREE, BOOT, LATER, UNCLEAR, Outcome
from xpfo_model.replay.run import Counts

WIDTH: Final = 72
BASELINE: Final = "v6"
FIRST_TOUCH: Final = {
    BOOT: "first touches since boot",
    LATER: "unknown: the trace begins after boot",
    UNCLEAR: "since boot, or unknown",
}
"""The meaning of a frame that no earlier allocation of the trace names."""
TEN: Final = 10
PER: Final = 1000
"""Flushes are quoted per this many user allocations."""


def per_user_allocations(outcome: Outcome, counts: Counts) -> float:
    """Flushes per `PER` user allocations; 0 for a trace without any."""
    users = outcome.totals["user_allocations"]
    return PER * counts.flushes / users if users else 0.0


def factor(outcome: Outcome, counts: Counts) -> float | None:
    """How many times fewer flushes than v6; None where either has none."""
    baseline = outcome.strategies.get(BASELINE)
    if baseline is None or not baseline.flushes or not counts.flushes:
        return None
    return baseline.flushes / counts.flushes


def times_fewer(outcome: Outcome, counts: Counts) -> str:
    """`factor` in two digits: a recording more would change the others."""
    times = factor(outcome, counts)
    if times is None:
        return "-"
    return f"{times:.1f}x" if times < TEN else f"{float(f'{times:.2g}'):,.0f}x"


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of aligned text: the first column to the left, the others right."""
    table = [list(header), *map(list, rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    roomy = sum(widths) + 2 * (len(widths) - 1) <= WIDTH
    return [
        ("  " if roomy else " ")
        .join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        .rstrip()
        for row in table
    ]


def short(number: float) -> str:
    """A count of at most six characters: 134489, 12.3M."""
    for limit, unit in ((10**9, "G"), (10**6, "M")):
        if number >= limit:
            return f"{number / limit:.1f}{unit}"
    return f"{number:.0f}"


def held_then(outcome: Outcome) -> str:
    """The frames that are not free as it starts, where a command says which."""
    return "" if outcome.held == ALL_FREE else f", frames held: {outcome.held}"


def _notes(outcome: Outcome) -> list[str]:
    lines = [f"  note: {note}" for note in outcome.notes]
    return [part for line in lines for part in _wrapped(line)]


def head(outcome: Outcome, *, with_notes: bool = True) -> list[str]:
    """The trace, its contents, and the losses and warnings of its reading."""
    about, totals = outcome.about, outcome.totals
    lines = [
        f"trace {about.name}",
        f"  sha256 {about.sha256[:16]}",
        f"  {count(outcome.events, 'kmem event')}, {about.fate()}",
        f"  {about.masks()}",
        f"  {count(totals['user_allocations'], 'user allocation')}"
        f" ({totals['user_zeroed']:,} zeroed,"
        f" {totals['user_not_movable']:,} not MOVABLE)",
        f"    frames had before by a user {totals['from_user']:,},"
        f" by the kernel {totals['from_kernel']:,},",
        f"    by nobody {totals['first_touch']:,} ({FIRST_TOUCH[outcome.begins]})",
        f"  {count(totals['kernel_allocations'], 'kernel allocation')}"
        f" ({totals['kernel_movable']:,} MOVABLE)",
        f"  {count(totals['refills'], 'refill')}"
        f" ({totals['refills_movable']:,} MOVABLE),"
        f" {count(totals['ownership_changes'], *_CHANGES)}",
    ]
    if outcome.start != MAPPED and with_notes:
        lines.append(f"  memory starts {outcome.start}{held_then(outcome)}")
    if about.xpfo:
        lines.append(f"  {about.ran()}")
    lines += [f"  warning: {note}" for note in about.notes()]
    if with_notes:
        lines += [f"  note: {note}" for note in outcome.notes]
    if about.skipped:
        lines.append(f"  {about.left_out()}")
    return [part for line in lines for part in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    """A line in lines of at most WIDTH columns."""
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False)


def _flushes(outcome: Outcome, show: Callable[[int], str]) -> list[str]:
    return columns(
        ("flushes (model)", "total", *_CAUSES.values(), "/1000", "vs v6"),
        (
            (
                name,
                show(counts.flushes),
                *(show(counts.flushes_by_cause[cause]) for cause in _CAUSES),
                f"{per_user_allocations(outcome, counts):.1f}",
                times_fewer(outcome, counts),
            )
            for name, counts in outcome.strategies.items()
        ),
    )


def counted(outcome: Outcome) -> list[str]:
    """The strategies over one trace, baseline first, in lines of 72 columns."""
    flushes = _flushes(outcome, str)
    if max(map(len, flushes)) > WIDTH:
        flushes = _flushes(outcome, short)
    shown = dict(_FRAMES)
    for field in _SELDOM:
        if not any(getattr(counts, field) for counts in outcome.strategies.values()):
            del shown[field]
    frames = columns(
        ("frames (model)", *shown.values()),
        (
            (name, *(short(getattr(counts, field)) for field in shown))
            for name, counts in outcome.strategies.items()
        ),
    )
    return [*flushes, "", *frames, ""]


def course(outcome: Outcome) -> list[str]:
    """Flushes by quarter, and by who had a frame before, in lines of 72 columns."""

    def row(name: str, quarters: Sequence[int]) -> tuple[str, ...]:
        return (name, *map(short, (*quarters, sum(quarters[1:]), sum(quarters))))

    allocations = [
        row(label, [one[key] for one in outcome.quarters])
        for key, label in _ALLOCATIONS.items()
    ]
    quarters = [
        row(name, [sum(quarter.values()) for quarter in counts.quarters])
        for name, counts in outcome.strategies.items()
    ]
    numbers = [f"q{n}" for n in range(1, len(outcome.quarters) + 1)]
    owners = [
        (name, *(short(counts.flushes_by_owner[key]) for key in _OWNERS))
        for name, counts in outcome.strategies.items()
    ]
    return [
        *columns(("user allocations", *numbers, "warm", "all"), allocations),
        "",
        *columns(("flushes (model)", *numbers, "warm", "all"), quarters),
        "",
        *columns(("flushed at alloc", *_OWNERS.values()), owners),
        "",
    ]


def table(*outcomes: Outcome, quarters: bool = False) -> str:
    """The strategies over one trace, for each start of its memory, as text.

    With `quarters` also by quarter of the user allocations.
    """

    def tables(outcome: Outcome) -> list[str]:
        return counted(outcome) + (course(outcome) if quarters else [])

    if len(outcomes) == 1:
        return "\n".join([*head(outcomes[0]), "", *tables(outcomes[0])])
    lines = head(outcomes[0], with_notes=False)
    for outcome in outcomes:
        lines += ["", f"memory starts {outcome.start}{held_then(outcome)}"]
        lines += [*_notes(outcome), "", *tables(outcome)]
    return "\n".join(lines)


_CHANGES: Final = ("change of ownership", "changes of ownership")
_CAUSES: Final = {
    "alloc": "alloc",
    "refill": "refill",
    "block": "block",
    "alternation": "alt",
}
"""Column heads of the causes."""

_FRAMES: Final = {
    "frames_unmapped": "unmapped",
    "frames_mapped": "mapped",
    "frames_exposed": "reachable",
    "local_flushes": "local flushes",
    "splits": "splits",
    "start_splits": "at start",
    "faults": "faults",
}
"""Column heads of the frames."""
_ALLOCATIONS: Final = {
    "first_touch": "nobody had it",
    "from_kernel": "the kernel had it",
    "from_user": "a user had it",
}
_OWNERS: Final = {
    "first_touch": "first touch",
    "from_kernel": "from kernel",
    "from_user": "from user",
    "for_kernel": "for kernel",
}
"""Column heads of `course`."""
_SELDOM: Final = ("start_splits", "faults")
"""Columns that are shown if they hold anything."""

COURSE: Final = """\
q1 … q4  by quarter of the user allocations; warm: after the first quarter
flushed at alloc
         flushes of allocations, but for kunmap, by who had a frame before;
         for kernel: the allocation is no user's
"""

_LEGEND: Final = {
    "flushes": """\
total    synchronous TLB shootdowns; then by cause: at allocation, at a
         refill of the pcp list, at a change of a pageblock, alternation
/1000    flushes per 1000 user allocations
vs v6    how many times fewer flushes than XPFO v6 as posted
""",
    "frames_mapped": """\
mapped   frames whose alias was set, back or for the first time
""",
    "frames_exposed": """\
reachable
         frames given to users while the kernel could still reach them
         through the direct map or a stale TLB entry: above 0, a
         strategy is not safe; 0 here does not say that it is
""",
    "local_flushes": """\
local flushes
         flushes of one CPU's own TLB, without an IPI
""",
    "splits": """\
splits   2M entries of the direct map that were split
""",
    "start_splits": """\
at start entries that were split before the first event, where not all
         frames of one start alike
""",
    "faults": """\
faults   frames given to the kernel unmapped: it faults; 0 if safe
""",
}
"""What columns say, by what they are of."""
_MOVED: Final = """\
Pages that compaction moves to other frames are in no stock trace:
pcp_batch_closed flushes for each of a user, most others leave the new
frame mapped.
"""


def legend(outcomes: Iterable[Outcome]) -> str:
    """The columns of `table`, explained: those that are shown."""
    counts = [one for outcome in outcomes for one in outcome.strategies.values()]
    seldom = [f for f in _SELDOM if not any(getattr(one, f) for one in counts)]
    texts = (text for field, text in _LEGEND.items() if field not in seldom)
    return "".join([*texts, _MOVED])


def as_csv(outcomes: Iterable[Outcome]) -> str:
    """A row per trace and strategy."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header_written = False
    for outcome in outcomes:
        for name, counts in outcome.strategies.items():
            row: dict[str, object] = {
                "trace": outcome.about.name,
                "sha256": outcome.about.sha256,
                "kernel": outcome.about.kernel,
                "kernel_from": outcome.about.kernel_from,
                "events": outcome.events,
                "lost": "unknown" if outcome.about.lost is None else outcome.about.lost,
                "warnings": "; ".join(outcome.about.notes() + outcome.notes),
                "skipped": sum(outcome.about.skipped.values()),
                "begins": outcome.begins,
                "start": outcome.start,
                "held": outcome.held,
                "held_frames": outcome.held_frames,
                "held_first_touches": outcome.held_first_touches,
                **outcome.totals,
                "strategy": name,
                "flushes": counts.flushes,
                **{f"flushes_{c}": n for c, n in counts.flushes_by_cause.items()},
                "frames_unmapped": counts.frames_unmapped,
                "frames_mapped": counts.frames_mapped,
                "frames_exposed": counts.frames_exposed,
                "local_flushes": counts.local_flushes,
                "splits": counts.splits,
                "start_splits": counts.start_splits,
                "faults": counts.faults,
                "flushes_warm": counts.flushes_warm,
                **{f"flushes_{who}": n for who, n in counts.flushes_by_owner.items()},
                **{
                    f"flushes_q{number}": sum(quarter.values())
                    for number, quarter in enumerate(counts.quarters, start=1)
                },
                "flushes_per_1000": round(per_user_allocations(outcome, counts), 3),
                "factor_v6": factor(outcome, counts),
            }
            if not header_written:
                writer.writerow(row)
                header_written = True
            writer.writerow(row.values())
    return text.getvalue()
