# SPDX-License-Identifier: GPL-2.0-only
"""The cost of an interrupt: no source has it, a machine's own strict row gives it.

v6 flushes one page of all CPUs for each user allocation and for each kunmap. From the
time that its row has over the base row follows what an interrupt adds to each CPU that
is counted: its own time if it receives one, or its wait if it sends them. The tables
cannot part the two.
"""

from typing import Final

import numpy as np

from xpfo_model.cost.flush import FULL, local_cycles
from xpfo_model.cost.parameters import OTHER_ASIDS, Number, Values
from xpfo_model.cost.work import V6, Work
from xpfo_model.history import numbers
from xpfo_model.history.numbers import (
    BASE,
    DEFERRED,
    DEFERRED_BATCH,
    DESKTOP,
    STRICT,
    Machine,
)

SERIES: Final = "v8"
"""The only series with all three rows of both machines."""


def flush_seconds(
    v: Values, machine: Machine, configuration: str, series: str = SERIES
) -> Number:
    """System seconds of a published row that flushes must account for."""
    base = numbers.seconds(series, machine, BASE)
    return numbers.excess(series, machine, configuration) - v["overhead"] * base


def users(v: Values) -> Number:
    """User allocations of one build."""
    return v["pairs"] / v["kunmaps"]


def charged(v: Values, machine: Machine) -> Number:
    """CPUs whose time is in a build's system time: its jobs', or all."""
    jobs = numbers.find(SERIES, machine, STRICT).jobs or 0
    return jobs + ((machine.cpus or 0) - jobs) * v["charged"]


def asid_seconds(work: Work, machine: Machine, v: Values) -> Number:
    """Seconds that PTI's other address spaces add: full flushes at later switches.

    Each flush leaves those of each CPU for a switch that comes to them. v8's deferral
    makes every CPU flush everything at its next switch, whatever is in its TLB: it is
    no more than the time of that row.
    """
    switches = users(v) * work.flushes * charged(v, machine) * OTHER_ASIDS
    most = flush_seconds(v, machine, DEFERRED)
    return v["asids"] * np.minimum(most, switches * v["refill"] / (machine.hertz or 1))


def ipi_cycles(v: Values, machine: Machine) -> Number:
    """Cycles that an interrupt costs each CPU that is counted, in the strict row.

    Below 0 where the other values contradict the row.
    """
    work = V6.work(v["kunmaps"])
    left = flush_seconds(v, machine, STRICT) - asid_seconds(work, machine, v)
    flushes = users(v) * work.flushes * charged(v, machine)
    return left * (machine.hertz or 0.0) / flushes - local_cycles(1, v)


def consistent(v: Values, machines: tuple[Machine, ...]) -> Number:
    """Whether no published row contradicts the values: an array of bool, or one.

    An interrupt costs something on each machine; and on the small one, v8's deferred
    rows are no dearer than they were: one local flush of a page for each of v6's
    flushes; with the batch, one for each kunmap and those of v8's own allocation.
    """
    hertz = DESKTOP.hertz or 0.0
    deferred, batched = (
        flush_seconds(v, DESKTOP, c) * hertz / users(v)
        for c in (DEFERRED, DEFERRED_BATCH)
    )
    one, full = local_cycles(1, v), local_cycles(FULL, v)
    holds = V6.work(v["kunmaps"]).flushes * one <= deferred
    pages = v["kunmaps"] + v["v8_one"]
    holds = holds & (pages * one + v["v8_full"] * full <= batched)
    for machine in machines:
        holds = holds & (ipi_cycles(v, machine) > 0)
    return np.asarray(holds)


def read_strict(
    machine: Machine,
    v: Values,
    counted: float,
    series: str,
    *,
    same_cycles: bool = False,
) -> float:
    """System seconds of a strict row, from the small machine's and a reading of it.

    Parameters
    ----------
    counted : float
        CPUs whose time is counted.
    same_cycles : bool, optional
        A flush costs each of them the same cycles, not the same seconds.
    """
    clocks = (DESKTOP.hertz or 1.0) / (machine.hertz or 1.0) if same_cycles else 1.0
    base = numbers.seconds(series, machine, BASE) * (1 + v["overhead"])
    each = flush_seconds(v, DESKTOP, STRICT) / (DESKTOP.cpus or 1)
    return float(base + counted * each * clocks)
