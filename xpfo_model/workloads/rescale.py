# SPDX-License-Identifier: GPL-2.0-only
"""Demand taken from a trace: on more CPUs, with more users, in other memory.

Every allocation with its free, in the order of the trace. Pages older than the trace,
pages of which only a part is freed, pages taken in bulk and drains are left out.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from xpfo_model import gfp
from xpfo_model.allocator.profiles import profile, profile_of_masks
from xpfo_model.allocator.zones import machine
from xpfo_model.events import EventLog, Events
from xpfo_model.workloads.activity import Kind, in_order
from xpfo_model.workloads.lifetimes import NONE, Lifetimes, lifetimes
from xpfo_model.workloads.load import Load, load
from xpfo_model.workloads.schedule import (
    BIRTH,
    COMMIT,
    DEATH,
    OP_BITS,
    PREPARE,
    Schedule,
    rows,
)

APART: Final = 0.1
"""Share of a trace by which its copies are shifted at most: free choice, so that
they do not do the same at the same time, and all run for most of the time."""


def repeats(
    rng: np.random.Generator, user: Any, share: float | None
) -> tuple[Any, float]:
    """How often each allocation happens so that users have a share; that share."""
    now = float(user.mean()) if len(user) else 0.0
    if share is None or not 0 < now < 1:
        return np.ones(len(user), np.int64), now
    often = np.where(user, share / now, (1 - share) / (1 - now))
    return (often + rng.random(len(user))).astype(np.int64), share


def rescaled(
    log: EventLog,
    *,
    frames: int,
    cpus: int | None = None,
    user_share: float | None = None,
    seed: int = 0,
    kernel: str | None = None,
) -> Load:
    """The demand of a trace on another machine.

    Parameters
    ----------
    log : EventLog
        From `traces.read`.
    frames : int
        Memory of the machine.
    cpus : int, optional
        More than the trace has: copies of the trace side by side, each on CPUs of
        its own, shifted in time. Fewer: its CPUs take turns.
    user_share : float, optional
        Of the allocations. Users' and the kernel's are left out or repeated at
        random, with their frees, so that there are as many as before.
    seed : int
        Draws the shifts and what is left out or repeated.
    kernel : str, optional
        A profile, by default `profiles.profile_of_masks` of the trace's masks.

    Raises `WorkloadError` if it does not fit into memory.
    """
    events, masks = log.events, log.about.kernel
    found = lifetimes(events)
    own = int(events.cpu.max(initial=0)) + 1
    cpus = cpus or own
    rng = np.random.default_rng(seed)
    user = gfp.is_user(events.gfp[found.born], masks)
    some, shift, first_cpu = [], [], []
    for copy in range(-(-cpus // own)):
        often, share = repeats(rng, user, user_share)
        which = np.repeat(np.arange(len(user)), often)
        latest = int(len(events.kind) * APART) if copy else 0
        some.append(which)
        shift.append(np.full(len(which), rng.integers(latest + 1)))
        first_cpu.append(np.full(len(which), copy * own))
    which = np.concatenate(some)
    made = _schedule(
        events,
        Lifetimes(*(column[which] for column in found)),
        np.concatenate(shift),
        lambda row, page: (events.cpu[row] + np.concatenate(first_cpu)[page]) % cpus,
        masks,
    )
    kernel = kernel or profile_of_masks(masks)
    start = log.about.marks[0][0] if log.about.marks else 0
    return load(
        made,
        f"{log.about.name} on {cpus} CPUs, {frames:,} frames, {share:.0%} users",
        measured_from=int(np.searchsorted(made.time, start)),
        kernel=kernel,
        masks=masks,
        frames=frames,
        cpus=cpus,
        layout=machine(profile(kernel), frames, cpus),
    )


def _schedule(
    events: Events,
    of: Lifetimes,
    shift: Any,
    cpu: Callable[[Any, Any], Any],
    masks: str,
) -> Schedule:
    """The rows of lifetimes, each at its time and shifted."""
    page = np.arange(len(of.born))
    freed = np.flatnonzero(of.freed != NONE)
    committed = np.flatnonzero(of.committed != NONE)
    op = np.where(of.committed[freed] != NONE, PREPARE, DEATH)
    key, time = in_order(
        np.concatenate(
            [
                of.born + shift,
                of.freed[freed] + shift[freed],
                of.committed[committed] + shift[committed],
            ]
        ),
        np.concatenate(
            [
                page << OP_BITS | BIRTH,
                freed << OP_BITS | op,
                committed << OP_BITS | COMMIT,
            ]
        ),
    )
    both = np.stack(
        [events.gfp[of.born], events.order[of.born].astype(np.uint64)], axis=1
    )
    kinds, kind = np.unique(both, axis=0, return_inverse=True)
    filled, all_masks = rows(
        key,
        kind.reshape(-1).astype(np.uint16),
        [Kind(*pair) for pair in kinds.tolist()],
        (cpu(of.born, page), cpu(of.freed, page)),
        masks,
    )
    return Schedule(filled, all_masks, time)
