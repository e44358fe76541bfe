# SPDX-License-Identifier: GPL-2.0-only
"""Every parameter of the cost model: value, unit, range and source.

Those that a published table fixes are in `calibration`, those that a trace fixes
in `shares`. What is typed here stands in the source that is named beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from xpfo_model.constants import PCP_BATCH_2017, TLB_SINGLE_PAGE_FLUSH_CEILING
from xpfo_model.history import mails, numbers
from xpfo_model.history.numbers import BASE, DESKTOP, DUAL, LARGE, NO_FLUSH, Confidence

Values: TypeAlias = Mapping[str, float]
"""A value for each parameter, by name."""


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


def values(parameters: Iterable[Parameter], **changed: float) -> dict[str, float]:
    """The value of each parameter, but for those that are changed."""
    return {item.name: item.value for item in parameters} | changed


def initiator_share(series: str) -> float:
    """An initiator's cost in receivers, if both machines' strict rows are solved.

    ``excess = initiator + (cpus - 1) * receiver``, in seconds, on each machine.
    """
    small, large = (numbers.excess(series, m) for m in (DESKTOP, LARGE))
    few, many = DESKTOP.cpus or 0, LARGE.cpus or 0
    receiver = (large - small) / (many - few)
    return (small - (few - 1) * receiver) / receiver


PRIMARY: Final = Confidence.PRIMARY
DERIVED: Final = Confidence.DERIVED
CALIBRATED: Final = Confidence.CALIBRATED

INGO: Final = "Ingo Molnar, June 2015, cycles of the flush functions"
INVLPG_CYCLES: Final = 260
"""``__flush_tlb_one()``."""
RANGE_CYCLES: Final = 404
"""``__flush_tlb_range()`` of one page."""
CR3_CYCLES: Final = 96
"""``__flush_tlb()``, which spares global entries."""
FULL_OVER_ONE: Final = 1.05
"""*A few percent more than one INVLPG*: Dave Hansen, July 2014."""
INVLPG_SECONDS: Final = 100e-9
"""arch/x86/mm/tlb.c, comment of commit a5102476a24b."""
SLOPE_PAGES: Final = 33
"""The common size that the slope of the 2014 table is taken to."""
FACTOR_OF_AN_ORDER: Final = 3.0
"""What *an order of magnitude only* is taken to mean, each way."""
SMALL_OVERHEAD: Final = 0.02
"""*It actually went up by about 2%*, system time of make -j60."""
PCP_BATCH_2019: Final = 63
"""Page frames of a pcp refill with a cap of 1 MiB. mm/page_alloc.c:
zone_batchsize; v4.20, the version that the tables were measured on, is not
verified."""
MILAN_CPUS: Final = 36
"""Cores of the machine on which INVLPGB was measured."""
TLB_SHARES: Final = (0.40, 0.04)
"""Of CPU time spent on invalidation, before and after: the INVLPGB series."""
TLB_LOOPS: Final = (527_000, 1_157_000)
"""Loops a second of tlb_flush2_threads, before and after: the same."""

_one = numbers.flush_cycles(1)
_slope = (numbers.flush_cycles(SLOPE_PAGES) - _one) / (SLOPE_PAGES - 1)
_pairs = numbers.XPFO_LOCK_ACQUISITIONS / 2
_october = numbers.excess("2018-10", DUAL, NO_FLUSH)
_october_base = numbers.seconds("2018-10", DUAL, BASE)
_gain = TLB_SHARES[0] / TLB_SHARES[1]

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
        value=INVLPG_CYCLES,
        low=_slope,
        high=INVLPG_SECONDS * (DESKTOP.hertz or 0),
        unit="cycles",
        what="one INVLPG",
        source=f"{INGO}; low: slope of {mails.HANSEN_2014_02_18}; high: 100 ns",
        confidence=PRIMARY,
    ),
    Parameter(
        name="call",
        value=RANGE_CYCLES - INVLPG_CYCLES,
        low=RANGE_CYCLES - INVLPG_CYCLES,
        high=_one - _slope,
        unit="cycles",
        what="a local flush, whatever its range",
        source=f"{INGO}; high: intercept of {mails.HANSEN_2014_02_18}, with its bias",
        confidence=DERIVED,
    ),
    Parameter(
        name="full",
        value=INVLPG_CYCLES * FULL_OVER_ONE,
        low=CR3_CYCLES,
        high=numbers.flush_cycles(None),
        unit="cycles",
        what="a full local flush, without what it destroys",
        source=f"{INGO}, and Dave Hansen, July 2014; high: {mails.HANSEN_2014_02_18}",
        confidence=DERIVED,
    ),
    Parameter(
        name="initiator",
        value=1.0,
        low=initiator_share("v8"),
        high=initiator_share("v7"),
        unit="receivers",
        what="what sending and waiting costs the initiator",
        source="an assumption; range: the strict rows of v8 and v7, both machines",
        confidence=CALIBRATED,
    ),
    Parameter(
        name="overhead",
        value=SMALL_OVERHEAD,
        low=0.0,
        high=_october / _october_base,
        unit="of base",
        what="XPFO's bookkeeping, without any flush",
        source=f"{mails.AZIZ_2018_09_14}; high: {mails.AZIZ_2018_10_24}",
        confidence=PRIMARY,
    ),
    Parameter(
        name="flushes",
        value=_pairs,
        low=_pairs / FACTOR_OF_AN_ORDER,
        high=_pairs * FACTOR_OF_AN_ORDER,
        unit="per build",
        what="flushes of v6 in one build: an order of magnitude",
        source=f"half the lock acquisitions in {mails.AZIZ_2018_09_14}",
        confidence=DERIVED,
    ),
    Parameter(
        name="refill_pages",
        value=PCP_BATCH_2019,
        low=PCP_BATCH_2017,
        high=PCP_BATCH_2019,
        unit="pages",
        what="a refill, flushed as one range",
        source="mm/page_alloc.c: zone_batchsize, caps of 512 KiB and 1 MiB",
        confidence=Confidence.UNVERIFIED,
    ),
    Parameter(
        name="invlpgb_gain",
        value=_gain * TLB_LOOPS[1] / TLB_LOOPS[0],
        low=_gain,
        high=_gain * TLB_LOOPS[1] / TLB_LOOPS[0],
        unit="times",
        what=f"INVLPGB against interrupts to {MILAN_CPUS} cores",
        source=str(mails.VAN_RIEL_2025_02_23),
        confidence=DERIVED,
    ),
)
"""What a source gives."""
