# SPDX-License-Identifier: GPL-2.0-only
"""Every parameter of the cost model: value, unit, range and source.

What is typed here stands in the source that is named beside it. `calibration` has
what two published rows fix, `kmaps` what a kernel that runs XPFO counted.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from xpfo_model.constants import TLB_NR_DYN_ASIDS, TLB_SINGLE_PAGE_FLUSH_CEILING
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import BASE, DUAL, NO_FLUSH, Confidence

Number: TypeAlias = Any
"""A float, or an array of floats: one for each setting of the unknowns."""
Values: TypeAlias = Mapping[str, Number]
"""A value for each parameter, by name."""
Answer: TypeAlias = Callable[[Values], Number]
"""From values to one number, for each setting."""


@dataclass(frozen=True)
class Parameter:
    """A number that the model needs, and how well it is known."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    what: str
    source: str
    """Mail, file, or the arithmetic."""
    confidence: Confidence


def values(parameters: Iterable[Parameter], **changed: Number) -> dict[str, Number]:
    """The value of each parameter, but for those that are changed."""
    return {item.name: item.value for item in parameters} | changed


PRIMARY: Final = Confidence.PRIMARY
DERIVED: Final = Confidence.DERIVED
ASSUMED: Final = Confidence.ASSUMED

# Cycles of the kernel's own functions on an idle CPU, from two mails of June 2015.
SINGLE_CYCLES: Final = 260
"""``__flush_tlb_one()``, one INVLPG; `mails.MOLNAR_2015_06_08_2152`."""
RANGE_CYCLES: Final = 404
"""``__flush_tlb_range()`` of one page; the same."""
HASWELL_SINGLE: Final = 216
HASWELL_RANGE: Final = 284
HASWELL_GLOBAL: Final = 960
"""``__flush_tlb_global()``, of a Haswell Xeon; `mails.HANSEN_2015_06_09`."""
HOT_GLOBAL: Final = 746
COLD_SINGLE: Final = 883
COLD_RANGE: Final = 1603
COLD_GLOBAL: Final = 1795
"""The same functions with hot and with cold caches; `mails.MOLNAR_2015_06_08_2203`."""
PTI_CYCLES: Final = (2119, 6791)
"""A local flush of 1 and of 10 pages with PTI; `mails.AMIT_2019_08_23`."""
PTI_PAGES: Final = (1, 10)
REFILL_CYCLES: Final = 22_000
"""Of a TLB of 512 entries, if all are used again; `mails.HANSEN_2014_07_01`."""
FACTOR_OF_AN_ORDER: Final = 3.0
"""Taken for *an order of magnitude*, each way."""
SMALL_OVERHEAD: Final = 0.02
"""*It actually went up by about 2%*, system time of make -j60."""
TLB_SHARES: Final = (0.40, 0.04)
"""Of CPU time spent on invalidation, with interrupts and with INVLPGB, while the
benchmark made as many loops a second: `mails.VAN_RIEL_2025_02_23`. Its doubled
throughput is with another change as well, and no part of the gain."""
MILAN_CPUS: Final = 72
"""Of the machine on which INVLPGB was measured. Commit 4afeb0ed1753."""
OTHER_ASIDS: Final = TLB_NR_DYN_ASIDS - 1
"""Address spaces that a flush of a kernel page leaves for a switch, with PTI."""

_october = numbers.excess("2018-10", DUAL, NO_FLUSH)
_october_base = numbers.seconds("2018-10", DUAL, BASE)
_pairs = numbers.XPFO_LOCK_ACQUISITIONS / 2
_pti_slope = (PTI_CYCLES[1] - PTI_CYCLES[0]) / (PTI_PAGES[1] - PTI_PAGES[0])

