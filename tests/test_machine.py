# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from xpfo_model import machine

FRAMES = 24


def plain(m):
    """The machine as plain Python runs it, whatever the engine."""
    return machine.Machine(*(memoryview(np.asarray(array)) for array in m))


frames = st.lists(st.integers(0, FRAMES - 1), max_size=6)


class Aliases(RuleBasedStateMachine):
    """The machine against sets."""

    def __init__(self):
        super().__init__()
        self.m = plain(machine.boot(FRAMES))
        self.unmapped = set()
        self.stale = set()
        self.counts = [0, 0, 0]

    @rule(some=frames)
    def unmap(self, some):
        new = set(some) - self.unmapped
        assert machine.unmap(self.m, some) == len(new)
        self.unmapped |= new
        self.stale |= new
        self.counts[0] += len(new)

    @rule(some=frames)
    def map_back(self, some):
        back = set(some) & self.unmapped
        assert machine.map_back(self.m, some) == len(back)
        self.unmapped -= back
        self.counts[1] += len(back)

    @rule(cause=st.sampled_from(range(len(machine.CAUSES))))
    def flush(self, cause):
        machine.flush(self.m, cause)
        self.stale.clear()
        self.counts[2] += 1

    @rule(more=st.integers(0, 2 * FRAMES))
    def hotplug(self, more):
        self.m = plain(machine.hotplug(self.m, more))

    @invariant()
    def agrees(self):
        for frame in range(FRAMES):
            reach = frame not in self.unmapped or frame in self.stale
            assert machine.reachable(self.m, [frame]) == reach
        assert self.m.counts[machine.UNMAPPED] == self.counts[0]
        assert self.m.counts[machine.MAPPED] == self.counts[1]
        assert self.m.counts[machine.FLUSHES] == self.counts[2]
        assert (
            sum(self.m.counts[c] for c in range(len(machine.CAUSES)))
            == (self.counts[2])
        )
        waiting = self.m.counts[machine.STALE_FRAMES]
        listed = [int(f) for f in self.m.stale_frames[:waiting]]
        assert len(set(listed)) == len(listed)
        assert set(listed) == self.stale
        assert self.stale == {f for f in range(FRAMES) if self.m.stale[f]}


TestAliases = Aliases.TestCase


def test_hotplug_keeps_what_there_was_and_maps_what_is_new():
    m = machine.boot(4)
    machine.unmap(m, [1])
    machine.give(m, [2])
    grown = machine.hotplug(m, 100)
    mapped = [int(a) & machine.IS_MAPPED for a in grown.alias[:5]]
    assert mapped == [1, 0, 1, 1, 1]
    assert grown.owner[2] == machine.USER
    assert (np.asarray(grown.alias)[4:] == machine.IS_MAPPED).all()
    assert machine.hotplug(grown, 50) is grown
