# SPDX-License-Identifier: GPL-2.0-only
"""Where the versions differ, as the table of differences has it."""

import pytest

from xpfo_model import gfp
from xpfo_model.allocator.profiles import (
    CLAIM_OR_SPLIT,
    CLAIM_THEN_STEAL,
    DRAIN_BY_LIST,
    DRAIN_BY_PAGE,
    PROFILES,
    SIZE_AUTO,
    SIZE_BY_FREES,
    SIZE_FIXED,
    STEAL,
    profile,
    profile_of_masks,
)
from xpfo_model.errors import UnknownKernelError

TABLE = {
    #                    v4.14          v6.1           v6.12           v6.18
    "pcp_order": (0, 3, 3, 3),
    "pcp_lists": (3, 14, 14, 14),
    "sizing": (SIZE_FIXED, SIZE_BY_FREES, SIZE_AUTO, SIZE_AUTO),
    "draining": (DRAIN_BY_PAGE, DRAIN_BY_LIST, DRAIN_BY_LIST, DRAIN_BY_LIST),
    "drain_current_type": (0, 0, 1, 1),
    "falling_back": (STEAL, STEAL, CLAIM_OR_SPLIT, CLAIM_THEN_STEAL),
    "move_to_tail": (0, 1, 1, 1),
    "avoids_fragments": (0, 1, 1, 1),
    "boosts": (0, 1, 1, 1),
    "notes_below_high": (0, 0, 1, 1),
    "merge_unlike": (1, 0, 0, 0),
    "merge_retypes": (0, 0, 1, 1),
    "free_high_half": (0, 0, 0, 1),
}


@pytest.mark.parametrize("field", TABLE)
def test_where_the_kernels_differ(field):
    kernels = ("v4.14", "v6.1", "v6.12", "v6.18")
    assert tuple(getattr(profile(k), field) for k in kernels) == TABLE[field]


@pytest.mark.parametrize("kernel", PROFILES)
def test_lists_are_those_of_the_orders(kernel):
    version = profile(kernel)
    assert version.pcp_lists == 3 * (version.pcp_order + 1) + version.thp_lists


def test_a_kernel_that_is_not_modelled():
    with pytest.raises(UnknownKernelError, match=r"v4\.14"):
        profile("v2.4")


@pytest.mark.parametrize(
    ("masks", "kernel"),
    [
        ("v4.14", "v4.14"),
        ("v4.19", "v4.14"),
        ("v5.4", "v4.14"),
        ("v6.1", "v6.1"),
        ("v6.18", "v6.18"),
    ],
)
def test_the_allocator_is_the_last_not_newer_than_the_masks(masks, kernel):
    assert profile_of_masks(masks) == kernel


@pytest.mark.parametrize("masks", gfp.KERNELS)
def test_every_gfp_table_has_an_allocator(masks):
    assert profile_of_masks(masks) in PROFILES
