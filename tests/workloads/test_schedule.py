# SPDX-License-Identifier: GPL-2.0-only
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from xpfo_model.allocator.demand import ALLOC, FREE, FREE_COMMIT, FREE_PREPARE
from xpfo_model.workloads.activity import (
    NEVER,
    Activity,
    Kind,
    Pages,
    in_order,
    number_within,
    together,
)
from xpfo_model.workloads.schedule import begin, schedule

UNBOUNDED = 1 << 30


def rows(activity, *, allocations=100.0, cpus=2, most=UNBOUNDED):
    d = schedule(activity, allocations, cpus, most, "v6.1").demand
    return list(zip(d.op.tolist(), d.cpu.tolist(), d.page.tolist(), strict=True))


def two_bursts(kind, pages=3, *, cpus=(0, 1), times=(0.0, 50.0)):
    place = np.arange(pages)
    return Activity(
        np.array(times), np.array(cpus), [Pages(kind, np.zeros(pages), place, 1, place)]
    )


def test_pages_are_born_and_die_in_their_places():
    assert rows(two_bursts(Kind(1))) == [
        *((ALLOC, 0, page) for page in range(3)),
        *((FREE, 1, page) for page in range(3)),
    ]


def test_a_list_is_prepared_and_then_committed():
    ops = [row[0] for row in rows(two_bursts(Kind(1, listed=2)))[3:]]
    prepare, commit = FREE_PREPARE, FREE_COMMIT
    assert ops == [prepare, prepare, commit, commit, prepare, commit]


def test_a_kernel_without_lists_commits_each_at_once():
    ops = [row[0] for row in rows(two_bursts(Kind(1, listed=2)), most=1)[3:]]
    assert ops == [FREE_PREPARE, FREE_COMMIT] * 3


def test_a_free_waits_for_its_allocation():
    late = two_bursts(Kind(1), times=(50.0, 0.0))
    assert sorted(row[2] for row in rows(late)[:2]) == [0, 0]
    seen = set()
    for op, _, page in rows(late):
        assert op == ALLOC or page in seen
        seen.add(page)


def test_what_begins_before_the_run_or_after_it_is_left_out():
    before = two_bursts(Kind(1), times=(-1.0, 50.0))
    assert rows(before) == []
    after = two_bursts(Kind(1), times=(10.0, 100.0))
    assert [row[0] for row in rows(after)] == [ALLOC] * 3


def test_pages_that_are_never_freed():
    stays = Activity(np.zeros(1), np.zeros(1, int), [Pages(Kind(1), 0, 0, NEVER, 0)])
    assert rows(stays) == [(ALLOC, 0, 0)]


def test_together_keeps_bursts_apart():
    one = two_bursts(Kind(1), pages=1)
    both = together([one, one._replace(time=one.time + 1)])
    assert [pages.columns()[0].tolist() for pages in both.pages] == [[0], [2]]
    assert len(rows(both)) == 4


def test_ballast_comes_first_and_has_its_own_numbers():
    some = two_bursts(Kind(1), pages=1)._replace(ballast=2, ballast_kind=Kind(8, 9))
    assert rows(some) == [(ALLOC, 0, 0), (ALLOC, 0, 1), (ALLOC, 0, 2), (FREE, 1, 2)]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.floats(0, 99, allow_nan=False), st.integers(0, 30)
        ),
        min_size=1,
        max_size=40,
    )
)
def test_a_cpu_does_one_burst_after_the_other(bursts):
    cpu, time, length = (np.array(column) for column in zip(*bursts, strict=True))
    a = Activity(time.astype(float), cpu, [])
    begins = begin(length.astype(np.int64), a, 200.0, 100.0)
    assert (begins >= (time * 2).astype(int)).all()
    for one in np.unique(cpu):
        mine = np.flatnonzero(cpu == one)
        order = mine[np.lexsort((mine, begins[mine]))]
        ends = begins + length
        assert (begins[order[1:]] >= ends[order[:-1]]).all() or (
            length[order] == 0
        ).any()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1000)), max_size=50))
def test_equal_times_keep_the_order_of_what(pairs):
    time, what = np.array(pairs, np.int64).reshape(-1, 2).T.copy()
    expected = sorted(zip(time.tolist(), what.tolist(), strict=True))
    found, times = in_order(time, what)
    assert list(zip(times.tolist(), found.tolist(), strict=True)) == expected


def test_numbers_within():
    assert number_within([2, 0, 3]).tolist() == [0, 1, 0, 1, 2]
    assert number_within([]).tolist() == []
