# SPDX-License-Identifier: GPL-2.0-only
"""The likely reason of a difference, from what else the recording has of it."""

from typing import Final

import numpy as np

from xpfo_model.confront.differ import NEAR, NONE, Difference, comes_later
from xpfo_model.confront.drive import Driven
from xpfo_model.confront.recorded import Recorded
from xpfo_model.confront.sides import Side
from xpfo_model.confront.steps import ALLOC, FREE, ISOLATE
from xpfo_model.confront.watch import CAUSES, FLUSH, MAP, SPLIT, UNMAP
from xpfo_model.machine import FREE as NOBODY


def reason(
    found: Recorded, driven: Driven, kernel: Side, model: Side, one: Difference
) -> str:
    """Why the two sides are likely to differ there, in a sentence."""
    if one.kind == SPLIT:
        return (
            "a block that one side has split and the other has not: its frames "
            "started in another state, or another frame of it differs"
        )
    frame = _frame(kernel, model, one)
    said = _undone(kernel, model, one, frame)
    if one.kind == FLUSH and not said:
        said = _order(kernel, model, one) or _elsewhere(kernel, model, one)
    return (
        said
        or _moved(kernel, model, one)
        or _mask(driven, kernel, one)
        or _silent(found, driven, frame, _at(kernel, model, one))
        or _state(found, kernel, model, one, frame)
        or _LAST[one.kernel == NONE, one.model == NONE]
    )


_LAST: Final = {
    (False, False): "not known: look at the events around it",
    (True, False): "the kernel does nothing where its events ask for it",
    (False, True): "no event of the trace asks for what the kernel does",
}
"""Reasons where nothing else is known, by whether the kernel and the model did none."""


def _at(kernel: Side, model: Side, one: Difference) -> int:
    """The earlier of the two events."""
    places = []
    if one.kernel != NONE:
        places.append(int(kernel.place[one.kernel]))
    if one.model != NONE:
        places.append(int(model.place[one.model]))
    return min(places)


def _frame(kernel: Side, model: Side, one: Difference) -> int:
    return int(model.pfn[one.model] if one.kernel == NONE else kernel.pfn[one.kernel])


def _order(kernel: Side, model: Side, one: Difference) -> str | None:
    """Whether each side has the other's flush, too, only later."""
    if NONE in {one.kernel, one.model}:
        return None
    later = comes_later(kernel, one.kernel, model, one.model)
    earlier = comes_later(model, one.model, kernel, one.kernel)
    if later and earlier:
        return (
            f"another order: the model has the kernel's flush {later} flushes later, "
            f"the kernel the model's {earlier} later"
        )
    return None


def _undone(kernel: Side, model: Side, one: Difference, frame: int) -> str | None:
    """Whether the frame was mapped for a fault last, and is no longer."""
    if one.kernel != NONE:
        return None
    rows = np.flatnonzero(
        ((kernel.kind == UNMAP) | (kernel.kind == MAP))
        & (kernel.pfn == frame)
        & (kernel.place < model.place[one.model])
    )
    if not len(rows) or CAUSES[kernel.cause[rows[-1]]] != "fault":
        return None
    return (
        f"frame {frame} was mapped for a fault at event "
        f"{int(kernel.place[rows[-1]]) + 1}, and is unmapped again without an event: "
        "by somebody who changes the direct map himself, as hibernation does"
    )


def _elsewhere(kernel: Side, model: Side, one: Difference) -> str | None:
    """Whether the same flush is another CPU's on the other side."""
    if one.kernel == NONE:
        return None
    near = abs(model.place - kernel.place[one.kernel]) < NEAR
    same = (model.kind == FLUSH) & near & (model.cpu != kernel.cpu[one.kernel])
    for name in ("cause", "pfn", "span", "frames"):
        same &= getattr(model, name) == getattr(kernel, name)[one.kernel]
    if same.any():
        other = int(model.cpu[np.flatnonzero(same)[0]])
        return (
            f"the model has this flush on CPU {other}: the task moved "
            "to another CPU between its hook and the event"
        )
    return None


