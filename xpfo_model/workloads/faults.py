# SPDX-License-Identifier: GPL-2.0-only
"""Page-fault storm: anonymous memory that is mapped, touched and unmapped.

A page is mm/memory.c: do_anonymous_page() -> alloc_zeroed_user_highpage_movable(),
v6.1 (vma_alloc_zeroed_movable_folio() in v6.18); every 512 touched pages want a
page table, mm/memory.c: __pte_alloc() -> pte_alloc_one(). munmap() frees through
mm/mmu_gather.c: tlb_flush_mmu() -> release_pages(), the tables after the pages.
"""

from typing import Final

import numpy as np

from xpfo_model.constants import PAGEBLOCK_NR_PAGES, PAGEBLOCK_ORDER
from xpfo_model.workloads.activity import (
    Activity,
    Scene,
    activity,
    blocks,
    number_within,
    together,
)

ANONYMOUS: Final = "GFP_HIGHUSER_MOVABLE|__GFP_ZERO|__GFP_COMP"
"""A touched page: 21 to 51 % of the allocations of every trace of the project."""
PAGE_TABLE: Final = "GFP_KERNEL_ACCOUNT|__GFP_ZERO"
"""GFP_PGTABLE_USER. include/asm-generic/pgalloc.h, v6.1."""
HUGE: Final = "GFP_TRANSHUGE"
"""defrag=madvise in an area with MADV_HUGEPAGE. mm/huge_memory.c:
vma_thp_gfp_mask(), v6.1."""

AREA: Final = 1024
"""Pages of an area, mean: 4 MiB, between the 2 MiB thirds and the 6 MiB areas of the
workload of trace netmap-3cpu."""
GATHER: Final = 510
"""Pages of one batch of munmap(): MAX_GATHER_BATCH, include/asm-generic/tlb.h, v6.1;
the longest list in trace cc-1cpu has as many."""
SLICE: Final = 280
"""Pages that a task touches before its CPU turns to another: the 90th percentile of
CPUs 1 and 2 in trace netmap-3cpu, allocations between two sched_switch."""


def page_faults(
    scene: Scene, *, area: float = AREA, huge: float = 0.0, slice_pages: int = SLICE
) -> Activity:
    """Areas one after the other on every CPU: touched page by page, then unmapped.

    `area` is the mean size in pages, exponentially distributed; `huge` the share of
    areas that are backed by huge pages, of order 9.
    """
    rng = scene.rng
    tables = 1 + 1 / PAGEBLOCK_NR_PAGES
    count = max(round(scene.own / (area * tables)), 1)
    if huge:
        # an area of huge pages is an allocation for every 512 pages
        mean = area * ((1 - huge) * tables + 2 * huge / PAGEBLOCK_NR_PAGES)
        count = max(round(scene.own / mean), 1)
    at_once = scene.at_once(area * tables, scene.cpus)
    lasting = area * at_once * (scene.own / count / area) / scene.share
    begin = scene.starts(count, lasting)
    pages = 1 + rng.exponential(area - 1, count).astype(np.int64)
    large = rng.random(count) < huge
    cpu = scene.random_cpus(count)
    small = np.where(large, 0, pages)
    slices = np.maximum(-(-small // slice_pages), 1)
    # bursts: the slices of each area, then its munmap()
    bursts = slices + 1
    first = np.cumsum(bursts) - bursts
    turn = number_within(bursts)
    whose = np.repeat(np.arange(count), bursts)
    time = begin[whose] + lasting * (pages / area)[whose] * turn / bursts[whose]
    of = np.repeat(np.arange(count), small)
    place = number_within(small)
    last = first + slices
    common = {"died": last[of], "died_at": place}
    touched = activity(
        time,
        cpu[whose],
        born=first[of] + place // slice_pages,
        born_at=place % slice_pages,
        mask=np.uint64(scene.mask(ANONYMOUS)),
        listed=GATHER,
        **common,
    )
    need = blocks(pages)
    of = np.repeat(np.arange(count), need)
    place = number_within(need)
    touch = place * PAGEBLOCK_NR_PAGES
    common = {
        "born": first[of] + np.where(large[of], 0, touch // slice_pages),
        "born_at": np.where(large[of], place, touch % slice_pages),
        "died": last[of],
    }
    tables_of = activity(
        time,
        cpu[whose],
        mask=np.uint64(scene.mask(PAGE_TABLE)),
        died_at=small[of] + place,
        **common,
    )
    is_huge = large[of]
    huge_pages = activity(
        time,
        cpu[whose],
        mask=np.uint64(scene.mask(HUGE)),
        order=PAGEBLOCK_ORDER,
        died_at=place[is_huge],
        **{name: values[is_huge] for name, values in common.items()},
    )
    return together([touched, tables_of, huge_pages], same_bursts=True)