PARAMETERS: Final = (
    Parameter(
        name="ceiling",
        value=TLB_SINGLE_PAGE_FLUSH_CEILING,
        low=TLB_SINGLE_PAGE_FLUSH_CEILING,
        high=TLB_SINGLE_PAGE_FLUSH_CEILING,
        unit="pages",
        what="a longer range is flushed in full",
        source="arch/x86/mm/tlb.c: tlb_single_page_flush_ceiling",
        confidence=PRIMARY,
    ),
    Parameter(
        name="invlpg",
        value=SINGLE_CYCLES,
        low=HASWELL_SINGLE,
        high=_pti_slope,
        unit="cycles",
        what="one INVLPG; with PTI an INVPCID as well",
        source=f"{mails.MOLNAR_2015_06_08_2152}; low: {mails.HANSEN_2015_06_09}; "
        f"high: a page more with PTI, {mails.AMIT_2019_08_23}",
        confidence=PRIMARY,
    ),
    Parameter(
        name="call",
        value=RANGE_CYCLES - SINGLE_CYCLES,
        low=HASWELL_RANGE - HASWELL_SINGLE,
        high=COLD_RANGE - COLD_SINGLE,
        unit="cycles",
        what="a flush of a range beside its INVLPGs",
        source=f"{mails.MOLNAR_2015_06_08_2152}; low: {mails.HANSEN_2015_06_09}; "
        f"high: with cold caches, {mails.MOLNAR_2015_06_08_2203}",
        confidence=DERIVED,
    ),
    Parameter(
        name="full",
        value=HASWELL_GLOBAL,
        low=HOT_GLOBAL,
        high=COLD_GLOBAL,
        unit="cycles",
        what="a full flush of one CPU, without what it destroys",
        source=f"{mails.HANSEN_2015_06_09}; range: hot and cold caches, "
        f"{mails.MOLNAR_2015_06_08_2203}",
        confidence=PRIMARY,
    ),
    Parameter(
        name="refill",
        value=REFILL_CYCLES / 2,
        low=0.0,
        high=REFILL_CYCLES,
        unit="cycles",
        what="TLB misses after a full flush",
        source=f"the middle; low: hardly measurable, {mails.MOLNAR_2015_06_08_2152}; "
        f"high: all of 512 entries, {mails.HANSEN_2014_07_01}",
        confidence=ASSUMED,
    ),
    Parameter(
        name="overhead",
        value=SMALL_OVERHEAD,
        low=0.0,
        high=_october / _october_base,
        unit="of base",
        what="bookkeeping and PTE writes of v6, without any flush",
        source=f"{mails.AZIZ_2018_09_14}; high: {mails.AZIZ_2018_10_24}",
        confidence=PRIMARY,
    ),
    Parameter(
        name="writes",
        value=0.5,
        low=0.0,
        high=1.0,
        unit="of overhead",
        what="the part that goes with PTE writes, the rest with pages",
        source="no source parts them",
        confidence=ASSUMED,
    ),
    Parameter(
        name="pairs",
        value=_pairs,
        low=_pairs / FACTOR_OF_AN_ORDER,
        high=_pairs * FACTOR_OF_AN_ORDER,
        unit="per build",
        what="kmap/kunmap pairs of user pages: an order of magnitude",
        source=f"half the lock acquisitions in {mails.AZIZ_2018_09_14}",
        confidence=DERIVED,
    ),
    Parameter(
        name="asids",
        value=0.0,
        low=0.0,
        high=1.0,
        unit="of deferral",
        what="PTI: full flushes at later switches, at most those of v8's deferral",
        source="arch/x86/mm/tlb.c: flush_tlb_one_kernel sets invalidate_other; whether "
        "PTI was on is in no mail",
        confidence=ASSUMED,
    ),
    Parameter(
        name="charged",
        value=1.0,
        low=0.0,
        high=1.0,
        unit="of the rest",
        what="whether CPUs beyond the build's jobs are in its system time",
        source="both readings fit the tables",
        confidence=ASSUMED,
    ),
    Parameter(
        name="invlpgb_gain",
        value=TLB_SHARES[0] / TLB_SHARES[1],
        low=TLB_SHARES[0] / TLB_SHARES[1],
        high=TLB_SHARES[0] / TLB_SHARES[1],
        unit="times",
        what=f"INVLPGB against interrupts to {MILAN_CPUS} CPUs, for one flush",
        source=str(mails.VAN_RIEL_2025_02_23),
        confidence=DERIVED,
    ),
)
"""Given by a source, or assumed."""
