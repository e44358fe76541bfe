# SPDX-License-Identifier: GPL-2.0-only
"""The claims that decide: they fall where the evidence is another."""

import pytest

from xpfo_model import claims
from xpfo_model.claims import bill, decision
from xpfo_model.claims.access import BUILDS
from xpfo_model.claims.inputs import Inputs
from xpfo_model.studies.bill import PER, Design
from xpfo_model.studies.evidence import Evidence

STEPS = claims.REGISTRY["two-steps-before-the-batch"]
SHORT = claims.REGISTRY["batch-pays-where-memory-is-short"]


class Like(Evidence):
    """Evidence in which one strategy does what another one does."""

    pair = ("", "")

    def named(self, strategy):
        one, other = self.pair
        return other if strategy == one else strategy

    def counts(self, name, strategy, **how):
        return super().counts(name, self.named(strategy), **how)

    def halves(self, name, strategy, **how):
        return super().halves(name, self.named(strategy), **how)


def like(evidence, one, other):
    found = Like(evidence.directory)
    found._logs, found._steps = evidence._logs, evidence._steps
    found._reports = evidence._reports
    found.pair = one, other
    return found


def test_a_free_that_maps_back_leaves_the_cost_of_v6(evidence):
    wrong = like(evidence, decision.FIRST.strategy, "v6")
    assert not STEPS.find(Inputs(wrong, STEPS.needs), decision.FIRST).holds


def test_a_batch_that_saves_nothing_under_reclaim_does_not_pay(evidence):
    wrong = like(evidence, "pcp_batch_local", "per_frame")
    assert not claims.evaluate(SHORT, wrong).finding.holds


@pytest.mark.parametrize(("strategy", "more"), [("per_frame", 500), ("v6", 500)])
def test_flushes_at_kunmap_are_on_the_bill(evidence, strategy, more):
    one = bill.bill(Inputs(evidence), BUILDS[-1], Design(strategy))
    low, high = decision.flushes(one, (1.0, 1.5))
    assert high - low == pytest.approx(more)
    assert low >= PER


def test_each_step_leaves_fewer_flushes(verdict_of):
    rows = verdict_of(STEPS.id).finding.more["steps"].rows
    least = [float(row[1].split(" to ")[0].replace(",", "")) for row in rows]
    assert least == sorted(least, reverse=True)
    assert len(rows) == len(decision.STEPS)


def test_a_wider_test_that_saves_nothing_under_reclaim_falls(evidence, monkeypatch):
    real = decision.matrix

    def closed_is_local(some, wanted):
        found = real(some, wanted)
        posted = [row for row in found if row["strategy"] == decision.BATCH]
        return [*posted, *({**row, "strategy": decision.RECOMMENDED} for row in posted)]

    item = claims.REGISTRY["wider-test-where-memory-is-short"]
    assert claims.evaluate(item, evidence).stands
    monkeypatch.setattr(decision, "matrix", closed_is_local)
    assert not claims.evaluate(item, evidence).finding.holds


def test_a_load_without_both_tests_is_not_judged(evidence, monkeypatch):
    monkeypatch.setattr(decision, "matrix", lambda some, wanted: [])
    item = claims.REGISTRY["wider-test-where-memory-is-short"]
    assert "no recording" in claims.evaluate(item, evidence).complaint


def test_more_pages_are_accessed_more_often(verdict_of):
    values = verdict_of("wider-test-where-memory-is-short").finding.values
    assert 1 < values["accesses.least"] <= values["accesses.most"]
    assert values["pages.least"] >= 1
