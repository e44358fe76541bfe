# SPDX-License-Identifier: GPL-2.0-only
"""Any order of events, against sets and the patches' own pseudo-code."""

from collections import Counter
from itertools import product

import pytest
from driven import CPUS, FRAMES, Driver
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.constants import (
    MIGRATE_MOVABLE,
    MIGRATE_UNMOVABLE,
)
from xpfo_model.machine import (
    XPFO_UNMAPPED,
    XPFO_USER,
)


class Posted:
    """A posted version as its patch reads: page flags and one TLB a CPU."""

    def __init__(self, version):
        self.version = version
        self.user, self.unmapped, self.absent = set(), set(), set()
        self.kernel = set()
        self.mapcount = Counter()
        self.tlb = [set() for _ in range(CPUS)]
        self.pending = set()
        self.of_task = set()
        self.running = list(range(CPUS))
        self.flushes = Counter()

    def set_kpte(self, page, present):
        if present:
            self.absent.discard(page)
        elif page not in self.absent:
            self.absent.add(page)
            for tlb in self.tlb:
                tlb.add(page)

    def test_and_clear_unmapped(self, page):
        if page in self.unmapped:
            self.unmapped.remove(page)
            return True
        return False

    def flush(self, cpu, pages, cause):
        if self.version in {"v8", "v9"}:
            self.flush_here(cpu, pages)
            self.pending |= set(range(CPUS)) - {cpu}
        elif self.version == "v7":
            self.flush_here(cpu, pages)
            self.of_task |= {(self.running[cpu], other) for other in range(CPUS)}
            self.of_task.discard((self.running[cpu], cpu))
        elif self.version in {"v3", "v5"} and cause == "kunmap":
            self.flush_here(cpu, pages)
        else:
            self.flushes[cause] += 1
            for tlb in self.tlb:
                tlb.clear()

    def flush_here(self, cpu, pages):
        self.flushes["local"] += 1
        self.tlb[cpu] = set() if pages is None else self.tlb[cpu] - set(pages)

    def allocate(self, cpu, pages, user, will_map):
        if self.version == "v3":
            self.alloc_v3(cpu, pages, user)
        else:
            self.alloc(cpu, pages, user, will_map)

    def alloc_v3(self, cpu, pages, user):
        some = set(pages)
        was_kernel = bool(self.kernel & some)
        self.kernel = self.kernel - some if user else self.kernel | some
        self.user = self.user | some if user else self.user - some
        if user and was_kernel:
            self.flush(cpu, pages, "alloc")

    def alloc(self, cpu, pages, user, will_map):
        flush = False
        for page in pages:
            was_user = page in self.user
            if not user:
                self.user.discard(page)
                if self.version in {"will_map", "v9"}:
                    was_unmapped = self.test_and_clear_unmapped(page)
                    if was_unmapped:
                        self.set_kpte(page, present=True)
                    flush |= was_unmapped and self.version == "will_map"
                continue
            self.user.add(page)
            if self.version in {"v5", "v6", "v7", "v8"}:
                flush |= not was_user
            elif not was_user or not will_map:
                flush |= self.version == "will_map" or page not in self.unmapped
                self.unmapped.add(page)
                if self.version == "will_map":
                    self.set_kpte(page, present=False)
        if flush and self.version == "v9":
            self.set_kpte(pages[0], present=False)
        if flush:
            self.flush(cpu, pages, "alloc")

    def free(self, _cpu, page):
        if self.version in {"v3", "v5"} and self.test_and_clear_unmapped(page):
            self.set_kpte(page, present=True)
        elif self.version in {"v6", "v7", "v8"} and page in self.user:
            self.user.remove(page)
            self.unmapped.discard(page)
            self.set_kpte(page, present=True)
        elif self.version == "v9" and page in self.user:
            self.unmapped.add(page)

    def kmap(self, _cpu, page):
        if page in self.user:
            self.mapcount[page] += 1
            if self.mapcount[page] == 1 and self.test_and_clear_unmapped(page):
                self.set_kpte(page, present=True)

    def kunmap(self, cpu, page):
        if page in self.user:
            self.mapcount[page] -= 1
            if not self.mapcount[page]:
                self.unmapped.add(page)
                self.set_kpte(page, present=False)
                self.flush(cpu, [page], "kunmap")

    def refill(self, cpu, pages, movable):
        if self.version not in {"v8", "v9"}:
            return
        flush = False
        for page in pages:
            if not movable:
                self.user.discard(page)
                continue
            self.user.add(page)
            if page not in self.unmapped:
                flush = True
                self.unmapped.add(page)
                if self.version == "v9":
                    self.set_kpte(page, present=False)
        if flush:
            self.flush(cpu, None, "refill")

    def context_switch(self, cpu):
        if cpu in self.pending:
            self.pending.remove(cpu)
            self.flush_here(cpu, None)
        if (self.running[cpu], cpu) in self.of_task:
            self.of_task.remove((self.running[cpu], cpu))
            self.flush_here(cpu, None)


