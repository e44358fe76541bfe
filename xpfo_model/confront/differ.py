# SPDX-License-Identifier: GPL-2.0-only
"""The first thing that kernel and model did differently, and how many there are.

Flushes are compared one by one on each CPU. Unmaps and maps are compared frame by
frame, in their order, with cause and CPU; splits block by block. Between CPUs the
order cannot be the same: the kernel acts, then traces the allocation that makes the
model act, and others act meanwhile.
"""

from collections import Counter
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from xpfo_model.confront.sides import Side
from xpfo_model.confront.watch import FLUSH, KINDS, MAP, SPLIT, UNMAP

NONE: Final = -1
NEAR: Final = 256
"""Flushes of a CPU, or changes of a frame, among which one is looked for that stands
elsewhere."""
Rows = npt.NDArray[Any]
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
    """The number of the flush of its CPU, or change of its frame, from 0."""


def first_difference(kernel: Side, model: Side) -> Difference | None:
    """The first difference in the order of the trace, or None.

    A difference of a frame that belongs to a flush that differs, too, is that flush.
    """
    found = [
        _alone(_first(kernel, model, kind, group, *masks), kernel, model)
        for kind, group, masks in (
            (FLUSH, "cpu", (kernel.kind == FLUSH, model.kind == FLUSH)),
            (UNMAP, "pfn", (_entries(kernel), _entries(model))),
            (SPLIT, "pfn", (kernel.kind == SPLIT, model.kind == SPLIT)),
        )
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
    """The difference without what the other side does, too, only later.

    Where one side does a flush more, its next flushes are those of the other side. So
    are the changes of a frame.
    """
    if one is None or NONE in {one.kernel, one.model}:
        return one
    later = comes_later(kernel, one.kernel, model, one.model)
    earlier = comes_later(model, one.model, kernel, one.kernel)
    if later and earlier:
        # as in what alternates: which of the two is too many, so that the rest agrees
        after = (_rows_from(kernel, one.kernel), _rows_from(model, one.model))
        later = _agree(kernel, after[0], model, after[1][1:])
        earlier = _agree(kernel, after[0][1:], model, after[1])
    if later > earlier:
        return one._replace(kernel=NONE)
    if earlier > later:
        return one._replace(model=NONE)
    return one


def comes_later(ours: Side, row: int, theirs: Side, at: int) -> int:
    """How far behind a row of theirs our row is among theirs; 0 if it is not.

    Flushes of the CPU are looked at, or changes of the frame.
    """
    rows = _rows_from(theirs, at)[1 : NEAR + 1]
    same = _equal(ours, np.full(len(rows), row), theirs, rows)
    found = np.flatnonzero(same)
    return int(found[0]) + 1 if len(found) else 0


def _rows_from(side: Side, row: int) -> Rows:
    """A row and those behind it that are of its CPU, if a flush, or of its frame."""
    if side.kind[row] == FLUSH:
        rows = np.flatnonzero((side.kind == FLUSH) & (side.cpu == side.cpu[row]))
    else:
        rows = np.flatnonzero(_entries(side) & (side.pfn == side.pfn[row]))
    return rows[rows >= row]


def _equal(ours: Side, rows: Rows, theirs: Side, others: Rows) -> Rows:
    """Whether each of our rows is as theirs is."""
    same = np.ones(len(rows), np.bool_)
    if len(rows):
        for name in _KEYS[FLUSH if ours.kind[rows[0]] == FLUSH else UNMAP]:
            same &= getattr(ours, name)[rows] == getattr(theirs, name)[others]
    return same


def _agree(ours: Side, rows: Rows, theirs: Side, others: Rows) -> int:
    """How many rows are as theirs until one is not, and whether both end there."""
    length = min(len(rows), len(others))
    unequal = np.flatnonzero(~_equal(ours, rows[:length], theirs, others[:length]))
    if len(unequal):
        return int(unequal[0])
    return length + (len(rows) == len(others))


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
    kernel: Side, model: Side, kind: int, group: str, ours: Rows, theirs: Rows
) -> Difference | None:
    """The first difference of a kind, where rows of one group are in their order.

    Of a group it is the one with the least number: what comes later only follows, even
    if it has an earlier place.
    """
    tables = [_numbered(getattr(kernel, group), ours)]
    tables.append(_numbered(getattr(model, group), theirs))
    scale = 1 + max(int(number.max(initial=0)) for _, _, number in tables)
    ids = [key * scale + number for _, key, number in tables]
    both = np.union1d(*ids)
    pair = np.full((2, len(both)), NONE)
    for at, (rows, _, _) in enumerate(tables):
        pair[at, np.searchsorted(both, ids[at])] = rows
    one, other = pair
    there = np.flatnonzero((one != NONE) & (other != NONE))
    differs = np.ones(len(both), np.bool_)
    differs[there] = False
    for column in _KEYS[kind]:
        a, b = getattr(kernel, column), getattr(model, column)
        differs[there] |= a[one[there]] != b[other[there]]
    where = np.flatnonzero(differs)
    if not len(where):
        return None
    where = where[np.unique(both[where] // scale, return_index=True)[1]]
    candidates = [
        Difference(kind, int(one[at]), int(other[at]), int(both[at] % scale))
        for at in where
    ]
    return min(candidates, key=lambda each: _place(each, kernel, model))


def _numbered(column: npt.NDArray[Any], which: Rows) -> tuple[Rows, Rows, Rows]:
    """Rows by their group, the group of each, and its number in that, from 0."""
    rows = np.flatnonzero(which)
    key = column[rows].astype(np.int64)
    order = np.argsort(key, kind="stable")
    key = key[order]
    begins = np.flatnonzero(np.diff(key, prepend=-1))
    number = np.arange(len(key)) - np.repeat(begins, np.diff(begins, append=len(key)))
    return rows[order], key, number


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
