# SPDX-License-Identifier: GPL-2.0-only
"""The likely reason of a difference, from what else the recording has of it."""

from typing import Final

import numpy as np
import numpy.typing as npt

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
        or _meanwhile(kernel, model, one)
        or _moved(kernel, model, one)
        or _mask(driven, kernel, one)
        or _silent(found, driven, kernel, model, one)
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


def _meanwhile(kernel: Side, model: Side, one: Difference) -> str | None:
    """Whether another CPU maps a frame of the flush between the two sides' flushes."""
    for frame in _odd(kernel, model, one):
        first, last = sorted((kernel.place[one.kernel], model.place[one.model]))
        rows = np.flatnonzero(
            (kernel.kind == MAP)
            & (kernel.pfn == frame)
            & (first < kernel.place)
            & (kernel.place < last)
            & (kernel.cpu != kernel.cpu[one.kernel])
        )
        if len(rows):
            return (
                f"CPU {int(kernel.cpu[rows[0]])} maps frame {frame} at event "
                f"{int(kernel.place[rows[0]]) + 1}: the kernel has flushed by then, "
                "and the model flushes at the next event of its CPU"
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
    of_frame = _who_has(driven, frame)
    later = of_frame[steps.place[of_frame] > place]
    if not len(later) or steps.op[later[0]] != ALLOC:
        return None
    user = bool(steps.user[later[0]])
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


def _who_has(driven: Driven, frame: int) -> npt.NDArray[np.intp]:
    """The steps that hand out a frame or take it back."""
    steps = driven.steps
    size = np.int64(1) << steps.order.astype(np.int64)
    named = (steps.start <= frame) & (frame < steps.start + size)
    return np.flatnonzero(named & np.isin(steps.op, (ALLOC, FREE, ISOLATE)))


def _odd(kernel: Side, model: Side, one: Difference) -> list[int]:
    """Frames whose PTE only one side has changed for a flush, if both have the flush.

    A side does so on its CPU, behind its flush before this one.
    """
    if one.kind != FLUSH or NONE in {one.kernel, one.model}:
        return []
    frames = []
    for side, row in ((kernel, one.kernel), (model, one.model)):
        same = (side.cpu == side.cpu[row]) & (side.cause == side.cause[row])
        rows = np.flatnonzero(same)
        at = int(np.searchsorted(rows, row))
        flushes = np.flatnonzero(side.kind[rows] == FLUSH)
        k = int(np.searchsorted(flushes, at))
        begin = int(flushes[k - 1]) + 1 if k else 0
        frames.append(side.pfn[rows[begin:at]])
    return [int(pfn) for pfn in np.setxor1d(frames[0], frames[1])]


_OF_A_PAGE: Final = {"alloc", "free", "kmap", "kunmap", "migrate"}
"""Causes that are of a page somebody has; a batch and a block are of free ones too."""


def _silent(
    found: Recorded, driven: Driven, kernel: Side, model: Side, one: Difference
) -> str | None:
    """Whether a page is handed out, or taken back, without an event there."""
    causes = {
        CAUSES[side.cause[row]]
        for side, row in ((kernel, one.kernel), (model, one.model))
        if row != NONE
    }
    place = _at(kernel, model, one)
    if causes & _OF_A_PAGE:
        return _owner(found, driven, _frame(kernel, model, one), place)
    said = (_owner(found, driven, pfn, place) for pfn in _odd(kernel, model, one))
    return next(filter(None, said), None)


def _owner(found: Recorded, driven: Driven, frame: int, place: int) -> str | None:
    """Whether the events of a frame around a place are those of one owner each."""
    steps = driven.steps
    named = _who_has(driven, frame)
    frees, places = steps.op[named] == FREE, steps.place[named]
    states = np.append([found.owners[frame] == NOBODY], frees)
    twice = np.flatnonzero(states[1:] == states[:-1])
    at = int(np.searchsorted(places, place))
    if at == len(frees) and states[-1] and not len(twice):
        return f"no event hands out frame {frame}, neither before nor afterwards"
    # the event that is missing is before its place, or it is the next one behind it
    twice = twice[twice <= at]
    if not len(twice):
        return None
    if frees[twice[-1]]:
        return f"frame {frame} is free, and freed again: handed out without an event"
    return f"frame {frame} is handed out twice: an event that frees it is missing"
