# SPDX-License-Identifier: GPL-2.0-only
"""Every constant of the kernel that the model uses, with its unit and source.

x86-64, THP or HUGETLB configured, no CMA. Sources are files of Linux v6.1
unless another version is named.
"""

from typing import Final

PAGE_SIZE: Final = 4096
"""Bytes in a page frame. arch/x86/include/asm/page_types.h: PAGE_SIZE."""

PAGEBLOCK_ORDER: Final = 9
"""Order of a pageblock. include/linux/pageblock-flags.h: pageblock_order,
HUGETLB_PAGE_ORDER on x86-64."""

PAGEBLOCK_NR_PAGES: Final = 1 << PAGEBLOCK_ORDER
"""Page frames in a pageblock, 2 MiB. include/linux/pageblock-flags.h:
pageblock_nr_pages."""

MAX_PAGE_ORDER: Final = 10
"""Largest order of the buddy allocator. include/linux/mmzone.h: MAX_ORDER - 1 in
v4.14 to v6.3, MAX_ORDER in v6.4 to v6.7, MAX_PAGE_ORDER from v6.8."""

PAGE_ALLOC_COSTLY_ORDER: Final = 3
"""Largest order that pcp lists hold, THP apart. include/linux/mmzone.h:
PAGE_ALLOC_COSTLY_ORDER; mm/page_alloc.c: pcp_allowed_order, v5.13 on."""

MIGRATE_UNMOVABLE: Final = 0
"""include/linux/mmzone.h: enum migratetype, v4.14 to v6.18."""

MIGRATE_MOVABLE: Final = 1
"""include/linux/mmzone.h: enum migratetype, v4.14 to v6.18."""

MIGRATE_RECLAIMABLE: Final = 2
"""include/linux/mmzone.h: enum migratetype, v4.14 to v6.18."""

MIGRATE_HIGHATOMIC: Final = 3
"""include/linux/mmzone.h: enum migratetype, equal to MIGRATE_PCPTYPES."""

MIGRATETYPES: Final = ("UNMOVABLE", "MOVABLE", "RECLAIMABLE", "HIGHATOMIC")
"""Names by number; what follows depends on CONFIG_CMA and
CONFIG_MEMORY_ISOLATION. include/linux/mmzone.h: enum migratetype."""

MAX_PHYSMEM_BITS: Final = 46
"""Bits of a physical address with 4-level paging, 64 TiB: a larger pfn in a trace
is damage. arch/x86/include/asm/sparsemem.h: MAX_PHYSMEM_BITS."""

MAX_PFN: Final = 1 << (MAX_PHYSMEM_BITS - 12)
"""First page frame number that no machine with 4-level paging has."""

NR_CPUS: Final = 8192
"""Most CPUs of an x86-64 kernel. arch/x86/Kconfig: NR_CPUS with MAXSMP."""

PCP_BATCH_2017: Final = 31
"""Page frames of a pcp refill in 2017, zones above 512 MiB. mm/page_alloc.c:
zone_batchsize, v4.14."""

TLB_SINGLE_PAGE_FLUSH_CEILING: Final = 33
"""Pages above which a range flush becomes a full flush. arch/x86/mm/tlb.c:
tlb_single_page_flush_ceiling, v4.14 to v6.18."""

TLB_NR_DYN_ASIDS: Final = 6
"""Address spaces whose entries a CPU keeps with PCID.
arch/x86/include/asm/tlbflush.h: TLB_NR_DYN_ASIDS."""
