# SPDX-License-Identifier: GPL-2.0-only
"""System time of a kernel build: the work of a strategy times what it costs."""

from xpfo_model.cost.calibration import (
    SERIES,
    asid_seconds,
    charged,
    ipi_cycles,
    users,
)
from xpfo_model.cost.flush import FULL, Kind, flush_cycles
from xpfo_model.cost.parameters import Answer, Number, Values
from xpfo_model.cost.work import V6, Rates, Work
from xpfo_model.history import numbers
from xpfo_model.history.numbers import BASE, Machine


def cycles(
    work: Work, machine: Machine, v: Values, kind: Kind = Kind.INTERRUPT
) -> Number:
    """Cycles of all flushes for one user allocation, on the CPUs that are counted."""
    cpus, ipi = charged(v, machine), ipi_cycles(v, machine)
    return (
        work.one * flush_cycles(kind, 1, cpus, ipi, v)
        + work.full * flush_cycles(kind, FULL, cpus, ipi, v)
        + work.local_one * flush_cycles(Kind.LOCAL, 1, cpus, ipi, v)
        + work.local_full * flush_cycles(Kind.LOCAL, FULL, cpus, ipi, v)
    )


def overhead_seconds(work: Work, machine: Machine, v: Values) -> Number:
    """Seconds of bookkeeping: a part goes with PTE writes, the rest is v6's."""
    as_v6 = work.writes / V6.work(v["kunmaps"]).writes
    share = 1 - v["writes"] + v["writes"] * as_v6
    return v["overhead"] * numbers.seconds(SERIES, machine, BASE) * share


def flushing_seconds(
    rates: Rates, machine: Machine, kind: Kind = Kind.INTERRUPT
) -> Answer:
    """Seconds of all flushes of v8's build on its machine, with this work."""

    def answer(v: Values) -> Number:
        work = rates.work(v["kunmaps"])
        return users(v) * cycles(work, machine, v, kind) / (machine.hertz or 1)

    return answer


def seconds(rates: Rates, machine: Machine, kind: Kind = Kind.INTERRUPT) -> Answer:
    """System seconds of v8's build on its machine, with this work.

    Scaled from the machine's own base and strict rows. Splits are not in it: they
    come once.
    """
    flushing = flushing_seconds(rates, machine, kind)

    def answer(v: Values) -> Number:
        work = rates.work(v["kunmaps"])
        return (
            numbers.seconds(SERIES, machine, BASE)
            + overhead_seconds(work, machine, v)
            + asid_seconds(work, machine, v)
            + flushing(v)
        )

    return answer
