# SPDX-License-Identifier: GPL-2.0-only
"""The mails about flushes and direct maps before XPFO and since."""

from typing import Final

from xpfo_model.history.mails.mail import Mail, Seen

_UNMAPPED: Final = "mm: Add __GFP_UNMAPPED"
_AWARE: Final = "Prototype for direct map awareness in page allocator"
_BBM: Final = "arm64: support FEAT_BBM level 2 and large block mapping when rodata=full"
_PKS_TABLES: Final = "[RFC PATCH v2 00/19] PKS write protected page tables"
_PER_IPI: Final = "Re: [PATCH 0/3] TLB flush multiple pages per IPI v5"
_V2_19: Final = "[PATCH v2 19/22] mm/page_alloc: implement __GFP_UNMAPPED allocations"

HANSEN_2014_02_18: Final = Mail(
    "Dave Hansen",
    "2014-02-18 11:30 -0800",
    "[PATCH 6/6] x86: mm: set TLB flush tunable to sane value",
    "20140218193017.ECDF1089@viggo.jf.intel.com",
)
HANSEN_2014_07_01: Final = Mail(
    "Dave Hansen",
    "2014-07-01",
    "[PATCH 7/7] x86: mm: set TLB flush tunable to sane value (33)",
    "20140701164856.3020D644@viggo.jf.intel.com",
    seen=Seen.QUOTED,
)
MOLNAR_2015_06_08_2152: Final = Mail(
    "Ingo Molnar",
    "2015-06-08 21:52 +0200",
    _PER_IPI,
    "20150608195237.GA15429@gmail.com",
    timed=True,
)
MOLNAR_2015_06_08_2203: Final = Mail(
    "Ingo Molnar",
    "2015-06-08 22:03 +0200",
    _PER_IPI,
    "20150608200308.GA16978@gmail.com",
    timed=True,
)
HANSEN_2015_06_09: Final = Mail(
    "Dave Hansen",
    "2015-06-09 14:14 -0700",
    _PER_IPI,
    "55775749.3090004@intel.com",
)
AMIT_2019_08_23: Final = Mail(
    "Nadav Amit",
    "2019-08-23 15:52 -0700",
    "[RFC PATCH v2 0/3] x86/mm/tlb: Defer TLB flushes with PTI",
    "20190823225248.15597-1-namit@vmware.com",
)
XING_2021_01_15: Final = Mail(
    "Xing Zhengjun",
    "2021-01-15 15:23 +0800",
    "Test report for kernel direct mapping performance",
    "213b4567-46ce-f116-9cdf-bbd0c884eb3c@linux.intel.com",
)
EDGECOMBE_2021_08_30: Final = Mail(
    "Rick Edgecombe",
    "2021-08-30 16:59 -0700",
    _PKS_TABLES,
    "20210830235927.6443-1-rick.p.edgecombe@intel.com",
)
RAPOPORT_2022_01_27: Final = Mail(
    "Mike Rapoport",
    "2022-01-27 10:56 +0200",
    f"[RFC PATCH 0/3] {_AWARE}",
    "20220127085608.306306-1-rppt@kernel.org",
    seen=Seen.NOT_SEEN,
)
RAPOPORT_2023_03_08: Final = Mail(
    "Mike Rapoport",
    "2023-03-08 11:41 +0200",
    f"[RFC PATCH 0/5] {_AWARE}",
    "20230308094106.227365-1-rppt@kernel.org",
)
HOCKO_2023_03_24: Final = Mail(
    "Michal Hocko",
    "2023-03-24 09:37 +0100",
    "Re: [RFC PATCH 1/5] mm: intorduce __GFP_UNMAPPED and unmapped_alloc()",
    "ZB1hS9lBabp1K7XN@dhcp22.suse.cz",
)
COOK_2024_03_14: Final = Mail(
    "Kees Cook",
    "2024-03-14 09:27 -0700",
    f"Re: {_PKS_TABLES}",
    "202403140927.5A5F290@keescook",
)
RAPOPORT_2024_10_23: Final = Mail(
    "Mike Rapoport",
    "2024-10-23 19:27 +0300",
    "[PATCH v7 7/8] execmem: add support for cache of large ROX pages",
    "20241023162711.2579610-8-rppt@kernel.org",
)
RAPOPORT_2025_01_26: Final = Mail(
    "Mike Rapoport",
    "2025-01-26 09:47 +0200",
    "[PATCH v3 3/9] x86/mm/pat: restore large ROX pages after fragmentation",
    "20250126074733.1384926-4-rppt@kernel.org",
)
VAN_RIEL_2025_02_23: Final = Mail(
    "Rik van Riel",
    "2025-02-23 14:48 -0500",
    "[PATCH v13 00/14] AMD broadcast TLB invalidation",
    "20250223194943.3518952-1-riel@surriel.com",
)
VAN_RIEL_2025_06_19: Final = Mail(
    "Rik van Riel",
    "2025-06-19 16:03 -0400",
    "[RFC PATCH v4 0/8] Intel RAR TLB invalidation",
    "20250619200442.1694583-1-riel@surriel.com",
)
JACKMAN_2025_08_12: Final = Mail(
    "Brendan Jackman",
    "2025-08-12 17:31 +0000",
    "[Discuss] First steps for ASI (ASI is fast again)",
    "20250812173109.295750-1-jackmanb@google.com",
)
ROBERTS_2025_08_29: Final = Mail(
    "Ryan Roberts",
    "2025-08-29 12:52 +0100",
    f"[PATCH v7 0/6] {_BBM}",
    "20250829115250.2395585-1-ryan.roberts@arm.com",
)
DEACON_2025_09_18: Final = Mail(
    "Will Deacon",
    "2025-09-18 22:10 +0100",
    f"Re: [PATCH v8 0/5] {_BBM}",
    "175822779944.710258.10028837182267037801.b4-ty@kernel.org",
)
ROY_2025_09_24: Final = Mail(
    "Patrick Roy",
    "2025-09-24 15:22 +0000",
    "[PATCH v7 06/12] KVM: guest_memfd: add module param for disabling TLB flushing",
    "20250924152214.7292-3-roypat@amazon.co.uk",
)
JACKMAN_2026_02_25: Final = Mail(
    "Brendan Jackman",
    "2026-02-25 16:34 +0000",
    f"[PATCH RFC 00/19] {_UNMAPPED}",
    "20260225-page_alloc-unmapped-v1-0-e8808a03cd66@google.com",
)
JACKMAN_2026_03_16: Final = Mail(
    "Brendan Jackman",
    "2026-03-16 16:10 +0000",
    f"Re: [PATCH RFC 00/19] {_UNMAPPED}",
    "",
    copy="https://lkml.iu.edu/2603.2/01327.html",
)
JACKMAN_2026_03_20: Final = Mail(
    "Brendan Jackman",
    "2026-03-20 18:23 +0000",
    f"[PATCH v2 00/22] {_UNMAPPED}",
    "20260320-page_alloc-unmapped-v2-0-28bf1bd54f41@google.com",
)
BABKA_2026_05_13: Final = Mail(
    "Vlastimil Babka",
    "2026-05-13 15:43 +0000",
    f"Re: {_V2_19}",
    "",
    seen=Seen.QUOTED,
    copy="https://lkml.iu.edu/2606.0/00466.html",
)
JACKMAN_2026_05_15: Final = Mail(
    "Brendan Jackman",
    "2026-05-15",
    f"Re: {_V2_19}",
    "",
    seen=Seen.QUOTED,
    copy="https://lkml.iu.edu/2606.0/00466.html",
)
JACKMAN_2026_07_26: Final = Mail(
    "Brendan Jackman",
    "2026-07-26",
    "[PATCH v3 00/26], the rest of the subject not seen",
    "20260726-page_alloc-unmapped-v3-0-6f5729aa9832@google.com",
    seen=Seen.NOT_SEEN,
)
