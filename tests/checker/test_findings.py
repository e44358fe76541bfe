# SPDX-License-Identifier: GPL-2.0-only
"""Faults that the checker finds, and those that a strategy without a part has."""

import dataclasses

import pytest
from tiny_worlds import DEFAULT, SMALL

from xpfo_model import checker, strategies
from xpfo_model.checker.check import ENOUGH, FEW
from xpfo_model.constants import MIGRATE_MOVABLE
from xpfo_model.machine import (
    BLOCK,
    KERNEL,
    USER,
    flush,
    map_block,
    may_wait,
    unmap_block,
)
from xpfo_model.strategies import RECOMMENDED
from xpfo_model.strategies.freetype import is_whole
from xpfo_model.strategies.pageblock import KERNEL_BLOCK, USER_BLOCK


def test_freetype_is_safe_and_would_not_be_with_its_blocks_left_in_the_buddy(
    monkeypatch,
):
    good = checker.check("freetype", SMALL)
    assert good.exhaustive
    assert good.claims_safe
    assert not good.violations
    entry = strategies.REGISTRY["freetype"]
    left = dataclasses.replace(entry, flips_free_blocks=False)
    monkeypatch.setitem(strategies.REGISTRY, "freetype", left)
    few = checker.limited(DEFAULT, FEW)
    assert checker.check("freetype", few, "no-stale-translation").found


def flip_unzeroed(m, cpu, block, migratetype):
    """As freetype.change_block(), but what users left in the block stays."""
    kind = USER_BLOCK if migratetype == MIGRATE_MOVABLE else KERNEL_BLOCK
    if m.block_state[block] != kind and may_wait(m) and is_whole(m, block):
        m.block_state[block] = kind
        if kind == USER_BLOCK:
            unmap_block(m, block, KERNEL)
            flush(m, BLOCK)
        else:
            map_block(m, block, USER)


def test_freetype_leaves_data_in_reach_without_its_zeroes(monkeypatch):
    name = "freed-stays-unreachable"
    module = strategies.load("freetype")
    monkeypatch.setattr(flip_unzeroed, "__module__", module.__name__)
    monkeypatch.setattr(module, "change_block", flip_unzeroed)
    report = checker.check("freetype", SMALL, name)
    assert report.found[name].trace[-1].endswith("makes block 0 UNMOVABLE")


def test_a_flush_at_entry_helps_while_no_other_cpu_is_in_the_kernel():
    stale = "no-stale-translation"
    whole = {n: checker.check(n, SMALL, alone=True) for n in ("v9", "kernel_entry")}
    assert all(report.exhaustive for report in whole.values())
    assert stale not in whole["kernel_entry"].found
    assert whole["v9"].found[stale].trace == (
        "CPU 0 allocates frame 0 for a user",
        "CPU 0 returns to user space",
        "CPU 1 enters the kernel",
    )
    together = checker.check("kernel_entry", SMALL, stale).found[stale]
    assert together.trace == ("CPU 0 allocates frame 0 for a user",)


def test_what_is_left_open_is_found():
    few = checker.limited(DEFAULT, FEW)
    found = checker.check("pcp_batch_local", few).found
    assert found["handed-out-unmapped"].trace[-1] == (
        "CPU 0 moves the page of frame 0 to frame 1"
    )
    assert found["flush-with-irqs-on"].trace == (
        "CPU 0 refills the MOVABLE list with frame 0, interrupts off",
    )


def test_a_batch_that_is_listed_before_its_flush_is_handed_out_stale():
    early = checker.check(
        RECOMMENDED, DEFAULT, "no-stale-translation", listed_first=True
    )
    assert early.found["no-stale-translation"].trace == (
        "CPU 0 refills the MOVABLE list with frame 0, waiting for its flush",
        "CPU 1 allocates frame 0 for a user",
    )


UNSAFE = [n for n, entry in strategies.REGISTRY.items() if not entry.safe]


@pytest.mark.slow
@pytest.mark.parametrize("name", UNSAFE)
def test_where_the_search_is_left_no_other_fault_follows(name):
    found, more = (
        {v.invariant: (v.steps, v.visited) for v in report.violations}
        for report in (
            checker.check(name, checker.limited(DEFAULT, states))
            for states in (ENOUGH, FEW)
        )
    )
    assert found == more
