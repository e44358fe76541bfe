# SPDX-License-Identifier: GPL-2.0-only
"""The strategies counted a second time, from their definitions alone.

Sets of pfns and dictionaries, no code of the package but the columns of a log:
slow, and in another style, so that both are not wrong in the same way.
"""

import re
from collections import defaultdict
from typing import NamedTuple

from xpfo_model import events as ev

HIGHUSER = 0x100CC2
MOVABLE = 1
BLOCK = 512

# Names whose mask has all bits of GFP_HIGHUSER; each bit of it by its own names.
USERS = {"GFP_HIGHUSER", "GFP_HIGHUSER_MOVABLE"}
BITS = ("__GFP_IO", "__GFP_FS", "__GFP_HARDWALL", "__GFP_HIGHMEM")
HOLDS = {
    "GFP_USER": {*BITS[:3], "__GFP_RECLAIM"},
    "GFP_KERNEL": {*BITS[:2], "__GFP_RECLAIM"},
    "GFP_KERNEL_ACCOUNT": {*BITS[:2], "__GFP_RECLAIM"},
}
LINE = re.compile(
    r"\[(?P<cpu>\d+)\].*?[\d.]+:\s+(?:\w+:)?"
    r"(?P<name>mm_page_\w+|sys_enter|sys_exit|page_fault_user|sched_switch):(?P<rest>.*)"
)
NUMBER = re.compile(r"-?(?:[1-9]\d*|0|0x[0-9a-f]+)")
LATENCY = re.compile(
    r"-\d+\s+(?P<cpu>\d+)\S*\s+[\d.]+:\s+(?P<name>mm_page_\w+):(?P<rest>.*)"
)


class Row(NamedTuple):
    """An event that matters to some strategy."""

    kind: str
    cpu: int
    pfn: int
    order: int
    migratetype: int = -1
    user: bool = False
    refill: bool = False
    change: bool = False
    fallback_order: int = 0


def rows_of_text(text):
    """The events of the text of a trace, by expressions; masks by their names."""
    for line in text.splitlines():
        found = LINE.search(line) or LATENCY.search(line)
        if found:
            field = dict(re.findall(r"(\w+)=\s*(\S+)", found["rest"]))
            value = {k: int(v, 0) for k, v in field.items() if NUMBER.fullmatch(v)}
            pfn = value.get("pfn", 0)
            if field.get("page") == "(null)" and pfn == 0:
                pfn = ev.FAILED
            yield Row(
                found["name"],
                int(found["cpu"]),
                pfn,
                value.get("order", value.get("alloc_order", 0)),
                value.get("migratetype", value.get("alloc_migratetype", -1)),
                is_user(field.get("gfp_flags", "none")),
                bool(value.get("percpu_refill")),
                bool(value.get("change_ownership")),
                value.get("fallback_order", 0),
            )


def is_user(flags):
    """Whether the text of a mask passes the posted test."""
    if flags[0].isdigit():
        return int(flags, 0) & HIGHUSER == HIGHUSER
    names = set(flags.split("|"))
    held = names.union(*(HOLDS.get(name, ()) for name in names))
    return bool(names & USERS) or held >= {*BITS, "__GFP_RECLAIM"}


def rows_of_log(log):
    """The events of a log."""
    e = log.events
    for i in range(len(log)):
        flags = int(e.flags[i])
        yield Row(
            ev.EVENT_NAMES[e.kind[i]],
            *(int(c[i]) for c in (e.cpu, e.pfn, e.order, e.migratetype)),
            int(e.gfp[i]) & HIGHUSER == HIGHUSER,
            bool(flags & ev.PERCPU_REFILL),
            bool(flags & ev.CHANGE_OWNERSHIP),
            int(e.fallback_order[i]),
        )


def calls(rows):  # noqa: C901 - a case for each event
    """Calls of the kernel: ('alloc', cpu, pfns, user), ('refill', …), …."""
    open_run = {}
    last = {}

    def close(cpu):
        if cpu in open_run:
            (order, migratetype), firsts = open_run.pop(cpu)
            pfns = [p + k for p in firsts for k in range(1 << order)]
            yield "refill", cpu, pfns, migratetype

    for row in rows:
        cpu, pfn = row.cpu, row.pfn
        before, last[cpu] = last.get(cpu), row.kind
        pages = list(range(pfn, pfn + (1 << row.order)))
        if pfn == ev.FAILED:
            continue
        if row.kind in {"sys_enter", "page_fault_user"}:
            if before != "sys_exit":
                yield "back", cpu, (), None
            yield "enter", cpu, (), None
        elif row.kind in {"sys_exit", "sched_switch"}:
            yield "back" if row.kind == "sys_exit" else "switch", cpu, (), None
        elif row.kind == "mm_page_alloc":
            yield from close(cpu)
            yield "alloc", cpu, pages, row.user
        elif row.kind == "mm_page_free":
            yield "free", cpu, pages, None
        elif row.refill:
            key = row.order, row.migratetype
            if cpu in open_run and open_run[cpu][0] != key:
                yield from close(cpu)
            open_run.setdefault(cpu, (key, []))[1].append(pfn)
        elif row.change:
            count = 2 ** max(row.fallback_order - 9, 0)
            first = pfn // BLOCK
            yield "blocks", cpu, range(first, first + count), row.migratetype
    for cpu in sorted(open_run):
        yield from close(cpu)


def previous_owners(rows):
    """User allocations by who had their frames before, by mm_page_alloc alone."""
    found = {"first_touch": 0, "from_kernel": 0, "from_user": 0}
    owner = {}
    for what, _, pfns, user in calls(rows):
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


def _who(had, pfns, user):
    if not user:
        return "for_kernel"
    before = {had.get(pfn) for pfn in pfns}
    if False in before:
        return "from_kernel"
    return "first_touch" if None in before else "from_user"


class Reference:
    """One strategy, by its definition."""

    def __init__(self, name, unmapped=()):
        self.name = name
        self.unmapped = set(unmapped)
        self.stale = set()
        self.owner = {}
        self.user_blocks = set()
        self.previous = {}
        self.waiting = set()
        self.flushes = defaultdict(int)
        self.n_unmapped = self.n_mapped = self.exposed = self.faults = 0

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

    def run(self, rows):
        """Count, and note the flushes before and at each user allocation."""
        self.course, self.by_owner = [0], defaultdict(int)
        had = {}
        for what, cpu, things, how in calls(rows):
            flushes = sum(self.flushes.values())
            getattr(self, what)(cpu, things, how)
            more = sum(self.flushes.values()) - flushes
            self.course[-1] += more
            if what == "alloc":
                self.by_owner[_who(had, things, how)] += more
                had.update(dict.fromkeys(things, how))
                if how:
                    self.course.append(0)
        return self

    def quarters(self):
        """Flushes by quarter of the user allocations."""
        found = [0] * 4
        users = len(self.course) - 1
        for number, flushes in enumerate(self.course):
            found[min(4 * number // max(users, 1), 3)] += flushes
        return found

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
                if self.name in {"pcp_batch_consume", "return_to_user"}:
                    self.waiting.add(cpu)
                else:
                    self.flush("alloc")
        for pfn in pfns:
            self.owner[pfn] = user
            self.faults += not user and pfn in self.unmapped
            if user and (pfn not in self.unmapped or pfn in self.stale):
                self.exposed += 1

    def back(self, cpu, *_):
        if self.name == "return_to_user" and cpu in self.waiting:
            self.flush("alloc")
            self.waiting.discard(cpu)

    switch = back

    def enter(self, cpu, *_):
        pass

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
