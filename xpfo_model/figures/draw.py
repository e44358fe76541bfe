# SPDX-License-Identifier: GPL-2.0-only
"""Charts drawn with matplotlib: one message each, labelled directly.

A strategy has the same colour, marker and dash everywhere. A chart is drawn for a wide
page and for a narrow one; see `svg` for light pages, dark ones and paper.
"""

import io
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import matplotlib as mpl

from xpfo_model.errors import XpfoModelError
from xpfo_model.figures import svg
from xpfo_model.figures.charts import (
    Chart,
    Curves,
    Grid,
    Ranges,
    Shares,
)
from xpfo_model.figures.course import course, streams
from xpfo_model.figures.curves import curves, slopes
from xpfo_model.figures.dots import dots, dumbbells
from xpfo_model.figures.film import film
from xpfo_model.figures.flow import flow
from xpfo_model.figures.forms import (
    Course,
    DirectMap,
    Dot,
    Dots,
    Dumbbells,
    Film,
    Flow,
    Matrix,
    Plane,
    Slopes,
    Streams,
)
from xpfo_model.figures.maps import maps
from xpfo_model.figures.matrix import grid, matrix
from xpfo_model.figures.paper import PAGES, SMALL, WIDE, Page, Paper
from xpfo_model.figures.plane import plane
from xpfo_model.figures.shares import shares
from xpfo_model.figures.themes import DARK, LIGHT, Theme
from xpfo_model.replay.outcome import Outcome
from xpfo_model.traces.output import whole

RC: Final = Path(__file__).with_name("matplotlibrc")
FORMATS: Final = ("pdf", "png", "svg")
"""Of files that a figure can be written to."""
SUFFIX: Final = {"wide": "", "narrow": "-narrow"}
"""Of a file's stem, by page."""
_NOTE_COLUMNS: Final = 88
_NOTE: Final = 14.0


def lay_out(chart: Chart, page: Page = WIDE) -> Paper:
    """A chart on a sheet of a page's width; its `figure` can be saved."""
    with mpl.rc_context(fname=RC):
        return _DRAW[type(chart)](chart, page)


def as_svg(chart: Chart, name: str, page: Page = WIDE) -> tuple[ET.Element, list[str]]:
    """A chart as reduced SVG in the colours of light pages, and its faults.

    `name` begins the ids in it; faults are those of `Paper.faults`.
    """
    paper = lay_out(chart, page)
    text = io.StringIO()
    with mpl.rc_context(fname=RC):
        paper.figure.savefig(text, format="svg", metadata={"Date": None})
    return svg.tidy(text.getvalue(), name), paper.faults()


def save(chart: Chart, path: Path, theme: Theme = LIGHT, page: Page = WIDE) -> None:
    """Write a chart to a file; its suffix says the format.

    Only SVG can be of another theme than that of light pages. The bytes depend on the
    chart and the libraries alone, not on the clock.
    Raises `XpfoModelError` for a format that matplotlib cannot write.
    """
    if path.suffix == ".svg":
        root, _ = as_svg(chart, path.stem, page)
        path.write_text(svg.in_theme(root, theme), encoding="utf-8")
    else:
        path.write_bytes(_bytes(lay_out(chart, page), path))


def as_html(chart: Chart, name: str, alt: str) -> str:
    """A chart as part of a page that has the rules of `svg.css`.

    `name` begins the ids in it; `alt` says what is seen.
    """
    parts = []
    for page in PAGES:
        root, _ = as_svg(chart, f"{name}{SUFFIX[page.name]}", page)
        parts.append(svg.in_page(root, page.name))
    return svg.named("".join(parts), alt)


