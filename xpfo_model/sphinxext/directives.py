# SPDX-License-Identifier: GPL-2.0-only
"""What authors write: ``{claim}`` and ``{value}``, and ``{mail}`` for mails."""

import html
import re
from collections.abc import Container, Sequence
from typing import Any, ClassVar, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective, SphinxRole

from xpfo_model import strategies
from xpfo_model.claims import cite
from xpfo_model.claims.claim import Table
from xpfo_model.claims.verdict import Standing
from xpfo_model.errors import XpfoModelError
from xpfo_model.figures.charts import short
from xpfo_model.history import mails
from xpfo_model.history.mails import Mail
from xpfo_model.sphinxext import claims_index, figures, verdicts

NUMBERS: Final = re.compile(r"[-+]?\d([\d,.%x/()+ ]| to )*|-?")
"""A cell that is set to the right: one number or some, with their units."""


class MailRole(SphinxRole):
    """``{mail}`` NAME, or TEXT <NAME>: a link to a mail of `mails`.

    NAME is that of its constant, or its Message-ID. Without a text the link says
    author and date.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Look the mail up and link to it."""
        shown, _, identity = self.text.rpartition("<")
        try:
            found = mails.find(identity.rstrip(">"))
        except XpfoModelError as error:
            message = self.inliner.reporter.error(str(error), line=self.lineno)
            return [self.inliner.problematic(identity, self.rawtext, message)], [
                message
            ]
        return [mail_link(found, shown.strip())], []


def mail_link(mail: Mail, text: str = "") -> nodes.reference:
    """A link to a mail, with a text, or its author and date."""
    return nodes.reference("", text or str(mail), refuri=mail.link, classes=["mail"])


class ClaimDirective(SphinxDirective):
    """A claim with its figure, its proof that it can fail, and its files."""

    required_arguments = 1
    has_content = False
    option_spec: ClassVar[dict[str, Any]] = {}

    def run(self) -> list[nodes.Node]:
        """Build the claim's nodes."""
        identity = self.arguments[0]
        found = verdicts.record_of(self.env.app).verdicts
        if identity not in found:
            raise self.error(f"no claim {identity!r} in the registry")
        claims_index.place(self.env, identity, self.env.docname)
        verdict = found[identity]
        box = nodes.container(classes=["claim"], ids=[identity])
        up = "../" * self.env.docname.count("/")
        box += nodes.paragraph(
            "", "", nodes.strong(text=verdict.finding.sentence), classes=["sentence"]
        )
        box += nodes.raw("", _figure(self.env.app, verdict, up), format="html")
        box += _proof(verdict)
        box += nodes.raw("", _files(verdict, up), format="html")
        box += nodes.raw("", "<details><summary>Cover letter</summary>", format="html")
        box += _letter(self.env, verdict)
        box += nodes.raw("", "</details>", format="html")
        return [box]


class CoverLetterDirective(SphinxDirective):
    """``{cover-letter} ID``: what a patch's cover letter can cite of a claim."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the text."""
        identity = self.arguments[0]
        found = verdicts.record_of(self.env.app).verdicts
        if identity not in found:
            raise self.error(f"no claim {identity!r} in the registry")
        return [_letter(self.env, found[identity])]


class ClaimTableDirective(SphinxDirective):
    """``{claim-table} ID [NAME]``: a claim's table, or the one of its `more`."""

    required_arguments = 1
    optional_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        identity, *names = self.arguments
        record = verdicts.record_of(self.env.app)
        if identity not in record.verdicts:
            raise self.error(f"no claim {identity!r} in the registry")
        finding = record.verdicts[identity].finding
        code = {*strategies.REGISTRY, *record.outcomes}
        if not names:
            return [table_of(finding.table, code)]
        if names[0] not in finding.more:
            raise self.error(
                f"claim {identity!r} has no table {names[0]!r}, but "
                f"{', '.join(finding.more) or 'none'}"
            )
        return [table_of(finding.more[names[0]], code)]


