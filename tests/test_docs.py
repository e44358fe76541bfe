# SPDX-License-Identifier: GPL-2.0-only
"""The sources of the pages can be read, and reviewed, as text."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MOST_VALUES = 4
"""Roles in a row of a table: more are a ``{claim-table}``."""
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
        else:
            assert len(line) <= WIDTH, where
