# SPDX-License-Identifier: GPL-2.0-only
"""The diff page: any two strategies side by side, hook by hook."""

from itertools import combinations

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from xpfo_model import strategies


class DiffsDirective(SphinxDirective):
    """``{strategy-diffs}``: a matrix of links, and under it every diff, folded."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Build the matrix and the diffs."""
        names = list(strategies.REGISTRY)
        rows = []
        for one in names:
            cells = "".join(
                "<td></td>"
                if one == other
                else f'<td><a href="#{_anchor(one, other)}" '
                f'aria-label="{one} against {other}">diff</a></td>'
                for other in names
            )
            rows.append(f'<tr><th scope="row"><code>{one}</code></th>{cells}</tr>')
        head = "".join(f'<th scope="col"><code>{name}</code></th>' for name in names)
        matrix = (
            '<div class="table-wrapper"><table class="docutils diffs"><thead><tr>'
            f"<th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        )
        out: list[nodes.Node] = [nodes.raw("", matrix, format="html")]
        for one, other in combinations(names, 2):
            text = strategies.diff(one, other) or "no difference\n"
            anchor = _anchor(one, other)
            # a link to what is folded unfolds it, so the anchor is inside
            opening = (
                f"<details><summary>{one} → {other}</summary>"
                f'<span id="{anchor}"></span>'
            )
            out.append(nodes.raw("", opening, format="html"))
            out.append(nodes.literal_block(text, text, language="diff"))
            out.append(nodes.raw("", "</details>", format="html"))
        return out


def _anchor(one: str, other: str) -> str:
    names = list(strategies.REGISTRY)
    first, second = sorted((one, other), key=names.index)
    return f"{first}--{second}"
