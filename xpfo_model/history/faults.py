# SPDX-License-Identifier: GPL-2.0-only
"""The faults of the versions that the checker finds, and the mail that first says each.

Credit goes to the first mail that says it, a cover letter included. Apart from them
stand the faults of code that nobody posted: this project's reading of a sentence.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from xpfo_model.history import mails
from xpfo_model.history.mails import Mail


class Origin(Enum):
    """Whose code has the fault."""

    POSTED = "posted"
    """In a patch that was sent to a list."""
    READING = "reading"
    """In a strategy that was written here from a sentence of a mail."""


@dataclass(frozen=True)
class Fault:
    """A fault of a strategy."""

    what: str
    """The same words for the same fault of another version."""
    strategy: str
    """A key of `strategies.REGISTRY`."""
    invariant: str
    """The key of `checker.INVARIANTS` that it violates."""
    source: Mail
    """The mail that the code was posted with, or whose sentence was read."""
    first: Mail | None = None
    """The first mail that says it; None: none was found in the stored list mail."""
    why: str = ""
    """Who else said it, or the reasoning."""
    origin: Origin = Origin.POSTED

    @property
    def posted(self) -> date:
        """The day of its source."""
        return self.source.date


_V6: Final = mails.ANDERSEN_2017_09_07
_PROTOTYPE: Final = mails.ANDERSEN_2017_11_09
_V8: Final = mails.AZIZ_2019_02_13
_V9: Final = mails.AZIZ_2019_04_03
_STALE: Final = "other CPUs translate until they switch context"
_IRQS_OFF: Final = "the refill flushes with interrupts off"

POSTED: Final = (
    Fault(
        "kunmap flushes its own CPU only",
        "v3",
        "no-stale-translation",
        mails.HAEFLIGER_2016_11_04,
        mails.RUTLAND_2017_08_23,
        "said of v5, whose kunmap is that of v3",
    ),
    Fault(
        "kunmap flushes its own CPU only",
        "v5",
        "no-stale-translation",
        mails.ANDERSEN_2017_08_09,
        mails.RUTLAND_2017_08_23,
        "v6 flushes every CPU instead",
    ),
    Fault(
        "allocation clears no PTE",
        "v6",
        "handed-out-unmapped",
        _V6,
        mails.XIE_2017_09_11,
        "Juerg Haefliger explained it as an optimisation of the first version; Tycho "
        "Andersen found that zeroing hides it, and Dave Hansen asked again",
    ),
    Fault(
        "kunmap in an interrupt waits for other CPUs",
        "v6",
        "flush-with-irqs-on",
        _V6,
        mails.ANDERSEN_2017_09_11,
        "the stack trace is Marco Benatto's; Peter Zijlstra said it again of v9",
    ),
    Fault(
        "free maps the attacker's page back",
        "v6",
        "freed-stays-unreachable",
        _V6,
        mails.HANSEN_2017_09_20_0848,
        "v9 leaves a freed page unmapped",
    ),
    Fault(
        "a kernel page from the MOVABLE list is not mapped (ext4)",
        "nov2017",
        "kernel-finds-it-mapped",
        _PROTOTYPE,
        _PROTOTYPE,
        "the prototype came with the oops; Dave Hansen named the buffer head",
    ),
    Fault(
        _IRQS_OFF,
        "nov2017",
        "flush-with-irqs-on",
        _PROTOTYPE,
        why="rmqueue_pcplist() of that time holds interrupts off around "
        "rmqueue_bulk(), and the prototype flushes inside its loop",
    ),
    Fault(
        "other CPUs translate until the task that has the page comes to them",
        "v7",
        "no-stale-translation",
        mails.AZIZ_2019_01_10,
        mails.HANSEN_2019_01_10,
        "from v8 on a CPU flushes, whatever task comes to it",
    ),
    Fault(
        "the refill marks frames and clears no PTE",
        "v8",
        "mark-agrees",
        _V8,
        why="patch 14/14 sets the marks and flushes, without set_kpte(); in v9 the "
        "refill has it",
    ),
    Fault(
        _STALE,
        "v8",
        "no-stale-translation",
        _V8,
        mails.HANSEN_2019_01_10,
        "said of v7; the cover of v8 says it too",
    ),
    Fault(
        _STALE,
        "v9",
        "no-stale-translation",
        _V9,
        mails.HANSEN_2019_01_10,
        "the cover of v9 says it; Andy Lutomirski, Peter Zijlstra and Thomas Gleixner "
        "objected",
    ),
    Fault(
        "one PTE is cleared for 2^order frames",
        "v9",
        "handed-out-unmapped",
        _V9,
        why="set_kpte() has numpages = 1, the marks are set on all pages; the single "
        "call was agreed on for a page that one entry maps",
    ),
    Fault(
        "kmap puts the page back into the direct map for everyone",
        "v9",
        "kmap-keeps-it-private",
        _V9,
        mails.HANSEN_2019_01_11,
        "said of v7; the fourth item of v9's list of what remains to be done",
    ),
)
"""Faults of code that was sent to a list."""

READ: Final = tuple(
    Fault(*fault, origin=Origin.READING)
    for fault in (
        (
            "what is unmapped between two flushes is handed out stale",
            "alternation",
            "no-stale-translation",
            mails.ANDERSEN_2017_09_20_1809,
            None,
            "the mail says remap and flush of a list; read here frame by frame",
        ),
        (
            "the flush comes after the frames are handed out",
            "pcp_batch_consume",
            "no-stale-translation",
            mails.HANSEN_2017_09_20_1621,
            None,
            "read here without the words before it, to remap the entire list at once",
        ),
        (
            _IRQS_OFF,
            "pcp_batch",
            "flush-with-irqs-on",
            mails.HANSEN_2017_09_20_1727,
            None,
            "the mail does not say where; read here as in rmqueue_bulk()",
        ),
        (
            "the refill of another list maps frames that users freed",
            "pcp_batch",
            "freed-stays-unreachable",
            mails.HANSEN_2017_09_20_1727,
            None,
            "mapping ahead of a kernel allocation exposes what the user left there",
        ),
        (
            "a change of a pageblock flushes under the zone's lock",
            "pageblock",
            "flush-with-irqs-on",
            mails.HANSEN_2017_09_20_1727,
            None,
            "set_pageblock_migratetype() runs under zone->lock, interrupts off",
        ),
        (
            "a change of a pageblock unmaps a frame that the kernel has kmapped",
            "pageblock",
            "kmap-finds-it-mapped",
            mails.HANSEN_2017_09_20_1727,
            None,
            "a flip looks at who owns a frame, not at its mapcount",
        ),
        (
            "a frame is handed out while its block's flip is being flushed",
            "pageblock",
            "no-stale-translation",
            mails.HANSEN_2017_09_20_1727,
            None,
            "frames of the block wait on other CPUs' lists, which zone->lock does not "
            "protect; unmapped already, they cost their allocation no flush",
        ),
    )
)
"""Faults of what this project wrote from a sentence."""

FAULTS: Final = (*POSTED, *READ)
"""Every fault that the tables of the document list."""


@dataclass(frozen=True)
class Remark:
    """A fault that was reported and that the model cannot express."""

    what: str
    version: str
    first: Mail
    why_not: str
    """The reason: a part that the model lacks."""


REMARKS: Final = (
    Remark(
        "any bit of GFP_HIGHUSER makes a mask a user's, so that GFP_KERNEL is one",
        "v1",
        mails.ABBOTT_2016_02_29,
        "the model's tests for a user's page are those of later versions",
    ),
    Remark(
        "a large page is split without a flush",
        "v6",
        mails.HANSEN_2017_09_20_0848,
        "the checker's machine has no large pages",
    ),
    Remark(
        "the page for a split is allocated with GFP_ATOMIC, and may not be there",
        "v6",
        mails.HANSEN_2017_09_20_0848,
        "no allocation fails in the model",
    ),
    Remark(
        "(1 << order) * size flushes 2 GiB for 8 KiB in a 1G mapping",
        "v6",
        mails.HANSEN_2017_09_20_0848,
        "a cost, not a protection; the expression is still in v9",
    ),
    Remark(
        "the lock-free kmap of v7 can deadlock, as Laura Abbott found",
        "v7",
        mails.AZIZ_2019_02_13,
        "a hook is one step, and takes no lock",
    ),
    Remark(
        "a spinlock_t in struct page",
        "v9",
        mails.ZIJLSTRA_2019_04_04_0921,
        "memory and lock types are not modelled",
    ),
    Remark(
        "a fixmap slot that another CPU has loaded by speculation stays in its TLB",
        "the kmap of i386, proposed for v9",
        mails.ZIJLSTRA_2019_04_04_1125,
        "a CPU-local mapping is invisible to other CPUs in the model",
    ),
)
"""Reported by reviewers beyond the faults above, as far as it was found."""
