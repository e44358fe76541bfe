# SPDX-License-Identifier: GPL-2.0-only
import pytest
from samples import CHARTS

from xpfo_model.errors import XpfoModelError
from xpfo_model.figures import draw
from xpfo_model.figures.charts import short


@pytest.mark.parametrize("name", ["plane", "direct-map", "course"])
def test_the_same_chart_is_the_same_files(tmp_path, name):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        assert draw.save_all(CHARTS[name], tmp_path / folder / "chart") == []
    one, other = (sorted((tmp_path / folder).iterdir()) for folder in "ab")
    assert [path.name for path in one] == [
        "chart-dark.svg",
        "chart-narrow-dark.svg",
        "chart-narrow.svg",
        "chart.html",
        "chart.png",
        "chart.svg",
    ]
    for a, b in zip(one, other, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_a_format_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(XpfoModelError, match="svg"):
        draw.save(CHARTS["dots"], tmp_path / "a.doc")


def test_a_short_number_has_three_digits_and_no_exponent():
    assert [short(v) for v in (0, 0.0323, 2.8, 49.94, 961.2, 12345.6)] == [
        "0",
        "0.0323",
        "2.80",
        "49.9",
        "961",
        "12,346",
    ]
