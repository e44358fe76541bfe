# SPDX-License-Identifier: GPL-2.0-only
"""Every number that was published about XPFO's cost, as data.

One row is one number of one mail, with the machine and the command that the mail
names. All are single runs without dispersion. A ratio is kept as it was printed;
whether it follows from the seconds is for the tests to say.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xpfo_model.errors import XpfoModelError
from xpfo_model.history import mails
from xpfo_model.history.mails import Mail


class Confidence(StrEnum):
    """How good a source is."""

    PRIMARY = "PRIMARY"
    """Stands in a mail or a commit that was read."""
    DERIVED = "DERIVED"
    """Arithmetic on primary numbers, or read out of code."""
    CALIBRATED = "CALIBRATED"
    """Chosen so that the model meets a published row."""
    ASSUMED = "ASSUMED"
    """No source gives it: only the range says something."""
    UNVERIFIED = "UNVERIFIED"
    """From memory: not to be cited."""
    SECONDARY = "SECONDARY"
    """Quoted by somebody else."""


@dataclass(frozen=True)
class Machine:
    """A machine as its mail describes it."""

    name: str
    cpus: int | None
    """CPUs that a flush reaches, by the mail's own word; None if it names none."""
    hertz: float | None
    """Clock in its model name; None if the mail does not give it."""
    hardware: str


LARGE: Final = Machine(
    "96-core", 96, 2.10e9, "96-core Xeon Platinum 8160 @ 2.10GHz, 768 GB"
)
"""Of v7 to v9, in their word *96-core*: hardware threads, if it is `TWO_8160`."""
TWO_8160: Final = Machine(
    "two 8160", 96, 2.10e9, "two Xeon Platinum 8160, HT enabled, 768 GB"
)
"""Of September 2018: the same model, memory and ``-j60`` as `LARGE`; 24 cores each."""
DESKTOP: Final = Machine("4-core", 4, 3.30e9, "4-core Core i5-3550 @ 3.30GHz, 8 GB")
DUAL: Final = Machine("dual E5-2630", None, None, "dual Xeon E5-2630, 256 GB")
TYCHO_LARGE: Final = Machine("E5-2650", 48, None, "24 cores, 48 threads, Xeon E5-2650")
TYCHO_SMALL: Final = Machine("E3-1240", 8, None, "4 cores, 8 threads, Xeon E3-1240")
QUAD: Final = Machine("quad core", 4, None, "quad core")
THREADS_72: Final = Machine("72 threads", 72, None, "72 hardware threads")
X86: Final = Machine("x86-64", None, None, "x86-64, not named")
ORACLE: Final = Machine("Oracle", None, None, "make -j60, machine not named")

BASE: Final = "base"
STRICT: Final = "strict"
"""XPFO with a synchronous flush of all CPUs."""
DEFERRED: Final = "deferred"
DEFERRED_BATCH: Final = "deferred+batch"
DEFERRED_BATCH_FREE: Final = "deferred+batch+free"
"""v9: the same, and a freed page stays unmapped."""
NO_FLUSH: Final = "no flush"
BATCH: Final = "batch"
"""The refill batch as ported in October 2018, with a synchronous flush."""
BATCH_NO_FLUSH: Final = "batch, no flush"


@dataclass(frozen=True)
class Row:
    """A published number."""

    series: str
    machine: Machine
    jobs: int | None
    """N of ``make -jN all``; None if the load is not named."""
    kernel: str
    """Empty if the mail does not name it."""
    configuration: str
    seconds: float | None
    """System time; None if only a ratio was given."""
    ratio: float | None
    """To the base row, as it was printed."""
    mail: Mail | None
    """None if the number is from memory."""
    confidence: Confidence = Confidence.PRIMARY
    note: str = ""


_V7: Final = mails.AZIZ_2019_01_10
_V8: Final = mails.AZIZ_2019_02_13
_V9: Final = mails.AZIZ_2019_04_03
_OCTOBER: Final = mails.AZIZ_2018_10_24
_TALK: Final = mails.ANDERSEN_2017_09_20_1634
_AUGUST: Final = mails.STECKLINA_2018_08_30
_EARLY: Final = mails.AZIZ_2018_09_07

_LSS = "from a talk; the load is not named"
_COMPILE = "of a kernel compile; not said of which time"
_TWO_TO_THREE = f"2-3% {_COMPILE}"
_UP_TO_TWO = f"1.5-2% {_COMPILE}"
_FREE = "a freed page stays unmapped"
_BUILDS = "a build of 4.18.6"
_LABEL = "patch 16/16 labels this row 4.19"

