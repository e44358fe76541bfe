# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model import replay, workloads

# The seed mail's sequence, worked by hand: first four, then 30 more users.
WORKED = {
    True: {"v6": 1, "per_frame": 1, "alternation": 2, "pcp_batch": 1, "pageblock": 1},
    False: {"v6": 1, "per_frame": 1, "alternation": 2, "pcp_batch": 1, "pageblock": 1},
}
MORE = {"v6": 30, "per_frame": 30, "pcp_batch": 0, "pageblock": 0}


@pytest.mark.parametrize("movable", [True, False])
def test_the_seed_sequence_is_the_worked_example(movable):
    outcome = replay.replay(workloads.seed_sequence(movable=movable))
    for name, flushes in WORKED[movable].items():
        assert outcome.strategies[name].flushes == flushes, name
    batched = outcome.strategies["pcp_batch"]
    block = outcome.strategies["pageblock"]
    cause = "refill" if movable else "alloc"
    assert batched.flushes_by_cause[cause] == 1
    assert batched.frames_unmapped == (31 if movable else 1)
    assert block.frames_unmapped == (512 if movable else 1)


def test_thirty_more_users_cost_batching_nothing():
    few = replay.replay(workloads.seed_sequence())
    many = replay.replay(workloads.seed_sequence(more_users=30))
    for name, flushes in MORE.items():
        assert many.strategies[name].flushes - few.strategies[name].flushes == flushes
    assert many.strategies["alternation"].frames_exposed > 0


def test_a_kernel_page_comes_from_the_unmovable_list():
    log = workloads.seed_sequence(batch=4)
    assert replay.replay(log).totals == {
        "user_allocations": 1,
        "kernel_allocations": 3,
        "user_zeroed": 0,
        "user_not_movable": 0,
        "kernel_movable": 0,
        "refills": 2,
        "refills_movable": 1,
        "ownership_changes": 0,
        "first_touch": 1,
        "from_kernel": 0,
        "from_user": 0,
    }
