# SPDX-License-Identifier: GPL-2.0-only
"""The page on workloads: traces and mixes side by side, as text and as a figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from xpfo_model.allocator import zoneinfo
from xpfo_model.allocator.zones import Layout
from xpfo_model.events import EventLog
from xpfo_model.figures import draw
from xpfo_model.figures.charts import Range, Ranges
from xpfo_model.replay.outcome import replay
from xpfo_model.studies.evidence import Evidence
from xpfo_model.workloads import LIKE, Load, Statistics, events, statistics
from xpfo_model.workloads.statistics import MEDIAN, QUARTILE, THIRD_QUARTILE

STRATEGIES: Final = ("per_frame", "pcp_batch", "pageblock")
PER: Final = 1000
AXIS: Final = 10
"""Where the axis of lifetimes begins: shorter ones are drawn as this."""


@dataclass(frozen=True)
class Measured:
    """A stream behind its warm-up."""

    statistics: Statistics
    flushes: dict[str, float]
    """Per 1000 user allocations, by strategy."""


def measure(log: EventLog, first: int) -> Measured:
    """A log from row `first` on; what was before sets the scene."""
    before = EventLog(log.events.rows(slice(0, first)), log.about)
    some, whole = replay(before, STRATEGIES), replay(log, STRATEGIES)
    users = whole.totals["user_allocations"] - some.totals["user_allocations"]
    return Measured(
        statistics(log, first=first),
        {
            name: (whole.strategies[name].flushes - some.strategies[name].flushes)
            * PER
            / max(users, 1)
            for name in STRATEGIES
        },
    )


def of_load(load: Load) -> Measured:
    """A load, run through the allocator and measured when it is warm."""
    log = events(load)
    return measure(log, int(np.searchsorted(log.events.time, load.measured_from)))


def of_trace(evidence: Evidence, name: str) -> Measured:
    """A trace between its marks."""
    log = evidence.log(name)
    return measure(log, log.about.marks[0][0])


def layout_of(evidence: Evidence, name: str) -> Layout:
    """The zones and pcps of a trace's machine, as it printed them."""
    stored = evidence.provenance[name].name
    return zoneinfo.read((evidence.directory / f"{stored}.zoneinfo.start").read_text())


def pairs(evidence: Evidence, *, seed: int, length: int) -> dict[str, Measured]:
    """Every trace that has a mix like it, and that mix, by name."""
    found = {}
    for name, like in LIKE.items():
        found[name] = of_trace(evidence, name)
        load = like.load(layout_of(evidence, name), seed=seed, length=length)
        found[f"{LIKENESS} {name}"] = of_load(load)
    return found


LIKENESS: Final = "  like"

_COLUMNS: Final[tuple[tuple[str, Callable[[Measured], str]], ...]] = (
    ("user", lambda m: f"{m.statistics.user:.0%}"),
    ("zeroed", lambda m: f"{m.statistics.zeroed:.0%}"),
    ("MOVABLE", lambda m: f"{m.statistics.migratetypes.get('MOVABLE', 0):.0%}"),
    ("order 0", lambda m: f"{m.statistics.orders.get(0, 0):.0%}"),
    ("refills", lambda m: f"{m.statistics.refills:.1f}"),
    ("run", lambda m: f"{m.statistics.run:,.0f}"),
    ("elsewhere", lambda m: f"{m.statistics.elsewhere:.0%}"),
    ("life", lambda m: f"{m.statistics.life[MEDIAN]:,.0f}"),
    ("held", lambda m: f"{m.statistics.working_set:,}"),
    ("K→U", lambda m: f"{m.statistics.to_user:.1%}"),
)


def _flushes_of(name: str) -> Callable[[Measured], float]:
    return lambda m: m.flushes[name]


_RATIOS: Final[dict[str, Callable[[Measured], float]]] = {
    "user": lambda m: m.statistics.user,
    "run": lambda m: m.statistics.run,
    "refills": lambda m: m.statistics.refills,
    "elsewhere": lambda m: m.statistics.elsewhere,
    "life": lambda m: m.statistics.life[MEDIAN],
} | {name: _flushes_of(name) for name in STRATEGIES}


def table(rows: Mapping[str, Measured]) -> str:
    """Properties of the streams, a line each."""
    cells = {name: [show(m) for _, show in _COLUMNS] for name, m in rows.items()}
    return _aligned([name for name, _ in _COLUMNS], cells)


def flushes(rows: Mapping[str, Measured]) -> str:
    """Flushes of three strategies per 1000 user allocations, a line each."""
    cells = {n: [f"{m.flushes[s]:.1f}" for s in STRATEGIES] for n, m in rows.items()}
    return _aligned(STRATEGIES, cells)


def ratios(rows: Mapping[str, Measured]) -> str:
    """Each mix in parts of its trace: 1 is alike."""
    cells = {}
    for name in LIKE:
        trace, mix = rows[name], rows[f"{LIKENESS} {name}"]
        cells[name] = [
            f"{show(mix) / show(trace):.2f}" if show(trace) else ""
            for show in _RATIOS.values()
        ]
    return _aligned(list(_RATIOS), cells)


def _row_name(name: str) -> str:
    """A mix stands under its trace, which need not be named again."""
    return f"{LIKENESS} it" if name.startswith(LIKENESS) else name


def _aligned(heads: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    first = max(len(_row_name(name)) for name in rows)
    widths = [
        max(len(head), *(len(cells[column]) for cells in rows.values()))
        for column, head in enumerate(heads)
    ]
    lines = [("", heads), *((_row_name(name), cells) for name, cells in rows.items())]
    return "\n".join(
        f"{name:{first}}  "
        + "  ".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True))
        for name, cells in lines
    )


def lifetimes(rows: Mapping[str, Measured]) -> Ranges:
    """From birth to free, the middle half of the pages."""
    return Ranges(
        title="Generated pages are held about as long as those of the traces",
        rows=[
            Range(
                name.strip(),
                max(m.statistics.life[QUARTILE], AXIS),
                max(m.statistics.life[THIRD_QUARTILE], AXIS),
                f"median {m.statistics.life[MEDIAN]:,.0f}",
            )
            for name, m in rows.items()
        ],
        unit="allocations from birth to free, middle half, log scale",
        log=True,
    )


def as_html(chart: Ranges) -> str:
    """A chart in the page itself."""
    alt = f"{chart.title}. " + "; ".join(
        f"{r.name}: {r.low:,.0f} to {r.high:,.0f}" for r in chart.rows
    )
    drawn = draw.as_html(chart, "lifetimes", alt)
    return f'<figure class="claim-figure">{drawn}</figure>'
