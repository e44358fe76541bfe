# SPDX-License-Identifier: GPL-2.0-only
"""Split 2M entries, counted a second time from what is mapped where."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from logs import (
    GFP_KERNEL,
    USER_MOVABLE,
    alloc,
    extfrag,
    free,
    locked,
    log_of,
    logs,
)
from reference import Reference, rows_of_log

from xpfo_model import jit, machine, replay
from xpfo_model.claims import directmap
from xpfo_model.claims.inputs import Inputs

BLOCK = 4
BLOCKS = 3
OWNERS = (machine.FREE, machine.KERNEL, machine.USER)


class Entries(RuleBasedStateMachine):
    """An entry is whole as long as all its frames change together."""

    def __init__(self):
        super().__init__()
        m = machine.boot(BLOCK * BLOCKS - 1, 2, cpus=2)
        self.m = jit._readable(m)
        self.mapped = set(range(BLOCK * BLOCKS))
        self.split = set()

    frames = st.lists(st.integers(0, BLOCK * (BLOCKS - 1) - 1), max_size=6)
    blocks = st.integers(0, BLOCKS - 2)

    def move(self, mapped):
        for block in range(BLOCKS):
            frames = set(range(block * BLOCK, (block + 1) * BLOCK))
            before, after = frames & self.mapped, frames & mapped
            if before != after and after and after != frames:
                self.split.add(block)
        self.mapped = mapped

    @rule(frames=frames)
    def unmap(self, frames):
        machine.unmap(self.m, frames)
        for frame in frames:  # one after the other, so that each may split
            self.move(self.mapped - {frame})

    @rule(frames=frames)
    def map_back(self, frames):
        machine.map_back(self.m, frames)
        for frame in frames:
            self.move(self.mapped | {frame})

    @rule(frames=frames, owner=st.sampled_from(OWNERS))
    def own(self, frames, owner):
        for frame in frames:
            self.m.owner[frame] = owner

    def flipped(self, block, spared):
        frames = range(block * BLOCK, (block + 1) * BLOCK)
        return {f for f in frames if self.m.owner[f] != spared}

    @rule(block=blocks, spared=st.sampled_from(OWNERS))
    def unmap_block(self, block, spared):
        frames = self.flipped(block, spared)
        mapped = frames & self.mapped
        assert machine.unmap_block(self.m, block, spared) == len(mapped)
        self.move(self.mapped - frames)

    @rule(block=blocks, spared=st.sampled_from(OWNERS))
    def map_block(self, block, spared):
        frames = self.flipped(block, spared)
        assert machine.map_block(self.m, block, spared) == len(frames - self.mapped)
        self.move(self.mapped | frames)

    @rule()
    def flush(self):
        machine.flush(self.m, machine.BLOCK)

    @invariant()
    def agrees(self):
        m = self.m
        assert {b for b in range(BLOCKS) if m.split[b]} == self.split
        assert m.counts.splits == len(self.split)
        mapped = {f for f in range(len(m.alias)) if m.alias[f] & machine.IS_MAPPED}
        assert mapped == {f for f in self.mapped if f < len(m.alias)}


TestEntries = Entries.TestCase


def splits(name, *listed):
    return replay.replay(log_of(listed), [name]).strategies[name].splits


def test_a_block_that_flips_whole_is_not_split():
    assert splits("pageblock", extfrag(0, 1)) == 0
    assert splits("pageblock", extfrag(0, 1), extfrag(0, 0), extfrag(0, 1)) == 0
    assert splits("per_frame", alloc(3, USER_MOVABLE)) == 1


def test_a_spared_frame_splits_its_block():
    assert splits("pageblock", alloc(3, GFP_KERNEL), extfrag(0, 1)) == 1
    listed = (extfrag(0, 1), alloc(3, USER_MOVABLE), extfrag(0, 0))
    assert splits("pageblock", *listed) == 1


def test_a_later_exception_splits_a_block_and_it_stays_split():
    flip = extfrag(0, 1)
    exception = alloc(3, GFP_KERNEL)
    assert splits("pageblock", flip, exception) == 1
    assert splits("pageblock", flip, exception, free(3), extfrag(0, 0), flip) == 1


def test_a_refill_of_frames_splits_each_block_once():
    listed = [locked(pfn, 1) for pfn in (0, 1, 512, 513)]
    assert splits("pcp_batch", *listed) == 2
    assert splits("pageblock", *listed) == 0


class Watched(Reference):
    """The reference, with an eye on who is unmapped before and after each call."""

    def __init__(self, name):
        super().__init__(name)
        self.split = set()

    def run(self, rows):
        rows = list(rows)
        self.seen = {row.pfn // 512 for row in rows if row.pfn >= 0}
        return super().run(rows)

    def look(self, pfns, before):
        parts = defaultdict(set)
        for pfn in pfns:
            parts[pfn // 512].add(pfn)
        for block, frames in parts.items():
            changed = {f for f in frames if (f in before) != (f in self.unmapped)}
            whole = range(block * 512, block * 512 + 512)
            gone = sum(f in self.unmapped for f in whole)
            if changed and gone not in {0, 512}:
                self.split.add(block)

    def unmap(self, pfns):
        pfns = list(pfns)
        before = set(self.unmapped)
        changed = super().unmap(pfns)
        self.look(pfns, before)
        return changed

    def map(self, pfns):
        pfns = list(pfns)
        before = set(self.unmapped)
        super().map(pfns)
        self.look(pfns, before)


@given(logs)
def test_flips_split_what_the_definition_says(log):
    # whole blocks that are allocated frame by frame are split on the way
    small = log_of(
        [
            {key: getattr(log.events, key)[i] for key in log.events._fields}
            for i in range(len(log))
            if log.events.order[i] < 9
        ]
    )
    counts = replay.replay(small, ["pageblock"]).strategies["pageblock"]
    assert counts.splits == len(Watched("pageblock").run(rows_of_log(small)).split)


@pytest.mark.parametrize("trace", ["cc-1cpu", "netmap-3cpu"])
def test_splits_are_the_blocks_that_users_ever_had(evidence, trace):
    e = evidence.log(trace).events
    handed = (e.kind == 0) & (e.pfn >= 0) & (e.gfp & 0x100CC2 == 0x100CC2)
    pages = zip(e.pfn[handed].tolist(), e.order[handed].tolist(), strict=True)
    blocks = {
        block
        for pfn, order in pages
        for block in range(pfn >> 9, ((pfn + (1 << order) - 1) >> 9) + 1)
    }
    assert directmap.splits(evidence, trace, "per_frame") == len(blocks)


def test_blocks_touched_and_blocks_of_the_machine(evidence):
    inputs = Inputs(evidence)
    for trace in inputs.names:
        some, whole = (
            f(inputs, trace) for f in (directmap.touched, directmap.all_blocks)
        )
        assert 0 < directmap.splits(inputs, trace, "pcp_batch_local") <= some <= whole
    assert directmap.all_blocks(inputs, "cc-1cpu") == 256


def test_a_course_ends_with_the_counts_of_the_whole(evidence):
    course = evidence.course("netmap-3cpu", "freetype", pieces=7)
    totals = evidence.totals("netmap-3cpu")
    assert course[-1][0] == totals["user_allocations"] + totals["kernel_allocations"]
    assert course[-1][1] == evidence.counts("netmap-3cpu", "freetype")
    grown = [counts.splits for _, counts in course]
    assert grown == sorted(grown)
