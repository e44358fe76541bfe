# SPDX-License-Identifier: GPL-2.0-only
"""Brendan Jackman's FREETYPE_UNMAPPED, RFC of February 2026, as a pageblock rule.

Free lists and pcp lists come in two kinds, mapped and unmapped; a pageblock
changes kind as a whole, outside the zone's lock, with one flush; the kernel's
own access goes through a mapping of its CPU (mermap). The series serves pages
that ask for it; here every user page asks. A trace cannot show which list its
allocator would have used: a frame that differs from its block is put right at
allocation. From 20260225-page_alloc-unmapped-v1-0-e8808a03cd66@google.com.
"""

from xpfo_model.strategies import pageblock
from xpfo_model.strategies.guarantee import (
    go_on,
    guarantee,
    isolate_for_kernel,
    leave,
    move_unseen,
)
from xpfo_model.strategies.kmaps import local_kmap, local_kunmap

alloc = guarantee
free = leave
kmap = local_kmap
kunmap = local_kunmap
refill = pageblock.refill
drain = leave
change_block = pageblock.change_block
isolate = isolate_for_kernel
migrate = move_unseen
context_switch = go_on
