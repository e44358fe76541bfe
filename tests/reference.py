# SPDX-License-Identifier: GPL-2.0-only
"""The strategies counted a second time, from their definitions alone.

Sets of pfns and dictionaries, no code of the package but its event numbers:
slow, and in another style, so that both are not wrong in the same way.
"""

from collections import defaultdict

from xpfo_model.events import (
    CHANGE_OWNERSHIP,
    FAILED,
    MM_PAGE_ALLOC,
    MM_PAGE_ALLOC_EXTFRAG,
    MM_PAGE_ALLOC_ZONE_LOCKED,
    MM_PAGE_FREE,
    PERCPU_REFILL,
)

HIGHUSER = 0x100CC2
MOVABLE = 1
BLOCK = 512


def calls(log):  # noqa: C901 - a case each
    """What the kernel did: ('alloc', cpu, pfns, user), ('refill', …), …."""
    e = log.events
    open_run = {}

    def close(cpu):
        if cpu in open_run:
            (order, migratetype), firsts = open_run.pop(cpu)
            pfns = [p + k for p in firsts for k in range(1 << order)]
            yield "refill", cpu, pfns, migratetype

    for i in range(len(log)):
        cpu, kind, pfn, order = (int(c[i]) for c in (e.cpu, e.kind, e.pfn, e.order))
        pages = list(range(pfn, pfn + (1 << order)))
        if kind == MM_PAGE_ALLOC and pfn != FAILED:
            yield from close(cpu)
            user = int(e.gfp[i]) & HIGHUSER == HIGHUSER
            yield "alloc", cpu, pages, user
        elif kind == MM_PAGE_FREE:
            yield "free", cpu, pages, None
        elif pfn == FAILED:
            continue
        elif kind == MM_PAGE_ALLOC_ZONE_LOCKED and e.flags[i] & PERCPU_REFILL:
            key = order, int(e.migratetype[i])
            if cpu in open_run and open_run[cpu][0] != key:
                yield from close(cpu)
            open_run.setdefault(cpu, (key, []))[1].append(pfn)
        elif kind == MM_PAGE_ALLOC_EXTFRAG and e.flags[i] & CHANGE_OWNERSHIP:
            count = 2 ** max(int(e.fallback_order[i]) - 9, 0)
            first = pfn // BLOCK
            yield "blocks", cpu, range(first, first + count), int(e.migratetype[i])
    for cpu in sorted(open_run):
        yield from close(cpu)


def previous_owners(log):
    """User allocations by who had their frames before, by mm_page_alloc alone."""
    found = {"first_touch": 0, "from_kernel": 0, "from_user": 0}
    owner = {}
    for what, _, pfns, user in calls(log):
        if what == "alloc":
            before = {owner.get(pfn) for pfn in pfns}
            if user and False in before:
                found["from_kernel"] += 1
            elif user and None in before:
                found["first_touch"] += 1
            elif user:
                found["from_user"] += 1
            owner.update(dict.fromkeys(pfns, user))
    return found


class Reference:
    """One strategy, by its definition."""

    def __init__(self, name):
        self.name = name
        self.unmapped = set()
        self.stale = set()
        self.owner = {}
        self.user_blocks = set()
        self.previous = {}
        self.waiting = set()
        self.flushes = defaultdict(int)
        self.n_unmapped = self.n_mapped = self.exposed = 0

    def flush(self, cause):
        self.flushes[cause] += 1
        self.stale.clear()

    def unmap(self, pfns):
        new = set(pfns) - self.unmapped
        self.unmapped |= new
        self.stale |= new
        self.n_unmapped += len(new)
        return bool(new)

    def map(self, pfns):
        back = set(pfns) & self.unmapped
        self.unmapped -= back
        self.n_mapped += len(back)

    def run(self, log):
        for what, cpu, things, how in calls(log):
            getattr(self, what)(cpu, things, how)
        return self

    def alloc(self, cpu, pfns, user):
        if self.name == "v6":
            if user:
                self.flush("alloc")
        elif self.name != "none":
            changed = self.unmap(pfns) if user else self.map(pfns)
            if self.name == "alternation":
                if self.previous.get(cpu, user) != user:
                    self.flush("alternation")
                self.previous[cpu] = user
            elif changed:
                if self.name == "pcp_batch_consume":
                    self.waiting.add(cpu)
                else:
                    self.flush("alloc")
        for pfn in pfns:
            self.owner[pfn] = user
            if user and (pfn not in self.unmapped or pfn in self.stale):
                self.exposed += 1

    def free(self, cpu, pfns, _):
        for pfn in pfns:
            self.owner.pop(pfn, None)

    def refill(self, cpu, pfns, migratetype):
        if self.name == "pcp_batch":
            if migratetype != MOVABLE:
                self.map(pfns)
            elif self.unmap(pfns):
                self.flush("refill")
        elif self.name == "pcp_batch_consume":
            if migratetype == MOVABLE and cpu in self.waiting:
                self.flush("refill")
                self.waiting.discard(cpu)
        elif self.name == "pageblock" and migratetype == MOVABLE:
            for pfn in pfns:
                self.blocks(cpu, [pfn // BLOCK], MOVABLE)

    def blocks(self, cpu, blocks, migratetype):
        if self.name != "pageblock":
            return
        for block in blocks:
            frames = range(block * BLOCK, (block + 1) * BLOCK)
            if migratetype == MOVABLE and block not in self.user_blocks:
                self.user_blocks.add(block)
                self.unmap(f for f in frames if self.owner.get(f) is not False)
                self.flush("block")
            elif migratetype != MOVABLE and block in self.user_blocks:
                self.user_blocks.discard(block)
                self.map(f for f in frames if self.owner.get(f) is not True)
