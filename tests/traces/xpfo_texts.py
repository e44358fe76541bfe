# SPDX-License-Identifier: GPL-2.0-only
"""Lines of group xpfo, and logs with its events."""

import dataclasses

import numpy as np
from hypothesis import strategies as st
from texts import logs

from xpfo_model import constants
from xpfo_model import events as ev
from xpfo_model import xpfo_events as xe

LINES = {
    xe.XPFO_HELD: "xpfo_held: pfn=0 nr=256",
    xe.XPFO_FLUSH: "xpfo_flush: cause=refill pfn=300 span=40 frames=31 full=1 waits=1",
    xe.XPFO_UNMAP: "xpfo_unmap: pfn=300 cause=alloc",
    xe.XPFO_MAP: "xpfo_map: pfn=300 cause=kmap",
    xe.XPFO_SPLIT: "xpfo_split: block=7",
    xe.XPFO_KMAP: "xpfo_kmap: pfn=300 way=direct caller=wp_page_copy",
    xe.XPFO_KUNMAP: "xpfo_kunmap: pfn=300 way=local caller=copy_page_to_iter [ext4]",
    xe.XPFO_SILENT_ALLOC: "xpfo_silent_alloc: pfn=304 order=2 migratetype=1 "
    "gfp_flags=0xcc0 by=bulk",
    xe.XPFO_SILENT_BLOCK: "xpfo_silent_block: pfn=512 migratetype=3",
    xe.XPFO_MIGRATE: "xpfo_migrate: src=300 dst=400 nr=1 owner=user",
    xe.XPFO_FAULT: "xpfo_fault: pfn=300 owner=free caller=xts_xor_tweak",
}
START = (
    "xpfo_start: strategy=pcp_batch start=unmapped kmap=local test=wide "
    "end_pfn=131072 block_order=9 cpus=4"
)
_PFNS = st.integers(0, constants.MAX_PFN - 1)
_COUNTS = st.integers(0, constants.MAX_PFN)
WORDS = ("alloc", "kunmap", "direct", "wp_page_copy", "bulk")


@st.composite
def xpfo_rows(draw):
    """One event of the group, as a dictionary."""
    kind = draw(st.sampled_from(list(LINES)))
    word = st.integers(0, len(WORDS) - 1)
    found = {
        "row": 0,
        "time": draw(st.integers(0, 10**18 - 1)),
        "cpu": draw(st.integers(0, constants.NR_CPUS - 1)),
        "kind": kind,
        "flags": draw(st.sampled_from([0, 4, 8, 12])),
        "pfn": draw(_PFNS),
        "extent": 0,
        "frames": 0,
        "order": 0,
        "migratetype": -1,
        "gfp": 0,
        "word": xe.NO_WORD,
        "caller": xe.NO_WORD,
        "pid": draw(st.integers(-1, (1 << 31) - 1)),
    }
    if kind in {xe.XPFO_HELD, xe.XPFO_FLUSH}:
        found["extent"] = draw(st.integers(0, constants.MAX_PFN - found["pfn"]))
    if kind == xe.XPFO_MIGRATE:
        found["extent"] = draw(_PFNS)
    if kind in {xe.XPFO_FLUSH, xe.XPFO_MIGRATE}:
        found["frames"] = draw(_COUNTS)
    if kind == xe.XPFO_FLUSH:
        found["flags"] |= draw(st.integers(0, 3))
    if kind == xe.XPFO_SPLIT:
        found["pfn"] >>= constants.PAGEBLOCK_ORDER
    if kind == xe.XPFO_SILENT_ALLOC:
        found["order"] = draw(st.integers(0, constants.MAX_PAGE_ORDER))
        found["pfn"] &= -1 << found["order"]
        found["gfp"] = draw(st.integers(0, (1 << 26) - 1))
    if kind in {xe.XPFO_SILENT_ALLOC, xe.XPFO_SILENT_BLOCK}:
        found["migratetype"] = draw(st.integers(0, 5))
    if kind not in {xe.XPFO_HELD, xe.XPFO_SPLIT, xe.XPFO_SILENT_BLOCK}:
        found["word"] = draw(word)
    if kind in {xe.XPFO_KMAP, xe.XPFO_KUNMAP, xe.XPFO_FAULT}:
        found["caller"] = draw(word)
    return found


def table_of(found):
    """Rows as a table."""
    return xe.XpfoEvents(
        *(
            np.array([row[name] for row in found], dtype)
            for name, dtype in xe.XPFO_DTYPES.items()
        )
    )


@st.composite
def xpfo_logs(draw):
    """A log with events of the group, and a start among them."""
    log = draw(logs())
    found = draw(st.lists(xpfo_rows(), min_size=1, max_size=20))
    places = sorted(draw(st.integers(0, len(log))) for _ in found)
    for row, place in zip(found, places, strict=True):
        row["row"] = place
    event = draw(st.integers(0, len(found)))
    places = [0, *places, len(log)]
    start = xe.XpfoStart(
        draw(st.integers(places[event], places[event + 1])),
        event,
        draw(st.integers(0, 10**18 - 1)),
        "v6",
        "mapped",
        "direct",
        "posted",
        131072,
        9,
        4,
    )
    about = dataclasses.replace(log.about, xpfo=(start,), words=WORDS)
    return ev.EventLog(log.events, about, table_of(found))


def xpfo_row(log, number=0):
    """One row of the group as a dictionary."""
    return {name: int(column[number]) for name, column in log.xpfo._asdict().items()}
