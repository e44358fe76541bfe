# SPDX-License-Identifier: GPL-2.0-only
"""Exposed time by its definition: sets of pages, and every interval added up."""

from fractions import Fraction

from logs import USER_MOVABLE
from reference import HIGHUSER

from xpfo_model import events as ev
from xpfo_model import gfp

CPUS = 3
FRAMES = 4
USER_ZEROED = gfp.decode("GFP_HIGHUSER_MOVABLE|__GFP_ZERO", "v6.1")
ZERO_BIT = USER_ZEROED & ~USER_MOVABLE
CEILING = 33


# a CPU that enters the kernel had left it, unless that was its last event
CROSSINGS = {
    ev.SCHED_SWITCH: ("switch",),
    ev.SYS_EXIT: ("back",),
    ev.SYS_ENTER: ("left", "enter"),
    ev.PAGE_FAULT_USER: ("left", "enter"),
}


class Tlbs:
    """What can be reached, as sets: the page table, and a TLB for each CPU."""

    def __init__(self):
        self.unmapped = set()
        self.tlb = {cpu: set() for cpu in range(CPUS)}
        self.users = set()
        self.time = 0

    def clear(self, pfns):
        for pfn in set(pfns) - self.unmapped:
            self.unmapped.add(pfn)
            for entries in self.tlb.values():
                entries.add(pfn)

    def set(self, pfns):
        self.unmapped -= set(pfns)

    def flush(self, cpus=range(CPUS), pfns=None):
        for cpu in cpus:
            self.tlb[cpu] -= set(self.tlb[cpu] if pfns is None else pfns)

    def reachable(self, pfns):
        left = set().union(*self.tlb.values())
        return {p for p in pfns if p not in self.unmapped or p in left}

    def wait(self, ticks):
        self.time += ticks * len(self.reachable(self.users))


def calls(log):  # noqa: C901 - a case for each event
    """Time, CPU and what the kernel did, switches too, from the events alone.

    Before each: who runs it, or who is switched to.
    """
    e = log.events
    waiting = {}
    last = {}

    def close(time, cpu):
        if cpu in waiting:
            (order, migratetype), firsts = waiting.pop(cpu)
            pfns = [p + k for p in firsts for k in range(1 << order)]
            yield time, cpu, "refill", (pfns, migratetype == 1)

    for i in range(len(log)):
        time, cpu, kind = int(e.time[i]), int(e.cpu[i]), e.kind[i]
        pfns = range(int(e.pfn[i]), int(e.pfn[i]) + (1 << int(e.order[i])))
        mask = int(e.gfp[i])
        before, last[cpu] = last.get(cpu), kind
        is_switch = kind == ev.SCHED_SWITCH
        yield time, cpu, "run_by", (int((e.next_pid if is_switch else e.pid)[i]),)
        if kind == ev.MM_PAGE_ALLOC:
            yield from close(time, cpu)
            user = mask & HIGHUSER == HIGHUSER
            yield time, cpu, "alloc", (pfns, user, bool(mask & ZERO_BIT))
        elif kind == ev.MM_PAGE_FREE:
            yield time, cpu, "free", (pfns,)
        elif kind in CROSSINGS:
            for what in CROSSINGS[kind]:
                if (before, what) != (ev.SYS_EXIT, "left"):
                    yield time, cpu, what, ()
        else:
            key = int(e.order[i]), int(e.migratetype[i])
            if cpu in waiting and waiting[cpu][0] != key:
                yield from close(time, cpu)
            waiting.setdefault(cpu, (key, []))[1].append(int(e.pfn[i]))
    for cpu in sorted(waiting):
        yield from close(int(e.time[-1]), cpu)


