# SPDX-License-Identifier: GPL-2.0-only
"""Save a log in little space, and load it again.

A zip of NumPy arrays, which `numpy.load` opens, too, compressed with LZMA, and
about.json. 1.2 million events take 2 MB, because what can be derived is left out:

* time: differences to the row before, in the largest unit that divides them all;
* the seven small columns of a row: which of a few dozen combinations;
* pfn, gfp, next_pid: only of the kinds of event that have one;
* pid: only where it is not the next_pid of that CPU's last sched_switch.

Wide integers are stored byte by byte of equal weight, the lowest bytes first.
Nothing is pickled. The same log gives the same file.
"""

import dataclasses
import io
import json
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xpfo_model import gfp
from xpfo_model.errors import TraceError
from xpfo_model.events import SCHED_SWITCH, About, EventLog, Events, Warned
from xpfo_model.traces.source import Bytes

MAGIC: Final = b"PK\x03\x04"
"""First bytes of a zip file."""

_FORMAT: Final = "xpfo-model events"
_VERSION: Final = 1
_ABOUT: Final = "about.json"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_SMALL: Final = (
    "kind",
    "flags",
    "order",
    "migratetype",
    "fallback_order",
    "fallback_migratetype",
    "preempt",
)
_SPARSE: Final = ("pfn", "gfp", "next_pid")
_PIECE: Final = 1 << 20

Array = npt.NDArray[Any]


def save_npz(log: EventLog, path: str | Path) -> None:
    """Write a log to a file that `read` gives back as an equal log.

    The file is complete or not there. Raises `OSError`.
    """
    arrays, coding = _encode(log.events)
    about = {
        "format": _FORMAT,
        "version": _VERSION,
        "about": dataclasses.asdict(log.about),
        "coding": coding,
    }
    part = Path(f"{path}.part")
    try:
        with zipfile.ZipFile(part, "w") as file:
            _add(file, _ABOUT, json.dumps(about, default=int, indent=1).encode())
            for name, array in arrays.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                _add(file, f"{name}.npy", content.getvalue())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _add(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    file.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_LZMA)


def load(source: Bytes, name: str, kernel: str | None = None) -> EventLog:
    """The log in the bytes of a file that `save_npz` has written.

    Raises `TraceError` if they are something else or damaged, or if the masks are
    not those of `kernel`.
    """
    whole = b"".join(iter(lambda: source.read(_PIECE), b""))
    try:
        with zipfile.ZipFile(io.BytesIO(whole)) as file:
            head = json.loads(file.read(_ABOUT))
            if head["format"] != _FORMAT:
                raise ValueError(f"its format is {head['format']!r}")
            if head["version"] > _VERSION:
                raise TraceError(
                    "it was saved by a newer xpfo-model",
                    file=name,
                    remedy="update xpfo-model, or convert the text again",
                )
            about = _about(head["about"])
            arrays = {
                member.removesuffix(".npy"): np.lib.format.read_array(
                    io.BytesIO(file.read(member)), allow_pickle=False
                )
                for member in file.namelist()
                if member != _ABOUT
            }
            events = _decode(arrays, head["coding"])
    except _DAMAGE as error:
        raise TraceError(
            f"it is no saved trace, or is damaged: {error or type(error).__name__}",
            file=name,
            remedy="convert it again from the text: xpfo-model convert",
        ) from error
    if kernel is not None and gfp.table_of(kernel) != gfp.table_of(about.kernel):
        raise TraceError(
            f"its GFP masks are those of {about.kernel}, not of {kernel}",
            file=name,
            remedy=f"convert it again from the text with --kernel {kernel}",
        )
    return EventLog(events, about)


_DAMAGE: Final = (
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,  # an encrypted member
    TypeError,
    ValueError,
)


def _about(fields: dict[str, Any]) -> About:
    fields["warnings"] = {k: Warned(**v) for k, v in fields["warnings"].items()}
    fields["marks"] = tuple((row, time, text) for row, time, text in fields["marks"])
    for name in ("recorded", "header"):
        if fields.get(name) is not None:
            fields[name] = tuple(fields[name])
    about = About(**fields)
    gfp.names(about.kernel)
    return about


