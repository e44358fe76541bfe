# SPDX-License-Identifier: GPL-2.0-only
"""The arithmetic of 20 September 2017: how many interrupts a CPU would receive."""

from typing import Final

from xpfo_model.cost.calibration import ipi_cycles
from xpfo_model.cost.flush import local_cycles
from xpfo_model.cost.parameters import Number, Values
from xpfo_model.history.numbers import DESKTOP

FAULTS_PER_SECOND: Final = 1e6
"""Page faults with an allocation, on each CPU."""
SOCKETS: Final = 2
CORES: Final = 28
"""Of a socket."""
THREADS: Final = 2
"""Of a core."""
CPUS_OF_2017: Final = SOCKETS * CORES * THREADS
"""The machine of the arithmetic; see `mails.HANSEN_2017_09_20_1621`."""


def received(cpus: int, flushes: Number) -> Number:
    """Interrupts that each CPU receives if each CPU flushes so often."""
    return (cpus - 1) * flushes


def demanded_cpus(interrupts: float, v: Values) -> Number:
    """CPUs' worth of time that so many interrupts a second take on one CPU.

    Each costs what it costs each CPU of the 4-core machine, with a flush of one page.
    """
    each = ipi_cycles(v, DESKTOP) + local_cycles(1, v)
    return interrupts * each / (DESKTOP.hertz or 1.0)
