# SPDX-License-Identifier: GPL-2.0-only
"""A reader's own trace as one HTML file."""

import re
from html.parser import HTMLParser

import pytest
from logs import USER_MOVABLE, alloc, free, log_of

from xpfo_model import claims, cli, clone, report, traces
from xpfo_model.claims.claim import Basis
from xpfo_model.studies import own

EVENTS = [alloc(0, USER_MOVABLE), free(0), alloc(0, USER_MOVABLE)]
SOME = ("few-transitions", "pipes-dominate-the-rest")


@pytest.fixture
def few_claims(monkeypatch):
    """The report goes through the registry; two claims take less time than all."""
    kept = {identity: claims.REGISTRY[identity] for identity in SOME}
    monkeypatch.setattr(claims, "REGISTRY", kept)


@pytest.fixture
def page(tmp_path, few_claims):
    traces.save(log_of(EVENTS, "mine"), tmp_path / "mine.npz")
    out = tmp_path / "mine.html"
    assert cli.main(["report", str(tmp_path / "mine.npz"), str(out)]) == 0
    return out.read_text()


def test_it_asks_no_host_and_runs_no_script(page):
    assert "<script" not in page
    loads = re.findall(r'(?:src|srcset|href)="([^"]*)"', page)
    assert all(load.startswith("#") for load in loads)
    assert "url(" not in page


def test_it_is_balanced_and_each_figure_has_a_text(page):
    class Balanced(HTMLParser):
        VOID = ("meta", "img", "source", "br")

        def __init__(self):
            super().__init__()
            self.stack, self.alts = [], []

        def handle_starttag(self, tag, attrs):
            if dict(attrs).get("role") == "img":
                self.alts.append(dict(attrs)["aria-label"])
            if tag not in self.VOID:
                self.stack.append(tag)

        def handle_endtag(self, tag):
            assert self.stack.pop() == tag

    parser = Balanced()
    parser.feed(page)
    assert not parser.stack
    assert parser.alts
    assert all(parser.alts)


def test_it_has_counts_claims_and_the_text_for_a_cover_letter(page):
    assert "2 user allocations" in page
    assert "few-transitions" in page
    assert "XPFO, counted by a model over a recorded kernel trace." in page


def test_a_claim_that_the_trace_cannot_judge_says_why(page):
    judged, _, left = page.partition("Claims that this trace cannot judge")
    assert "<code>pipes-dominate-the-rest</code>" in left
    assert "pipes-dominate-the-rest" not in judged


def test_the_same_trace_gives_the_same_file(tmp_path, few_claims, page):
    traces.save(log_of(EVENTS, "mine"), tmp_path / "mine.npz")
    again = tmp_path / "again.html"
    assert cli.main(["report", str(tmp_path / "mine.npz"), str(again)]) == 0
    assert again.read_text() == page


def test_only_claims_about_traces_are_heard(tmp_path, monkeypatch):
    one_of_each = {claim.basis: claim for claim in claims.REGISTRY.values()}
    assert len(one_of_each) > 1
    kept = {claim.id: claim for claim in one_of_each.values()}
    monkeypatch.setattr(
        claims, "REGISTRY", kept | {n: claims.REGISTRY[n] for n in SOME}
    )
    evidence = own.evidence_of(log_of(EVENTS, "mine"), tmp_path, tmp_path)
    heard = [claim for claim, _ in report.heard(evidence)]
    assert len(heard) >= len(SOME)
    assert all(claim.basis is Basis.TRACES for claim in heard)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("linux-6.1-build.trace.gz", "linux-6.1-build"),
        ("trace.dat", "trace"),
        (".txt", "own"),
    ],
)
def test_the_name_of_a_trace_keeps_its_version(tmp_path, name, short):
    evidence = own.evidence_of(log_of(EVENTS, name), tmp_path, tmp_path)
    assert own.facts_of(evidence).short == short


def test_a_claim_needs_no_trace_of_the_document_to_hear_another(tmp_path):
    evidence = own.evidence_of(
        log_of(EVENTS, "mine"), tmp_path, clone.docs(clone.traces())
    )
    verdict = claims.evaluate(claims.REGISTRY["uncleared-pte-exposes"], evidence)
    assert "cannot be judged" not in str(verdict)


@pytest.mark.slow
def test_every_claim_about_traces_hears_the_shortest_trace(tmp_path):
    evidence = own.evidence_of(log_of(EVENTS, "mine"), tmp_path, tmp_path)
    heard = [claim for claim, _ in report.heard(evidence)]
    assert heard
    assert all(claim.basis is Basis.TRACES for claim in heard)
