# SPDX-License-Identifier: GPL-2.0-only
"""The ledger: every claim on one page, and no claim without a page."""

from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from xpfo_model.sphinxext import verdicts

logger = logging.getLogger(__name__)


class LedgerNode(nodes.General, nodes.Element):
    """Stands for the ledger until all pages are read."""


class LedgerDirective(SphinxDirective):
    """``{claims-ledger}``: a section per claim, with a link to its page."""

    def run(self) -> list[nodes.Node]:
        """Leave a place for `resolve`."""
        self.env.xpfo_ledger = self.env.docname  # type: ignore[attr-defined]
        return [LedgerNode()]


def _pages(env: BuildEnvironment) -> dict[str, set[str]]:
    if not hasattr(env, "xpfo_pages"):
        env.xpfo_pages = {}  # type: ignore[attr-defined]
    pages: dict[str, set[str]] = env.xpfo_pages  # type: ignore[attr-defined]
    return pages


def place(env: BuildEnvironment, identity: str, docname: str) -> None:
    """Note that a page shows a claim."""
    _pages(env).setdefault(docname, set()).add(identity)


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is read again."""
    del app
    _pages(env).pop(docname, None)


def merge(
    app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: Any
) -> None:
    """Take over what a parallel reader noted."""
    del app
    for docname in docnames:
        if docname in _pages(other):
            _pages(env)[docname] = _pages(other)[docname]


def check(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Warn of claims that no page shows; write the ledger anew if pages changed."""
    shown = set().union(*_pages(env).values())
    for identity in verdicts.record_of(app).verdicts:
        if identity not in shown:
            logger.warning("claim %s is on no page", identity)
    now = sorted((page, sorted(ids)) for page, ids in _pages(env).items())
    if getattr(env, "xpfo_ledger_of", None) == now or not hasattr(env, "xpfo_ledger"):
        return []
    env.xpfo_ledger_of = now  # type: ignore[attr-defined]
    return [env.xpfo_ledger]


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the ledger in its place."""
    for place_holder in list(doctree.findall(LedgerNode)):
        page_of = {
            identity: page
            for page, identities in sorted(_pages(app.env).items())
            for identity in identities
        }
        table = _table(app, docname, page_of)
        place_holder.replace_self(table)


def _table(app: Sphinx, docname: str, page_of: dict[str, str]) -> nodes.Node:
    table = nodes.table(classes=["ledger"])
    group = nodes.tgroup(cols=2)
    table += group
    for width in (70, 30):
        group += nodes.colspec(colwidth=width)
    head = nodes.thead()
    group += head
    head += _row(
        [
            [nodes.paragraph(text="Claim, and what it must fail with")],
            [nodes.paragraph(text="Id")],
        ]
    )
    body = nodes.tbody()
    group += body
    for identity, verdict in verdicts.record_of(app).verdicts.items():
        uri = "#"
        if identity in page_of:
            relative = app.builder.get_relative_uri(docname, page_of[identity])
            uri = f"{relative}#{identity}"
        link = nodes.reference("", "", nodes.literal(text=identity), refuri=uri)
        fails = f"Fails with {verdict.claim.instead}."
        row = _row(
            [
                [
                    nodes.paragraph(text=verdict.finding.sentence),
                    nodes.paragraph("", "", nodes.emphasis(text=fails)),
                ],
                [nodes.paragraph("", "", link)],
            ]
        )
        row["ids"].append(identity)
        body += row
    return table


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", *cell)
    return row
