# SPDX-License-Identifier: GPL-2.0-only
import re
from dataclasses import replace
from pathlib import Path

import pytest

from xpfo_model import strategies
from xpfo_model.errors import StaleDataError, XpfoModelError
from xpfo_model.studies import store
from xpfo_model.studies.store import Study

DOCS = Path(__file__).parents[2] / "docs"
HALF = 0.5


def make(docs):
    return {"batch": [1, 63], "share": [HALF, 0.25], "what": ["a", docs.name]}


@pytest.fixture
def one(tmp_path):
    (tmp_path / "in.txt").write_text("x")
    return Study("one", "Two rows.", make, ("in.txt",)), tmp_path


def test_what_was_kept_is_what_was_made(one):
    assert store.renew(*one) == (True, "new")
    assert store.load(*one) == make(one[1])
    assert store.renew(*one) == (False, "the same")


def test_a_changed_input_is_named_and_the_study_to_run(one):
    item, docs = one
    store.renew(item, docs)
    (docs / "in.txt").write_text("y")
    path = store.place(item, docs)
    said = f"{path}: computed with other sources than today's: in.txt\n"
    with pytest.raises(StaleDataError, match=re.escape(said)) as stale:
        store.load(item, docs)
    assert "`xpfo-model data one`" in str(stale.value)


def test_a_changed_source_is_named(one, monkeypatch):
    item, docs = one
    store.renew(item, docs)
    monkeypatch.setitem(globals(), "HALF", 0.75)
    with pytest.raises(StaleDataError, match=f": {re.escape(__name__)}\n"):
        store.load(item, docs)


def test_the_same_numbers_of_other_sources_are_said_to_be_the_same(one):
    item, docs = one
    store.renew(item, docs)
    (docs / "in.txt").write_text("y")
    before = store.place(item, docs).read_text()
    said = (True, "the same numbers, with other sources: in.txt")
    assert store.renew(item, docs, write=False) == said
    assert store.place(item, docs).read_text() == before
    assert store.renew(item, docs) == said
    assert store.load(item, docs) == make(docs)


def test_other_numbers_are_said_to_be_others(one, monkeypatch):
    item, docs = one
    store.renew(item, docs)
    monkeypatch.setitem(globals(), "HALF", 0.75)
    changed, news = store.renew(item, docs)
    assert changed
    assert news.startswith("other numbers, with other sources: ")
    path = store.place(item, docs)
    path.write_text(path.read_text().replace("0.75", "0.5"))
    assert store.renew(item, docs) == (True, "other numbers")


def test_of_many_changed_sources_a_few_are_named(one):
    item, docs = one
    for number in range(9):
        (docs / f"{number}.txt").write_text("x")
    item = replace(item, inputs=("[0-9].txt",))
    store.renew(item, docs)
    for number in range(9):
        (docs / f"{number}.txt").write_text("y")
    said = r"0\.txt, 1\.txt, 2\.txt, 3\.txt, 4\.txt and 4 more\n"
    with pytest.raises(StaleDataError, match=said):
        store.load(item, docs)


def test_results_that_are_not_there_are_an_error(one):
    with pytest.raises(StaleDataError, match="xpfo-model data one"):
        store.load(*one)


def test_an_input_that_is_not_there_is_an_error(one):
    item, docs = one
    (docs / "in.txt").unlink()
    with pytest.raises(XpfoModelError, match=r"reads in\.txt"):
        store.sources(item, docs)


def test_what_a_clock_measured_is_never_stale_and_computed_by_name_only(one):
    item, docs = one
    item = replace(item, measured=True)
    store.renew(item, docs)
    (docs / "in.txt").write_text("y")
    assert store.load(item, docs) == make(docs)
    assert "timings" not in [study.name for study in store.studies()]
    assert [study.name for study in store.studies(["timings"])] == ["timings"]


@pytest.mark.parametrize("item", store.studies(), ids=lambda item: item.name)
def test_a_new_strategy_makes_no_kept_result_stale(item, monkeypatch):
    before = store.sources(item, DOCS)
    new = strategies.Entry("another", counted=False, safe=True)
    monkeypatch.setitem(strategies.REGISTRY, "another", new)
    assert store.sources(item, DOCS) == before


@pytest.mark.parametrize("item", store.studies(), ids=lambda item: item.name)
def test_other_words_about_a_strategy_make_no_kept_result_stale(item, monkeypatch):
    before = store.sources(item, DOCS)
    reworded = replace(strategies.REGISTRY["pcp_batch"], what="other words")
    monkeypatch.setitem(strategies.REGISTRY, "pcp_batch", reworded)
    assert store.sources(item, DOCS) == before


@pytest.mark.parametrize("item", store.studies(), ids=lambda item: item.name)
def test_a_strategy_that_is_counted_is_a_source(item):
    assert "xpfo_model.strategies.pcp_batch" in store.sources(item, DOCS)


def test_other_flags_of_a_strategy_are_given_to_the_studies_that_count_it(monkeypatch):
    before = strategies.sources("pcp_batch")
    entry = replace(strategies.REGISTRY["pcp_batch"], marks=True)
    monkeypatch.setitem(strategies.REGISTRY, "pcp_batch", entry)
    assert strategies.sources("pcp_batch") != before


@pytest.mark.parametrize("item", store.studies(), ids=lambda item: item.name)
def test_a_new_study_does_not_make_the_others_stale(item, monkeypatch):
    before = store.sources(item, DOCS)
    monkeypatch.setitem(store.REGISTRY, "new", item)
    assert store.sources(item, DOCS) == before


def test_no_two_studies_have_one_name(monkeypatch):
    monkeypatch.setattr(store, "REGISTRY", {})
    store.study("twice", what="")(make)
    with pytest.raises(ValueError, match="registered twice"):
        store.study("twice", what="")(make)


def test_a_study_that_does_not_exist_is_an_error():
    with pytest.raises(XpfoModelError, match="no study 'none'"):
        store.studies(["none"])
