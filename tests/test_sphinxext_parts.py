# SPDX-License-Identifier: GPL-2.0-only
from pathlib import Path

import pytest
from docutils import nodes

from xpfo_model.claims.claim import Table
from xpfo_model.sphinxext import digest, faults, tables


def cells(node):
    return [
        (entry.astext(), "text-right" in entry["classes"])
        for entry in node.findall(nodes.entry)
    ]


def test_a_column_of_numbers_is_set_to_the_right_and_names_as_code():
    rows = (("v6", 1234, "1 / 2", "0.5%", "a"), ("`v6`, twice", 0.0321, "-", "", 1))
    found = tables.table_of(Table(("of", "v9", "b", "c", "d"), rows), {"v6", "v9"})
    head, first, second = (cells(found)[at : at + 5] for at in (0, 5, 10))
    right = [False, True, True, True, False]
    for row in (head, first, second):
        assert [cell[1] for cell in row] == right
    assert [cell[0] for cell in first] == ["v6", "1,234", "1 / 2", "0.5%", "a"]
    assert [cell[0] for cell in second] == ["v6, twice", "0.0321", "-", "", "1"]
    code = [literal.astext() for literal in found.findall(nodes.literal)]
    assert code == ["v9", "v6", "v6"]


def test_the_digest_sees_traces_and_the_lock_file(tmp_path):
    docs = tmp_path / "docs" / "traces"
    docs.mkdir(parents=True)
    (tmp_path / "requirements.lock").write_text("a")
    (docs / "a.npz").write_text("a")
    seen = {digest.build_digest(tmp_path)}
    assert digest.build_digest(tmp_path) in seen
    (tmp_path / "requirements.lock").write_text("b")
    seen.add(digest.build_digest(tmp_path))
    (docs / "a.npz").write_text("b")
    seen.add(digest.build_digest(tmp_path))
    (docs / "b.toml").write_text("")
    seen.add(digest.build_digest(tmp_path))
    assert len(seen) == 4


@pytest.mark.parametrize("name", ["machine.py", "matplotlibrc", "strategies/v6.py"])
def test_the_digest_sees_the_model_and_its_style(tmp_path, monkeypatch, name):
    import shutil

    package = tmp_path / "xpfo_model"
    shutil.copytree(digest.PACKAGE, package)
    (tmp_path / "requirements.lock").touch()
    monkeypatch.setattr(digest, "PACKAGE", package)
    before = digest.build_digest(tmp_path)
    with (package / name).open("a") as file:
        file.write("\n# changed\n")
    assert digest.build_digest(tmp_path) != before


def test_the_folder_of_another_digest_is_removed(tmp_path):
    old = digest.fresh(tmp_path, "claims", "old")
    (old / "file").touch()
    kept = digest.fresh(tmp_path, "other", "old")
    new = digest.fresh(tmp_path, "claims", "new")
    assert new.is_dir()
    assert not old.exists()
    assert kept.is_dir()
    assert Path(digest.fresh(tmp_path, "claims", "new")) == new


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a user's page stays", "A user's page stays."),
        ("set_kpte() has numpages = 1", "set_kpte() has numpages = 1."),
        ("v9 marks it", "v9 marks it."),
    ],
)
def test_a_sentence_has_a_capital_where_no_name_of_the_kernel_begins_it(text, said):
    assert faults.sentence(text) == said
