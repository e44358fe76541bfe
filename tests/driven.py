# SPDX-License-Identifier: GPL-2.0-only
"""The hooks of a strategy, driven one by one."""

from xpfo_model import jit, machine, strategies
from xpfo_model.constants import (
    MIGRATE_MOVABLE,
)
from xpfo_model.machine import (
    CAUSES,
    KERNEL,
    XPFO_UNMAPPED,
    XPFO_USER,
)

FRAMES, CPUS = 16, 3
EVERY_CPU = 0b111
BOTH = XPFO_USER | XPFO_UNMAPPED


def booted(frames=FRAMES, cpus=CPUS, block_order=2, tasks=0):
    """A machine as plain Python runs it, whatever the engine."""
    m = machine.grow(machine.boot(frames, block_order, cpus=cpus), frames, cpus, tasks)
    return jit._readable(m)


class Driver:
    """A strategy's hooks on a machine, called as the kernel calls them."""

    def __init__(self, name, **size):
        self.m = booted(**size)
        self.hooks = strategies.load(name)

    def alloc(self, *frames, user=True, zeroed=False, cpu=0):
        self.hooks.alloc(self.m, cpu, frames, user, zeroed)
        if user:
            machine.hand_to_user(self.m, frames)
        else:
            machine.take_back(self.m, frames, KERNEL)
        return self

    def free(self, *frames, cpu=0):
        self.hooks.free(self.m, cpu, frames)
        machine.take_back(self.m, frames, machine.FREE)
        return self

    def kmap(self, frame, cpu=0):
        self.hooks.kmap(self.m, cpu, frame)
        return self

    def kunmap(self, frame, cpu=0):
        self.hooks.kunmap(self.m, cpu, frame)
        return self

    def use(self, frame, cpu=0):
        return self.kmap(frame, cpu).kunmap(frame, cpu)

    def refill(self, *frames, migratetype=MIGRATE_MOVABLE, cpu=0):
        self.hooks.refill(self.m, cpu, frames, migratetype)
        return self

    def change_block(self, block, migratetype, cpu=0):
        self.hooks.change_block(self.m, cpu, block, migratetype)
        return self

    def drain(self, *frames, cpu=0):
        self.hooks.drain(self.m, cpu, frames)
        return self

    def run(self, task):
        """Whoever acts from now on is that task."""
        self.m.settings.task = task
        return self

    def switch(self, cpu):
        self.hooks.context_switch(self.m, cpu)
        return self

    @property
    def flushes(self):
        """The causes of all shootdowns, and the flushes of one CPU as `local`."""
        counts = {
            CAUSES[i]: self.m.counts.flushes_by_cause[i] for i in range(len(CAUSES))
        }
        counts["local"] = self.m.counts.local_flushes
        return {cause: n for cause, n in counts.items() if n}

    @property
    def unmapped(self):
        alias = self.m.alias
        return {f for f in range(len(alias)) if not alias[f] & machine.IS_MAPPED}

    def stale(self, frame):
        return self.m.stale[frame, 0]

    def marks(self, *frames):
        return [self.m.marks[frame] for frame in frames]
