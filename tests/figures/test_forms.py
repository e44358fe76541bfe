# SPDX-License-Identifier: GPL-2.0-only
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from samples import CHARTS, TITLE

from xpfo_model.figures import draw
from xpfo_model.figures.charts import Bar, Chart, Range, Ranges, Shares
from xpfo_model.figures.forms import Dot, Dots, Dumbbells, Flow, Place, Plane
from xpfo_model.figures.paper import NARROW, PAGES, WIDE
from xpfo_model.figures.themes import LIGHT, LOOKS, OTHERS

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
forms = pytest.mark.parametrize("name", CHARTS)


def texts(chart, page=WIDE):
    return [box.text for box in draw.lay_out(chart, page).boxes]


@pages
@forms
def test_every_text_of_every_form_can_be_read(name, page):
    assert draw.lay_out(CHARTS[name], page).faults() == []


@pages
@forms
def test_the_title_is_whole(name, page):
    said = texts(CHARTS[name], page)
    words = len(TITLE.split())
    assert " ".join(" ".join(said).split()[:words]) == TITLE


def test_there_is_a_sample_of_every_form():
    assert {type(chart) for chart in CHARTS.values()} == set(Chart.__args__)


@pages
def test_a_dot_has_its_name_and_its_text_beside_it(page):
    paper = draw.lay_out(CHARTS["dots"], page)
    boxes = {box.text: box for box in paper.boxes}
    told = "v6: " * page.narrow + "146,105 of 146,105"  # both above it, or neither
    assert told in boxes
    assert "required: 1,000" in boxes
    for trace, _ in CHARTS["dots"].groups:
        assert trace in boxes


@pages
def test_every_reading_of_a_dumbbell_is_told(page):
    said = texts(CHARTS["dumbbells"], page)
    for _, row in CHARTS["dumbbells"].rows:
        for dot in row:
            assert dot.text in said


def lines_at(paper, x):
    """The pieces of vertical lines there, from top to bottom."""
    found = []
    for line in paper.figure.axes[0].get_lines():
        (a, b), (top, bottom) = line.get_xdata()[:2], line.get_ydata()[:2]
        if abs(a - x) < 0.5 and abs(b - x) < 0.5 and line.get_linewidth() > 0.8:
            found.append((top, bottom))
    return sorted(found)


@pages
def test_the_line_that_all_are_seen_against_goes_through_no_text(page):
    some = [Range(f"row {at}", 9.0, 90.0, "9.0 to 90 of some") for at in range(4)]
    paper = draw.lay_out(Ranges("Title", some, "unit", 120.0, "all", log=True), page)
    told = [box for box in paper.boxes if box.text == "9.0 to 90 of some"]
    (name,) = (box for box in paper.boxes if box.text == "all")
    x = (name.left + name.right) / 2
    assert any(box.left < x < box.right for box in told)
    pieces = lines_at(paper, x)
    assert len(pieces) > len(some)
    for box in told:
        assert not any(top < box.bottom and box.top < end for top, end in pieces)


@pages
def test_an_interval_without_a_dot_is_never_too_short_to_be_seen(page):
    some = [Range("wide", 1.0, 1000.0, "wide"), Range("short", 10.0, 10.01, "short")]
    paper = draw.lay_out(Ranges("Title", some, "unit", log=True), page)
    thick = [
        line for line in paper.figure.axes[0].get_lines() if line.get_linewidth() > 4
    ]
    assert len(thick) == 2
    assert all(line.get_xdata()[1] - line.get_xdata()[0] >= 4 for line in thick)


numbers = st.floats(0, 1e6, allow_nan=False)
names = st.sampled_from([*LOOKS, "user allocations"])


NO_ROOM_FOR_ONE_TEXT = [
    ("none", 1805.0, 0.5),
    ("v6", 2.2817454868295847e-136, 0.0),
    *((name, 1.0, 1.0) for name in ("per_frame", "alternation")),
    ("pcp_batch", 0.0, 2.1965504849632427e-264),
    ("pcp_batch_consume", 63.0, 4415.0),
    *((name, 1.0, 1.0) for name in ("pcp_batch_local", "pcp_batch_prezero")),
]


def said_by(paper):
    """Names on a plane, those that are told together apart."""
    return {name for box in paper.boxes for name in box.text.split(", ")}


@pages
@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(names, numbers, numbers), min_size=1, max_size=12), st.booleans()
)
@example(NO_ROOM_FOR_ONE_TEXT, False)
def test_names_on_a_plane_never_cover_each_other(page, some, crowded):
    places = [Place(name, x, y) for name, x, y in {s[0]: s for s in some}.values()]
    paper = draw.lay_out(Plane("Title", places, "along", "up", crowded=crowded), page)
    assert paper.faults() == []
    assert crowded or {place.name for place in places} <= said_by(paper)


