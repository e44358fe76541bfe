# SPDX-License-Identifier: GPL-2.0-only
import csv
import dataclasses
import io
import subprocess

import pytest

from xpfo_model import claims, cli, clone, strategies
from xpfo_model.claims import cite

COMMIT = "0123456789abcdef" * 3
SITE = "https://example.org/xpfo"


@pytest.fixture(scope="module")
def verdicts(verdict_of):
    return {identity: verdict_of(identity) for identity in claims.REGISTRY}


@pytest.mark.parametrize("identity", list(claims.REGISTRY))
def test_a_cover_letter_is_ascii_of_72_columns(verdicts, identity):
    text = cite.cover_letter(verdicts[identity], commit=COMMIT, site=SITE)
    assert text.isascii()
    assert "?" not in text.replace("claims.html", "")
    lines = text.splitlines()
    how = " ".join(lines[:2])
    assert "model" in how or "kernels that run the strategies" in how
    assert lines[-1] == f"Link: {SITE}/claims.html#{identity}"
    assert max(map(len, lines[:-1])) <= 72
    assert f"-g{COMMIT[:12]}" in text
    assert f"commit {COMMIT[:12]}" not in text  # checkpatch would look for it
    assert identity in text
    assert "Downside:" in text
    assert "Hardware:" in text or "Rests on:" in text


def test_a_cover_letter_defines_the_strategies_that_it_names(verdicts):
    text = cite.cover_letter(verdicts["pcp-batch-divides"])
    for name in ("per_frame", "pcp_batch"):
        assert f"{name}: {strategies.REGISTRY[name].what}" in " ".join(text.split())


@pytest.mark.parametrize("holds", [(False, False), (True, True), (False, True)])
def test_only_a_verdict_that_stands_has_a_cover_letter(verdicts, holds):
    one = verdicts["two-readings-fit"]
    finding, counter = (dataclasses.replace(one.finding, holds=it) for it in holds)
    with pytest.raises(ValueError, match="claim two-readings-fit"):
        dataclasses.replace(one, finding=finding, counter=counter)


def test_no_line_of_a_cover_letter_is_a_git_trailer(verdicts):
    for verdict in verdicts.values():
        text = cite.cover_letter(verdict, commit=COMMIT, site=SITE)
        found = subprocess.run(
            ["git", "interpret-trailers", "--parse"],
            input=f"Subject\n\n{text}",
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        assert [line.partition(":")[0] for line in found] in ([], ["Link"])


@pytest.mark.parametrize("identity", list(claims.REGISTRY))
def test_the_csv_holds_every_row_of_the_table(verdicts, identity):
    table = verdicts[identity].finding.table
    rows = list(csv.reader(io.StringIO(cite.as_csv(table))))
    assert tuple(rows[0]) == table.columns
    assert len(rows) == 1 + len(table.rows)
    assert all(len(row) == len(table.columns) for row in rows)


def test_bibtex_has_balanced_braces_and_the_link(verdicts):
    for identity, verdict in verdicts.items():
        entry = cite.bibtex(verdict, commit=COMMIT, site=SITE)
        assert entry.count("{") == entry.count("}")
        assert entry.startswith(f"@misc{{xpfo-model:{identity},")
        assert f"claims.html#{identity}" in entry


def test_without_a_site_there_is_no_link_and_the_text_says_so(verdicts):
    verdict = verdicts["two-readings-fit"]
    assert cite.cover_letter(verdict).splitlines()[-1] == cite.NO_LINK
    assert "url" not in cite.bibtex(verdict)


def test_the_command_prints_the_text_of_the_site_from_any_directory(
    verdicts, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(clone, "commit", lambda: COMMIT)
    assert cli.main(["claims", "two-readings-fit", "--site", SITE]) == 0
    expected = cite.cover_letter(verdicts["two-readings-fit"], commit=COMMIT, site=SITE)
    assert capsys.readouterr().out == expected
