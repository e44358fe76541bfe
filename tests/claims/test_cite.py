# SPDX-License-Identifier: GPL-2.0-only
import csv
import io

import pytest

from xpfo_model import claims
from xpfo_model.claims import cite

COMMIT = "0123456789abcdef" * 3
SITE = "https://example.org/xpfo"


@pytest.fixture(scope="module")
def verdicts(evidence):
    return {i: claims.evaluate(c, evidence) for i, c in claims.REGISTRY.items()}


@pytest.mark.parametrize("identity", list(claims.REGISTRY))
def test_a_cover_letter_is_ascii_of_72_columns(verdicts, identity):
    text = cite.cover_letter(verdicts[identity], commit=COMMIT, site=SITE)
    assert text.isascii()
    assert "?" not in text.replace("claims.html", "")
    lines = text.splitlines()
    assert "model" in lines[0]
    assert lines[-1] == f"Link: {SITE}/claims.html#{identity}"
    assert max(map(len, lines[:-1])) <= 72
    assert COMMIT[:12] in text
    assert "Hardware:" in text
    assert "Downside:" in text


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


def test_without_a_site_the_link_says_so(verdicts):
    text = cite.cover_letter(verdicts["seed-sequence"])
    assert text.splitlines()[-1] == "Link: (unpublished build)"
