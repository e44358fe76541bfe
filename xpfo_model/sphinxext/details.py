# SPDX-License-Identifier: GPL-2.0-only
"""Folded content as a node of the document, for every builder.

HTML folds it under its summary, paper and plain text print it under its summary.
"""

from collections.abc import Sequence
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


class Details(nodes.General, nodes.Element):
    """A summary, and what is folded under it; the summary is its first child."""


class Summary(nodes.General, nodes.TextElement):
    """The line that unfolds a `Details`."""


def details(
    summary: str, *content: nodes.Node, classes: list[str], ids: Sequence[str] = ()
) -> Details:
    """Content folded under a line of text."""
    line = Summary(summary, summary)
    return Details("", line, *content, classes=classes, ids=list(ids))


def _open_html(writer: Any, node: nodes.Element) -> None:
    # A link to folded content unfolds it only if the target is inside.
    ids, node["ids"] = node["ids"], []
    writer.body.append(writer.starttag(node, "details"))
    node["ids"] = ids


def _close_html(writer: Any, node: nodes.Element) -> None:
    del node
    writer.body.append("</details>\n")


def _open_summary_html(writer: Any, node: nodes.Element) -> None:
    writer.body.append(writer.starttag(node, "summary", suffix=""))


def _close_summary_html(writer: Any, node: nodes.Element) -> None:
    writer.body.append("</summary>\n")
    for identity in node.parent["ids"]:
        writer.body.append(f'<span id="{identity}"></span>')


def _pass(writer: Any, node: nodes.Element) -> None:
    del writer, node


def _open_summary_latex(writer: Any, node: nodes.Element) -> None:
    del node
    writer.body.append("\n\\par\\noindent\\textbf{")


def _close_summary_latex(writer: Any, node: nodes.Element) -> None:
    del node
    writer.body.append("}\\par\n")


def _open_summary_text(writer: Any, node: nodes.Element) -> None:
    del node
    writer.new_state(0)


def _close_summary_text(writer: Any, node: nodes.Element) -> None:
    del node
    writer.end_state()


def setup(app: Sphinx) -> None:
    """Register the nodes with every builder that this project tries."""
    app.add_node(
        Details,
        html=(_open_html, _close_html),
        latex=(_pass, _pass),
        text=(_pass, _pass),
    )
    app.add_node(
        Summary,
        html=(_open_summary_html, _close_summary_html),
        latex=(_open_summary_latex, _close_summary_latex),
        text=(_open_summary_text, _close_summary_text),
    )
