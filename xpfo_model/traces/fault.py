# SPDX-License-Identifier: GPL-2.0-only
"""The fault of a line that names an event and holds none, and its remedy."""

import re
from typing import Final

from xpfo_model.constants import MAX_PAGE_ORDER, MAX_PFN, NR_CPUS, PAGEBLOCK_ORDER
from xpfo_model.events import EVENT_NAMES
from xpfo_model.traces import scan_state
from xpfo_model.traces.scan import REQUIRED
from xpfo_model.traces.scan_xpfo import XPFO_REQUIRED
from xpfo_model.xpfo_events import XPFO_NAMES

_PRINTK: Final = re.compile(rb"^(?:<\d+>)?\[\s*\d+\.\d+\]")
_LATENCY: Final = re.compile(rb"\d+us.?: \w")
_PERF_TIME: Final = re.compile(rb"\S\s+\d+\s+\d+\.\d+:\s+\w+:\w+:")
_BARE: Final = re.compile(rb"^\s*\w+:")
_FIELD: Final = re.compile(rb"(\w+)=\s*(\S+)")
_TWICE: Final = re.compile(rb"=\S+ \((?:0x)?[0-9a-f]+\)")

# One more than the largest value of a field.
_LIMITS: Final = {
    scan_state.PFN: MAX_PFN,
    scan_state.ORDER: MAX_PAGE_ORDER + 1,
    scan_state.MIGRATETYPE: scan_state.MIGRATE_TYPES,
    scan_state.REFILL: 2,
    scan_state.ALLOC_ORDER: MAX_PAGE_ORDER + 1,
    scan_state.FALLBACK_ORDER: MAX_PAGE_ORDER + 1,
    scan_state.ALLOC_MIGRATETYPE: scan_state.MIGRATE_TYPES,
    scan_state.FALLBACK_MIGRATETYPE: scan_state.MIGRATE_TYPES,
    scan_state.OWNERSHIP: 2,
    scan_state.NR: MAX_PFN,
    scan_state.SPAN: MAX_PFN,
    scan_state.CLEARED: MAX_PFN + 1,
    scan_state.WHOLE: 2,
    scan_state.WAITS: 2,
    scan_state.BLOCK: MAX_PFN >> PAGEBLOCK_ORDER,
    scan_state.SRC: MAX_PFN,
    scan_state.DST: MAX_PFN,
}
_ORDERS: Final = (scan_state.ORDER, scan_state.ALLOC_ORDER, scan_state.FALLBACK_ORDER)
_MOST_ORDERS: Final = 21
"""More orders than any configuration has: ARCH_FORCE_MAX_ORDER is at most 20."""
RERECORD: Final = "the line is damaged: record the trace again"
_LARGER_PAGES: Final = (
    "pages or blocks of this machine are larger than the model's, as with pages of "
    "64 KiB: record it on a machine with pages of 4 KiB"
)
_PERF_FIELDS: Final = "print it with: perf script -F comm,pid,tid,cpu,time,event,trace"


def of_line(line: bytes, name: str) -> tuple[str, str]:
    """Say what is wrong with an event without a readable task, CPU and time."""
    if _PRINTK.match(line):
        return (
            "it is the dump of a trace in the kernel's log, not a trace",
            "record with xpfo-model record, or read the trace of a crash dump with: "
            "crash> trace dump -t",
        )
    if _LATENCY.search(line):
        return (
            "the trace is in the latency format",
            "record it with: echo 0 > /sys/kernel/tracing/options/latency-format",
        )
    remedy = RERECORD
    if _PERF_TIME.search(line):
        remedy = f"it has no CPU: {_PERF_FIELDS}"
    elif b"kmem:" in line:
        remedy = f"{_PERF_FIELDS}, or the line is damaged"
    elif _BARE.match(line):
        remedy = (
            "record it with: echo 1 > /sys/kernel/tracing/options/context-info, or the "
            "line is damaged"
        )
    return f"{name} without a readable task, CPU and time", remedy


def of_start() -> tuple[str, str]:
    """Say what is wrong with an xpfo_start."""
    return (
        "xpfo_start is not strategy= start= kmap= test= end_pfn= block_order= cpus=, "
        "in this order",
        f"{RERECORD}, with the kernel of docs/kernel",
    )


def of_event(name: str, body: bytes, cpu: int) -> tuple[str, str]:
    """Say what is wrong with an event, from its name, its text and its CPU."""
    if name == "sched_switch":
        remedy = RERECORD
        if _TWICE.search(body):
            remedy = "record it with: echo 0 > /sys/kernel/tracing/options/fields"
        return f"{name} does not say who follows whom", remedy
    found = {key.decode(): text for key, text in _FIELD.findall(body)}
    wrong = _of_fields(name, found)
    if wrong is not None:
        return wrong
    if cpu >= NR_CPUS:
        return f"{name} on CPU {cpu}; there are at most {NR_CPUS}", RERECORD
    pfn, order = found.get("pfn", b"0"), found.get("order", b"0")
    if _is_below(pfn, MAX_PFN) and int(pfn, 0) % (1 << int(order, 0)):
        said = f"pfn={pfn.decode()}, which order={order.decode()} does not allow"
        return f"{name} has {said}", RERECORD
    return f"{name} is not in order", RERECORD


def _of_fields(name: str, found: dict[str, bytes]) -> tuple[str, str] | None:
    """Say which field is missing, or has a value that it cannot have."""
    required = (
        XPFO_REQUIRED[XPFO_NAMES.index(name)]
        if name in XPFO_NAMES
        else REQUIRED[EVENT_NAMES.index(name)]
    )
    for key, slot in scan_state.KEYS.items():
        if required >> slot & 1 and key not in found:
            return f"{name} lacks {key}", RERECORD
        limit = _LIMITS.get(slot)
        if limit and key in found and not _is_below(found[key], limit):
            text = found[key].decode(errors="backslashreplace")
            larger = slot in _ORDERS and _is_below(found[key], _MOST_ORDERS)
            return (
                f"{name} has {key}={text}, not a number from 0 to {limit - 1}",
                _LARGER_PAGES if larger else RERECORD,
            )
    if name == "mm_page_alloc_zone_locked" and "percpu_refill" not in found:
        return f"{name} lacks percpu_refill", RERECORD
    return None


def _is_below(text: bytes, limit: int) -> bool:
    try:
        return 0 <= int(text, 0) < limit
    except ValueError:
        return False
