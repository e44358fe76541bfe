# SPDX-License-Identifier: GPL-2.0-only
"""Worlds of the checker as plain Python reads them, and names of what is wrong."""

import numpy as np

from xpfo_model import explore
from xpfo_model.explore import actions as act_
from xpfo_model.explore.actions import enumerate_actions
from xpfo_model.explore.invariants import INVARIANTS
from xpfo_model.explore.world import (
    World,
)
from xpfo_model.machine import (
    Machine,
)

SMALL = explore.scope("small")


DEFAULT = explore.scope("default")


def table_of(scope):
    """All actions, as plain Python reads them."""
    columns = enumerate_actions(scope)
    return act_.Actions(*(memoryview(np.asarray(column)) for column in columns))


def memory(world):
    m = Machine(*(memoryview(np.asarray(array)) for array in world.m))
    return World(m, *(memoryview(np.asarray(array)) for array in world[1:]))


BITS = {name: 1 << n for n, name in enumerate(INVARIANTS)}
