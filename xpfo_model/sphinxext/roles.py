# SPDX-License-Identifier: GPL-2.0-only
"""The roles of the pages: ``{value}`` for numbers and ``{mail}`` for Message-IDs."""

from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from xpfo_model.errors import XpfoModelError
from xpfo_model.history import mails
from xpfo_model.history.mails import Mail
from xpfo_model.sphinxext import verdicts


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
