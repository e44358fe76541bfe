# SPDX-License-Identifier: GPL-2.0-only
"""Where the kernels differ, side by side, as numbers that the code branches on.

A profile says nothing about a machine: sizes and watermarks are in `layout`.
Mirrors mm/page_alloc.c, v4.14.5, v6.1.192 and v6.18.33.
"""

from typing import Final, NamedTuple

import numpy as np

from xpfo_model.errors import UnknownKernelError

# How many migratetypes share the lists of order 9.
NO_THP_LISTS: Final = 0
TWO_THP_LISTS: Final = 2

# Which list a drain takes from.
DRAIN_BY_PAGE: Final = 0
"""A page a list in turn, more of them from list to list (v4.14)."""
DRAIN_BY_LIST: Final = 1
"""The list that was just filled until it is empty, then the next (v6.x)."""

# How large refills and drains are, and how high a pcp may fill.
SIZE_FIXED: Final = 0
"""batch and high never change (v4.14)."""
SIZE_BY_FREES: Final = 1
"""Drains double while only frees come: free_factor (v6.1)."""
SIZE_AUTO: Final = 2
"""high moves between high_min and high_max, refills double (v6.18)."""

# What happens when a list of the wanted migratetype is empty.
STEAL: Final = 0
"""Move a page, or the whole block, to the own lists; then take from those."""
CLAIM_THEN_STEAL: Final = 1
"""Take over a whole block if most of it fits, else one page only (v6.18)."""
CLAIM_OR_SPLIT: Final = 2
"""The same with one candidate, the largest page, which is split (v6.12)."""


class Profile(NamedTuple):
    """A kernel version, in whole numbers.

    Code branches on ``s.profile.sizing`` and so on, at run time: one compiled
    allocator serves every version.
    """

    pcp_order: int
    """Largest order below THP that pcp lists hold. pcp_allowed_order()."""
    thp_lists: int
    """pcp lists of order 9: NO_THP_LISTS or TWO_THP_LISTS. order_to_pindex()."""
    pcp_lists: int
    """Lists in a pcp. include/linux/mmzone.h: NR_PCP_LISTS."""
    sizing: int
    """SIZE_FIXED, SIZE_BY_FREES or SIZE_AUTO."""
    batch_scale_max: int
    """A batch grows at most to batch << this. CONFIG_PCP_BATCH_SCALE_MAX."""
    batch_bytes_max: int
    """Bound of a quarter of zone_batchsize(), in bytes."""
    free_high_half: int
    """1: only after half of high_min was freed does a pcp give higher orders back
    at once. free_frozen_page_commit() from v6.16 on."""
    draining: int
    """DRAIN_BY_PAGE or DRAIN_BY_LIST. free_pcppages_bulk()."""
    drain_current_type: int
    """1: a drained page goes to the list of its block's type now; 0: of the
    type that was cached in the page when it came to the pcp."""
    falling_back: int
    """STEAL, CLAIM_THEN_STEAL or CLAIM_OR_SPLIT. __rmqueue()."""
    move_to_tail: int
    """1: a page that changes its free list goes to the tail, 0: to the head."""
    split_smallest: int
    """1: a MOVABLE request that may not take a block looks for the smallest
    page instead. __rmqueue_fallback() in v4.14 and v6.1."""
    avoids_fragments: int
    """1: ZONE_NORMAL is left before its blocks are mixed. ALLOC_NOFRAGMENT."""
    boosts: int
    """1: fallbacks raise the watermarks. boost_watermark()."""
    notes_below_high: int
    """1: a zone below its high watermark keeps its pcps small. ZONE_BELOW_HIGH."""
    merge_unlike: int
    """1: blocks of any two types merge, 0: not with HIGHATOMIC.
    __free_one_page()."""
    merge_retypes: int
    """1: a block that merges takes the type of the freed page."""


PROFILE: Final = np.dtype([(name, np.int64) for name in Profile._fields])
"""A profile as the record that compiled code reads."""

PROFILES: Final[dict[str, Profile]] = {
    "v4.14": Profile(
        pcp_order=0,
        thp_lists=NO_THP_LISTS,
        pcp_lists=3,
        sizing=SIZE_FIXED,
        batch_scale_max=0,
        batch_bytes_max=512 * 1024,
        free_high_half=0,
        draining=DRAIN_BY_PAGE,
        drain_current_type=0,
        falling_back=STEAL,
        move_to_tail=0,
        split_smallest=1,
        avoids_fragments=0,
        boosts=0,
        notes_below_high=0,
        merge_unlike=1,
        merge_retypes=0,
    ),
    "v6.1": Profile(
        pcp_order=3,
        thp_lists=TWO_THP_LISTS,
        pcp_lists=14,
        sizing=SIZE_BY_FREES,
        batch_scale_max=5,
        batch_bytes_max=1024 * 1024,
        free_high_half=0,
        draining=DRAIN_BY_LIST,
        drain_current_type=0,
        falling_back=STEAL,
        move_to_tail=1,
        split_smallest=1,
        avoids_fragments=1,
        boosts=1,
        notes_below_high=0,
        merge_unlike=0,
        merge_retypes=0,
    ),
    "v6.18": Profile(
        pcp_order=3,
        thp_lists=TWO_THP_LISTS,
        pcp_lists=14,
        sizing=SIZE_AUTO,
        batch_scale_max=5,
        batch_bytes_max=1024 * 1024,
        free_high_half=1,
        draining=DRAIN_BY_LIST,
        drain_current_type=1,
        falling_back=CLAIM_THEN_STEAL,
        move_to_tail=1,
        split_smallest=0,
        avoids_fragments=1,
        boosts=1,
        notes_below_high=1,
        merge_unlike=0,
        merge_retypes=1,
    ),
}
"""The kernels whose allocator is modelled, oldest first."""

PROFILES["v6.12"] = PROFILES["v6.18"]._replace(
    free_high_half=0, falling_back=CLAIM_OR_SPLIT, split_smallest=1
)
"""Between v6.1 and v6.18: sizes and lists of v6.18, candidates of v6.1."""


def version_of(kernel: str) -> tuple[int, ...]:
    """A kernel's name as numbers that can be compared."""
    return tuple(map(int, kernel.removeprefix("v").split(".")))


def profile(kernel: str) -> Profile:
    """The profile of a kernel by name. Raises `UnknownKernelError`."""
    if kernel not in PROFILES:
        raise UnknownKernelError(
            f"no model of the page allocator of kernel {kernel!r}",
            remedy=f"choose one of {', '.join(PROFILES)}",
        )
    return PROFILES[kernel]


def profile_of_masks(masks: str) -> str:
    """The name of the profile that follows a kernel best whose GFP table is `masks`.

    The last profile that is not newer than the table; the first for older tables.
    """
    names = sorted(PROFILES, key=version_of)
    older = [name for name in names if version_of(name) <= version_of(masks)]
    return older[-1] if older else names[0]
