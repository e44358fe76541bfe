# SPDX-License-Identifier: GPL-2.0-only
"""The rows of the explorer page in seconds, and the claim over all of them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from statistics import median
from typing import Any, Final

from xpfo_model import cost, strategies
from xpfo_model.claims.claim import Basis, Finding, Table, claim
from xpfo_model.claims.inputs import Inputs
from xpfo_model.claims.prose import size_of, two_digits
from xpfo_model.claims.published_tables import MACHINES, grid, parameters
from xpfo_model.constants import PAGE_SIZE
from xpfo_model.cost import FULL, Kind, Values, Work
from xpfo_model.figures.forms import Dot, Dots
from xpfo_model.history import mails
from xpfo_model.history.numbers import DESKTOP
from xpfo_model.machine import MAPPED
from xpfo_model.studies import explorer as study
from xpfo_model.studies.explorer import DIRECT, LOCAL, PER, SHOWN
from xpfo_model.studies.store import Columns

MILLION: Final = 1_000_000
"""User allocations that seconds are given for."""
IDENTITY: Final = "way-to-a-page-beats-the-unit"
FIGURE: Final = "explorer-first"
"""Name of the figure of the machine that is shown first."""
STANDARD: Final = {
    "pipes": 10,
    "frames": 1 << 20,
    "cpus": 4,
    "batch": 63,
    "start": MAPPED,
}
"""The machine that is shown first."""
ENDS: Final = ("", "_low", "_high")
"""Of what has an interval: the middle, and both ends."""
FRAMES_OF_GIB: Final = (1 << 30) // PAGE_SIZE
HEAD: Final = (
    "strategy",
    "ahead of users",
    "at kunmap",
    "CPU s",
    "% reachable",
    "safe",
)
"""Of the table of a machine: flushes, their cost, what is left open, and whether the
strategy is said to be safe with this way to a page."""
RATE: Final = 3
TIME: Final = 2
"""Digits of rates and of seconds."""
LEAST: Final = 0.001
"""That is told as a number."""
CLOCK: Final = DESKTOP.hertz or 1.0
"""Hertz by which cycles are seconds."""

Row = Mapping[str, Any]


def rows_of(columns: Columns) -> list[Row]:
    """The columns of the study as rows."""
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def rows(evidence: Inputs) -> list[Row]:
    """The kept rows of the study."""
    return rows_of(evidence.kept(study.explorer))


def work(row: Row, way: str, end: str = "") -> Work:
    """The flushes of a row for each user allocation, as the cost model takes them.

    `end` is ``_low`` or ``_high`` of the seeds' interval, or nothing for the median.
    A kunmap of a mapping of one CPU is a flush of that CPU alone.
    """
    ahead, full, kunmap = (
        row[f"{way}_{name}{end}"] / PER for name in ("ahead", "full", "kunmap")
    )
    accesses = row[f"{DIRECT}_kunmap{end}"] / PER
    return Work(
        one=ahead - full + kunmap,
        full=full,
        local_one=accesses if way == LOCAL else 0.0,
    )


def seconds(work: Work, cpus: int, ipi: float, v: Values) -> float:
    """CPU seconds of all flushes for `MILLION` user allocations, all CPUs together.

    Parameters
    ----------
    ipi : float
        Cycles of an interrupt for each CPU; a machine of one CPU sends none.
    """
    kind = Kind.INTERRUPT if cpus > 1 else Kind.LOCAL
    cycles = (
        work.one * cost.flush_cycles(kind, 1, cpus, ipi, v)
        + work.full * cost.flush_cycles(kind, FULL, cpus, ipi, v)
        + work.local_one * cost.flush_cycles(Kind.LOCAL, 1, cpus, ipi, v)
    )
    return float(MILLION * cycles / CLOCK)


def ends_of_parameters() -> dict[str, Values]:
    """The parameters at their values, and all at their low and their high ends."""
    picks = (attrgetter("value"), attrgetter("low"), attrgetter("high"))
    return {
        end: {item.name: pick(item) for item in cost.PARAMETERS}
        for end, pick in zip(ENDS, picks, strict=True)
    }


def ipi_interval(evidence: Inputs) -> dict[str, float]:
    """Cycles of an interrupt that the published tables leave, on either machine.

    From the least to the most; between them the 4-core machine's at the parameters'
    values. In whole cycles, one at least: settings where it costs nothing contradict
    the tables.
    """
    items = parameters(evidence)
    settings = grid(evidence, items)
    each = (
        cost.interval(partial(cost.ipi_cycles, machine=machine), settings)
        for machine in MACHINES.values()
    )
    low, high = cost.union(each)
    middle = cost.value_of(partial(cost.ipi_cycles, machine=DESKTOP), items)
    ends = zip(ENDS, (middle, low, high), strict=True)
    return {end: float(max(round(cycles), 1)) for end, cycles in ends}


def told(row: Row) -> str:
    """A machine and its demand in words."""
    return (
        f"{row['cpus']} CPUs, {size_of(row['frames'])}, batch {row['batch']}, "
        f"{row['pipes']}% pipes"
    )


def standard(some: Iterable[Row]) -> list[Row]:
    """The rows of the machine that is shown first."""
    return [row for row in some if all(row[k] == v for k, v in STANDARD.items())]


def short(value: float, digits: int) -> str:
    """A number in so many digits, or that it is next to nothing."""
    if 0 < value < LEAST:
        return f"<{LEAST}"
    return f"{float(f'{value:.{digits}g}'):,.12g}"


def with_ends(ends: Sequence[float], digits: int) -> str:
    """A median with its interval, or alone where both ends read the same."""
    middle, low, high = (short(end, digits) for end in ends)
    return middle if low == high else f"{middle} ({low} to {high})"


def table(some: Iterable[Row], way: str, ipi: Mapping[str, float]) -> Table:
    """A machine's rows as a table: counts for 1,000 pages, seconds for `MILLION`.

    `ipi` as of `ipi_interval`.
    """
    values = ends_of_parameters()
    cells = []
    for row in some:
        ahead, kunmap, exposed = (
            [row[f"{way}_{name}{end}"] for end in ENDS]
            for name in ("ahead", "kunmap", "exposed")
        )
        times = [
            seconds(work(row, way, end), row["cpus"], ipi[end], values[end])
            for end in ENDS
        ]
        # a kmap through the direct map puts a page back in reach of every CPU
        safe = strategies.REGISTRY[row["strategy"]].safe and way == study.LOCAL
        cells.append(
            (
                row["strategy"],
                with_ends(ahead, RATE),
                with_ends(kunmap, RATE),
                with_ends(times, TIME),
                with_ends(exposed, RATE),
                "yes" if safe else "no",
            )
        )
    return Table(HEAD, tuple(cells))


def first_figure(evidence: Inputs) -> Dots:
    """The machine that is shown first, for readers without scripting."""
    found, ipi = standard(rows(evidence)), ipi_interval(evidence)
    ends = ends_of_parameters()

    def dot(row: Row, way: str) -> Dot:
        middle, low, high = (
            seconds(work(row, way, end), row["cpus"], ipi[end], v)
            for end, v in ends.items()
        )
        text = f"{two_digits(middle)} s ({two_digits(low)} to {two_digits(high)})"
        return Dot(row["strategy"], middle, text, low, high)

    names = {DIRECT: "kmap through the direct map", LOCAL: "a mapping of one CPU"}
    return Dots(
        f"{told(found[0])}: what the flushes of a million pages cost",
        [(names[way], [dot(row, way) for row in found]) for way in study.WAYS],
        "CPU seconds of flushes for 1,000,000 pages that users get (model), log scale",
        log=True,
    )


@claim(
    IDENTITY,
    must="on every machine of the explorer whose memory starts mapped, per_frame with "
    "a mapping of one CPU flushes all CPUs less often than each other strategy with "
    "kmap through the direct map",
    instead="flushes at kunmap left out",
    change={"kunmaps": False},
    downside="The demand is made up, six seeds a machine, and every access is as in a "
    "build; on many CPUs the margin is less than such demand misses in a trace.",
    mails=(mails.XIE_2017_09_11,),
    basis=Basis.DEMAND,
)
def way_beats_unit(evidence: Inputs, *, kunmaps: bool = True) -> Finding:
    """The kernel's way to a user's page matters more than the unit of the flush."""
    some = [row for row in rows(evidence) if row["start"] == MAPPED]

    def flushes(row: Row, way: str, end: str = "") -> float:
        at_kunmap = row[f"{way}_kunmap{end}"] if kunmaps else 0.0
        return float(row[f"{way}_ahead{end}"] + at_kunmap)

    each = "per_frame"
    machines: dict[tuple[int, ...], dict[str, Row]] = {}
    for row in some:
        key = (row["pipes"], row["frames"], row["cpus"], row["batch"])
        machines.setdefault(key, {})[row["strategy"]] = row
    others = [name for name in SHOWN if name != each]
    times = {
        key: min(flushes(of[name], DIRECT, "_low") for name in others)
        / (flushes(of[each], LOCAL, "_high") or 1)
        for key, of in machines.items()
    }
    groups = []
    cells: list[tuple[Any, ...]] = []
    for cpus in study.CPUS:
        dots = []
        for name, way, said in (
            (each, LOCAL, f"{each}, a mapping of one CPU"),
            ("pcp_batch", DIRECT, "pcp_batch, kmap through the direct map"),
            ("pageblock", DIRECT, "pageblock, kmap through the direct map"),
        ):
            at = [
                flushes(of[name], way) for of in machines.values()
                if of[name]["cpus"] == cpus
            ]  # fmt: skip
            low, middle, high = min(at), median(at), max(at)
            text = f"{two_digits(low)} to {two_digits(high)}"
            dots.append(Dot(said, middle, text, low, high, all=at))
            cells.append((cpus, said, *map(two_digits, (low, middle, high))))
        groups.append((f"{cpus} CPU{'s' if cpus > 1 else ''}", dots))
    worst = min(times, key=lambda key: times[key])
    return Finding(
        holds=min(times.values()) > 1,
        sentence=f"On all {len(machines)} machines of the explorer per_frame with a "
        "mapping of one CPU flushes all CPUs less often than each other strategy with "
        f"kmap through the direct map: the least of these needs "
        f"{two_digits(times[worst])} times as many flushes, or more.",
        values={
            "machines": len(machines),
            "rows": len(some) * len(study.WAYS) * 2,
            "seeds": len(study.SEEDS),
            "length": study.LENGTH,
            "per_cpu": study.PER_CPU,
            "copied": study.COPIED,
            "copies": study.COPIES,
            "least": times[worst],
            "recommended": strategies.RECOMMENDED,
        },
        table=Table(
            ("CPUs", "flushes per 1,000 user pages (model)", "least", "median", "most"),
            tuple(cells),
        ),
        chart=Dots(
            "Where kunmap flushes no other CPU, even one flush a page is fewer",
            groups,
            "flushes of all CPUs for 1,000 pages that users get (model): each machine, "
            "and the median",
        ),
    )
