# SPDX-License-Identifier: GPL-2.0-only
"""Worlds of the checker as plain Python reads them, and names of what is wrong."""

from xpfo_model import checker, jit
from xpfo_model.checker.actions import enumerate_actions
from xpfo_model.checker.invariants import INVARIANTS

SMALL = checker.scope("small")


DEFAULT = checker.scope("default")


def table_of(scope, how=0):
    """All actions, as plain Python reads them."""
    return jit._readable(enumerate_actions(scope, how))


def memory(world):
    return jit._readable(world)


BITS = {name: 1 << n for n, name in enumerate(INVARIANTS)}
