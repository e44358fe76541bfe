# SPDX-License-Identifier: GPL-2.0-only
"""Pictures of the direct map, for claims about what is in the kernel's reach."""

from collections.abc import Sequence
from typing import Any, Final

from xpfo_model.claims.inputs import Inputs
from xpfo_model.figures.forms import DirectMap
from xpfo_model.replay import frames
from xpfo_model.replay.run import Run

WORDS: Final = {
    "kernel": "the kernel's",
    "free": "free, mapped",
    "unmapped": "free, not mapped",
    "user": "a user's, out of reach",
    "exposed": "a user's, in the kernel's reach",
}
MOMENTS: Final = 96
"""Columns of a picture over time."""
COLUMNS: Final = 128
"""Columns of a picture of all frames: four frames each."""
_STATES: Final = tuple((state, WORDS[state]) for state in frames.STATES)


def _run(evidence: Inputs, trace: str, strategy: str, how: dict[str, Any]) -> Run:
    return Run(strategy, cpus=evidence.use(trace).cpus, zeroing=True, **how)


def over_time(
    evidence: Inputs, title: str, trace: str, names: Sequence[str], **how: Any
) -> DirectMap:
    """Every pageblock from the start of a trace to its end, a panel a strategy.

    Pages are zeroed through kmap; `how` as in `Run`.
    """
    steps, reconstruction = evidence.steps(trace)
    order = frames.blocks_by_address(reconstruction)
    seen = [
        frames.over_time(
            _run(evidence, trace, name, how), steps, reconstruction.frames, MOMENTS
        )[order]
        for name in names
    ]
    which = frames.touched(*seen)
    return DirectMap(
        title,
        [(name, some[which]) for name, some in zip(names, seen, strict=True)],
        _STATES,
        f"{trace}, in equal steps",
        "a row is a pageblock of 2M, by address",
        ("start", "end"),
    )


def at_end(
    evidence: Inputs, title: str, traces: Sequence[str], strategy: str, **how: Any
) -> DirectMap:
    """Every frame at the end of a trace, a panel a trace."""
    panels = []
    for trace in traces:
        steps, reconstruction = evidence.steps(trace)
        order = frames.blocks_by_address(reconstruction)
        run = _run(evidence, trace, strategy, how)
        seen = frames.at_end(run, steps, reconstruction.frames, COLUMNS)[order]
        panels.append((trace, seen[frames.touched(seen)]))
    return DirectMap(
        title,
        panels,
        _STATES,
        f"frames of each pageblock at the end of the trace, under {strategy}",
        "a row is a pageblock of 2M, by address",
        ("first frame", "last"),
    )