TASKS = CPUS + 2
POSSIBLE = {
    "alloc": lambda pages, has, held: not has & set(pages),
    "refill": lambda pages, has, held: not has & set(pages),
    "free": lambda pages, has, held: pages[0] in has and not held[pages[0]],
    "kmap": lambda pages, has, held: pages[0] in has,
    "kunmap": lambda pages, has, held: held[pages[0]] > 0,
    "switch": lambda pages, has, held: True,
}

some_pages = st.builds(
    lambda order, first: list(
        range(first >> order << order, (first >> order) + 1 << order)
    ),
    st.sampled_from([0, 0, 0, 1, 2]),
    st.integers(0, FRAMES // 2 - 1),
)
events = st.tuples(
    st.sampled_from(["alloc", "alloc", "free", "kmap", "kunmap", "refill", "switch"]),
    some_pages,
    st.integers(0, CPUS - 1),
    st.booleans(),
    st.booleans(),
)


@pytest.mark.parametrize("version", ["v3", "v5", "v6", "will_map", "v7", "v8", "v9"])
@given(drawn=st.lists(events, max_size=60))
def test_a_posted_version_does_what_its_patch_says(version, drawn):
    d, patch = Driver(version, tasks=TASKS), Posted(version)
    has, held = set(), Counter()
    for step, (what, pages, cpu, yes, zeroed) in enumerate(drawn):
        if not POSSIBLE[what](pages, has, held):
            continue
        page = pages[0]
        if what == "switch" and page % TASKS not in patch.running:
            patch.running[cpu] = page % TASKS
        d.run(patch.running[cpu])
        if what == "alloc":
            d.alloc(*pages, user=yes, zeroed=zeroed, cpu=cpu)
            patch.allocate(cpu, pages, yes, zeroed)
            has |= set(pages)
        elif what == "refill":
            movable = MIGRATE_MOVABLE if yes else MIGRATE_UNMOVABLE
            d.refill(*pages, migratetype=movable, cpu=cpu)
            patch.refill(cpu, pages, yes)
        elif what == "switch":
            d.switch(cpu)
            patch.context_switch(cpu)
        else:
            getattr(d, what)(page, cpu=cpu)
            getattr(patch, what)(cpu, page)
            has -= {page} if what == "free" else set()
            held[page] += (what == "kmap") - (what == "kunmap")
        assert d.unmapped == patch.absent, step
        assert d.flushes == +patch.flushes, step
        assert {c for c in range(CPUS) if d.m.cpu_state[c]} == patch.pending, step
        left = {at for at in product(range(TASKS), range(CPUS)) if d.m.task_state[at]}
        assert left == patch.of_task, step
        for frame in range(FRAMES):
            # v3 marks the kernel's frames where the others mark the users'
            marked = patch.kernel if version == "v3" else patch.user
            flags = XPFO_USER * (frame in marked)
            flags |= XPFO_UNMAPPED * (frame in patch.unmapped)
            assert d.m.marks[frame] == flags, step
            assert d.m.mapcount[frame] == patch.mapcount[frame], step
            stale = sum(1 << c for c in range(CPUS) if frame in patch.tlb[c])
            assert d.stale(frame) == stale, step
