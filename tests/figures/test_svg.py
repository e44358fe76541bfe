# SPDX-License-Identifier: GPL-2.0-only
import re
from xml.etree import ElementTree as ET

import pytest
from samples import CHARTS

from xpfo_model.figures import draw, svg
from xpfo_model.figures.paper import NARROW, SMALL, WIDE
from xpfo_model.figures.themes import DARK, LIGHT

COLOUR = re.compile(r"#[0-9a-f]{6}")
forms = pytest.mark.parametrize("name", CHARTS)


def file_of(name, tmp_path, theme=LIGHT, page=WIDE):
    path = tmp_path / "a.svg"
    draw.save(CHARTS[name], path, theme, page)
    return path.read_text()


@forms
def test_text_is_text_and_never_small(name, tmp_path):
    root = ET.fromstring(file_of(name, tmp_path, page=NARROW))
    texts = [t for t in root.iter(f"{svg.SVG}text") if t.text]
    assert " ".join(t.text for t in texts[:4])[:8] == "A title "
    scale = float(root.get("width")) / float(root.get("viewBox").split()[2])
    for text in texts:
        assert float(text.get("font-size")) * scale >= SMALL - 0.01, text.text


@forms
def test_colours_are_those_of_the_theme(name, tmp_path):
    for theme in (LIGHT, DARK):
        known = set(theme.roles.values())
        assert set(COLOUR.findall(file_of(name, tmp_path, theme))) <= known


@forms
def test_within_a_page_no_colour_is_left_and_every_class_has_a_rule(name, tmp_path):
    draw.save_all(CHARTS[name], tmp_path / "a")
    part = (tmp_path / "a.html").read_text()
    assert not COLOUR.search(part)
    assert part.count('role="img"') == 2
    rules = svg.css()
    for classes in re.findall(r'class="([^"]+)"', part):
        for one in classes.split():
            assert f".{one}" in rules


@forms
def test_ids_within_a_page_are_unique_and_are_used(name, tmp_path):
    draw.save_all(CHARTS[name], tmp_path / "some-claim")
    part = (tmp_path / "some-claim.html").read_text()
    ids = re.findall(r' id="([^"]+)"', part)
    assert len(ids) == len(set(ids))
    assert set(ids) == set(re.findall(r'href="#([^"]+)"', part))
    assert all(one.startswith("some-claim") for one in ids)


@forms
def test_nothing_is_fetched(name, tmp_path):
    draw.save_all(CHARTS[name], tmp_path / "a")
    assert "http" not in (tmp_path / "a.html").read_text()


def test_a_file_says_how_large_it_is(tmp_path):
    for page in (WIDE, NARROW):
        root = ET.fromstring(file_of("dots", tmp_path, page=page))
        width, height = (float(root.get(key)) for key in ("width", "height"))
        box = [float(n) for n in root.get("viewBox").split()]
        assert width == page.width
        assert width / height == pytest.approx(box[2] / box[3], rel=0.01)


def test_there_is_a_colour_for_light_for_dark_and_for_paper():
    rules = svg.css()
    for theme in (LIGHT, DARK):
        assert f"--c-v6:{theme['v6']}" in rules
    # dark colours are for screens only: paper has those of light pages
    before, dark = rules.split("@media screen", 1)
    assert DARK["v6"] not in before
    assert DARK["v6"] in dark


def test_numbers_are_short_and_what_they_were():
    assert svg._short("M 10.049 20.951 L 30.000 -0.004") == "M10 21L30 0"
    assert svg._short("matrix(2.18754321 0 0 1 0 0)", 4) == "matrix(2.1875 0 0 1 0 0)"
