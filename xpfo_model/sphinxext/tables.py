# SPDX-License-Identifier: GPL-2.0-only
"""The tables of claims as nodes: numbers to the right, names of strategies as code."""

import re
from collections.abc import Container, Sequence
from typing import Final

from docutils import nodes

from xpfo_model.claims.claim import Table
from xpfo_model.figures.charts import short
from xpfo_model.sphinxext.roles import show

NUMBERS: Final = re.compile(r"[-+]?\d([\d,.%x/()+ ]| to )*|-?")
"""A cell that is set to the right: one number or some, with their units."""


def table_of(table: Table, code: Container[str] = ()) -> nodes.table:
    """A claim's table as nodes: columns of numbers to the right.

    Cells that are in `code`, and parts between backticks, are set as code.
    """
    group = nodes.tgroup(cols=len(table.columns))
    for _ in table.columns:
        group += nodes.colspec(colwidth=1)
    rows = [[_told(cell) for cell in row] for row in table.rows]
    right = [
        all(NUMBERS.fullmatch(row[column]) for row in rows)
        for column in range(len(table.columns))
    ]
    head, body = nodes.thead(), nodes.tbody()
    head += _row(table.columns, right, code)
    body.extend(_row(row, right, code) for row in rows)
    group += [head, body]
    return nodes.table("", group, classes=["claim-table"])


def _told(cell: float | str) -> str:
    """A cell in words: less than one in three digits, so that little is not none."""
    if isinstance(cell, float) and abs(cell) < 1:
        return short(cell)
    return show(cell)


def _row(
    cells: Sequence[str], right: Sequence[bool], code: Container[str]
) -> nodes.row:
    row = nodes.row()
    for cell, number in zip(cells, right, strict=True):
        parts = ["", cell] if cell in code else cell.split("`")
        text = nodes.paragraph()
        for at, part in enumerate(parts):
            if part:
                text += nodes.literal(text=part) if at % 2 else nodes.Text(part)
        row += nodes.entry("", text, classes=["text-right"] if number else [])
    return row