def table_of(table: Table, code: Container[str] = ()) -> nodes.table:
    """A claim's table as nodes: columns of numbers to the right.

    What is in `code`, or between backticks, is set as code.
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


class CounterexampleDirective(SphinxDirective):
    """``{counterexample} STRATEGY INVARIANT``: the shortest way, drawn and told."""

    required_arguments = 2
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the drawing and, for those who cannot see it, its text."""
        strategy, invariant = self.arguments
        reports = verdicts.record_of(self.env.app).reports
        found = reports[strategy].found if strategy in reports else {}
        if invariant not in found:
            raise self.error(f"{strategy} does not violate {invariant!r}")
        told = "; ".join(found[invariant].trace)
        alt = f"{strategy} violates {invariant}: {told}."
        up = "../" * self.env.docname.count("/")
        name = f"{strategy}-{invariant}"
        drawn = figures.figure(self.env.app, name, alt, up)
        return [nodes.raw("", drawn, format="html")]


def _letter(env: BuildEnvironment, verdict: Standing) -> nodes.Node:
    config = env.config
    letter = cite.cover_letter(
        verdict, commit=config.xpfo_commit, site=config.xpfo_site_url
    )
    return nodes.literal_block(letter, letter, language="text")


def _figure(app: Sphinx, verdict: Standing, up: str) -> str:
    alt = f"{verdict.finding.chart.title}. {verdict.finding.sentence}"
    return figures.figure(app, verdict.claim.id, alt, up)


def _proof(verdict: Standing) -> nodes.Node:
    claim = verdict.claim
    counter = verdict.counter.sentence
    listing = nodes.bullet_list(classes=["proof"])
    for head, text in (
        ("Must hold: ", f"{claim.must}."),
        ("Must fail: ", f"with {claim.instead}. Then the sentence reads: {counter}"),
        ("Downside: ", claim.downside),
    ):
        line = nodes.paragraph("", "", nodes.strong(text=head), nodes.Text(text))
        listing += nodes.list_item("", line)
    if claim.mails:
        line = nodes.paragraph("", "", nodes.strong(text="Mails: "))
        for number, mail in enumerate(claim.mails):
            if number:
                line += nodes.Text(", ")
            line += mail_link(mail)
        listing += nodes.list_item("", line)
    return listing


def _files(verdict: Standing, up: str) -> str:
    claim = verdict.claim
    links = " · ".join(
        f'<a href="{up}claims/{claim.id}.{suffix}">{text}</a>'
        for suffix, text in (
            ("csv", "data"),
            ("svg", "SVG"),
            ("png", "PNG"),
            ("txt", "cover letter"),
            ("bib", "BibTeX"),
            ("json", "JSON"),
            ("py.txt", "source"),
        )
    )
    traces = ", ".join(f"{i.short} {i.sha256[:12]}" for i in verdict.inputs)
    function = f"{claim.find.__module__}.{claim.find.__name__}"
    return (
        f'<p class="provenance"><code>{claim.id}</code> computed by '
        f"<code>{html.escape(function)}</code> from "
        f"{html.escape(traces or claim.basis.what)}: {links}</p>"
    )


class ValueRole(SphinxRole):
    """A number that the model computed: ``claim-id:key`` or ``trace:path``.

    ``trace`` is a trace's short name and ``path`` leads into its object of
    ``compare --json``, such as ``cc-4cpu:strategies.v6.flushes``. A format
    specification may follow after ``|``.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Look the number up and format it."""
        where, _, form = self.text.partition("|")
        name, _, key = where.partition(":")
        try:
            value = self._find(name, key)
        except KeyError:
            message = self.inliner.reporter.error(
                f"no value {where!r}", line=self.lineno
            )
            return [self.inliner.problematic(where, self.rawtext, message)], [message]
        text = format(value, form) if form else show(value)
        return [nodes.inline(text, text, classes=["value"])], []

    def _find(self, name: str, key: str) -> Any:
        record = verdicts.record_of(self.env.app)
        if name in record.verdicts:
            return record.verdicts[name].finding.values[key]
        value: Any = record.outcomes[name]
        for part in key.split("."):
            value = value[part]
        return value


def show(value: float | str) -> str:
    """A number as prose: 134,489 or 15.1."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
