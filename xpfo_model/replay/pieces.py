# SPDX-License-Identifier: GPL-2.0-only
"""Some of a trace's steps, and the same steps with smaller refills."""

from typing import Any

import numpy as np

from xpfo_model.replay.calls import REFILL, Calls


def rows(steps: Calls, which: Any) -> Calls:
    """The steps that a slice or a mask selects."""
    columns = {f: getattr(steps, f)[which] for f in Calls._fields if f != "frames"}
    return Calls(frames=steps.frames, **columns)


def split_refills(steps: Calls, batch: int) -> Calls:
    """The same steps with refills of at most `batch` frames each.

    What a kernel with a smaller pcp batch would have done for the same demand.
    Raises `ValueError` if `batch` is below 1.
    """
    if batch < 1:
        raise ValueError(f"a refill of {batch} frames")
    op = np.asarray(steps.op)
    length = np.asarray(steps.stop) - np.asarray(steps.start)
    pieces = np.where(op == REFILL, -(-length // batch), 1)
    source = np.repeat(np.arange(len(op)), pieces)
    piece = np.arange(len(source)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    columns = {f: getattr(steps, f)[source] for f in Calls._fields if f != "frames"}
    refill = columns["op"] == REFILL
    columns["start"] = columns["start"] + np.where(refill, piece * batch, 0)
    columns["stop"] = np.where(
        refill, np.minimum(columns["start"] + batch, columns["stop"]), columns["stop"]
    )
    return Calls(frames=steps.frames, **columns)
