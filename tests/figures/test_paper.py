# SPDX-License-Identifier: GPL-2.0-only
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from xpfo_model.figures.paper import NARROW, PAGES, SMALL, WIDE, Paper, width_of, wrap


def test_a_narrow_page_fits_a_window_of_360_pixels():
    # the page has a margin of 16 on each side, the claim one of 16 and a line of 3
    assert NARROW.width <= 360 - 2 * 16 - 16 - 3
    assert all(page.body >= SMALL for page in PAGES)


def test_a_text_is_as_wide_as_it_is_drawn():
    paper = Paper(WIDE)
    box = paper.text((10, 50), "no-stale-translation", size=20)
    text = paper.figure.axes[0].texts[0]
    paper.finish(100)
    drawn = text.get_window_extent(FigureCanvasAgg(paper.figure).get_renderer())
    assert box.right - box.left == pytest.approx(drawn.width, rel=0.05)
    assert box.left == 10


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_a_text_stands_where_it_is_said_to(align):
    paper = Paper(WIDE)
    box = paper.text((300, 50), "per_frame", align=align)
    at = {"left": box.left, "center": (box.left + box.right) / 2, "right": box.right}
    assert at[align] == pytest.approx(300)


def test_lines_are_broken_between_words_and_hold_all_of_them():
    text = "a batch that is flushed once per refill"
    lines = wrap(text, 12, 120)
    assert " ".join(lines) == text
    assert all(width_of(line, 12) <= 120 for line in lines)
    assert wrap("pcp_batch_consume_and_more", 12, 20) == ["pcp_batch_consume_and_more"]


def test_what_cannot_be_read_is_said():
    paper = Paper(NARROW)
    paper.text((10, 40), "one")
    paper.text((14, 42), "two")
    paper.text((300, 80), "cut off")
    paper.text((10, 120), "small", size=8)
    faults = "\n".join(paper.finish(200).faults())
    assert "'one' and 'two' cover each other" in faults
    assert "'cut off' is cut off" in faults
    assert "'small' is 8 pixels high" in faults
    assert faults.count("\n") == 2


def test_a_text_below_the_sheet_is_cut_off():
    paper = Paper(WIDE)
    paper.text((10, 40), "one")
    assert paper.finish(41).faults() == ["'one' is cut off"]
    assert not paper.finish(50).faults()
