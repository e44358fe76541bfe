# SPDX-License-Identifier: GPL-2.0-only
"""The claims about made-up machines, and what recordings say against them."""

import dataclasses

from xpfo_model import claims
from xpfo_model.studies.evidence import Evidence

OPEN = claims.REGISTRY["blocks-or-batches-is-open"]


class Cheap(Evidence):
    """Evidence on which a strategy flushes once on every trace."""

    strategy = ""

    def counts(self, name, strategy, **how):
        counts = super().counts(name, strategy, **how)
        if strategy != self.strategy:
            return counts
        return dataclasses.replace(counts, flushes_by_cause={"alloc": 1})


def cheap(evidence, strategy):
    found = Cheap(evidence.directory)
    found._logs, found._steps = evidence._logs, evidence._steps
    found.strategy = strategy
    return found


def test_a_unit_that_is_better_on_every_recording_decides_it(evidence):
    for strategy in ("pageblock", "pcp_batch"):
        verdict = claims.evaluate(OPEN, cheap(evidence, strategy))
        assert not verdict.finding.holds
        assert "does not hold" in verdict.complaint


def test_the_two_builds_prefer_another_unit_each(verdict_of):
    rows = {row[0]: row for row in verdict_of(OPEN.id).finding.table.rows}
    times = [float(rows[name][-1]) for name in ("cc-1cpu", "cc-4cpu")]
    assert min(times) < 1 < max(times)


def test_made_up_builds_would_rank_them(verdict_of):
    values = verdict_of(OPEN.id).finding.values
    assert values["made_up.most"] < values["least"]


def test_one_step_predictions_say_how_often_the_model_was_put_right(verdict_of):
    finding = verdict_of("model-names-the-frame").finding
    assert "put right after each operation" in finding.sentence
    assert float(finding.values["corrected.least"]) > 0
