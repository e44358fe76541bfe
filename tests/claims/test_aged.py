# SPDX-License-Identifier: GPL-2.0-only
"""A machine that ran for long beside one that just booted."""

import pytest
from stock_rows import Kept, recorded

from xpfo_model.claims.aged import LONG, ages, old_machine
from xpfo_model.errors import CannotJudgeError
from xpfo_model.studies.stock_runs import BOOT, HALF


def kept(uptime=LONG, **flushes):
    new = [recorded(number, view=HALF) for number in (1, 2)]
    boot = recorded(1, view=BOOT, per_frame=5000)
    return Kept(boot, *new, recorded(3, view=HALF, uptime=uptime, **flushes))


def test_an_old_machine_that_is_flushed_alike_holds_it():
    found = old_machine(kept(per_frame=1000))
    assert found.holds
    assert found.values["minutes"] == LONG / 60
    assert found.values["per_frame.factor"] == pytest.approx(1001 / 901)


@pytest.mark.parametrize("flushes", [400, 1500])
def test_one_that_is_flushed_more_rarely_or_more_often_refutes_it(flushes):
    assert not old_machine(kept(per_frame=flushes)).holds


@pytest.mark.parametrize("name", ["alternation", "pageblock"])
def test_strategies_that_are_not_safe_or_not_steady_are_not_judged(name):
    assert old_machine(kept(**{name: 9000})).holds


def test_a_machine_that_ran_for_minutes_is_not_old():
    with pytest.raises(CannotJudgeError, match="ran before"):
        ages(kept(uptime=LONG - 1))


def test_only_the_same_workload_can_be_compared():
    other = recorded(1, workload="netmap-3cpu", view=HALF)
    with pytest.raises(CannotJudgeError, match="ran before"):
        ages(Kept(other, recorded(3, view=HALF, uptime=LONG)))


def test_the_counterfactual_counts_a_new_machine_from_its_boot():
    assert old_machine(kept()).holds
    assert not old_machine(kept(), view=BOOT).holds


def test_a_row_of_the_table_is_a_measure_beside_that_of_new_machines():
    table = old_machine(kept()).table
    assert table.columns == ("cc-1cpu", "just booted, 2 runs", "up 60 s")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["frame of the kernel, %"] == ("1.0 to 2.0", "3.0")
    assert rows["frames of a MOVABLE refill"] == ("31", "31")
