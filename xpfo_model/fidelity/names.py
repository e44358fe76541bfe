# SPDX-License-Identifier: GPL-2.0-only
# mypy: disable-error-code="no-any-return"

"""The model's events as those of one allocator that was never put right.

Where the kernel took another frame, the model goes on with the kernel's. In its
events it must not: it would hand out a frame that no refill of its own brought, and
a strategy that unmaps a refill would flush for each of them. So both frames exchange
their names in all that follows, as if the kernel's had been the model's choice.
"""

from typing import Any

from xpfo_model.engine import seldom
from xpfo_model.events import FAILED, MM_PAGE_ALLOC_EXTFRAG
from xpfo_model.fidelity.tally import (
    SWAP_EVENT,
    SWAP_FIELDS,
    SWAP_MINE,
    SWAP_ORDER,
    SWAP_THEIRS,
    SWAPS,
    Tally,
)


@seldom
def exchange_later(t: Tally, event: int, mine: int, theirs: int, order: int) -> None:
    """Note that two pages exchange their names from event number `event` on."""
    if mine == FAILED:
        return
    at = SWAPS + t.swaps[0] * SWAP_FIELDS
    t.swaps[at + SWAP_EVENT] = event
    t.swaps[at + SWAP_MINE] = mine
    t.swaps[at + SWAP_THEIRS] = theirs
    t.swaps[at + SWAP_ORDER] = order
    t.swaps[0] += mine != theirs


def exchange(name: Any, place: Any, a: int, b: int) -> None:
    """Exchange the names of two frames; `place` is the inverse of `name`."""
    first, second = name[a], name[b]
    name[a], name[b] = second, first
    place[second], place[first] = a, b


def name_of(name: Any, place: Any, pfn: int, order: int) -> int:
    """The name of a page. One whose frames have gone apart gets its own back."""
    first = name[pfn]
    together = not first & ((1 << order) - 1)
    for frame in range(1, 1 << order):
        together = together and name[pfn + frame] == first + frame
    if together:
        return first
    for frame in range(pfn, pfn + (1 << order)):
        exchange(name, place, frame, place[frame])
    return pfn


def exchange_all(swaps: Any, swap: int, name: Any, place: Any) -> int:
    """Make the exchange number `swap` and all others of its event; the next one.

    They are at once: a page may be the model's in one and the kernel's in another.
    """
    end = swap
    event = swaps[SWAPS + swap * SWAP_FIELDS]
    while end < swaps[0] and swaps[SWAPS + end * SWAP_FIELDS] == event:
        at = SWAPS + end * SWAP_FIELDS
        mine = swaps[at + SWAP_MINE]
        swaps[at + SWAP_MINE] = name_of(name, place, mine, swaps[at + SWAP_ORDER])
        end += 1
    for each in range(swap, end):
        at = SWAPS + each * SWAP_FIELDS
        called, theirs = swaps[at + SWAP_MINE], swaps[at + SWAP_THEIRS]
        for frame in range(1 << swaps[at + SWAP_ORDER]):
            exchange(name, place, place[called + frame], theirs + frame)
    return end


def rename(kind: Any, pfn: Any, order: Any, swaps: Any, name: Any, place: Any) -> None:
    """Give the pages of a piece of the model's events their names.

    A fallback is of blocks, which keep theirs.
    """
    swap = 0
    for event in range(len(pfn)):
        while swap < swaps[0] and swaps[SWAPS + swap * SWAP_FIELDS] <= event:
            swap = exchange_all(swaps, swap, name, place)
        if pfn[event] != FAILED and kind[event] != MM_PAGE_ALLOC_EXTFRAG:
            pfn[event] = name_of(name, place, pfn[event], order[event])
    while swap < swaps[0]:
        swap = exchange_all(swaps, swap, name, place)
    swaps[0] = 0
