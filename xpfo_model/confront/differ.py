# SPDX-License-Identifier: GPL-2.0-only
"""The first thing that kernel and model did differently, and how many there are.

Flushes are compared one by one on each CPU. Unmaps and maps are compared frame by
frame, in their order, with cause and CPU; splits block by block. Between CPUs the
order cannot be the same: the kernel acts, then traces the allocation that makes the
model act, and others act meanwhile.
"""

from collections import Counter
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model.confront.sides import Side
from xpfo_model.confront.watch import FLUSH, KINDS, MAP, SPLIT, UNMAP

NONE: Final = -1
NEAR: Final = 256
"""Flushes of a CPU among which one is looked for that stands elsewhere."""
_KEYS: Final = {
    FLUSH: ("cause", "pfn", "span", "frames"),
    UNMAP: ("kind", "cause", "cpu"),
    SPLIT: (),
}
"""Columns that have to be equal, of flushes, of entries and of splits."""


class Difference(NamedTuple):
    """Where the two sides differ first."""

    kind: int
    """FLUSH, UNMAP (for MAP, too) or SPLIT."""
    kernel: int
    """Row of the kernel's side, or NONE if it did nothing there."""
    model: int
    """Row of the model's side, or NONE."""
    number: int
    """It is the n-th flush of its CPU, or change of its frame, from 0."""


def first_difference(kernel: Side, model: Side) -> Difference | None:
    """The first difference in the order of the trace, or None.

    A difference of a frame that belongs to a flush that differs, too, is that flush.
    """
    found = [
        _alone(
            _first(
                kernel, model, FLUSH, kernel.kind == FLUSH, model.kind == FLUSH, "cpu"
            ),
            kernel,
            model,
        ),
        _first(kernel, model, UNMAP, _entries(kernel), _entries(model), "pfn"),
        _first(kernel, model, SPLIT, kernel.kind == SPLIT, model.kind == SPLIT, "pfn"),
    ]
    there = [one for one in found if one is not None]
    if not there:
        return None
    first = min(there, key=lambda one: _place(one, kernel, model))
    flush = found[0]
    if (
        first.kind == UNMAP
        and flush is not None
        and _covers(flush, first, kernel, model)
    ):
        return flush
    return first


def _alone(one: Difference | None, kernel: Side, model: Side) -> Difference | None:
    """The difference without the flush that the other side does, too, only later.

    Where one side does a flush more, its next flushes are those of the other side.
    """
    if one is None or NONE in {one.kernel, one.model}:
        return one
    later = comes_later(kernel, one.kernel, model, one.model)
    earlier = comes_later(model, one.model, kernel, one.kernel)
    if later and not earlier:
        return one._replace(kernel=NONE)
    if earlier and not later:
        return one._replace(model=NONE)
    return one


def comes_later(ours: Side, row: int, theirs: Side, at: int) -> int:
    """How many flushes behind one of theirs our flush is among theirs; 0 if not."""
    rows = np.flatnonzero((theirs.kind == FLUSH) & (theirs.cpu == ours.cpu[row]))
    rows = rows[rows > at][:NEAR]
    same = np.ones(len(rows), np.bool_)
    for name in _KEYS[FLUSH]:
        same &= getattr(theirs, name)[rows] == getattr(ours, name)[row]
    found = np.flatnonzero(same)
    return int(found[0]) + 1 if len(found) else 0


def _entries(side: Side) -> npt.NDArray[np.bool_]:
    return np.isin(side.kind, (UNMAP, MAP))


def _place(one: Difference, kernel: Side, model: Side) -> int:
    """The number of the earlier of its two events."""
    places = []
    if one.kernel != NONE:
        places.append(int(kernel.place[one.kernel]))
    if one.model != NONE:
        places.append(int(model.place[one.model]))
    return min(places)


