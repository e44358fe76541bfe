# SPDX-License-Identifier: GPL-2.0-only
"""The checker's actions by their text, on a world whose hooks say what they do."""

from typing import ClassVar

from tiny_worlds import DEFAULT, memory, table_of

from xpfo_model import strategies
from xpfo_model.checker.actions import describe
from xpfo_model.checker.transition import act
from xpfo_model.checker.world import create, pack, unpack
from xpfo_model.jit import bound

CALLS = []


def saying_alloc(m, cpu, frames, user, zeroed):
    CALLS.append(("alloc", cpu, list(frames), bool(user), bool(zeroed)))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_free(m, cpu, frames):
    CALLS.append(("free", cpu, list(frames), m.owner[frames[0]]))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_kmap(m, cpu, frame):
    CALLS.append(("kmap", cpu, frame, m.owner[frame]))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_kunmap(m, cpu, frame):
    CALLS.append(("kunmap", cpu, frame))


def saying_refill(m, cpu, frames, migratetype):
    CALLS.append(("refill", cpu, list(frames), migratetype))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_drain(m, cpu, frames):
    CALLS.append(("drain", cpu, list(frames)))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_change(m, cpu, block, migratetype):
    CALLS.append(("change", cpu, block, migratetype))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


def saying_isolate(m, cpu, frames):
    CALLS.append(("isolate", cpu, list(frames)))


def saying_migrate(m, cpu, src, dst):
    CALLS.append(("migrate", cpu, src, dst, m.owner[src]))


def saying_switch(m, cpu):
    CALLS.append(("switch", cpu))
    if m.settings.irqs_off:
        CALLS.append("irqs off")


class Told:
    """Actions by their text, on a world whose hooks say what they were called for."""

    SAYING: ClassVar = {
        "alloc": saying_alloc,
        "free": saying_free,
        "kmap": saying_kmap,
        "kunmap": saying_kunmap,
        "refill": saying_refill,
        "drain": saying_drain,
        "change_block": saying_change,
        "isolate": saying_isolate,
        "migrate": saying_migrate,
        "context_switch": saying_switch,
    }

    def __init__(self, scope=DEFAULT, irqs_off=0, hooks=SAYING):
        self.world = memory(create(scope, marks=True))
        unpack(self.world, pack(self.world, 0))
        self.scope, self.irqs_off = scope, irqs_off
        self.table = table_of(scope)
        self.step = bound(act, strategies.given(hooks))
        ops = range(len(self.table.op))
        self.by_text = {describe(self.table, i, self.table.cpu[i]): i for i in ops}

    def do(self, text):
        """The calls of an action; None if it is not possible."""
        CALLS.clear()
        world, i = self.world, self.by_text[text]
        nesting = self.scope.nesting
        done = self.step(world, self.table, i, nesting, self.irqs_off)
        assert done or not CALLS
        return list(CALLS) if done else None

    @property
    def frames(self):
        w = self.world
        return list(zip(w.place, w.was_user, w.held, w.m.owner, strict=False))


def waiting(name, how=0):
    """A machine with a strategy, whose actions wait for their flushes."""
    return Told(irqs_off=how, hooks=strategies.functions(name))
