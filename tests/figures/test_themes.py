# SPDX-License-Identifier: GPL-2.0-only
from itertools import combinations

import pytest
from vision import NORMAL, SEEN_BY, contrast, difference

from xpfo_model import strategies
from xpfo_model.figures import themes

PAGES = {"light": "#ffffff", "dark": "#131416"}
APART = 10
"""Delta E 2000 of colours that are told apart at a glance."""
SIDE_BY_SIDE = (*strategies.COUNTED, "pcp_batch_local")
READ_ON = ("exposed", "user", "kernel", "alloc", "refill", "kunmap", "first", "second")


def test_the_distance_of_colours_is_that_of_its_standard():
    # red and green are near each other for those who lack the cones for either
    for who in ("protanopia", "deuteranopia"):
        assert difference("#c00000", "#6a6a00", who) < 15
        assert difference("#c00000", "#6a6a00", NORMAL) > 40
    assert difference("#123456", "#123456") == 0
    assert difference("#000000", "#ffffff") == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=themes.THEMES)
@pytest.mark.parametrize("who", SEEN_BY)
def test_strategies_that_stand_side_by_side_differ_for_everybody(theme, who):
    colours = {name: theme.strategies[name] for name in SIDE_BY_SIDE}
    for (one, a), (other, b) in combinations(colours.items(), 2):
        assert difference(a, b, who) >= APART, (one, other)


@pytest.mark.parametrize("who", SEEN_BY)
def test_states_of_frames_differ_for_everybody(who):
    for one, other in combinations(("kernel", "user", "exposed", "free"), 2):
        assert difference(themes.LIGHT[one], themes.LIGHT[other], who) >= APART


@pytest.mark.parametrize("who", SEEN_BY)
def test_causes_of_a_flush_differ_for_everybody(who):
    for theme in themes.THEMES.values():
        for one, other in combinations(themes.CAUSE.values(), 2):
            assert difference(theme[one], theme[other], who) >= APART


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=themes.THEMES)
def test_parts_of_a_whole_differ_for_everybody(theme):
    for who in SEEN_BY:
        for one, other in combinations(themes.OTHERS, 2):
            assert difference(theme[one], theme[other], who) >= APART, (one, other)


def test_marker_or_dash_tells_any_two_strategies_apart():
    signs = {(look.marker, look.dash) for look in themes.LOOKS.values()}
    assert len(signs) == len(themes.LOOKS)


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=themes.THEMES)
def test_what_is_drawn_stands_out_from_the_page(theme):
    page = PAGES[theme.name]
    assert theme["paper"] == page
    assert contrast(theme.ink, page) >= 12
    assert contrast(theme["quiet"], page) >= 4.5
    assert contrast(theme["axis"], page) >= 3
    for name in (*themes.LOOKS, "kernel", "user", "exposed"):
        assert contrast(theme[name], page) >= 3, name


def test_text_on_a_colour_can_be_read_on_light_and_dark_pages():
    by_value = {value: role for role, value in themes.LIGHT.roles.items()}
    for role in (*themes.LOOKS, *READ_ON):
        text = by_value[themes.on(themes.LIGHT[role])]
        for theme in themes.THEMES.values():
            assert contrast(theme[role], theme[text]) >= 4.5, (role, theme.name)


def test_a_colour_of_light_pages_means_one_thing():
    for theme in themes.THEMES.values():
        assert all(len(colour) == 7 for colour in theme.roles.values())
    light = list(themes.LIGHT.roles.values())
    assert len(set(light)) == len(light)


def test_a_design_has_the_look_of_its_strategy():
    assert themes.look_of("pcp_batch, starts unmapped") == themes.LOOKS["pcp_batch"]
    assert themes.look_of("user allocations") is None
    assert themes.look_of("batch 31") is None
    assert themes.colour_of("user allocations", 0) == themes.LIGHT["first"]


def test_a_strategy_without_a_look_of_its_own_has_one():
    look = themes.look_of("never_heard_of")
    assert look
    assert look not in themes.LOOKS.values()
    assert look.light in themes.LIGHT.roles.values()
