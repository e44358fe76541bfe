# SPDX-License-Identifier: GPL-2.0-only
"""The sources of the pages can be read, and reviewed, as text."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MOST_VALUES = 4
"""Roles in a row of a table: more are a ``{claim-table}``."""
CUT = re.compile(r"\}`[^`|]*[^`|\\]\|[^`]*`")
"""A role with a bar, which ends a cell: it stands behind a backslash."""
WIDTH = 100
"""Columns of a line of prose."""


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name
)
def test_a_page_can_be_read_as_text(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f"{path.name}:{number}"
        if line.startswith("|"):
            assert line.count("{value}") <= MOST_VALUES, where
            assert not CUT.search(line), f"{where}: \\| in a role of a table"
        else:
            assert len(line) <= WIDTH, where
