# SPDX-License-Identifier: GPL-2.0-only
"""What is counted while a trace is followed, by reason, and its scratch."""

from typing import Any, Final, NamedTuple

PCP: Final = 0
"""Level: the frames of refills are the kernel's."""
FULL: Final = 1
"""Level: the model chooses them."""

# Why the model was put right: index in Tally.counts.
BY_BULK: Final = 0
BY_FOREIGN: Final = 1
BY_BUDDY: Final = 2
BY_ORDER: Final = 3
BY_TYPE: Final = 4
BY_UNSEEN: Final = 5
BY_BATCH: Final = 6
BY_HIGH: Final = 7
BY_DRAIN: Final = 8
BY_LIST: Final = 9
BY_BOOT: Final = 10
BY_START: Final = 11
BY_REMOTE: Final = 12
BY_ISOLATED: Final = 13
BY_LOCK: Final = 14
REASONS: Final = {
    "bulk": "alloc_pages_bulk() took pages with no event, most of them the four of a "
    "kernel stack: a list is shorter than the model thinks until the next refill or "
    "drain shows it",
    "foreign": "a page is freed that no event allocated: older than the trace, or "
    "taken in bulk",
    "buddy": "another frame of the buddy lists came first",
    "order": "the frame was on the right list, further down",
    "type": "the frame was on another list",
    "unseen": "the frame was in use, as far as the model knew",
    "batch": "a refill had another size: batch and high are set up while the machine "
    "boots, with no event",
    "high": "a drain came at another count than high",
    "drain": "a drain took other pages than the tail of the list",
    "list": "the model refilled, and the kernel still had a page",
    "boot": "runs of frames that are taken to be free as the trace begins, and frames "
    "that were not",
    "start": "a list that held pages before the trace began",
    "remote": "a drain with no free: another CPU, or reclaim, emptied lists",
    "isolated": "the free scanner of compaction took pages with no event",
    "lock": "an interrupt freed pages while the lock of the pcp was held, which the "
    "trace does not say: they are on the buddy lists",
}
"""Name and what happened; the n-th is reason number n."""

# What else is counted there.
ALLOCATIONS: Final = 15
EXACT: Final = 16
REFILLS: Final = 17
REFILLS_ALSO: Final = 18
"""Refills of the kernel where the model refilled too."""
SAME_SIZE: Final = 19
SAME_FIRST: Final = 20
SAME_FRAMES: Final = 21
NEEDED: Final = 22
"""Allocations not predicted only because something before was put right."""
DRAINS: Final = 23
DRAINS_ALSO: Final = 24
"""Drains of the kernel where the model drained too."""
DRAINS_SAME_SIZE: Final = 25
DRAINS_SAME: Final = 26
NR_COUNTS: Final = 27

SIZES: Final = 3
"""Sizes of a zone's pcps in Tally.sizes."""
# Of an exchange of names, in Tally.swaps behind their number.
SWAP_EVENT: Final = 0
"""Number of the first event that it is for."""
SWAP_MINE: Final = 1
"""The model's page."""
SWAP_THEIRS: Final = 2
"""The kernel's page."""
SWAP_ORDER: Final = 3
SWAP_FIELDS: Final = 4
SWAPS: Final = 1
"""Where the first of them is."""
LOOK_AHEAD: Final = 1 << 13
"""Operations within which the kernel's drain is looked for."""


class Tally(NamedTuple):
    """What is counted, and scratch."""

    counts: Any
    """By reason, then ALLOCATIONS …, int64."""
    predicted: Any
    """Per allocation: the frame that the model chose, int64."""
    reason: Any
    """Per allocation: why it is not exact, or NR_COUNTS, int8."""
    instead: Any
    """Per frame on a list only because it was put there: what the model had there,
    plus 1; 0 for all others, int32."""
    why: Any
    """Per such frame: the reason, int8."""
    mine: Any
    """Frames that the model's operation took or drained, int64."""
    theirs: Any
    """Frames that the kernel's did, int64."""
    event: Any
    """Of `mine`: the event of the record, int64."""
    row: Any
    """Of `theirs`: the row of the trace, int64."""
    last: Any
    """Per frame: the last row that named it so far, or NONE, int64."""
    unseen: Any
    """Per frame: 1 if no event names it, uint8."""
    unknown: Any
    """Per pcp list: 1 while nobody knows what was on it as the trace began, uint8."""
    ghosts: Any
    """Per pcp, by its place in State.mem: frames of its lists that its count
    leaves out, because the kernel's lists must lack as many; int64."""
    sizes: Any
    """Batch, high and high_max of each zone once it is set up, int64."""
    home: Any
    """Per frame on a pcp list: the head of that list, int32."""
    skipped: Any
    """Per frame on a pcp list: 1 if the kernel passed over it once, uint8."""
    swaps: Any
    """How many exchanges of names, then SWAP_FIELDS for each, int64. See `names`."""
    fresh: Any
    """Per frame that left the buddy lists: 1 if the trace had not named it before,
    uint8."""
    midway: int
    """1: the trace begins in mid-run, and nobody knows the order of any list."""
    sure: int
    """1: batch and high are those of the machine; 0: they are guesses."""
    level: int
