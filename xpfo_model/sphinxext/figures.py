# SPDX-License-Identifier: GPL-2.0-only
"""Figures in pages: part of the page itself, or files where they are folded away."""

import html
import re
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx

from xpfo_model.figures import svg
from xpfo_model.sphinxext import verdicts

CSS: Final = "figures.css"
LARGE: Final = 32_000
"""Bytes of a figure, wide and narrow, that a page still holds itself."""
NARROW: Final = "(max-width: 40em)"
"""Windows that get the narrow drawing."""
_SIZE: Final = re.compile(r'<svg[^>]*? width="(\d+)" height="(\d+)"')


def add_css(app: Sphinx) -> None:
    """Write the rules that the figures of all pages need, and link them."""
    folder = Path(app.outdir).parent / "figures-css"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CSS).write_text(svg.css(), encoding="utf-8")
    app.config.html_static_path.append(str(folder))
    app.add_css_file(CSS)


def figure(app: Sphinx, name: str, alt: str, up: str, *, folded: bool = False) -> str:
    """A figure as HTML, for pages `up` from the site's root.

    One that is `folded` away is a file, which is fetched when it is unfolded. So is one
    of more than `LARGE` bytes, for a page holds many.
    """
    folder = verdicts.folder_of(app)
    within = folder / f"{name}.html"
    if not folded and within.stat().st_size <= LARGE:
        part = within.read_text(encoding="utf-8")
        drawn = svg.named(part, alt)
    else:
        said = html.escape(alt)
        drawn = "".join(
            _file(folder, name, said, up, theme)
            for theme in (("light", ""), ("dark", "-dark"))
        )
    return f'<figure class="claim-figure">{drawn}</figure>'


def _file(folder: Path, name: str, alt: str, up: str, theme: tuple[str, str]) -> str:
    when, end = theme
    wide, narrow = f"{name}{end}.svg", f"{name}-narrow{end}.svg"
    return (
        f'<picture class="only-{when}"><source media="{NARROW}" '
        f'srcset="{up}claims/{narrow}" {_size(folder / narrow)}>'
        f'<img src="{up}claims/{wide}" {_size(folder / wide)} alt="{alt}" '
        f'loading="lazy"></picture>'
    )


def _size(path: Path) -> str:
    found = _SIZE.search(path.read_text(encoding="utf-8"))
    width, height = found.groups() if found else ("", "")
    return f'width="{width}" height="{height}"'
