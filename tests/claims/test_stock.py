# SPDX-License-Identifier: GPL-2.0-only
"""Several recordings of a workload: the claims fail where one contradicts them."""

import pytest
from stock_rows import Kept, recorded

from xpfo_model.claims.stock import ranking_holds, seen
from xpfo_model.errors import CannotJudgeError
from xpfo_model.studies.stock_runs import BOOT, LATE


def test_recordings_of_one_order_hold_it():
    found = ranking_holds(Kept(recorded(1), recorded(2, pageblock=510)))
    assert found.holds
    assert found.values["fewest"] == 2
    assert "no two strategies change places" in found.sentence


def test_two_strategies_that_change_places_refute_it_and_are_named():
    found = ranking_holds(Kept(recorded(1), recorded(2, pageblock=2000)))
    assert not found.holds
    assert "v6 and pageblock in cc-1cpu" in found.sentence


def test_strategies_that_hardly_differ_may_change_places():
    near = {"v6": 1000, "per_frame": 1010}, {"v6": 1010, "per_frame": 1000}
    assert ranking_holds(Kept(recorded(1, **near[0]), recorded(2, **near[1]))).holds


def test_the_same_is_asked_of_all_workloads_together_for_the_counterfactual():
    kept = Kept(recorded(1), recorded(1, workload="netmap-3cpu", pageblock=2000))
    assert ranking_holds(kept).holds
    assert not ranking_holds(kept, together=True).holds


def test_ratios_are_given_with_the_range_of_their_recordings():
    values = ranking_holds(Kept(recorded(1), recorded(3))).values
    assert (values["kernel.least"], values["kernel.most"]) == (1, 3)
    assert values["cc-1cpu.kernel.most"] == 3
    assert values["nobody.least"] == values["nobody.most"] == 10
    assert values["divides.least"] == pytest.approx(901 / 701)


def test_views_are_not_mixed():
    kept = Kept(recorded(1), recorded(2, view=LATE, uptime=60, pageblock=2000))
    assert [one.name for one in seen(kept, BOOT)] == ["cc-1cpu-1"]
    assert [one.uptime for one in seen(kept, LATE)] == [60]


def test_without_a_recording_nothing_can_be_judged():
    with pytest.raises(CannotJudgeError):
        seen(Kept(recorded(1)), LATE)
