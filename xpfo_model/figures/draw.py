# SPDX-License-Identifier: GPL-2.0-only
"""Charts drawn with matplotlib: one message each, labelled directly.

A strategy has the same colour everywhere, from the palette of Okabe and Ito,
which the colour-blind can tell apart. Each chart is drawn for light and for dark
pages; on paper the light one is used.
"""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import matplotlib as mpl
import matplotlib.ticker
from matplotlib.figure import Figure

from xpfo_model.errors import XpfoModelError
from xpfo_model.figures.charts import (
    Bar,
    Bars,
    Calls,
    Chart,
    Curves,
    Lines,
    Ranges,
    Shares,
)
from xpfo_model.figures.curves import curves
from xpfo_model.figures.themes import DARK, LIGHT, Theme, colour_of, on
from xpfo_model.replay.outcome import Outcome

RC: Final = Path(__file__).with_name("matplotlibrc")


_INCH_PER_BAR: Final = 0.27
_WIDTH: Final = 6.4
_ROOM_FOR_LABELS: Final = 1.9
_FACTOR_FOR_TEXT: Final = 6.0
_INCH_PER_PANEL: Final = 1.5
_MOST_TICKS: Final = 7
_POWERS_OF_TEN_FROM: Final = 1e6
"""Where the numbers of an axis become too long to be written out."""
_STEPS: Final = (1, 2, 2.5, 5, 10)
_DECADES_OF_1_2_5: Final = 2
"""A longer logarithmic axis has room for powers of ten only."""
_NOTE_COLUMNS: Final = 96
_INCH_PER_NOTE: Final = 0.14
_STEP_WIDTH: Final = 54
"""Characters of a step that fit into one of two lanes."""
_LINE_OF_TEXT: Final = 0.17
"""Of a panel's height."""


def draw(chart: Chart, theme: Theme) -> Figure:
    """A figure of the chart in a theme's colours."""
    colours = {
        "text.color": theme.ink,
        "axes.labelcolor": theme.ink,
        "axes.edgecolor": theme.faint,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
        "grid.color": theme.faint,
    }
    with mpl.rc_context(fname=RC):
        mpl.rcParams.update(cast("Any", colours))
        return _DRAW[type(chart)](chart, theme)


def save(chart: Chart, path: Path, theme: Theme = LIGHT) -> None:
    """Write a chart to a file; its suffix says the format.

    The bytes depend on the chart and the libraries alone, not on the clock.
    Raises `XpfoModelError` for a format that matplotlib cannot write.
    """
    _write(draw(chart, theme), path)


def save_all(chart: Chart, stem: Path) -> None:
    """Write STEM.svg and STEM.png for light pages, STEM-dark.svg for dark ones."""
    figure = draw(chart, LIGHT)
    _write(figure, stem.with_name(f"{stem.name}.svg"))
    # the layout takes most of the time, and is done by now
    figure.set_layout_engine(None)
    _write(figure, stem.with_name(f"{stem.name}.png"))
    save(chart, stem.with_name(f"{stem.name}-dark.svg"), DARK)


def _write(figure: Figure, path: Path, **how: Any) -> None:
    known = figure.canvas.get_supported_filetypes()
    suffix = path.suffix.removeprefix(".")
    if suffix not in known:
        raise XpfoModelError(
            f"{path}: no figure format {suffix!r}",
            remedy=f"choose a file name that ends in one of {', '.join(sorted(known))}",
        )
    metadata: dict[str, Any] = {}
    if suffix in {"svg", "pdf"}:
        metadata = {"Date": None} if suffix == "svg" else {"CreationDate": None}
    elif suffix == "png":
        metadata = {"Software": None}
    with mpl.rc_context(fname=RC):
        figure.savefig(path, metadata=metadata, **how)


def save_comparison(outcomes: Sequence[Outcome], path: str) -> None:
    """Write the flushes of every strategy over the traces as bars."""
    chart = comparison("Flushes by strategy (model)", outcomes)
    # on white, wherever it is opened
    figure = draw(chart, LIGHT)
    notes = [line for outcome in outcomes for line in rests_on(outcome)]
    height = figure.get_figheight() + _INCH_PER_NOTE * len(notes)
    figure.set_figheight(height)
    figure.supxlabel("\n".join(notes), fontsize="x-small", ha="left", x=0.01)
    _write(figure, Path(path), facecolor="white")


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


