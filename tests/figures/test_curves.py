# SPDX-License-Identifier: GPL-2.0-only
from itertools import pairwise

from xpfo_model.figures import draw, themes
from xpfo_model.figures.charts import Curves, Spot, short


def chart(log):
    ends = {"v6": 900.0, "pcp_batch": 900.0, "pageblock": 0.0}
    return Curves(
        "Title",
        [
            (name, [Spot("1", 1, 0.5, 2), Spot("64", end, end, end)])
            for name, end in ends.items()
        ],
        ("1", "64"),
        "batch",
        "flushes",
        log,
    )


def test_each_line_has_its_name_last_value_and_colour():
    for log in (True, False):
        axes = draw.draw(chart(log), themes.LIGHT).axes[0]
        texts = [text.get_text() for text in axes.texts]
        assert sorted(texts) == ["pageblock 0", "pcp_batch 900", "v6 900"]
        drawn = [line.get_color() for line in axes.lines if len(line.get_xdata()) > 1]
        assert themes.LIGHT.strategies["pageblock"] in drawn


def test_labels_of_equal_values_are_apart():
    axes = draw.draw(chart(log=True), themes.DARK).axes[0]
    heights = sorted(text.xyann[1] for text in axes.texts)
    gaps = [b - a for a, b in pairwise(heights)]
    assert min(gaps) > 0.05


def test_an_interval_is_drawn_from_low_to_high():
    axes = draw.draw(chart(log=False), themes.LIGHT).axes[0]
    spans = [
        path.vertices[:, 1].tolist() for c in axes.collections for path in c.get_paths()
    ]
    assert [0.5, 2.0] in spans


def test_a_short_number_has_three_digits_and_no_exponent():
    assert [short(v) for v in (0, 0.0323, 2.8, 49.94, 961.2, 12345.6)] == [
        "0",
        "0.0323",
        "2.80",
        "49.9",
        "961",
        "12,346",
    ]
