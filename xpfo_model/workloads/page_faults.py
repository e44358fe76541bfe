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
from xpfo_model.workloads.activity import Activity, Pages, number_within, repeated
from xpfo_model.workloads.host import Host

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
COMPILER: Final = 1690
"""Zeroed pages of one compiler: the 90th percentile of the tasks of trace
cc-1cpu, which are its 40 compilers."""
GATHER: Final = 510
"""Pages of one batch of munmap(): MAX_GATHER_BATCH, include/asm-generic/tlb.h, v6.1;
the longest list in trace cc-1cpu has as many."""
SLICE: Final = 280
"""Pages that a task touches before its CPU turns to another: the 90th percentile of
CPUs 1 and 2 in trace netmap-3cpu, allocations between two sched_switch."""
MOVES: Final = 0.09
"""How often a task that allocates again after a break does so on another CPU: 0.086
in trace cc-4cpu, 0.094 in forkpipe-4cpu; tasks that stay on one are at 0.001."""


def page_faults(
    host: Host,
    *,
    area: float = AREA,
    huge: float = 0.0,
    slice_pages: int = SLICE,
    moves: float = MOVES,
) -> Activity:
    """Areas one after the other on every CPU: touched page by page, then unmapped.

    `area` is the mean size in pages, exponentially distributed; `huge` the share of
    areas that are backed by huge pages, of order 9; `moves` how often a task changes
    its CPU between two slices of `slice_pages`.
    """
    rng = host.rng
    tables = 1 + area / PAGEBLOCK_NR_PAGES
    each = (1 - huge) * (area + tables) + huge * 2 * tables
    lasting = each * host.at_once(area + tables, host.cpus) / host.share
    count = host.running(each, lasting)
    pages = host.sizes(area, count)
    large = rng.random(count) < huge
    small = np.where(large, 0, pages)
    # bursts: the slices of each area, then its munmap()
    bursts = np.maximum(-(-small // slice_pages), 1) + 1
    first = np.cumsum(bursts) - bursts
    last = first + bursts - 1
    progress = number_within(bursts) / np.repeat(bursts, bursts)
    time = np.repeat(host.starts(count, lasting), bursts) + lasting * progress
    cpu = host.wandering(bursts, moves)
    place = number_within(small)
    touched = Pages(
        host.kind(ANONYMOUS, listed=GATHER),
        born=repeated(first, small) + place // slice_pages,
        born_at=place % slice_pages,
        died=repeated(last, small),
        died_at=place,
    )
    need = pages // PAGEBLOCK_NR_PAGES + 1
    place = number_within(need)
    of_large = np.repeat(large, need)
    touch = np.where(of_large, 0, place * PAGEBLOCK_NR_PAGES)
    tables_of = Pages(
        host.kind(PAGE_TABLE),
        born=repeated(first, need) + touch // slice_pages,
        born_at=np.where(of_large, place, touch % slice_pages),
        died=repeated(last, need),
        died_at=repeated(small, need) + place,
    )
    huge_pages = tables_of.keep(of_large)._replace(
        kind=host.kind(HUGE, PAGEBLOCK_ORDER), died_at=place[of_large]
    )
    return Activity(time, cpu, [touched, tables_of, huge_pages])
