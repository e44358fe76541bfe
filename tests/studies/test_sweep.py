# SPDX-License-Identifier: GPL-2.0-only
import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from xpfo_model.errors import SweepError, WorkloadError
from xpfo_model.studies.sweep import Point, grid, interval, run_task, sweep

NAMES = ("v6", "pcp_batch", "pageblock")
SMALL = Point("forks", cpus=2, frames=1 << 17, length=2000)


def one_at_a_time():
    return ThreadPoolExecutor(1)


def same(one, other):
    """Equal columns, NaN for NaN."""
    return repr(one) == repr(other)


def test_a_grid_is_every_combination():
    points = grid(workload=("forks", "pipes"), cpus=(1, 2), batch=(31,))
    assert len(points) == 4
    assert points[1] == Point("forks", cpus=2, batch=31)


def test_an_axis_that_does_not_exist_is_an_error():
    with pytest.raises(SweepError, match="no axis 'cpu'"):
        grid(cpu=(1,))


def test_a_share_that_is_no_number_is_an_error():
    with pytest.raises(SweepError, match="'x' in workload"):
        run_task(replace(SMALL, workload="forks:x"), 0, NAMES)


def test_a_workload_that_does_not_exist_is_an_error():
    with pytest.raises(WorkloadError, match="no workload 'fork'"):
        run_task(replace(SMALL, workload="fork"), 0, NAMES)


def test_a_task_depends_on_its_seed_and_on_nothing_else():
    one, again, other = (run_task(SMALL, seed, NAMES) for seed in (1, 1, 2))
    assert one == again
    assert one != other


def test_v6_flushes_once_for_each_user_allocation_that_is_measured():
    result = run_task(SMALL, 3, NAMES)
    assert result["flushes.v6"] == result["user_allocations"] > 0
    # a quarter is warm-up, half of the rest frees
    assert 0.2 * SMALL.length < result["allocations"] < 0.45 * SMALL.length


def test_the_batch_of_a_point_is_the_allocators():
    few, many = (run_task(replace(SMALL, batch=b), 0, NAMES) for b in (1, 15))
    assert few["refills"] > 5 * many["refills"]


@pytest.fixture(scope="module")
def columns():
    with one_at_a_time() as executor:
        return sweep([SMALL], range(8), names=NAMES, executor=executor)


def test_a_row_for_each_point_and_strategy(columns):
    assert columns["strategy"] == list(NAMES)
    assert columns["workload"] == ["forks"] * 3
    assert columns["seeds"] == [8] * 3
    assert {len(column) for column in columns.values()} == {3}


def test_flushes_are_medians_per_thousand_allocations(columns):
    results = [run_task(SMALL, seed, NAMES) for seed in range(8)]
    rates = sorted(1000 * r["flushes.pcp_batch"] / r["allocations"] for r in results)
    assert columns["flushes"][1] == pytest.approx(np.median(rates), abs=1e-4)
    assert columns["low"][1] == pytest.approx(rates[0], abs=1e-4)
    assert columns["high"][1] == pytest.approx(rates[7], abs=1e-4)


def test_without_per_frame_nothing_is_per_transition(columns):
    assert all(math.isnan(each) for each in columns["each"])


def test_flushes_per_transition_are_those_of_each_seed():
    names = ("per_frame", "pcp_batch")
    point = replace(SMALL, workload="compilers")
    with one_at_a_time() as executor:
        columns = sweep([point], range(6), names=names, executor=executor)
    results = [run_task(point, seed, names) for seed in range(6)]
    each = [r["flushes.pcp_batch"] / r["flushes.per_frame"] for r in results]
    assert columns["each"] == [1.0, pytest.approx(np.median(each), abs=1e-4)]
    assert columns["each_high"][1] == pytest.approx(max(each), abs=1e-4)


def test_the_order_in_which_tasks_end_changes_nothing(columns):
    with ThreadPoolExecutor(3) as executor:
        other = sweep([SMALL], reversed(range(8)), names=NAMES, executor=executor)
    assert same(other, columns)


def test_an_interval_holds_the_median_so_often():
    """Of 200 samples of 20, about 95 % must bracket the true median."""
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(200):
        middle, low, high = interval(rng.exponential(1.0, 20).tolist())
        assert low <= middle <= high
        inside += low <= math.log(2) <= high
    assert 0.91 <= inside / 200 <= 0.99


def test_five_values_give_no_interval():
    assert math.isnan(interval([1, 2, 3, 4, 5])[1])
    assert interval([1, 2, 3, 4, 5, 6]) == (3.5, 1, 6)


def test_a_sweep_goes_on_where_it_stopped(tmp_path, columns):
    journal = tmp_path / "sweep.jsonl"
    with one_at_a_time() as executor:
        sweep([SMALL], range(5), names=NAMES, executor=executor, journal=journal)
    whole = journal.read_text().splitlines(keepends=True)
    # stopped in the middle of a line
    journal.write_text("".join(whole[:3]) + whole[3][:40])
    ran = []

    class Noting(ThreadPoolExecutor):
        def submit(self, function, point, seed, *rest):
            ran.append(seed)
            return super().submit(function, point, seed, *rest)

    said = []
    with Noting(1) as executor:
        again = sweep(
            [SMALL],
            range(8),
            names=NAMES,
            executor=executor,
            journal=journal,
            progress=lambda done, total: said.append((done, total)),
        )
    assert ran == [3, 4, 5, 6, 7]
    assert said == [(done, 8) for done in range(3, 9)]
    assert same(again, columns)


def test_what_another_model_said_is_not_used(tmp_path):
    journal = tmp_path / "sweep.jsonl"
    with one_at_a_time() as executor:
        sweep([SMALL], [0], names=NAMES, executor=executor, journal=journal)
        entry = json.loads(journal.read_text())
        entry["sources"] = "0" * 64
        entry["result"]["flushes.v6"] = 0
        journal.write_text(json.dumps(entry) + "\n")
        columns = sweep([SMALL], [0], names=NAMES, executor=executor, journal=journal)
    assert columns["flushes"][0] > 0


@pytest.mark.slow
def test_processes_give_what_threads_give(columns):
    got = sweep([SMALL], range(8), names=NAMES)
    assert same(got, columns)


@pytest.mark.slow
def test_a_cluster_gives_what_threads_give(columns):
    """Dask's executor, on a real cluster of this machine's processes."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        got = sweep([SMALL], range(8), names=NAMES, executor=executor)
    assert same(got, columns)
