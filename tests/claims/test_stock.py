# SPDX-License-Identifier: GPL-2.0-only
"""Several recordings of a workload: the claims fail where one contradicts them."""

from types import SimpleNamespace

import pytest
from stock_rows import Kept, recorded

from xpfo_model.claims.stock import ranking_holds, seen
from xpfo_model.errors import CannotJudgeError
from xpfo_model.studies.stock_runs import BOOT, LATE


def test_recordings_of_one_order_hold_it():
    found = ranking_holds(Kept(recorded(1), recorded(2, pcp_batch=710)))
    assert found.holds
    assert found.values["fewest"] == 2
    assert "v6 flushes most, per_frame next" in found.sentence


def test_a_single_recording_out_of_order_refutes_it_and_is_named():
    found = ranking_holds(Kept(recorded(1), recorded(2, pcp_batch=950)))
    assert not found.holds
    assert "per_frame and pcp_batch in cc-1cpu are out of order" in found.sentence


def test_those_that_unmap_more_may_change_places_but_in_the_counterfactual():
    kept = Kept(recorded(1), recorded(2, pcp_batch_closed=890))
    found = ranking_holds(kept)
    assert found.holds
    assert "3 pairs on cc-1cpu change places" in found.sentence
    assert not ranking_holds(kept, within=True).holds


def test_strategies_that_hardly_differ_may_change_places():
    near = {"pcp_batch": 700, "pageblock": 710}, {"pcp_batch": 710, "pageblock": 700}
    kept = Kept(recorded(1, **near[0]), recorded(2, **near[1]))
    assert ranking_holds(kept).values["swapped"] == 0


def test_a_trace_that_is_kept_whole_is_one_of_the_recordings():
    class Whole(Kept):
        names = ("cc-1cpu",)

        def counts(self, trace, strategy):
            return SimpleNamespace(flushes=2000 if strategy == "pcp_batch" else 1000)

    assert not ranking_holds(Whole(recorded(1))).holds


def test_recordings_of_different_workloads_are_not_held_against_each_other():
    kept = Kept(recorded(1), recorded(1, workload="netmap-3cpu", pcp_batch_closed=890))
    assert ranking_holds(kept, within=True).holds


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