def _moved(kernel: Side, model: Side, one: Difference) -> str | None:
    """Whether both change the same entry for the same cause, on other CPUs."""
    if one.kind == FLUSH or NONE in {one.kernel, one.model}:
        return None
    for name in ("kind", "cause", "pfn"):
        if getattr(kernel, name)[one.kernel] != getattr(model, name)[one.model]:
            return None
    ours, theirs = int(kernel.cpu[one.kernel]), int(model.cpu[one.model])
    if ours == theirs:
        return None
    return (
        f"the kernel does this on CPU {ours} and the model on CPU {theirs}: the task "
        "moved to another CPU between the event that asks for it and its end"
    )


def _mask(driven: Driven, kernel: Side, one: Difference) -> str | None:
    """Whether the kernel took an allocation for the other side's."""
    if one.kernel == NONE or CAUSES[kernel.cause[one.kernel]] != "alloc":
        return None
    frame, place = int(kernel.pfn[one.kernel]), int(kernel.place[one.kernel])
    steps = driven.steps
    later = np.flatnonzero((steps.op == ALLOC) & (steps.place > place))
    size = np.int64(1) << steps.order[later].astype(np.int64)
    first = steps.start[later]
    named = later[(first <= frame) & (frame < first + size)]
    if not len(named):
        return None
    user = bool(steps.user[named[0]])
    if user == (kernel.kind[one.kernel] == MAP):
        whose = ("the kernel's", "a user's") if user else ("a user's", "the kernel's")
        return (
            f"the kernel's hook took the page for {whose[0]}, its event has the mask "
            f"of {whose[1]}: the last try before the OOM killer, say, strips "
            "__GFP_DIRECT_RECLAIM"
        )
    return None


def _state(
    found: Recorded, kernel: Side, model: Side, one: Difference, frame: int
) -> str | None:
    """Whether the frame was mapped on one side only, and since when."""
    place = _at(kernel, model, one)
    is_mapped, since = [], []
    for side in (kernel, model):
        rows = np.flatnonzero(
            ((side.kind == UNMAP) | (side.kind == MAP))
            & (side.pfn == frame)
            & (side.place < place)
        )
        # what belongs to the flush itself stands right before it
        if one.kind == FLUSH:
            rows = rows[side.place[rows] < place - _own_entries(side, one, kernel)]
        starts = found.start.start == "mapped" or found.owners[frame] != 0
        is_mapped.append(bool(side.kind[rows[-1]] == MAP) if len(rows) else starts)
        since.append(int(side.place[rows[-1]]) + 1 if len(rows) else 0)
    if is_mapped[0] == is_mapped[1]:
        return None
    words = ["mapped" if one_is else "unmapped" for one_is in is_mapped]
    return (
        f"frame {frame} is {words[0]} in the kernel since event {since[0]} and "
        f"{words[1]} in the model since event {since[1]}: the sides differ since then"
    )


def _own_entries(side: Side, one: Difference, kernel: Side) -> int:
    if side is kernel and one.kernel != NONE:
        return 2 * int(kernel.frames[one.kernel])
    return 0


def _silent(found: Recorded, driven: Driven, frame: int, place: int) -> str | None:
    """Whether a page is handed out, or taken back, without an event there."""
    steps = driven.steps
    size = np.int64(1) << steps.order.astype(np.int64)
    named = (steps.start <= frame) & (frame < steps.start + size)
    named &= np.isin(steps.op, (ALLOC, FREE, ISOLATE))
    frees, places = steps.op[named] == FREE, steps.place[named]
    at = int(np.searchsorted(places, place))
    was_free = bool(frees[at - 1]) if at else found.owners[frame] == NOBODY
    if at == len(frees):
        if was_free:
            return f"no event hands out frame {frame}, neither before nor afterwards"
        return None
    if was_free and frees[at]:
        return f"frame {frame} is free, and freed again: handed out without an event"
    if not (was_free or frees[at]):
        return f"frame {frame} is handed out twice: an event that frees it is missing"
    return None
