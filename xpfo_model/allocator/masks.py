# SPDX-License-Identifier: GPL-2.0-only
"""The zone and the reserves that a GFP mask allows. mm/page_alloc.c."""

from typing import Any

import numpy as np

from xpfo_model import gfp
from xpfo_model.allocator.rmqueue import HIGHATOMIC, NON_BLOCK
from xpfo_model.allocator.state import ZONE_DMA, ZONE_DMA32, ZONE_NORMAL


def highest_zone(masks: Any, kernel: str) -> Any:
    """The highest zone that each mask allows. gfp_zone(), all versions."""
    dma = masks & gfp.mask("GFP_DMA", kernel) != 0
    dma32 = masks & gfp.mask("GFP_DMA32", kernel) != 0
    return np.where(dma, ZONE_DMA, np.where(dma32, ZONE_DMA32, ZONE_NORMAL))


def slow_flags(masks: Any, order: Any, kernel: str) -> Any:
    """Allocation flags of each mask in the slow path. gfp_to_alloc_flags(), v6.1."""
    high = masks & gfp.mask("__GFP_HIGH", kernel) != 0
    blocks = masks & gfp.mask("__GFP_DIRECT_RECLAIM", kernel) != 0
    spare = masks & gfp.mask("__GFP_NOMEMALLOC", kernel) != 0
    atomic = high & ~blocks & ~spare
    return np.where(~blocks, NON_BLOCK, 0) | np.where(
        atomic & (order > 0), HIGHATOMIC, 0
    )
