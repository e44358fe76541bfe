# SPDX-License-Identifier: GPL-2.0-only

"""The model's events as those of one allocator that was never put right.

Where the kernel took another frame, the model goes on with the kernel's. In its
events it must not: it would hand out a frame that no refill of its own brought, and
a strategy that unmaps a refill would flush for each of them. So both frames exchange
their names in all that follows, as if the kernel's had been the model's choice.
"""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from xpfo_model.allocator.state import Records
from xpfo_model.events import FAILED, MM_PAGE_ALLOC_EXTFRAG
from xpfo_model.fidelity.tally import Tally
from xpfo_model.jit import noinline

Names: TypeAlias = npt.NDArray[np.int32]
"""Per frame the name that it has, or per name its frame."""


@noinline
def exchange_later(t: Tally, event: int, mine: int, theirs: int, order: int) -> None:
    """Note that two pages exchange their names from event number `event` on."""
    if mine == FAILED or mine == theirs:  # noqa: PLR1714, SIM109
        return
    swap = t.swaps[t.numbers.swaps]
    swap.event = event
    swap.mine = mine
    swap.theirs = theirs
    swap.order = order
    t.numbers.swaps += 1


def exchange(name: Names, place: Names, a: int, b: int) -> None:
    """Exchange the names of two frames; `place` is the inverse of `name`."""
    first, second = name[a], name[b]
    name[a], name[b] = second, first
    place[second], place[first] = a, b


def name_of(name: Names, place: Names, pfn: int, order: int) -> int:
    """The name of a page. A page whose frames have gone apart gets its own back."""
    first = int(name[pfn])
    together = not first & ((1 << order) - 1)
    for frame in range(1, 1 << order):
        together = together and name[pfn + frame] == first + frame
    if together:
        return first
    for frame in range(pfn, pfn + (1 << order)):
        exchange(name, place, frame, place[frame])
    return pfn


def exchange_all(
    swaps: Records, count: int, swap: int, name: Names, place: Names
) -> int:
    """Make the exchange number `swap` and all others of its event; the next one.

    They are at once: a page may be the model's in one and the kernel's in another.
    """
    end = swap
    event = swaps[swap].event
    while end < count and swaps[end].event == event:
        swaps[end].mine = name_of(name, place, swaps[end].mine, swaps[end].order)
        end += 1
    for each in range(swap, end):
        called, theirs = swaps[each].mine, swaps[each].theirs
        for frame in range(1 << swaps[each].order):
            exchange(name, place, place[called + frame], theirs + frame)
    return end


def rename(found: Records, t: Tally, name: Names, place: Names) -> None:
    """Give the pages of a piece of the model's events their names.

    A fallback is of blocks, which keep theirs. Forgets the exchanges.
    """
    swap = 0
    swaps = t.numbers.swaps
    for number in range(len(found)):
        while swap < swaps and t.swaps[swap].event <= number:
            swap = exchange_all(t.swaps, swaps, swap, name, place)
        event = found[number]
        if event.pfn != FAILED and event.kind != MM_PAGE_ALLOC_EXTFRAG:
            event.pfn = name_of(name, place, event.pfn, int(event.order))
    while swap < swaps:
        swap = exchange_all(t.swaps, swaps, swap, name, place)
    t.numbers.swaps = 0