def _encode(events: Events) -> tuple[dict[str, Array], dict[str, Any]]:
    arrays: dict[str, Array] = {}
    steps = np.diff(events.time, prepend=np.int64(0))
    unit = max(1, int(np.gcd.reduce(steps))) if len(steps) else 1
    steps = _narrow(steps // unit)
    arrays["time"] = _shuffle(steps)
    arrays["cpu"] = _narrow(events.cpu)
    small = np.stack([getattr(events, name).astype(np.int16) for name in _SMALL], 1)
    combinations, which = np.unique(small, axis=0, return_inverse=True)
    arrays["combinations"] = combinations
    arrays["row"] = _narrow(which.ravel())
    kinds = {}
    for name in _SPARSE:
        column = getattr(events, name)
        having = np.unique(events.kind[column != 0])
        kinds[name] = having.tolist()
        arrays[name] = _narrow(column[np.isin(events.kind, having)])
    masks, which = np.unique(arrays["gfp"], return_inverse=True)
    arrays["masks"] = masks
    arrays["gfp"] = _narrow(which.ravel())
    arrays["pid"] = _narrow(events.pid - _expected_pid(events))
    return arrays, {"unit": unit, "step": steps.dtype.str, "kinds": kinds}


def _decode(arrays: dict[str, Array], coding: dict[str, Any]) -> Events:
    combinations = arrays["combinations"][arrays["row"]]
    rows = Events.empty(len(combinations))
    steps = _unshuffle(arrays["time"], str(coding["step"]))
    _fill(rows.time, np.cumsum(steps * int(coding["unit"])))
    _fill(rows.cpu, arrays["cpu"])
    for column, name in enumerate(_SMALL):
        _fill(getattr(rows, name), combinations[:, column])
    arrays["gfp"] = arrays["masks"][arrays["gfp"]]
    for name in _SPARSE:
        where = np.isin(rows.kind, coding["kinds"][name])
        if np.count_nonzero(where) != len(arrays[name]):
            raise ValueError(f"{len(arrays[name])} values of {name}")
        getattr(rows, name)[where] = arrays[name]
    _fill(rows.pid, arrays["pid"] + _expected_pid(rows))
    return rows


def _expected_pid(events: Events) -> npt.NDArray[np.int64]:
    """Whom each row's CPU switched to last, 0 before its first sched_switch."""
    expected = np.zeros(len(events.kind), np.int64)
    for cpu in np.unique(events.cpu):
        rows = np.flatnonzero(events.cpu == cpu)
        switched = events.kind[rows] == SCHED_SWITCH
        # per row, the last switch before it; 0 is none
        place = np.where(switched, np.arange(1, len(rows) + 1), 0)
        last = np.maximum.accumulate(np.concatenate([[0], place[:-1]]))
        next_pid = np.concatenate([[0], events.next_pid[rows]])
        expected[rows] = next_pid[last]
    return expected


def _narrow(column: Array) -> Array:
    """The same integers in the smallest type that holds them."""
    low, high = (int(column.min()), int(column.max())) if len(column) else (0, 0)
    names = ("u1", "u2", "u4", "u8") if low >= 0 else ("i1", "i2", "i4", "i8")
    for name in names:
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return column.astype(name)
    raise AssertionError(f"no integer type holds {low} and {high}")


def _shuffle(column: Array) -> Array:
    """Integers as rows of bytes of equal weight, the lowest first."""
    little = column.astype(column.dtype.newbyteorder("<"))
    return little.view(np.uint8).reshape(len(column), little.itemsize).T


def _unshuffle(rows: Array, dtype: str) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(rows.T).view(dtype).ravel().astype(np.int64)


def _fill(column: Array, values: Array) -> None:
    """Set a column; unlike an assignment, refuse one value for all rows."""
    if column.shape != values.shape:
        raise ValueError(f"{values.shape} values for {column.shape} rows")
    column[:] = values
