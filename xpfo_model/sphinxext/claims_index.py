# SPDX-License-Identifier: GPL-2.0-only
"""The ledger: every claim on one page by subject, and no claim without a page."""

from typing import Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from xpfo_model.claims.verdict import Standing
from xpfo_model.sphinxext import verdicts
from xpfo_model.sphinxext.domain import claims_of

logger = logging.getLogger(__name__)

HEADING_LEVEL: Final = 2


class LedgerNode(nodes.General, nodes.Element):
    """Stands for the ledger until all pages are read."""


class LedgerDirective(SphinxDirective):
    """``{claims-ledger}``: every claim, by the page that shows it."""

    def run(self) -> list[nodes.Node]:
        """Leave a place for `resolve`."""
        claims_of(self.env).data["ledger"] = self.env.docname
        up = "../" * self.env.docname.count("/")
        place = (
            '<div id="ledger-filter" class="chooser" hidden></div>'
            f'<script defer src="{up}_static/ledger.js"></script>'
        )
        return [nodes.raw("", place, format="html"), LedgerNode()]


def check(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Warn of claims that no page shows; write the ledger anew if pages changed."""
    domain = claims_of(env)
    for identity in verdicts.record_of(app).verdicts:
        if identity not in domain.homes:
            logger.warning("claim %s is on no page", identity)
    ledger = domain.data["ledger"]
    now = sorted((page, dict(said)) for page, said in domain.pages.items())
    if domain.data.get("listed") == now or ledger not in env.found_docs:
        return []
    domain.data["listed"] = now
    return [ledger]


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the ledger in its place."""
    for place_holder in list(doctree.findall(LedgerNode)):
        place_holder.replace_self(_ledger(app, docname))


def _ledger(app: Sphinx, docname: str) -> list[nodes.Node]:
    homes = claims_of(app.env).homes
    found = verdicts.record_of(app).verdicts
    pages = dict.fromkeys(homes[name] for name in found if name in homes)
    out: list[nodes.Node] = []
    for page in pages:
        listing = nodes.bullet_list(classes=["ledger"])
        for identity, verdict in found.items():
            if homes.get(identity) == page:
                listing += _entry(app, docname, page, verdict)
        title = app.env.titles[page].astext()
        head = nodes.rubric("", title, classes=["ledger"])
        head["heading-level"] = HEADING_LEVEL
        out += [head, listing]
    return out


def _entry(app: Sphinx, docname: str, page: str, verdict: Standing) -> nodes.list_item:
    claim = verdict.claim
    target = f"{app.builder.get_relative_uri(docname, page)}#{claim.id}"
    sentence = nodes.paragraph()
    sentence += nodes.reference(
        "", verdict.finding.sentence, refuri=target, internal=True
    )
    up = "../" * docname.count("/")
    letter = nodes.reference("", "cover letter", refuri=f"{up}claims/{claim.id}.txt")
    facts = nodes.paragraph(classes=["facts"])
    facts += [
        nodes.literal(text=claim.id),
        nodes.Text(f" · rests on {claim.basis.what} · fails with {claim.instead} · "),
        letter,
    ]
    kind = f"basis-{claim.basis.name.lower().replace('_', '-')}"
    return nodes.list_item("", sentence, facts, ids=[claim.id], classes=["entry", kind])
