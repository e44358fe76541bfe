# SPDX-License-Identifier: GPL-2.0-only
import pytest

from xpfo_model import kept
from xpfo_model.engine import PACKAGE
from xpfo_model.errors import StaleDataError, XpfoModelError
from xpfo_model.kept import Study


def make(docs):
    return {"batch": [1, 63], "share": [0.5, 0.25], "what": ["a", docs.name]}


@pytest.fixture
def one(tmp_path):
    (tmp_path / "in.txt").write_text("x")
    return Study("one", "Two rows.", make, ("in.txt",)), tmp_path


@pytest.fixture(autouse=True)
def of_this_package(monkeypatch):
    # the digest is that of the function's module
    monkeypatch.setattr(make, "__module__", "xpfo_model.gfp")


def keep(item, docs):
    path = kept.place(item, docs)
    path.parent.mkdir(exist_ok=True)
    path.write_text(kept.text(item, docs, item.make(docs)))
    return path


def test_what_was_kept_is_what_was_made(one):
    keep(*one)
    assert kept.load(*one) == make(one[1])


def test_a_changed_input_makes_it_stale(one):
    item, docs = one
    path = keep(item, docs)
    (docs / "in.txt").write_text("y")
    with pytest.raises(StaleDataError, match=f"{path}: computed by other sources"):
        kept.load(item, docs)


def test_a_changed_source_makes_it_stale(one, monkeypatch):
    item, docs = one
    keep(item, docs)
    monkeypatch.setattr(make, "__module__", "xpfo_model.constants")
    with pytest.raises(StaleDataError):
        kept.load(item, docs)


def test_results_that_are_not_there_are_an_error(one):
    with pytest.raises(StaleDataError, match="make data"):
        kept.load(*one)


def test_an_input_that_is_not_there_is_an_error(one):
    item, docs = one
    (docs / "in.txt").unlink()
    with pytest.raises(XpfoModelError, match=r"reads in\.txt"):
        kept.digest(item, docs)


def names(module):
    return {path.relative_to(PACKAGE).as_posix() for path in kept.sources(module)}


def test_sources_are_what_is_imported_directly_or_not():
    found = names("xpfo_model.replay")
    assert {"replay.py", "machine.py", "stepper.py", "constants.py"} <= found
    assert not {"figures.py", "cli.py", "published.py"} & found


def test_a_package_counts_with_all_its_modules():
    assert "strategies/pageblock.py" in names("xpfo_model.replay")


def test_a_module_of_a_package_counts_alone():
    found = names("xpfo_model.allocator.layout")
    assert "allocator/profiles.py" in found
    assert "allocator/zonelist.py" not in found


def test_a_new_study_does_not_make_the_others_stale():
    assert "kept.py" not in names("xpfo_model.whatif")
    assert "sweep.py" in names("xpfo_model.whatif")


def test_no_two_studies_have_one_name(monkeypatch):
    monkeypatch.setattr(kept, "REGISTRY", {})
    kept.study("twice", what="")(make)
    with pytest.raises(ValueError, match="registered twice"):
        kept.study("twice", what="")(make)


def test_a_study_that_does_not_exist_is_an_error():
    with pytest.raises(XpfoModelError, match="no study 'none'"):
        kept.studies(["none"])
