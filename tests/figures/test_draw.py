# SPDX-License-Identifier: GPL-2.0-only
import pytest
from matplotlib.image import imread

from xpfo_model.errors import XpfoModelError
from xpfo_model.figures import draw, themes
from xpfo_model.figures.charts import Bar, Bars, Shares

CHARTS = [
    Bars("bars", [("t", [Bar("v6", 100, "100"), Bar("none", 0, "0")])], "flushes"),
    Bars("linear", [("t", [Bar("x", 0, "0")])], "count", log=False),
    Shares("shares", [("t", [Bar("a", 1, "1"), Bar("b", 3, "3")])], "percent"),
]


@pytest.mark.parametrize("chart", CHARTS, ids=lambda c: c.title)
@pytest.mark.parametrize("theme", themes.THEMES)
def test_the_same_chart_is_the_same_file(tmp_path, chart, theme):
    for suffix in ("svg", "png"):
        once, twice = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
        draw.save(chart, once, themes.THEMES[theme])
        draw.save(chart, twice, themes.THEMES[theme])
        assert once.read_bytes() == twice.read_bytes()
        assert once.stat().st_size > 1000


@pytest.mark.parametrize("chart", CHARTS, ids=lambda c: c.title)
def test_all_forms_of_a_chart_have_its_layout(tmp_path, chart):
    draw.save_all(chart, tmp_path / "a")
    draw.save(chart, tmp_path / "b.svg")
    draw.save(chart, tmp_path / "b.png")
    draw.save(chart, tmp_path / "b-dark.svg", themes.DARK)
    for name in (".svg", "-dark.svg"):
        one, other = (tmp_path / f"{stem}{name}" for stem in "ab")
        assert one.read_bytes() == other.read_bytes()
    one, other = (imread(tmp_path / f"{stem}.png") for stem in "ab")
    assert one.shape == other.shape
    # laid out at another resolution: letters may move by a pixel
    assert abs(one.mean() - other.mean()) < 0.01


def test_a_format_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(XpfoModelError, match="svg"):
        draw.save(CHARTS[0], tmp_path / "a.doc")


def bars(unit, *numbers, log=False):
    made = [Bar(f"b{n}", n, f"{n}") for n in numbers]
    return Bars("bars", [("t", made)], unit, log=log)


@pytest.mark.parametrize(
    ("chart", "labels"),
    [
        (bars("percent of all", 93, 100), ["0", "20", "40", "60", "80", "100"]),
        (bars("steps", 1, 2), ["0", "1", "2"]),
        (bars("flushes", 146_105), ["0", "50,000", "100,000", "150,000"]),
        (bars("flushes", 10_000, log=True), ["1", "10", "100", "1,000", "10,000"]),
    ],
    ids=lambda it: getattr(it, "unit", ""),
)
def test_an_axis_has_numbers_that_read_well(chart, labels):
    figure = draw.draw(chart, themes.LIGHT)
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    shown = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    assert [t.get_text() for x, t in shown if low <= x <= high] == labels


def test_bars_of_one_kind_have_one_colour():
    made = [
        Bar("a", 1, "1", kind=0),
        Bar("b", 1, "1", kind=0),
        Bar("c", 1, "1", kind=1),
    ]
    axes = draw.draw(Bars("bars", [("t", made)], "x"), themes.LIGHT).axes[0]
    one, other, third = (patch.get_facecolor() for patch in axes.patches)
    assert one == other != third
