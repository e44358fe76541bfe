# SPDX-License-Identifier: GPL-2.0-only
"""Worlds of the checker as plain Python reads them, and names of what is wrong."""

from xpfo_model import engine, explore
from xpfo_model.explore.actions import enumerate_actions
from xpfo_model.explore.invariants import INVARIANTS

SMALL = explore.scope("small")


DEFAULT = explore.scope("default")


def table_of(scope):
    """All actions, as plain Python reads them."""
    return engine._readable(enumerate_actions(scope))


def memory(world):
    return engine._readable(world)


BITS = {name: 1 << n for n, name in enumerate(INVARIANTS)}
