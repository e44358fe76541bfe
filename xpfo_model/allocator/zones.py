# SPDX-License-Identifier: GPL-2.0-only

"""A machine's zones and pcps: their sizes by the kernel's rules. mm/page_alloc.c."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

from xpfo_model.allocator.profiles import SIZE_FIXED, Profile
from xpfo_model.allocator.state import NR_ZONES, ZONE_DMA32, ZONE_NORMAL
from xpfo_model.constants import PAGE_SIZE, PAGEBLOCK_NR_PAGES
from xpfo_model.errors import XpfoModelError

KIB_PER_PAGE: Final = PAGE_SIZE // 1024
BOUNDARIES: Final = (1 << 12, 1 << 20)
"""First pfn behind ZONE_DMA, 16 MiB, and ZONE_DMA32, 4 GiB. arch/x86, 64 bit."""

MIN_FREE_KBYTES: Final = (128, 262144)
"""Bounds of min_free_kbytes in KiB; v4.14 has 65536. calculate_min_free_kbytes()."""
MIN_FREE_KBYTES_MAX_2017: Final = 65536
MIN_FREE_FACTOR: Final = 16
"""min_free_kbytes is the root of lowmem kbytes times this."""
WATERMARK_SCALE: Final = (10, 10000)
"""Share of a zone between two watermarks. vm.watermark_scale_factor, default."""
WATERMARK_MIN_SHARE: Final = 4
"""The step is at least min divided by this. __setup_per_zone_wmarks()."""
LOWMEM_RESERVE_RATIO: Final = (256, 256, 32)
"""sysctl_lowmem_reserve_ratio, by zone."""

BATCH_ZONE_SHIFT: Final = 10
BATCH_DIVISOR: Final = 4
"""A batch is a thousandth of the zone, divided by this. zone_batchsize()."""
BATCHES_HIGH_2017: Final = 6
"""high of v4.14, in batches. pageset_set_batch()."""
BATCHES_HIGH_MIN: Final = 4
"""Least high, in batches. zone_highsize()."""
HIGH_MAX_SHARE: Final = 8
"""Share of a zone that all high_max together are. MIN_PERCPU_PAGELIST_HIGH_FRACTION."""

KHUGEPAGED_BLOCKS: Final = 2
KHUGEPAGED_TYPES: Final = 3
"""MIGRATE_PCPTYPES, whose square of blocks khugepaged asks for a zone."""
KHUGEPAGED_LEAST: Final = 512 << 20
"""Bytes of memory below which there is no khugepaged. hugepage_init()."""
KHUGEPAGED_SHARE: Final = 20
"""At most one page in this many. set_recommended_min_free_kbytes()."""


class LayoutError(XpfoModelError):
    """A machine that the model cannot be."""


@dataclass(frozen=True)
class Pageset:
    """Sizes of a pcp, in frames."""

    batch: int
    high: int
    """high of v4.14 and v6.1, high_min of v6.18."""
    high_max: int


BOOT_PAGESET: Final = Pageset(batch=1, high=0, high_max=0)
"""Sizes of every pcp before zone_pcp_init() has run. setup_pageset()."""


@dataclass(frozen=True)
class Zone:
    """A zone, in pages."""

    start: int
    end: int
    managed: int
    watermarks: tuple[int, int, int]
    """min, low, high."""
    reserve: tuple[int, int, int]
    """lowmem_reserve[], by the highest zone of the request."""
    pageset: Pageset
    free: int = 0
    """Pages on the free lists when it was looked at."""

    @classmethod
    def none(cls, end: int) -> "Zone":
        """A zone without memory."""
        return cls(end, end, 0, (0, 0, 0), (0, 0, 0), BOOT_PAGESET)


@dataclass(frozen=True)
class Layout:
    """The memory and the CPUs of a machine with one node."""

    zones: tuple[Zone, ...]
    """DMA, DMA32, Normal."""
    cpus: int

    @property
    def frames(self) -> int:
        """Frames from pfn 0 to the end of memory."""
        return max(zone.end for zone in self.zones if zone.managed)


def zone_batchsize(profile: Profile, managed: int) -> int:
    """zone_batchsize(), all versions: frames of a refill."""
    batch = min(managed >> BATCH_ZONE_SHIFT, profile.batch_bytes_max // PAGE_SIZE)
    batch = max(batch // BATCH_DIVISOR, 1)
    rounded = 1 << ((batch + batch // 2).bit_length() - 1)
    return max(rounded - 1, 1)


def pageset(
    profile: Profile, managed: int, low: int, cpus: int, batch: int | None = None
) -> Pageset:
    """zone_highsize() of v6.1 and v6.18, pageset_set_batch() of v4.14.

    `batch` is another one than zone_batchsize() gives, for a what-if.
    """
    batch = batch or zone_batchsize(profile, managed)
    if profile.sizing == SIZE_FIXED:
        return Pageset(batch, batch * BATCHES_HIGH_2017, 0)
    least = BATCHES_HIGH_MIN * batch
    return Pageset(
        batch,
        max(low // cpus, least),
        max(managed // HIGH_MAX_SHARE // cpus, least),
    )


def watermarks(pages_min: int, managed: int, lowmem: int) -> tuple[int, int, int]:
    """__setup_per_zone_wmarks(), all versions: min, low, high of a zone."""
    least = pages_min * managed // lowmem
    share, whole = WATERMARK_SCALE
    step = max(least // WATERMARK_MIN_SHARE, managed * share // whole)
    return least, least + step, least + 2 * step


def min_pages(profile: Profile, managed: Sequence[int], thp: bool) -> int:
    """min_free_kbytes in pages, raised by khugepaged if `thp`.

    calculate_min_free_kbytes(), set_recommended_min_free_kbytes(). Pages above
    the high watermark are taken for all pages: a few in a thousand too many.
    """
    lowmem = sum(managed)
    least, most = MIN_FREE_KBYTES
    if profile.sizing == SIZE_FIXED:
        most = MIN_FREE_KBYTES_MAX_2017
    kbytes = isqrt(lowmem * KIB_PER_PAGE * MIN_FREE_FACTOR)
    pages = min(max(kbytes, least), most) // KIB_PER_PAGE
    if thp:
        populated = sum(1 for pages in managed if pages)
        blocks = KHUGEPAGED_BLOCKS + KHUGEPAGED_TYPES**2
        wanted = PAGEBLOCK_NR_PAGES * populated * blocks
        pages = max(pages, min(wanted, lowmem // KHUGEPAGED_SHARE))
    return pages


def reserves(managed: Sequence[int], zone: int) -> tuple[int, int, int]:
    """setup_per_zone_lowmem_reserve(), all versions, of one zone."""
    ratio = LOWMEM_RESERVE_RATIO[zone]
    above = [
        sum(managed[zone + 1 : highest + 1]) // ratio for highest in range(NR_ZONES)
    ]
    return above[0], above[ZONE_DMA32], above[ZONE_NORMAL]


def machine(
    profile: Profile,
    frames: int,
    cpus: int,
    *,
    thp: bool = True,
    batch: int | None = None,
) -> Layout:
    """The layout of a machine whose memory has no holes, all of it managed.

    `frames` counts from pfn 0 and is rounded down to a pageblock. `batch` is one
    for all zones in place of the kernel's. `thp` says whether khugepaged runs where
    there is memory enough; a machine of 512 MiB never has all of it managed.
    """
    thp &= frames * PAGE_SIZE > KHUGEPAGED_LEAST
    frames -= frames % PAGEBLOCK_NR_PAGES
    ends = [min(frames, end) for end in (*BOUNDARIES, frames)]
    starts = [0, *ends[:-1]]
    managed = [end - start for start, end in zip(starts, ends, strict=True)]
    least = min_pages(profile, managed, thp)
    zones = []
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        marks = watermarks(least, managed[i], frames)
        sizes = pageset(profile, managed[i], marks[1], cpus, batch)
        zones.append(
            Zone(start, end, managed[i], marks, reserves(managed, i), sizes)
            if managed[i]
            else Zone.none(end)
        )
    return Layout(tuple(zones), cpus)
