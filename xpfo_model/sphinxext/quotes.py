# SPDX-License-Identifier: GPL-2.0-only
"""``{quote}``: words of a mail, with who wrote them; ``{mails}``: all of them."""

import textwrap
from typing import Final

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from xpfo_model.errors import XpfoModelError
from xpfo_model.history import mails
from xpfo_model.history.mails import Mail, Seen
from xpfo_model.sphinxext.roles import mail_link

_CODE: Final = "    "
_MARKS: Final = {
    Seen.READ: "",
    Seen.QUOTED: ", as a later mail quotes it",
    Seen.NOT_SEEN: ", its text not seen",
}


class QuoteDirective(SphinxDirective):
    """``{quote} NAME``: the words of the mail of that name in `mails`.

    What is indented is code. A mail whose text was not read cannot be quoted.
    """

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Build the quote and its attribution."""
        self.assert_has_content()
        try:
            mail = mails.find(self.arguments[0])
        except XpfoModelError as error:
            raise self.error(str(error)) from error
        if mail.seen is Seen.NOT_SEEN:
            raise self.error(f"the text of {mail} was not read, and cannot be quoted")
        quote = nodes.block_quote(classes=["mail-quote"])
        for paragraph in "\n".join(self.content).split("\n\n"):
            lines = paragraph.strip("\n")
            if lines.startswith(_CODE):
                quote += nodes.literal_block(text=textwrap.dedent(lines))
            else:
                quote += nodes.paragraph(text=" ".join(lines.split()))
        quote += nodes.attribution("", "", mail_link(mail), *_mark(mail))
        return [quote]


class MailsDirective(SphinxDirective):
    """``{mails}``: every mail once, by date, and whether its text was read."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the list."""
        listing = nodes.bullet_list()
        for mail in sorted(mails.BY_NAME.values(), key=lambda m: (m.date, m.sent)):
            line = nodes.paragraph("", "", mail_link(mail), *_mark(mail))
            line += nodes.Text(f": {mail.subject}")
            listing += nodes.list_item("", line)
        return [listing]


def _mark(mail: Mail) -> list[nodes.Node]:
    return [nodes.Text(_MARKS[mail.seen])] if _MARKS[mail.seen] else []
