# SPDX-License-Identifier: GPL-2.0-only
"""A build that has read one page again is the same as one that has read all."""

import pytest
from sphinx.application import Sphinx

from xpfo_model.sphinxext import steady

PAGES = {
    "index": "Start\n=====\n\n.. toctree::\n\n   a\n   b\n",
    "a": "A\n=\n\n.. index::\n   single: flush; full\n   see: shootdown; flush\n"
    "   single: ! main\n\nFirst.\n",
    "b": "B\n=\n\n.. index:: flush\n\nSecond.\n",
}


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "conf.py").write_text("")
    for name, text in PAGES.items():
        (folder / f"{name}.rst").write_text(text)
    return folder


def build(source, name, *, settled=True, **settings):
    out = source.parent / name
    trees = source.parent / f"{name}-trees"
    said = {"status": None, "warning": None}
    app = Sphinx(source, source, out, trees, "html", settings, **said)
    if settled:
        app.connect("build-finished", steady.settle)
    app.build()
    return {
        path.relative_to(out): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file()
    }


def test_a_page_that_is_read_again_changes_nothing_else(source):
    (source / "a.rst").write_text(PAGES["a"] + "\nFormerly.\n")
    build(source, "part")
    (source / "a.rst").write_text(PAGES["a"] + "\nMore.\n")
    part, whole = build(source, "part"), build(source, "whole")
    assert part == whole
    assert part == build(source, "part")


def test_nothing_is_left_of_another_configuration(source):
    build(source, "site")
    again = build(source, "site", html_title="Another")
    assert again == build(source, "whole", html_title="Another")


def test_sphinx_alone_loses_entries_of_pages_that_it_does_not_read(source):
    build(source, "part", settled=False)
    (source / "a.rst").write_text(PAGES["a"] + "\nMore.\n")
    part, whole = build(source, "part", settled=False), build(source, "whole")
    differs = {str(name) for name in part if part[name] != whole.get(name)}
    assert differs == {"searchindex.js"}


def test_a_whole_build_is_left_as_sphinx_has_it(source):
    assert build(source, "one") == build(source, "other", settled=False)


def test_nothing_is_left_of_what_is_no_longer_published(tmp_path):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "gone.svg").write_text("")
    assert list(steady.emptied(tmp_path / "claims").iterdir()) == []
    assert steady.emptied(tmp_path / "diffs").is_dir()


def test_an_index_is_a_script_of_sphinx():
    index = {"indexentries": {"flush": [[1, "a", False]]}}
    assert steady.load(steady.dump(index)) == index
    with pytest.raises(ValueError, match="a search index begins with"):
        steady.load("let index = {};")
