# SPDX-License-Identifier: GPL-2.0-only
import pytest
from logs import GFP_KERNEL, USER_MOVABLE, alloc, free, locked, log_of

from xpfo_model import events as ev
from xpfo_model import workloads
from xpfo_model.workloads.lifetimes import NONE, lifetimes

# two CPUs; frame 8 goes from the kernel to a user, frame 1 the other way
HAND_MADE = [
    locked(8, 0),
    locked(9, 0),
    alloc(8, GFP_KERNEL),
    locked(1, 1, cpu=1),
    alloc(1, USER_MOVABLE, cpu=1),
    free(8, cpu=1),
    locked(16, 0, order=1),
    alloc(16, GFP_KERNEL, order=1),
    alloc(8, USER_MOVABLE, cpu=1),
    free(1, cpu=1),
    {"kind": ev.MM_PAGE_FREE_BATCHED, "pfn": 1, "cpu": 1},
    alloc(1, GFP_KERNEL),
    alloc(ev.FAILED, USER_MOVABLE),
    free(5),
]


def test_a_hand_made_stream():
    found = workloads.statistics(log_of(HAND_MADE))
    assert found.allocations == 5
    assert found.user == 2 / 5
    assert found.zeroed == 0
    assert found.orders == {0: 4 / 5, 1: 1 / 5}
    assert found.migratetypes == {"UNMOVABLE": 3 / 5, "MOVABLE": 2 / 5}
    assert found.refills == 3 * 1000 / 5
    # K K K on CPU 0, U U on CPU 1
    assert found.run == 5 / 2
    assert found.freed == 2 / 5
    assert found.batched == 1 / 2
    assert found.elsewhere == 1 / 2
    # frame 8: one allocation since its own; frame 1: two
    assert found.life == pytest.approx((1.1, 1.25, 1.5, 1.75, 1.9))
    assert found.working_set == 4
    assert found.to_user == 1 / 6
    assert found.to_kernel == 1 / 6


def test_what_was_before_says_only_whose_a_frame_was():
    found = workloads.statistics(log_of(HAND_MADE), first=8)
    assert found.allocations == 2
    assert found.refills == 0
    assert found.to_user == found.to_kernel == 1 / 2


def test_an_empty_stream():
    found = workloads.statistics(log_of([free(3)]))
    assert found.allocations == 0
    assert found.life == ()
    assert found.orders == {}


def test_lives_of_pages_that_are_freed_in_parts():
    found = lifetimes(log_of([alloc(4, GFP_KERNEL, order=2), free(4)]).events)
    assert found.freed.tolist() == [NONE]
