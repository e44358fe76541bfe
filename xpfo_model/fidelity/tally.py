# SPDX-License-Identifier: GPL-2.0-only
"""Counts and notes that are taken while a trace is followed."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator.demand import Demand
from xpfo_model.allocator.state import Record, Records, State
from xpfo_model.events import Events
from xpfo_model.fidelity.extract import Read

PCP: Final = 0
"""Level: the frames of refills are the kernel's."""
FULL: Final = 1
"""Level: the model chooses them."""

# Why the model was put right: index in Tally.reasons.
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

RIGHT: Final = len(REASONS)
"""In place of a reason: nothing had to be put right."""

SIZES: Final = np.dtype(
    [("batch", np.int64), ("high", np.int64), ("high_max", np.int64)]
)
"""Sizes of a zone's pcps. See `layout.Pageset`."""
LOOK_AHEAD: Final = 1 << 13
"""Operations within which the kernel's drain is looked for."""

SCORE: Final = np.dtype(
    [
        ("allocations", np.int64),
        ("exact", np.int64),
        # not predicted only because something before was put right
        ("displaced", np.int64),
        ("refills", np.int64),  # of the kernel, as all that follow
        ("refills_also", np.int64),  # where the model refilled, too
        ("refills_same_size", np.int64),
        ("refills_same_first", np.int64),
        ("refills_same_frames", np.int64),
        ("drains", np.int64),
        ("drains_also", np.int64),
        ("drains_same_size", np.int64),
        ("drains_same_frames", np.int64),
    ]
)
"""Counts beside those of the reasons."""

FRAME: Final = np.dtype(
    [
        ("home", np.int32),  # on a pcp list: the head of that list
        # on a list only because it was put there: the model's choice there + 2
        ("displaced", np.int32),
        ("seen", np.int64),  # last row that named it so far + 1, 0 if none did
        ("why", np.uint8),  # of a displaced frame: the reason
        ("unseen", np.uint8),  # 1: no event of the trace names it
        ("fresh", np.uint8),  # left the buddy lists; 1: not named before
        ("skipped", np.uint8),  # on a pcp list; 1: the kernel passed over it once
    ]
)
"""Notes on a frame, beside its page."""

SWAP: Final = np.dtype(
    [
        ("event", np.int64),  # number of the first event that it is for
        ("mine", np.int64),  # the model's page
        ("theirs", np.int64),  # the kernel's page
        ("order", np.int64),
    ]
)
"""An exchange of names. See `names`."""

NUMBERS: Final = np.dtype([("swaps", np.int64)])
"""How many swaps are noted."""


class Tally(NamedTuple):
    """Counts, and notes for later operations."""

    score: Record
    """SCORE."""
    reasons: npt.NDArray[np.int64]
    """Times that the model was put right, by BY_BULK …."""
    predicted: npt.NDArray[np.int64]
    """Per allocation: the frame that the model chose."""
    reason: npt.NDArray[np.int8]
    """Per allocation: why it is not exact, or RIGHT."""
    frames: Records
    """FRAME by pfn."""
    mine: npt.NDArray[np.int64]
    """Frames that the model's operation took or drained, as many as the record has
    room for."""
    event: npt.NDArray[np.int64]
    """Of `mine`: number of the event in the record."""
    theirs: npt.NDArray[np.int64]
    """Frames that the kernel's operation took or drained, as many as the most that
    answer an operation."""
    row: npt.NDArray[np.int64]
    """Of `theirs`: the row of the trace."""
    unknown: npt.NDArray[np.uint8]
    """Per pcp list: 1 while its pages of before the trace are unknown."""
    missing: npt.NDArray[np.int64]
    """Per pcp: frames of its lists that its count leaves out, because as many are
    missing from the kernel's lists."""
    sizes: Records
    """SIZES by zone, once the machine is set up."""
    swaps: Records
    """SWAP by number."""
    numbers: Record
    """NUMBERS."""
    midway: int
    """1: the trace begins in mid-run, so that the order of every list is unknown."""
    sizes_known: int
    """1: batch and high are those of the machine; 0: they are guesses."""
    level: int
    """PCP or FULL."""


class Follow(NamedTuple):
    """A model that follows a trace: its state beside the kernel's answers."""

    state: State
    demand: Demand
    events: Events
    read: Read
    tally: Tally
