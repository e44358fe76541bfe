# SPDX-License-Identifier: GPL-2.0-only
"""The diff page: any two strategies, hook by hook, of which the reader chooses.

The page holds one diff. The others are scripts beside it, one for each strategy, so
that they load from a disk as well.
"""

import json
from pathlib import Path
from typing import Final

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from xpfo_model import strategies
from xpfo_model.sphinxext.steady import emptied

FOLDER: Final = "diffs"


class DiffsDirective(SphinxDirective):
    """``{strategy-diffs} ONE OTHER``: that diff, and with scripting any other."""

    required_arguments = 2
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the place of the chooser and the diff that is shown at first."""
        known = tuple(strategies.REGISTRY)
        one, other = (directives.choice(name, known) for name in self.arguments)
        up = "../" * self.env.docname.count("/")
        chooser = (
            f'<div id="diff-chooser" class="chooser" hidden data-one="{one}" '
            f'data-other="{other}" data-names="{" ".join(known)}"></div>'
            f'<script defer src="{up}_static/diff.js"></script>'
        )
        note = nodes.paragraph(classes=["without-script"])
        note += [
            nodes.Text("Without scripting this page shows one pair; "),
            nodes.literal(text="xpfo-model diff ONE OTHER"),
            nodes.Text(" prints any."),
        ]
        title = nodes.paragraph(text=f"{one} → {other}", classes=["diff-title"])
        text = strategies.diff(one, other)
        block = nodes.literal_block(text, text, language="diff")
        shown = nodes.container("", title, block, classes=["diff-shown"])
        return [nodes.raw("", chooser, format="html"), note, shown]


def publish(app: Sphinx, exception: Exception | None) -> None:
    """Write ``diffs/NAME.js``: the diffs from one strategy to each other."""
    if exception is not None or app.builder.format != "html":
        return
    folder = emptied(Path(app.outdir) / FOLDER)
    for one in strategies.REGISTRY:
        texts = {
            other: strategies.diff(one, other) or "no difference\n"
            for other in strategies.REGISTRY
            if other != one
        }
        script = f"xpfoDiffs({json.dumps(one)}, {json.dumps(texts)});\n"
        (folder / f"{one}.js").write_text(script, encoding="utf-8")