class Slow(Tlbs):
    """Posted versions from their mails, one `if` each, over sets."""

    def __init__(self, name, percent, copies=1):
        super().__init__()
        self.at_entry = name == "kernel_entry"
        self.name, self.local = "v9" if self.at_entry else name, 0
        self.due, self.again_due = Fraction(), Fraction()
        self.share, self.again = (Fraction(str(n)) for n in (percent, copies - 1))
        self.marked, self.says_unmapped = set(), set()
        self.pending, self.waiting, self.previous = set(), set(), {}
        self.handed = 0
        self.task, self.of_task = None, set()

    def run(self, log):
        now = None
        for time, cpu, what, how in calls(log):
            self.wait(time - (time if now is None else now))
            now = time
            getattr(self, what)(cpu, *how)
        return self

    def defer(self, cpu, pfns=None):
        self.local += 1
        many = pfns is None or len(pfns) > CEILING
        self.flush([cpu], None if many else pfns)
        if self.name == "v7":
            self.of_task |= {(self.task, other) for other in range(CPUS)}
            self.of_task.discard((self.task, cpu))
        else:
            self.pending |= set(range(CPUS)) - {cpu}

    def run_by(self, _cpu, task):
        self.task = task

    def alloc(self, cpu, pfns, user, zeroed):
        getattr(self, f"alloc_{self.kind}")(cpu, set(pfns), user, zeroed)
        if user:
            self.users |= set(pfns)
            for _ in range(1 if zeroed else self.times()):
                for pfn in pfns:
                    self.kernel_uses(cpu, pfn)
            self.handed += len(self.reachable(pfns))
        else:
            self.users -= set(pfns)

    def times(self):
        """How often the kernel copies into the next page that is not zeroed."""
        self.due += self.share
        if self.due < 100:
            return 0
        self.due -= 100
        self.again_due += self.again
        whole = int(self.again_due)
        self.again_due -= whole
        return 1 + whole

    @property
    def kind(self):
        return self.name if self.name in {"v5", "v6", "v7", "v8", "v9"} else "guarantee"

    def alloc_guarantee(self, cpu, pfns, user, zeroed):
        changed = bool(pfns - self.unmapped) and user
        if self.name == "none":
            return
        if user:
            self.clear(pfns)
        else:
            self.set(pfns)
        if self.name == "alternation":
            if self.previous.get(cpu, user) != user:
                self.flush()
            self.previous[cpu] = user
        elif changed and self.name in {"pcp_batch_consume", "return_to_user"}:
            self.waiting.add(cpu)
        elif changed:
            self.flush()

    def alloc_v5(self, cpu, pfns, user, zeroed):
        if user and pfns - self.marked:
            self.defer(cpu, pfns) if self.name in {"v7", "v8"} else self.flush()
        self.marked = self.marked | pfns if user else self.marked - pfns

    alloc_v7 = alloc_v8 = alloc_v5

    def alloc_v6(self, cpu, pfns, user, zeroed):
        if user:
            self.flush()
        self.marked = self.marked | pfns if user else self.marked - pfns

    def alloc_v9(self, cpu, pfns, user, zeroed):
        if user:
            concerned = {p for p in pfns if p not in self.marked or not zeroed}
            changed = concerned - self.says_unmapped
            self.marked |= pfns
            self.says_unmapped |= concerned
            if changed:
                self.clear([min(pfns)])
                self.defer(cpu, pfns)
        else:
            self.set(pfns & self.says_unmapped)
            self.says_unmapped -= pfns
            self.marked -= pfns

    def kernel_uses(self, cpu, pfn):
        if self.name in {"none", "pcp_batch_local"}:
            return
        if self.kind == "guarantee":
            self.set([pfn])
            self.clear([pfn])
            self.flush()
        elif pfn in self.marked:
            if pfn in self.says_unmapped:
                self.set([pfn])
            self.says_unmapped.add(pfn)
            self.clear([pfn])
            if self.name == "v5":
                self.flush([cpu], [pfn])
            elif self.name == "v6":
                self.flush()
            else:
                self.defer(cpu, [pfn])

    def free(self, cpu, pfns):
        self.users -= set(pfns)
        if self.name == "v5":
            self.set(set(pfns) & self.says_unmapped)
            self.says_unmapped -= set(pfns)
        elif self.name in {"v6", "v7", "v8"}:
            had = set(pfns) & self.marked
            self.set(had)
            self.marked -= had
            self.says_unmapped -= had
        elif self.name == "v9":
            self.says_unmapped |= set(pfns) & self.marked

    def refill(self, cpu, pfns, movable):
        new = set(pfns) - self.says_unmapped
        if self.name in {"pcp_batch", "pcp_batch_local"} and movable:
            if set(pfns) - self.unmapped:
                self.clear(pfns)
                self.flush()
        elif self.name == "pcp_batch":
            self.set(pfns)
        elif self.name == "pcp_batch_consume" and movable and cpu in self.waiting:
            self.waiting.remove(cpu)
            self.flush()
        elif self.name in {"v8", "v9"} and movable:
            self.marked |= set(pfns)
            self.says_unmapped |= set(pfns)
            if self.name == "v9":
                self.clear(new)
            if new:
                self.defer(cpu)
        elif self.name in {"v8", "v9"}:
            self.marked -= set(pfns)

    def switch(self, cpu):
        if cpu in self.pending:
            self.pending.remove(cpu)
            self.flush([cpu])
            self.local += 1
        if (self.task, cpu) in self.of_task:
            self.of_task.remove((self.task, cpu))
            self.flush([cpu])
            self.local += 1
        self.back(cpu)

    def enter(self, cpu):
        if self.at_entry:
            self.switch(cpu)

    def left(self, cpu):
        self.back(cpu)

    def back(self, cpu):
        if self.name == "return_to_user" and cpu in self.waiting:
            self.waiting.remove(cpu)
            self.flush()