def _covers(flush: Difference, entry: Difference, kernel: Side, model: Side) -> bool:
    """Whether a flush is of the frame that an entry is of, and its CPU's next."""
    side, row = (kernel, entry.kernel) if entry.kernel != NONE else (model, entry.model)
    for other, at in ((kernel, flush.kernel), (model, flush.model)):
        if at != NONE and other.cpu[at] == side.cpu[row]:
            first = other.pfn[at]
            if first <= side.pfn[row] < first + max(1, int(other.span[at])):
                return True
    return False


def _first(
    kernel: Side,
    model: Side,
    kind: int,
    ours: npt.NDArray[np.bool_],
    theirs: npt.NDArray[np.bool_],
    group: str,
) -> Difference | None:
    """The first difference of a kind, where rows of one group are in their order."""
    rows = [np.flatnonzero(ours), np.flatnonzero(theirs)]
    tables = []
    for side, some in zip((kernel, model), rows, strict=True):
        key = getattr(side, group)[some].astype(np.int64)
        order = np.argsort(key, kind="stable")
        at, key = some[order], key[order]
        begins = np.flatnonzero(np.diff(key, prepend=-1))
        number = np.arange(len(key)) - np.repeat(
            begins, np.diff(begins, append=len(key))
        )
        tables.append((at, key, number))
    (at, key, number), (other_at, other_key, other_number) = tables
    scale = 1 + max(number.max(initial=0), other_number.max(initial=0))
    ids, other_ids = key * scale + number, other_key * scale + other_number
    # both ascend: the place of each among the others
    found = np.searchsorted(other_ids, ids)
    there = found < len(other_ids)
    there[there] = other_ids[found[there]] == ids[there]
    differs = ~there
    pairs = other_at[found[there]]
    for column in _KEYS[kind]:
        unequal = getattr(kernel, column)[at[there]] != getattr(model, column)[pairs]
        differs[np.flatnonzero(there)[unequal]] = True
    missing = np.isin(other_ids, ids, invert=True)
    candidates = []
    if differs.any():
        where = np.flatnonzero(differs)
        partner = np.full(len(at), NONE)
        partner[there] = pairs
        places = kernel.place[at[where]].copy()
        has = partner[where] != NONE
        both = model.place[partner[where][has]]
        places[has] = np.minimum(places[has], both)
        best = where[int(np.argmin(places))]
        candidates.append(
            Difference(kind, int(at[best]), int(partner[best]), int(number[best]))
        )
    if missing.any():
        where = np.flatnonzero(missing)
        best = where[int(np.argmin(model.place[other_at[where]]))]
        candidates.append(
            Difference(kind, NONE, int(other_at[best]), int(other_number[best]))
        )
    if not candidates:
        return None
    return min(candidates, key=lambda one: _place(one, kernel, model))


def unmatched(kernel: Side, model: Side) -> dict[str, dict[str, int]]:
    """Per kind: how many things only the kernel and only the model did.

    Wherever they stand: what was done in another order is in neither.
    """
    found = {}
    for kind, name in enumerate(KINDS):
        ours, theirs = (
            Counter(
                zip(
                    (side.cpu * (kind != SPLIT)).tolist(),
                    side.cause.tolist(),
                    side.pfn.tolist(),
                    side.span.tolist(),
                    side.frames.tolist(),
                    strict=True,
                )
            )
            for side in (kernel.of(kind), model.of(kind))
        )
        found[name] = {
            "kernel": (ours - theirs).total(),
            "model": (theirs - ours).total(),
        }
    return found


def displaced(kernel: Side, model: Side) -> int:
    """Flushes that stand elsewhere in the order of all CPUs together.

    Zero on one CPU, and of no meaning where the flushes of a CPU differ.
    """
    orders = []
    for side in (kernel.of(FLUSH), model.of(FLUSH)):
        cpus = side.cpu[np.argsort(side.place, kind="stable")]
        orders.append(cpus)
    length = min(map(len, orders))
    return int(np.count_nonzero(orders[0][:length] != orders[1][:length]))
