# SPDX-License-Identifier: GPL-2.0-only
"""Figures as nodes of the document: with their size in HTML, as files for paper.

A browser that knows the size of an image before it has come does not move the page
when it comes, so that a link to a claim still lands on the claim.
"""

import re
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx

from xpfo_model.sphinxext import figures, verdicts
from xpfo_model.sphinxext.details import Details

_PIXELS: Final = {"": 1.0, "px": 1.0, "pt": 96 / 72}
"""CSS pixels of a unit of length."""
_HEAD: Final = 4096
"""Characters in which the root element of an SVG ends."""


class Picture(nodes.General, nodes.Element):
    """A figure for light and for dark pages.

    Attributes are the `name` of its files, the `alt` text, and once it is drawn
    `width` and `height` in CSS pixels and the `file` for paper.
    """


def picture(name: str, alt: str) -> Picture:
    """The figure whose files are named NAME; `alt` states its finding."""
    return Picture("", name=name, alt=alt)


def size(svg: str) -> tuple[int, int]:
    """Width and height of an SVG in CSS pixels. Raises `ValueError`."""
    root = re.search(r"<svg\b[^>]*>", svg)
    found = []
    for side in ("width", "height"):
        given = root and re.search(rf'\s{side}="([\d.]+)([a-z]*)"', root.group())
        if not given or given.group(2) not in _PIXELS:
            raise ValueError(f"an SVG without a {side} in px or pt")
        found.append(round(float(given.group(1)) * _PIXELS[given.group(2)]))
    return found[0], found[1]


def measure(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give every picture of a page its size and its file."""
    del docname
    for node in doctree.findall(Picture):
        stem = verdicts.drawn(app, node["name"])
        with stem.with_name(f"{stem.name}.svg").open(encoding="utf-8") as file:
            node["width"], node["height"] = size(file.read(_HEAD))
        node["file"] = stem.with_name(f"{stem.name}.png")


def _open_html(writer: Any, node: nodes.Element) -> None:
    up = "../" * writer.builder.current_docname.count("/")
    folded = _is_folded(node)
    drawn = figures.figure(
        writer.builder.app, node["name"], node["alt"], up, folded=folded
    )
    writer.body.append(drawn + "\n")
    raise nodes.SkipNode


def _is_folded(node: nodes.Element) -> bool:
    """Whether a node is below one that is folded away."""
    above = node.parent
    while above is not None:
        if isinstance(above, Details):
            return True
        above = above.parent
    return False


def _open_latex(writer: Any, node: nodes.Element) -> None:
    path = node["file"]
    writer.builder.images[str(path)] = path.name
    writer.body.append(
        f"\n\\par\\noindent\\sphinxincludegraphics{{{{{path.stem}}}.png}}\\par\n"
    )
    raise nodes.SkipNode


def _open_text(writer: Any, node: nodes.Element) -> None:
    writer.new_state(0)
    writer.add_text(f"[Figure {node['name']}: {node['alt']}]")
    writer.end_state()
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the node with every builder that this project tries."""
    app.add_node(
        Picture,
        html=(_open_html, None),
        latex=(_open_latex, None),
        text=(_open_text, None),
    )
    app.connect("doctree-resolved", measure)
