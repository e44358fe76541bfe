# SPDX-License-Identifier: GPL-2.0-only
"""The registry: one line a strategy, one file each, baseline first.

Every strategy module has the same functions in the same order: ``alloc``,
``free``, ``refill``, ``change_block``. `HOOKS` says where the kernel calls them.
"""

from importlib import import_module
from types import ModuleType
from typing import Final

from xpfo_model.errors import UnknownStrategyError

HOOKS: Final = {
    "alloc": "post_alloc_hook()",
    "free": "free_pages_prepare()",
    "refill": "rmqueue_bulk()",
    "change_block": "set_pageblock_migratetype() and the fallback",
}
"""The functions of a strategy, in order, and the kernel's place for each."""

REGISTRY: Final = {
    "none": "no XPFO",
    "v6": "XPFO v6 as posted",
    "per_frame": "v6 with the thread's fixes",
    "alternation": "flush when the type of allocation alternates",
    "pcp_batch": "unmap a whole pcp refill, flush once",
    "pcp_batch_consume": "flush when the pcp list is consumed",
    "pageblock": "flip whole pageblocks",
}
"""Name of the strategy and of its module, and what it does in a line."""


def load(name: str) -> ModuleType:
    """The module of a strategy. Raises `UnknownStrategyError`."""
    if name not in REGISTRY:
        raise UnknownStrategyError(
            f"no strategy {name!r}", remedy=f"choose from {', '.join(REGISTRY)}"
        )
    return import_module(f"{__name__}.{name}")