PAPER: Final = Machine("ret2dir paper", None, None, "not known")
_PAPER = "0.18 to 2.91%, macro benchmarks of the ret2dir paper, from memory"
_EXT4 = "a build of 4.18.6 on ext4; given in minutes"
_EXT2 = "the same build on ext2; given in percent"
_PRINTED = f"{_EXT4}; printed as ~8% worse, the minutes give 5.5%"

ROWS: Final = (
    Row(
        *("2014", PAPER, None, "3.13", STRICT, None, 1.0291, None),
        confidence=Confidence.UNVERIFIED,
        note=_PAPER,
    ),
    Row("2017", TYCHO_LARGE, None, "", STRICT, None, 2.4, _TALK, note=_LSS),
    Row("2017", TYCHO_SMALL, None, "", STRICT, None, 1.4, _TALK, note=_LSS),
    Row("2018", X86, None, "4.13", STRICT, None, 1.40, _AUGUST, note=_COMPILE),
    Row(
        "2018",
        X86,
        None,
        "4.13",
        NO_FLUSH,
        None,
        1.03,
        _AUGUST,
        note=_TWO_TO_THREE,
    ),
    Row("2018-09", TWO_8160, 60, "", BASE, 3174.036, 1.0, _EARLY, note=_EXT4),
    Row("2018-09", TWO_8160, 60, "", NO_FLUSH, 3347.897, 1.08, _EARLY, note=_PRINTED),
    Row("2018-09", TWO_8160, 60, "", STRICT, 26048.645, 8.2, _EARLY, note=_EXT4),
    Row("2018-09 ext2", TWO_8160, 60, "", NO_FLUSH, None, 1.186, _EARLY, note=_EXT2),
    Row("2018-09 ext2", TWO_8160, 60, "", STRICT, None, 10.0, _EARLY, note=_EXT2),
    Row(
        *("2018", QUAD, None, "", NO_FLUSH, None, 1.02),
        *(mails.STECKLINA_2018_09_12, Confidence.PRIMARY, _UP_TO_TWO),
    ),
    Row(
        *("2018", ORACLE, 60, "", NO_FLUSH, None, 1.02, mails.AZIZ_2018_09_14),
        note="system time, within the noise",
    ),
    Row(
        *("2018", THREADS_72, None, "", NO_FLUSH, None, 1.02),
        *(mails.STECKLINA_2018_09_17, Confidence.PRIMARY, _COMPILE),
    ),
    Row("2018-10", DUAL, 30, "4.19-rc8", BASE, 913.84, 1.0, _OCTOBER, note=_BUILDS),
    Row("2018-10", DUAL, 30, "4.19-rc8", NO_FLUSH, 1027.985, 1.125, _OCTOBER),
    Row("2018-10", DUAL, 30, "4.19-rc8", BATCH_NO_FLUSH, 970.39, 1.062, _OCTOBER),
    Row("2018-10", DUAL, 30, "4.19-rc8", STRICT, 8458.449, 9.256, _OCTOBER),
    Row("2018-10", DUAL, 30, "4.19-rc8", BATCH, 4665.659, 5.106, _OCTOBER),
    Row("v7", LARGE, 60, "4.20", BASE, 915.183, 1.0, _V7),
    Row("v7", LARGE, 60, "4.20", STRICT, 24129.354, 26.366, _V7, note=_LABEL),
    Row("v7", LARGE, 60, "4.20", DEFERRED, 1216.987, 1.330, _V7, note=_LABEL),
    Row("v7", DESKTOP, 4, "4.20", BASE, 607.671, 1.0, _V7),
    Row("v7", DESKTOP, 4, "4.20", STRICT, 1588.646, 2.614, _V7, note=_LABEL),
    Row("v7", DESKTOP, 4, "4.20", DEFERRED, 794.473, 1.307, _V7, note=_LABEL),
    Row("v8", LARGE, 60, "4.20", BASE, 950.966, 1.0, _V8),
    Row("v8", LARGE, 60, "4.20", STRICT, 25073.169, 26.37, _V8),
    Row("v8", LARGE, 60, "4.20", DEFERRED, 1372.874, 1.44, _V8),
    Row("v8", LARGE, 60, "4.20", DEFERRED_BATCH, 1255.021, 1.32, _V8),
    Row("v8", DESKTOP, 4, "4.20", BASE, 607.671, 1.0, _V8),
    Row("v8", DESKTOP, 4, "4.20", STRICT, 1588.646, 2.61, _V8),
    Row("v8", DESKTOP, 4, "4.20", DEFERRED, 803.989, 1.32, _V8),
    Row("v8", DESKTOP, 4, "4.20", DEFERRED_BATCH, 795.728, 1.31, _V8),
    Row("v9", LARGE, 60, "5.0", BASE, 913.862, 1.0, _V9),
    Row(
        *("v9", LARGE, 60, "5.0", DEFERRED_BATCH_FREE, 1165.259, 1.28, _V9),
        note=_FREE,
    ),
    Row("v9", DESKTOP, 4, "5.0", BASE, 610.642, 1.0, _V9),
    Row(
        *("v9", DESKTOP, 4, "5.0", DEFERRED_BATCH_FREE, 773.075, 1.27, _V9),
        note=_FREE,
    ),
)
"""In the order of their posting."""


