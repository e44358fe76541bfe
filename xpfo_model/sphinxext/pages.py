# SPDX-License-Identifier: GPL-2.0-only
"""The head of each page: its description, and nothing that is said twice."""

import html
import re
import textwrap
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx

DESCRIPTION: Final = 200
"""Characters of a description that search engines and link previews show."""
_VIEWPORT: Final = re.compile(r'<meta name="viewport"[^>]*>\s*')


def describe(doctree: nodes.document) -> str:
    """The first paragraph of a page, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        return textwrap.shorten(text, DESCRIPTION, placeholder=" …")
    return ""


def complete(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Describe the page in its head, and leave its viewport to the theme."""
    del app, pagename, templatename
    tags = _VIEWPORT.sub("", context.get("metatags", ""))
    title = re.sub("<[^>]*>", "", context.get("title", ""))
    facts = {"og:title": html.unescape(title), "og:type": "article"}
    if doctree is not None:
        facts["description"] = facts["og:description"] = describe(doctree)
    if context.get("pageurl"):
        facts["og:url"] = context["pageurl"]
    for name, text in facts.items():
        key = "property" if ":" in name else "name"
        if text:
            tags += f'<meta {key}="{name}" content="{html.escape(text)}">\n'
    context["metatags"] = tags
    # A file that an extension writes as the build ends has a checksum in the second
    # build, and none in the first: without, the two are the same.
    names = [(css, str(getattr(css, "filename", css))) for css in context["css_files"]]
    context["css_files"] = [name if "mystnb" in name else css for css, name in names]
