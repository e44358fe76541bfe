# SPDX-License-Identifier: GPL-2.0-only
"""The faults of the posted versions, with their reporters and dates.

Dates are those of the mails. A fault without a reporter was found by reading the
patches (DERIVED) or by the checker, and was not reported on the list.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from xpfo_model.history import mails
from xpfo_model.history.mails import Mail


@dataclass(frozen=True)
class Fault:
    """One fault of one version."""

    what: str
    strategy: str
    """A key of `strategies.REGISTRY`."""
    invariant: str
    """The key of `explore.INVARIANTS` that it violates."""
    posted: date
    who: str = "nobody"
    mail: Mail | None = None
    """The report."""
    why: str = ""
    """For a fault without a report: the reasoning."""

    @property
    def reported(self) -> date | None:
        """The date of the report."""
        return None if self.mail is None else self.mail.date

    @property
    def days(self) -> int | None:
        """From posting to report."""
        return None if self.reported is None else (self.reported - self.posted).days


_V5: Final = date(2017, 8, 9)
_V6: Final = mails.ANDERSEN_2017_09_07.date
_THREAD: Final = mails.HANSEN_2017_09_20_1727.date
_PROTOTYPE: Final = mails.ANDERSEN_2017_11_09.date
_V8: Final = mails.AZIZ_2019_02_13.date
_V9: Final = mails.AZIZ_2019_04_03.date
_RFC: Final = mails.JACKMAN_2026_02_25.date

FAULTS: Final = (
    Fault(
        "kunmap flushes its own CPU only",
        "v5",
        "no-stale-translation",
        _V5,
        "Mark Rutland",
        mails.RUTLAND_2017_08_23,
    ),
    Fault(
        "allocation clears no PTE",
        "v6",
        "handed-out-unmapped",
        _V6,
        "Yisheng Xie, then Dave Hansen",
        mails.ANDERSEN_2017_09_11_0750,
    ),
    Fault(
        "kunmap in an interrupt waits for other CPUs",
        "v6",
        "flush-with-irqs-on",
        _V6,
        "Marco Benatto, then Peter Zijlstra",
        mails.ANDERSEN_2017_09_11_1132,
    ),
    Fault(
        "free maps the attacker's page back",
        "v6",
        "freed-stays-unreachable",
        _V6,
        "Dave Hansen",
        mails.HANSEN_2017_09_20_0848,
    ),
    Fault(
        "a kernel page from the MOVABLE list is not mapped (ext4)",
        "nov2017",
        "kernel-finds-it-mapped",
        _PROTOTYPE,
        "Tycho Andersen, with the oops",
        mails.ANDERSEN_2017_11_09,
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
        "Dave Hansen",
        mails.HANSEN_2019_02_14,
    ),
    Fault(
        "other CPUs translate until they switch context",
        "v9",
        "no-stale-translation",
        _V9,
        "Thomas Gleixner",
        mails.GLEIXNER_2019_04_05,
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
        "Khalid Aziz, in the TODO list of v9 itself",
        mails.AZIZ_2019_04_03,
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