@dataclass(frozen=True)
class FlushCost:
    """A row of the flush cost table of 2014: tracepoint bias included."""

    pages: int | None
    """None: a full flush."""
    share: float
    """Percent of the flushes of a kernel compile."""
    cycles: int
    """On an IvyBridge i5-3320M, the mean."""


FLUSH_COSTS: Final = tuple(
    FlushCost(*row)
    for row in (
        (None, 2.20, 2283),
        (1, 56.92, 1276),
        (2, 13.78, 1505),
        (3, 8.26, 1880),
        (4, 7.41, 2447),
        (5, 1.73, 2358),
        (6, 1.32, 2563),
        (7, 1.14, 2862),
        (8, 0.62, 3542),
        (9, 0.08, 3289),
        (10, 0.43, 3570),
        (11, 0.20, 3767),
        (12, 0.08, 3996),
        (13, 0.03, 4077),
        (14, 0.02, 4836),
        (15, 0.04, 5699),
        (16, 0.06, 5041),
        (17, 0.57, 5473),
        (18, 0.02, 5396),
        (19, 0.03, 5296),
        (20, 0.02, 6749),
        (21, 0.18, 6225),
        (22, 0.01, 6393),
        (23, 0.01, 6861),
        (24, 0.12, 6912),
        (25, 0.05, 7190),
        (26, 0.01, 7793),
        (27, 0.01, 7833),
        (28, 0.01, 8253),
        (29, 0.08, 8024),
        (30, 0.03, 9670),
        (31, 0.01, 8949),
        (32, 0.01, 9350),
        (33, 3.11, 8534),
        (34, 0.02, 10977),
        (35, 0.02, 11400),
    )
)
"""``flush_tlb_mm_range()`` by size; see `mails.HANSEN_2014_02_18`."""

XPFO_LOCK_ACQUISITIONS: Final = 960_222_532
"""Of ``page->xpfo_lock`` in one ``make -j60``; see `mails.AZIZ_2018_09_14`."""


def flush_cycles(pages: int | None) -> int:
    """Cycles of a flush of so many pages, None for a full one, as of 2014."""
    return next(row.cycles for row in FLUSH_COSTS if row.pages == pages)


def find(series: str, machine: Machine, configuration: str) -> Row:
    """The row of a series, a machine and a configuration.

    Raises `XpfoModelError` if none was published.
    """
    for row in ROWS:
        if (row.series, row.machine, row.configuration) == (
            series,
            machine,
            configuration,
        ):
            return row
    raise XpfoModelError(
        f"no published number of {configuration!r} of {series} on {machine.name}",
        remedy="xpfo_model.history.numbers.ROWS lists what was published",
    )


def seconds(series: str, machine: Machine, configuration: str) -> float:
    """System seconds of a published row. Raises `XpfoModelError`."""
    row = find(series, machine, configuration)
    if row.seconds is None:
        raise XpfoModelError(
            f"{series} gives a ratio for {configuration!r} on {machine.name}, "
            "no seconds",
            remedy="use its ratio",
        )
    return row.seconds


def excess(series: str, machine: Machine, configuration: str = STRICT) -> float:
    """System seconds over the base row of the same table. Raises `XpfoModelError`."""
    base = seconds(series, machine, BASE)
    return seconds(series, machine, configuration) - base
