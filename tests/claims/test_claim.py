# SPDX-License-Identifier: GPL-2.0-only
import dataclasses
import re

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from xpfo_model import claims
from xpfo_model.claims import prose
from xpfo_model.claims.claim import Basis, Claim, Finding, Table, claim
from xpfo_model.errors import XpfoModelError


@pytest.mark.parametrize("identity", list(claims.REGISTRY))
def test_every_claim_stands_and_fails_under_its_counterfactual(verdict_of, identity):
    verdict = verdict_of(identity)
    assert verdict.finding.holds, verdict.complaint
    assert not verdict.counter.holds, verdict.complaint
    assert verdict.stands
    assert verdict.complaint == ""
    # a reader is told what the counterfactual gives, not the finding once more
    assert verdict.counter.sentence != verdict.finding.sentence


@pytest.mark.parametrize("identity", list(claims.REGISTRY))
def test_every_claim_can_be_cited(identity):
    item = claims.REGISTRY[identity]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", identity)
    assert item.change, "a counterfactual changes something"
    assert item.downside.endswith(".")
    assert not item.must.endswith(".")
    assert item.find.__doc__


def test_the_inputs_of_a_claim_are_the_traces_that_it_used(verdict_of):
    used = {item.short for item in verdict_of("pipes-dominate-the-rest").inputs}
    assert used == {"forkpipe-4cpu", "cc-4cpu"}
    assert verdict_of("two-readings-fit").inputs == ()


def finding(*, holds):
    return Finding(holds, "It is so.", {}, Table(("a",), ((1,),)), None)


def made_up(find):
    change = {"other": True}
    return Claim("made-up", "so", "otherwise", change, "None.", (), find, Basis.TRACES)


def test_a_claim_that_does_not_hold_is_named(evidence):
    item = made_up(lambda evidence, other=False: finding(holds=False))
    verdict = claims.evaluate(item, evidence)
    assert not verdict.stands
    assert "made-up does not hold" in verdict.complaint


def test_a_claim_whose_counterfactual_holds_says_nothing(evidence):
    item = made_up(lambda evidence, other=False: finding(holds=True))
    verdict = claims.evaluate(item, evidence)
    assert not verdict.stands
    assert "made-up says nothing" in verdict.complaint
    assert "otherwise" in verdict.complaint


def test_an_id_cannot_be_taken_twice():
    with pytest.raises(ValueError, match="twice"):
        claim("few-transitions", must="", instead="", change={}, downside="", mails=())(
            lambda evidence: None
        )


def test_a_wrong_id_is_an_error_that_says_how_to_list_them():
    with pytest.raises(XpfoModelError, match="--list"):
        claims.select(["no-such-claim"])


def test_a_strategy_that_counts_differently_breaks_the_claims_on_it(evidence):
    """The claims look at what the strategies do, not at stored numbers."""
    from xpfo_model.studies.evidence import Evidence

    class Wrong(Evidence):
        def counts(self, name, strategy, **how):
            counts = super().counts(name, strategy, **how)
            if strategy != "pcp_batch":
                return counts
            causes = {**counts.flushes_by_cause, "refill": 10**6}
            return dataclasses.replace(counts, flushes_by_cause=causes)

    wrong = Wrong(evidence.directory)
    wrong._logs, wrong._steps = evidence._logs, evidence._steps
    item = claims.REGISTRY["pcp-batch-divides"]
    assert not claims.evaluate(item, wrong).finding.holds


@pytest.mark.parametrize("identity", list(claims.REGISTRY))
def test_a_title_of_a_figure_is_not_cut_off(verdict_of, identity):
    """At 11 points, bold, in a figure of 6.4 inches."""
    title = verdict_of(identity).finding.chart.title
    bold = FontProperties(family="DejaVu Sans", weight="bold", size=11)
    assert TextPath((0, 0), title, prop=bold).get_extents().width < 0.97 * 6.4 * 72


def test_a_range_whose_ends_read_the_same_is_one_number():
    assert prose.spread([9.31, 17.1], ".1f") == "9.3 to 17.1"
    assert prose.spread([0.04, 0.01], ".1f") == "0.0"
    assert prose.spread((2, 1), lambda n: f"{n}x") == "1x to 2x"


def test_a_table_by_trace_has_a_row_for_each_name():
    rows = prose.each(["v6", "v9"], lambda name, trace: f"{name} on {trace}")
    table = prose.by_trace("strategy", ["a", "b"], [*rows, ("traces", str.upper)])
    assert table.columns == ("strategy", "a", "b")
    assert table.rows == (
        ("v6", "v6 on a", "v6 on b"),
        ("v9", "v9 on a", "v9 on b"),
        ("traces", "A", "B"),
    )


def test_every_other_table_of_a_claim_has_as_many_cells_as_heads(verdict_of):
    for identity in claims.REGISTRY:
        for table in verdict_of(identity).finding.more.values():
            assert {len(row) for row in table.rows} == {len(table.columns)}