@pages
def test_names_of_one_place_are_all_told(page):
    places = [Place(name, 0, 5) for name in list(LOOKS)[:12]]
    paper = draw.lay_out(Plane("Title", places, "along", "up"), page)
    assert paper.faults() == []
    assert {place.name for place in places} <= said_by(paper)


def test_names_of_dots_that_overlap_are_told_together_from_left_to_right():
    places = [Place("v6", 100.5, 5), Place("v8", 100, 5), Place("v9", 1, 5)]
    paper = draw.lay_out(Plane("Title", places, "along", "up"))
    assert {"v8, v6", "v9"} <= {box.text for box in paper.boxes}


@pages
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=5))
def test_readings_of_a_dumbbell_never_cover_each_other(page, some):
    rows = [(f"trace-{n}", *map(round, row)) for n, row in enumerate(some)]
    chart = Dumbbells.by_trace("Title", rows, ("v6", "v8", "v9"), "unit", log=True)
    assert draw.lay_out(chart, page).faults() == []


@pages
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 3), min_size=1, max_size=4))
def test_sources_of_a_flow_never_cover_each_other(page, some):
    rows = [
        (f"trace-{n}", dict(zip(("nobody", "kernel", "user"), row, strict=True)))
        for n, row in enumerate(some)
    ]
    assert draw.lay_out(Flow("Title", rows, "allocations"), page).faults() == []


def test_a_band_is_as_thick_as_its_share():
    row = {"nobody": 0, "kernel": 25, "user": 75}
    paper = draw.lay_out(Flow("Title", [("t", row)], "allocations"))
    thick = {
        tuple(patch.get_facecolor()): patch.get_path().get_extents().height
        for patch in paper.figure.axes[0].patches
        if len(patch.get_path().vertices) > 5
    }
    assert len(thick) == 2
    from matplotlib.colors import to_rgba

    kernel, user = (thick[to_rgba(LIGHT[role])] for role in ("kernel", "user"))
    # a band also falls by where it ends
    assert user - kernel == pytest.approx(0.5 * 46, abs=20)


def test_a_strategy_is_drawn_in_its_colour_with_its_marker():
    chart = Dots("Title", [("", [Dot(name, 1, "1") for name in LOOKS])], "unit")
    drawn = {
        (line.get_markerfacecolor(), line.get_marker())
        for line in draw.lay_out(chart).figure.axes[0].lines
        if line.get_marker() != "None"
    }
    assert drawn == {(look.light, look.marker) for look in LOOKS.values()}


def test_memory_that_starts_unmapped_is_drawn_hollow():
    chart = Dots("Title", [("", [Dot("v6, starts unmapped", 1, "1")])], "unit")
    (dot,) = [
        line
        for line in draw.lay_out(chart).figure.axes[0].lines
        if line.get_marker() != "None"
    ]
    assert dot.get_markerfacecolor() == LIGHT["paper"]
    assert dot.get_markeredgecolor() == LIGHT["v6"]


def test_a_plane_keeps_places_in_order_and_zero_apart():
    chart = Plane("Title", [Place("v6", 0, 1), Place("v8", 1, 10)], "along", "up")
    places = [
        line.get_xdata()[0]
        for line in draw.lay_out(chart).figure.axes[0].lines
        if line.get_marker() != "None"
    ]
    assert places[0] + 20 < places[1]


def test_a_narrow_figure_is_narrow():
    for chart in CHARTS.values():
        assert draw.lay_out(chart, NARROW).width == NARROW.width


def test_parts_of_one_colour_are_refused():
    bars = [Bar(f"part {n}", 1, "1") for n in range(len(OTHERS) + 1)]
    with pytest.raises(ValueError, match="have one colour"):
        draw.lay_out(Shares("Title", [("row", bars)], "unit"))


def test_a_name_on_a_plane_stands_on_no_interval():
    places = [
        Place("v8", 10, 5, low=1, high=100),
        Place("v9", 30, 5),
        Place("v5", 2, 5),
    ]
    paper = draw.lay_out(Plane("Title", places, "along", "up", log_up=False))
    (line,) = [
        one
        for one in paper.figure.axes[0].lines
        if one.get_color() == LOOKS["v8"].light and one.get_marker() == "None"
    ]
    y = line.get_ydata()[0]
    names = [box for box in paper.boxes if box.text in {"v5", "v8", "v9"}]
    assert len(names) == 3
    assert not any(box.top < y < box.bottom for box in names)
