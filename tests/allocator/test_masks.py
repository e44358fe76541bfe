# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
import pytest

from xpfo_model.allocator.masks import highest_zone, slow_flags
from xpfo_model.allocator.rmqueue import HIGHATOMIC, NON_BLOCK

# raw bits: v4.14 and v6.x number them differently
MASKS = {
    "v4.14": {"KERNEL": 0x14000C0, "ATOMIC": 0x1080020, "NOWAIT": 0x1000000},
    "v6.1": {"KERNEL": 0xCC0, "ATOMIC": 0xA20, "NOWAIT": 0x800},
    "v6.18": {"KERNEL": 0xCC0, "ATOMIC": 0x820, "NOWAIT": 0x2800},
}
DMA, DMA32 = 0x1, 0x4


@pytest.mark.parametrize("kernel", MASKS)
def test_the_highest_zone_that_a_mask_allows(kernel):
    kernel_mask = MASKS[kernel]["KERNEL"]
    masks = np.array([kernel_mask, kernel_mask | DMA, kernel_mask | DMA32], np.uint64)
    assert highest_zone(masks, kernel).tolist() == [2, 0, 1]


@pytest.mark.parametrize("kernel", MASKS)
@pytest.mark.parametrize(
    ("name", "order", "flags"),
    [
        ("KERNEL", 0, 0),
        ("KERNEL", 3, 0),
        ("ATOMIC", 0, NON_BLOCK),
        ("ATOMIC", 1, NON_BLOCK | HIGHATOMIC),
        ("NOWAIT", 0, NON_BLOCK),
        ("NOWAIT", 1, NON_BLOCK),
    ],
)
def test_what_the_slow_path_allows(kernel, name, order, flags):
    masks = np.array([MASKS[kernel][name]], np.uint64)
    assert slow_flags(masks, np.array([order]), kernel).tolist() == [flags]


def test_no_reserve_for_who_declines_it():
    spare = np.array([MASKS["v6.1"]["ATOMIC"] | 0x80000], np.uint64)
    assert slow_flags(spare, np.array([2]), "v6.1").tolist() == [NON_BLOCK]
