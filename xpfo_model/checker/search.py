# SPDX-License-Identifier: GPL-2.0-only
"""Breadth-first search over every interleaving, bound to a strategy's hooks.

The hooks are those that `replay` counts. States are numbers in a hash table, so
that a million of them take seconds and megabytes.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from xpfo_model.checker.actions import Actions
from xpfo_model.checker.invariants import violated
from xpfo_model.checker.transition import act
from xpfo_model.checker.world import World, canonical, copy, twins, unpack

EMPTY: Final = -1

# 2^64 divided by the golden ratio, odd: Knuth's multiplicative hash, kept to 63
# bits for signed arithmetic.
HASH: Final = 0x1E3779B97F4A7C15
HASH_SHIFT: Final = 20


def slot_of(
    table: npt.NDArray[np.int32], states: npt.NDArray[np.int64], key: int
) -> int:
    """Where a state is in the hash table, or the empty slot where it belongs."""
    mask = len(table) - 1
    slot = ((key * HASH) >> HASH_SHIFT) & mask
    while table[slot] != EMPTY and states[table[slot]] != key:
        slot = (slot + 1) & mask
    return slot


def note(first: npt.NDArray[np.int64], found: int, state: int, action: int) -> None:
    """Remember where each of the violated invariants was violated first."""
    for n in range(len(first)):
        if found >> n & 1 and first[n, 0] == EMPTY:
            first[n, 0] = state
            first[n, 1] = action


def bfs(
    w: World,
    here: World,
    a: Actions,
    options: npt.NDArray[np.int64],
    table: npt.NDArray[np.int32],
    states: npt.NDArray[np.int64],
    parent: npt.NDArray[np.int32],
    via: npt.NDArray[np.int16],
    first: npt.NDArray[np.int64],
) -> tuple[int, bool]:
    """Explore all states; how many there are, and whether that is all of them.

    The search starts in the first `options[4]` of `states`; `w` and `here` are worlds
    to work in. `options` are the nesting, `how` of `act`, the invariants to check and
    those at whose violation to stop, and how many states to start in. `first` gets,
    per invariant, the state that violates it first. Of CPUs that are alike in a state
    only the first one acts: the others lead to the same states.
    """
    nesting, how, checks, until = options[0], options[1], options[2], options[3]
    known = options[4]
    for start in range(known):
        table[slot_of(table, states, states[start])] = start
        parent[start] = EMPTY
    done = 0
    while done < known:
        unpack(here, states[done])
        copy(here, w)
        alike = twins(w)
        for i in range(len(a.op)):
            if alike >> a.cpu[i] & 1 or not act(w, a, i, nesting, how):
                continue
            found = violated(w, checks)
            key = canonical(w)
            copy(here, w)
            slot = slot_of(table, states, key)
            fresh = table[slot] == EMPTY
            if fresh:
                if known == len(states):
                    return known, False
                table[slot] = known
                states[known] = key
                parent[known] = done
                via[known] = i
                known += 1
            if found:
                # the action counts, too: a flush leaves no trace in a state
                note(first, found, done, i)
            if found & until:
                return known, False
        done += 1
    return known, True
