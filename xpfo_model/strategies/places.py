# SPDX-License-Identifier: GPL-2.0-only
"""Where the kernel calls the hooks, and whether interrupts are off there.

A flush of all CPUs waits for their answers, which a CPU with interrupts off does
not give: two such CPUs wait for each other.
"""

from typing import Final, NamedTuple

RMQUEUE_BULK: Final = "rmqueue_bulk()"
BEFORE_THE_LIST: Final = "rmqueue_pcplist(), before the batch is on its list"
SET_MIGRATETYPE: Final = "set_pageblock_migratetype() and the fallback"
DIRECT_MAP: Final = "__rmqueue_direct_map()"


class Context(NamedTuple):
    """The context that holds at a place of a kernel."""

    irqs_off: bool
    source: str


CONTEXTS: Final = {
    (RMQUEUE_BULK, "v4.14"): Context(
        irqs_off=True,
        source="mm/page_alloc.c: rmqueue_pcplist: local_irq_save(), v4.14 to v5.12",
    ),
    (RMQUEUE_BULK, "v6.1"): Context(
        irqs_off=False,
        source="mm/page_alloc.c: rmqueue_pcplist: pcp_spin_trylock(), v6.1.192: no "
        "interrupt waits for that lock",
    ),
    (BEFORE_THE_LIST, "v6.1"): Context(
        irqs_off=False, source="proposed: no lock is held"
    ),
    (SET_MIGRATETYPE, "v4.14"): Context(
        irqs_off=True, source="mm/page_alloc.c: rmqueue: zone->lock, v4.14 to v6.18"
    ),
    (SET_MIGRATETYPE, "v6.1"): Context(
        irqs_off=True, source="mm/page_alloc.c: rmqueue_buddy: zone->lock, v6.1"
    ),
    (DIRECT_MAP, "v7.0"): Context(
        irqs_off=False, source="RFC 17/19 of February 2026: zone->lock is dropped"
    ),
}
"""By place and the first of the kernels that it is the same in."""


def context(place: str, kernel: str) -> Context:
    """The context at a place of a kernel. Raises `KeyError` if that is not known."""
    return CONTEXTS[place, kernel]
