# SPDX-License-Identifier: GPL-2.0-only
"""The faults of the posted versions: what, who said so, and when.

Dates are those of the mails. A fault without a reporter was found by reading the
patches (DERIVED) or by the checker; nobody said so on the list.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with one version."""

    what: str
    strategy: str
    """A key of `strategies.REGISTRY`."""
    invariant: str
    """The key of `explore.INVARIANTS` that it violates."""
    posted: date
    reported: date | None = None
    who: str = "nobody"
    mail: str = ""
    """Message-ID of the report."""
    why: str = ""
    """For a fault that nobody reported: the reasoning."""

    @property
    def days(self) -> int | None:
        """From posting to report."""
        return None if self.reported is None else (self.reported - self.posted).days


_V5: Final = date(2017, 8, 9)
_V6: Final = date(2017, 9, 7)
_THREAD: Final = date(2017, 9, 20)
_PROTOTYPE: Final = date(2017, 11, 9)
_V8: Final = date(2019, 2, 13)
_V9: Final = date(2019, 4, 3)
_RFC: Final = date(2026, 2, 25)

FAULTS: Final = (
    Fault(
        "kunmap flushes its own CPU only",
        "v5",
        "no-stale-translation",
        _V5,
        date(2017, 8, 23),
        "Mark Rutland",
        "20170823170443.GD12567@leverpostej",
    ),
    Fault(
        "allocation clears no PTE",
        "v6",
        "handed-out-unmapped",
        _V6,
        date(2017, 9, 11),
        "Yisheng Xie, then Dave Hansen",
        "20170911145020.fat456njvyagcomu@docker",
    ),
    Fault(
        "kunmap in an interrupt waits for other CPUs",
        "v6",
        "flush-with-irqs-on",
        _V6,
        date(2017, 9, 11),
        "Marco Benatto, then Peter Zijlstra",
        "20170911183225.crtqa5p7tzxft43a@docker",
    ),
    Fault(
        "free maps the attacker's page back",
        "v6",
        "freed-stays-unreachable",
        _V6,
        date(2017, 9, 20),
        "Dave Hansen",
        "34454a32-72c2-c62e-546c-1837e05327e1@intel.com",
    ),
    Fault(
        "a kernel page from the MOVABLE list is not mapped (ext4)",
        "nov2017",
        "kernel-finds-it-mapped",
        _PROTOTYPE,
        date(2017, 11, 9),
        "Tycho Andersen, with the oops",
        "20171110010907.qfkqhrbtdkt5y3hy@smitten",
    ),
    Fault(
        "the refill marks frames and clears no PTE",
        "v8",
        "mark-agrees",
        _V8,
        why="xpfo_pcp_refill() has no set_kpte(); v9 has one, without a word",
    ),
    Fault(
        "one PTE is cleared for 2^order frames",
        "v9",
        "handed-out-unmapped",
        _V9,
        why="set_kpte() works on one page, the marks on all; Dave Hansen's advice "
        "of one call for a mapping was taken without its size",
    ),
    Fault(
        "other CPUs translate until they switch context",
        "v8",
        "no-stale-translation",
        _V8,
        date(2019, 2, 14),
        "Dave Hansen",
        "a6510fa8-e96d-677b-78df-da9a19c4089b@intel.com",
    ),
    Fault(
        "other CPUs translate until they switch context",
        "v9",
        "no-stale-translation",
        _V9,
        date(2019, 4, 5),
        "Thomas Gleixner",
        "alpine.DEB.2.21.1904050909520.1802@nanos.tec.linutronix.de",
    ),
    Fault(
        "what is unmapped between two flushes is handed out stale",
        "alternation",
        "no-stale-translation",
        _THREAD,
        why="Dave Hansen answered that he meant something else, not that it leaks",
    ),
    Fault(
        "the flush comes after the frames are handed out",
        "pcp_batch_consume",
        "no-stale-translation",
        _THREAD,
        why="Dave Hansen's next mail moves the batch to the refill, without saying why",
    ),
    Fault(
        "kmap puts the page back into the direct map for everyone",
        "v9",
        "kmap-keeps-it-private",
        _V9,
        date(2019, 4, 3),
        "Khalid Aziz, in the TODO list of v9 itself",
        "cover.1554248001.git.khalid.aziz@oracle.com",
    ),
    Fault(
        "the refill flushes with interrupts off",
        "nov2017",
        "flush-with-irqs-on",
        _PROTOTYPE,
        why="rmqueue_pcplist() of that time holds interrupts off around "
        "rmqueue_bulk(), and the prototype flushes inside its loop",
    ),
    Fault(
        "the refill flushes with interrupts off",
        "pcp_batch",
        "flush-with-irqs-on",
        _THREAD,
        why="the same place; the flush must wait until the locks are dropped",
    ),
    Fault(
        "the refill of another list maps frames that users freed",
        "pcp_batch",
        "freed-stays-unreachable",
        _THREAD,
        why="mapping ahead of a kernel allocation exposes what the user left there",
    ),
    Fault(
        "a change of a pageblock flushes under the zone's lock",
        "pageblock",
        "flush-with-irqs-on",
        _THREAD,
        why="set_pageblock_migratetype() runs under zone->lock with interrupts off",
    ),
    Fault(
        "a change of a pageblock unmaps a frame that the kernel has kmapped",
        "pageblock",
        "kmap-finds-it-mapped",
        _THREAD,
        why="a flip looks at who owns a frame, not at its mapcount",
    ),
    Fault(
        "a frame is handed out while its block's flip is being flushed",
        "pageblock",
        "no-stale-translation",
        _THREAD,
        why="frames of the block wait on other CPUs' lists, which zone->lock does not "
        "protect; they are unmapped already, so that allocation sees nothing to do",
    ),
    Fault(
        "a block that returns to the kernel maps frames that users freed",
        "freetype",
        "freed-stays-unreachable",
        _RFC,
        why="as the model reads the series; zeroing before the flip would close it",
    ),
)
"""Every fault that the table of the document lists."""