def save_all(chart: Chart, stem: Path) -> list[str]:
    """Write all forms of a chart that a site has; the faults of its layout.

    STEM.svg, -dark, -narrow and -narrow-dark are files of their own, STEM.png is on
    white. STEM.html is part of a page, wide and narrow; see `svg.named`.
    """
    faults: list[str] = []
    parts: list[str] = []
    for page in PAGES:
        name = f"{stem.name}{SUFFIX[page.name]}"
        root, found = as_svg(chart, name, page)
        faults += [f"{name}: {fault}" for fault in found]
        markup = ET.tostring(root)
        for theme, end in ((LIGHT, ""), (DARK, "-dark")):
            path = stem.with_name(f"{name}{end}.svg")
            text = svg.in_theme(ET.fromstring(markup), theme)  # noqa: S314 - ours
            path.write_text(text, encoding="utf-8")
        parts.append(svg.in_page(root, page.name))
    stem.with_name(f"{stem.name}.html").write_text("".join(parts), encoding="utf-8")
    path = stem.with_name(f"{stem.name}.png")
    path.write_bytes(_bytes(lay_out(chart), path))
    return faults


def known_format(path: Path) -> str:
    """The format that a file name says. Raises `XpfoModelError` for another."""
    suffix = path.suffix.removeprefix(".")
    if suffix not in FORMATS:
        raise XpfoModelError(
            f"{path}: no figure format {suffix!r}",
            remedy=f"choose a file name that ends in one of {', '.join(FORMATS)}",
        )
    return suffix


def _bytes(paper: Paper, path: Path) -> bytes:
    """A sheet on white, in the format that a file name says."""
    suffix = known_format(path)
    when = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    metadata: dict[str, Any] = when.get(suffix, {})
    if suffix == "png":
        metadata = {"Software": None}
    out = io.BytesIO()
    with mpl.rc_context(fname=RC):
        paper.figure.savefig(out, format=suffix, metadata=metadata, facecolor="white")
    return out.getvalue()


def save_comparison(outcomes: Sequence[Outcome], path: str) -> None:
    """Write the flushes of every strategy over the traces, on white.

    Raises `RecordError` if the file cannot be written.
    """
    chart = comparison("Flushes by strategy (model)", outcomes)
    paper = lay_out(chart)
    notes = [line for outcome in outcomes for line in rests_on(outcome)]
    y = paper.height
    for note in notes:
        y += _NOTE
        paper.text((0, y), note, size=SMALL, colour=LIGHT["quiet"])
    drawn = _bytes(paper.finish(y + _NOTE / 2), Path(path))
    with whole(path) as file:
        file.write(drawn)


def rests_on(outcome: Outcome) -> list[str]:
    """Lines below a comparison: trace, masks, losses, warnings, strategies left out."""
    about = outcome.about
    lines = [
        f"{about.name}: sha256 {about.sha256[:16]}, {about.fate()}",
        about.masks(),
        *about.notes(),
        *outcome.notes,
        *filter(None, [about.left_out()]),
    ]
    return [part for line in lines for part in textwrap.wrap(line, _NOTE_COLUMNS)]


def comparison(title: str, outcomes: Sequence[Outcome]) -> Dots:
    """Flushes of every strategy, a group a trace."""
    return Dots(
        title=title,
        groups=[
            (
                outcome.about.name,
                [
                    Dot(name, counts.flushes, f"{counts.flushes:,}")
                    for name, counts in outcome.strategies.items()
                ],
            )
            for outcome in outcomes
        ],
        unit="TLB flushes, log scale",
        log=True,
    )


def _ranges(chart: Ranges, page: Page) -> Paper:
    some = [
        Dot(row.name, row.low, row.text, row.low, row.high, bare=True, kind=0)
        if row.low < row.high
        else Dot(row.name, row.low, row.text, kind=1)
        for row in chart.rows
    ]
    form = Dots(
        chart.title, [("", some)], chart.unit, chart.log, chart.line, chart.line_name
    )
    return dots(form, page)


_DRAW: Final[dict[type[Any], Callable[[Any, Page], Paper]]] = {
    Course: course,
    Curves: curves,
    DirectMap: maps,
    Dots: dots,
    Dumbbells: dumbbells,
    Film: film,
    Flow: flow,
    Grid: grid,
    Matrix: matrix,
    Plane: plane,
    Ranges: _ranges,
    Shares: shares,
    Slopes: slopes,
    Streams: streams,
}
