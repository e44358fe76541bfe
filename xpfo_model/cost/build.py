# SPDX-License-Identifier: GPL-2.0-only
"""System time of a kernel build: flush counts times their cost, plus the base."""

from dataclasses import dataclass
from typing import Final

from xpfo_model.cost.calibration import SERIES, flush_seconds
from xpfo_model.cost.flush import FULL, Kind, flush_cycles
from xpfo_model.cost.parameters import Values
from xpfo_model.history import numbers
from xpfo_model.history.numbers import BASE, DEFERRED, DESKTOP, STRICT, Machine


@dataclass(frozen=True)
class Design:
    """How a version flushes at allocation and at the last kunmap."""

    what: str
    alloc: Kind = Kind.BROADCAST
    factor: str = ""
    """Parameter that divides the flushes at allocation; empty if nothing does."""
    refill: bool = False
    """Whether the flush at allocation is for a refill, as one range."""
    kunmap: Kind = Kind.BROADCAST
    """In full: v6 to v9 pass the size of the mapping, 2M, not of the page."""


DESIGNS: Final = {
    "strict": Design("v6: all CPUs, at once, every time"),
    "batch": Design(
        "batch alone, free leaves unmapped", factor="batch_factor", refill=True
    ),
    "batch, maps back": Design(
        "batch alone, with v6's free", factor="mapped_back_factor"
    ),
    "batch, local kunmap": Design(
        "batch alone, and kmap through a mapping of this CPU",
        factor="batch_factor",
        refill=True,
        kunmap=Kind.LOCAL,
    ),
    "batch, INVLPGB": Design(
        "batch alone, and no interrupts",
        alloc=Kind.INVLPGB,
        factor="batch_factor",
        kunmap=Kind.INVLPGB,
    ),
    "deferred": Design("v8 without batch", alloc=Kind.DEFERRED, kunmap=Kind.DEFERRED),
    "deferred+batch": Design(
        "v8",
        alloc=Kind.DEFERRED,
        factor="mapped_back_factor",
        kunmap=Kind.DEFERRED,
    ),
    "deferred+batch+free": Design(
        "v9", alloc=Kind.DEFERRED, factor="batch_factor", kunmap=Kind.DEFERRED
    ),
}
"""By the name of the published configuration, where there is one."""


def build_cycles(design: Design, cpus: int, v: Values) -> float:
    """Cycles of all flushes of one build on all CPUs."""
    pages = int(v["refill_pages"]) if design.refill else FULL
    at_alloc = flush_cycles(design.alloc, pages, cpus, v)
    at_kunmap = flush_cycles(design.kunmap, FULL, cpus, v)
    fewer = v[design.factor] if design.factor else 1.0
    share = v["kunmap_share"]
    return v["flushes"] * ((1 - share) / fewer * at_alloc + share * at_kunmap)


def fitted_excess(v: Values) -> float:
    """Seconds of flushing for each CPU of the fitted machine, strict row."""
    return flush_seconds(v, DESKTOP, STRICT) / (DESKTOP.cpus or 1)


def read_strict(
    machine: Machine,
    v: Values,
    charged: float,
    series: str,
    *,
    same_cycles: bool = False,
) -> float:
    """System seconds of a strict row, from the fitted machine's and a reading of it.

    Parameters
    ----------
    charged : float
        CPUs whose time is counted.
    same_cycles : bool, optional
        A flush costs each of them the same cycles, not the same seconds.
    """
    clocks = (DESKTOP.hertz or 1.0) / (machine.hertz or 1.0) if same_cycles else 1.0
    base = numbers.seconds(series, machine, BASE) * (1 + v["overhead"])
    return base + charged * fitted_excess(v) * clocks


def local_at_its_clock(machine: Machine, v: Values, series: str) -> float:
    """System seconds of a deferred row, if it is local work at the machine's clock."""
    clocks = (DESKTOP.hertz or 1.0) / (machine.hertz or 1.0)
    base = numbers.seconds(series, machine, BASE) * (1 + v["overhead"])
    return base + clocks * flush_seconds(v, DESKTOP, DEFERRED, series)


def predicted_seconds(
    design: Design, machine: Machine, v: Values, series: str = SERIES
) -> float:
    """System seconds of a build on a machine, from its base row alone.

    A flush costs each CPU as many seconds as on the fitted machine.
    """
    base = numbers.seconds(series, machine, BASE)
    cycles = build_cycles(design, machine.cpus or 0, v)
    return base * (1 + v["overhead"]) + cycles / (DESKTOP.hertz or 1.0)


def anchored_seconds(
    design: Design, machine: Machine, v: Values, series: str = SERIES
) -> float:
    """System seconds of a build, from the machine's base and strict rows.

    The model says only which part of the strict row's flush time is left.
    """
    cpus = machine.cpus or 0
    base = numbers.seconds(series, machine, BASE)
    part = build_cycles(design, cpus, v) / build_cycles(DESIGNS["strict"], cpus, v)
    flushes = flush_seconds(v, machine, STRICT, series)
    return base * (1 + v["overhead"]) + flushes * part
