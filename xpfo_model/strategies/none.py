# SPDX-License-Identifier: GPL-2.0-only
"""No XPFO: the baseline. Every frame stays mapped."""

from typing import Any

from xpfo_model.machine import Machine
from xpfo_model.strategies.guarantee import ignore, leave


def alloc(m: Machine, cpu: int, frames: Any, user: bool) -> None:
    """post_alloc_hook(): nothing."""


free = leave
refill = ignore
change_block = ignore
