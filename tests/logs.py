# SPDX-License-Identifier: GPL-2.0-only
"""Event logs for tests: by hand, and by hypothesis."""

from hypothesis import strategies as st

from xpfo_model import events as ev
from xpfo_model import gfp

KERNEL = "v6.1"
USER_MOVABLE = gfp.mask("GFP_HIGHUSER_MOVABLE", KERNEL)
USER_UNMOVABLE = gfp.mask("GFP_HIGHUSER", KERNEL)
GFP_KERNEL = gfp.mask("GFP_KERNEL", KERNEL)


def log_of(rows, name="test", **facts):
    """A log from dictionaries, one an event, and facts for its `About`."""
    events = ev.Events.empty(len(rows))
    events.preempt[:] = ev.UNKNOWN
    events.migratetype[:] = -1
    events.fallback_migratetype[:] = -1
    for i, row in enumerate(rows):
        events.time[i] = 1000 * i
        for key, value in row.items():
            getattr(events, key)[i] = value
    facts = {"cpus": 4, "recorded": ev.EVENT_NAMES, **facts}
    return ev.EventLog(events, ev.About(name, kernel=KERNEL, sha256="0" * 64, **facts))


class InPieces:
    """A log that streams in chunks of a length."""

    def __init__(self, log, length):
        self.kernel, self.cpus = log.kernel, log.cpus
        self._log, self._length = log, length

    def stream(self, consume):
        for chunk in self._log.chunks(self._length):
            consume(chunk)
        return self._log.about


def alloc(pfn, mask, order=0, cpu=0):
    return {
        "kind": ev.MM_PAGE_ALLOC,
        "pfn": pfn,
        "order": order,
        "migratetype": gfp.migratetype(mask),
        "gfp": mask,
        "cpu": cpu,
    }


def free(pfn, order=0, cpu=0):
    return {"kind": ev.MM_PAGE_FREE, "pfn": pfn, "order": order, "cpu": cpu}


def locked(pfn, migratetype, order=0, cpu=0, refill=True):
    return {
        "kind": ev.MM_PAGE_ALLOC_ZONE_LOCKED,
        "pfn": pfn,
        "order": order,
        "migratetype": migratetype,
        "flags": ev.PERCPU_REFILL if refill else 0,
        "cpu": cpu,
    }


def extfrag(pfn, migratetype, fallback_order=9, cpu=0, change=True):
    return {
        "kind": ev.MM_PAGE_ALLOC_EXTFRAG,
        "pfn": pfn,
        "migratetype": migratetype,
        "fallback_order": fallback_order,
        "flags": ev.CHANGE_OWNERSHIP if change else 0,
        "cpu": cpu,
    }


def switch(cpu=0, next_pid=1):
    return {"kind": ev.SCHED_SWITCH, "cpu": cpu, "next_pid": next_pid}


BORDER = (ev.SYS_ENTER, ev.SYS_EXIT, ev.PAGE_FAULT_USER)


def cross(kind, cpu=0):
    """An event of a CPU alone: at the border of user space, of BORDER, or a switch."""
    return {"kind": kind, "cpu": cpu}


@st.composite
def rows(draw):
    """One event on a machine of 4 CPUs and 8 pageblocks, pages aligned."""
    kinds = ["alloc", "alloc", "free", "locked", "extfrag", "elsewhere"]
    kind = draw(st.sampled_from(kinds))
    cpu = draw(st.integers(0, 3))
    if kind == "elsewhere":
        return cross(draw(st.sampled_from((ev.SCHED_SWITCH, *BORDER))), cpu)
    order = draw(st.sampled_from([0, 0, 0, 1, 3, 9, 10]))
    pfn = draw(st.integers(0, 8 * 512 - 1)) >> order << order
    if kind == "alloc":
        if draw(st.integers(0, 20)) == 0:
            return alloc(ev.FAILED, USER_MOVABLE, order, cpu)
        masks = st.sampled_from([USER_MOVABLE, USER_UNMOVABLE, GFP_KERNEL])
        return alloc(pfn, draw(masks), order, cpu)
    if kind == "free":
        return free(pfn, order, cpu)
    migratetype = draw(st.integers(0, 2))
    if kind == "locked":
        return locked(pfn, migratetype, order, cpu, draw(st.booleans()))
    fallback = draw(st.sampled_from([0, 5, 9, 10]))
    pfn = draw(st.integers(0, 8 * 512 - 1)) >> fallback << fallback
    return extfrag(pfn, migratetype, fallback, cpu, draw(st.booleans()))


logs = st.lists(rows(), max_size=120).map(log_of)
