# SPDX-License-Identifier: GPL-2.0-only
"""Any sequence of what happens to a machine's aliases and TLBs."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from xpfo_model import jit, machine

FRAMES = 24
frames = st.lists(st.integers(0, FRAMES - 1), max_size=6)


class Aliases(RuleBasedStateMachine):
    """The machine against sets."""

    def __init__(self):
        super().__init__()
        self.m = machine.boot(FRAMES, cpus=3)
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
    def grow(self, more):
        self.m = machine.grow(self.m, more, 3)

    @invariant()
    def agrees(self):
        for frame in range(FRAMES):
            reach = frame not in self.unmapped or frame in self.stale
            assert machine.reachable(self.m, [frame]) == reach
        assert self.m.counts.unmapped == self.counts[0]
        assert self.m.counts.mapped == self.counts[1]
        assert self.m.counts.flushes == self.counts[2]
        assert sum(self.m.counts.flushes_by_cause) == self.counts[2]
        waiting = self.m.counts.stale_frames
        listed = [int(f) for f in self.m.stale_frames[:waiting]]
        assert len(set(listed)) == len(listed)
        assert set(listed) == self.stale
        assert self.stale == {f for f in range(FRAMES) if self.m.stale[f, 0]}


TestAliases = Aliases.TestCase


class Tlbs(RuleBasedStateMachine):
    """What each CPU may still translate, against pairs of CPU and frame."""

    run = staticmethod(jit.bound)

    @initialize(cpus=st.sampled_from([1, 3, 61, 62, 63, 64, 100, 124, 125, 300]))
    def boot(self, cpus):
        self.m = machine.boot(FRAMES, 2, cpus=cpus)
        self.unmapped, self.stale = set(), set()

    @property
    def cpus(self):
        return len(self.m.cpu_state)

    @rule(some=frames)
    def unmap(self, some):
        new = set(some) - self.unmapped
        self.run(machine.unmap)(self.m, np.array(some, np.int64))
        self.unmapped |= new
        self.stale |= {(cpu, frame) for cpu in range(self.cpus) for frame in new}

    @rule(some=frames)
    def map_back(self, some):
        self.run(machine.map_back)(self.m, np.array(some, np.int64))
        self.unmapped -= set(some)

    @rule(cpu=st.integers(0, 511), some=frames)
    def invlpg(self, cpu, some):
        cpu %= self.cpus
        self.run(machine.invlpg)(self.m, np.uint16(cpu), np.array(some, np.int64))
        self.stale -= {(cpu, frame) for frame in some}

    @rule(cpu=st.integers(0, 511))
    def flush_local(self, cpu):
        cpu %= self.cpus
        self.run(machine.flush_local)(self.m, np.uint16(cpu))
        self.stale = {pair for pair in self.stale if pair[0] != cpu}

    @rule()
    def flush(self):
        self.run(machine.flush)(self.m, machine.ALLOC)
        self.stale.clear()

    @rule(more=st.integers(1, 70))
    def grow(self, more):
        """A CPU that comes later holds no stale translation."""
        self.m = machine.grow(self.m, FRAMES, min(self.cpus + more, 512))

    @invariant()
    def agrees(self):
        found = {
            (word * machine.CPUS_PER_WORD + bit, frame)
            for frame, words in enumerate(self.m.stale.tolist())
            for word, bits in enumerate(words)
            for bit in range(machine.CPUS_PER_WORD)
            if bits >> bit & 1
        }
        assert found == self.stale
        waiting = {frame for _, frame in self.stale}
        listed = self.m.stale_frames[: self.m.counts.stale_frames].tolist()
        assert sorted(listed) == sorted(waiting)
        for frame in range(FRAMES):
            assert machine.is_stale(self.m, frame) == (frame in waiting)
            alias = machine.IS_MAPPED * (frame not in self.unmapped)
            alias |= machine.IS_STALE * (frame in waiting)
            assert self.m.alias[frame] == alias


class CompiledTlbs(Tlbs):
    run = staticmethod(jit.compiled)


TestTlbs = Tlbs.TestCase
TestCompiledTlbs = CompiledTlbs.TestCase