def comparison(title: str, outcomes: Sequence[Outcome]) -> Bars:
    """Flushes of every strategy, a group a trace."""
    return Bars(
        title=title,
        groups=[
            (
                outcome.about.name,
                [
                    Bar(name, counts.flushes, f"{counts.flushes:,}")
                    for name, counts in outcome.strategies.items()
                ],
            )
            for outcome in outcomes
        ],
        unit="TLB flushes, log scale",
    )


def _bars(chart: Bars, theme: Theme) -> Figure:
    lines = sum(len(bars) + 1 for _, bars in chart.groups)
    figure = Figure(figsize=(_WIDTH, 1.3 + _INCH_PER_BAR * lines), layout="constrained")
    axes = figure.subplots()
    labels: list[str] = []
    places: list[float] = []
    place = 0.0
    for group, bars in chart.groups:
        axes.annotate(
            group,
            (0, place),
            xycoords=("axes fraction", "data"),
            fontweight="bold",
            va="center",
        )
        place += 1
        for number, bar in enumerate(bars):
            # a logarithm has no place for zero: its bar is empty, its text says 0
            kind = number if bar.kind is None else bar.kind
            axes.barh(place, bar.value, 0.72, color=colour_of(bar.name, kind, theme))
            axes.annotate(
                f" {bar.text}",
                (max(bar.value, 1 if chart.log else 0), place),
                va="center",
            )
            labels.append(bar.name)
            places.append(place)
            place += 1
    axes.set_yticks(places, labels)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(place - 0.4, -0.6)
    largest = max((bar.value for _, bars in chart.groups for bar in bars), default=1)
    if chart.log:
        axes.set_xscale("log")
        axes.set_xlim(1, max(largest, 1) * _FACTOR_FOR_TEXT)
    else:
        axes.set_xlim(0, largest * 1.2 or 1)
        whole = all(float(bar.value).is_integer() for _, b in chart.groups for bar in b)
        locator = mpl.ticker.MaxNLocator(_MOST_TICKS, steps=_STEPS, integer=whole)
        end = largest * 1.2
        if _is_share(chart.unit):
            end = min(end, max(100.0, largest))
        axes.set_xticks([t for t in locator.tick_values(0, end) if t <= end])
    if axes.get_xlim()[1] < _POWERS_OF_TEN_FROM:
        axes.xaxis.set_major_formatter("{x:,g}")
    axes.grid(axis="x", linewidth=0.5)
    axes.set_xlabel(chart.unit)
    figure.suptitle(chart.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _is_share(unit: str) -> bool:
    return unit.startswith(("percent", "%"))


def _shares(chart: Shares, theme: Theme) -> Figure:
    height = 1.3 + 2 * _INCH_PER_BAR * len(chart.rows)
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    seen: dict[str, Any] = {}
    for place, (_, bars) in enumerate(chart.rows):
        whole = sum(bar.value for bar in bars) or 1.0
        left = 0.0
        for number, bar in enumerate(bars):
            width = 100 * bar.value / whole
            colour = colour_of(bar.name, number, theme)
            drawn = axes.barh(place, width, 0.66, left, color=colour)
            seen.setdefault(bar.name, drawn)
            if width > 3 + len(bar.text):
                axes.annotate(
                    bar.text,
                    (left + width / 2, place),
                    ha="center",
                    va="center",
                    color=on(colour),
                )
            left += width
    axes.set_yticks(range(len(chart.rows)), [row for row, _ in chart.rows])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel(chart.unit)
    figure.legend(
        seen.values(),
        seen.keys(),
        loc="outside lower left",
        ncols=len(seen),
        frameon=False,
    )
    figure.suptitle(chart.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _ranges(chart: Ranges, theme: Theme) -> Figure:
    height = 1.0 + 1.3 * _INCH_PER_BAR * len(chart.rows)
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots()
    # a point is as wide as its outline
    for place, row in enumerate(chart.rows):
        colour = theme.others[0] if row.low < row.high else theme.ink
        axes.barh(
            place,
            row.high - row.low,
            0.6,
            row.low,
            color=colour,
            edgecolor=colour,
            linewidth=2.5,
        )
        axes.annotate(f"  {row.text}", (row.high, place), va="center")
    axes.axvline(chart.line, color=theme.ink, linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(chart.rows)), [row.name for row in chart.rows])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.invert_yaxis()
    least = min(chart.line, *(row.low for row in chart.rows))
    largest = max(chart.line, *(row.high for row in chart.rows))
    if chart.log:
        axes.set_xscale("log")
        axes.set_xlim(least * 0.9, largest * (largest / least) ** 0.4)
        room = largest <= least * 10**_DECADES_OF_1_2_5
        subs = (1.0, 2.0, 5.0) if room else (1.0,)
        axes.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=subs))
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.minorticks_off()
    else:
        span = largest - least or 1.0
        axes.set_xlim(least - 0.05 * span, largest + 0.4 * span)
    axes.grid(axis="x", linewidth=0.5)
    axes.set_xlabel(chart.unit)
    figure.suptitle(chart.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _lines(chart: Lines, theme: Theme) -> Figure:
    height = 0.9 + _INCH_PER_PANEL * len(chart.panels)
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    panels = figure.subplots(len(chart.panels), squeeze=False)[:, 0]
    for axes, (name, lines) in zip(panels, chart.panels, strict=True):
        ends = sorted(
            ((points[-1][1], line, points) for line, points in lines), reverse=True
        )
        most = max(ends[0][0], 1.0)
        place = 2 * most
        for number, (last, line, points) in enumerate(ends):
            colour = colour_of(line, number, theme)
            along, counts = zip((0.0, 0.0), *points, strict=True)
            axes.step(along, counts, where="post", color=colour, linewidth=1.6)
            place = min(last, place - _LINE_OF_TEXT * most)  # labels do not overlap
            axes.annotate(f" {line} {last:,.0f}", (along[-1], place), va="center")
        axes.set_title(name, fontsize=9.5, pad=4)
        axes.set_xlim(0, max(points[-1][0] for _, points in lines) * 1.35)
        axes.set_ylim(0, most * 1.15)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="y", linewidth=0.5)
        axes.set_ylabel(chart.unit)
    panels[-1].set_xlabel(chart.along)
    figure.suptitle(chart.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def _steps(chart: Calls, theme: Theme) -> Figure:
    lines = len(chart.steps) + 2
    figure = Figure(figsize=(_WIDTH, 0.8 + 0.42 * lines), layout="constrained")
    axes = figure.subplots()
    axes.axis("off")
    axes.set_xlim(0, len(chart.lanes))
    axes.set_ylim(lines - 0.4, -0.5)
    for lane, name in enumerate(chart.lanes):
        axes.text(lane + 0.5, 0, name, ha="center", va="center", fontweight="bold")
        axes.plot([lane + 0.5] * 2, [0.4, lines - 1.5], color=theme.faint, zorder=0)
    page = {"facecolor": theme.faint, "edgecolor": "none", "boxstyle": "round,pad=0.3"}
    for line, (lane, text) in enumerate(chart.steps, start=1):
        axes.text(
            lane + 0.5,
            line,
            textwrap.fill(f"{line}. {text}", _STEP_WIDTH),
            ha="center",
            va="center",
            fontsize=8.5,
            bbox=page,
        )
    axes.text(
        len(chart.lanes) / 2,
        lines - 1,
        chart.end,
        ha="center",
        va="center",
        fontsize=8.5,
        color=on(theme.strategies["v6"]),
        bbox=page | {"facecolor": theme.strategies["v6"]},
    )
    figure.suptitle(chart.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


_DRAW: Final[dict[type[Any], Callable[..., Figure]]] = {
    Bars: _bars,
    Curves: curves,
    Lines: _lines,
    Ranges: _ranges,
    Shares: _shares,
    Calls: _steps,
}
