# SPDX-License-Identifier: GPL-2.0-only
from xpfo_model import strategies
from xpfo_model.figures import themes


def test_every_strategy_has_a_colour_of_its_own():
    for theme in themes.THEMES.values():
        colours = [theme.strategies[name] for name in strategies.COUNTED]
        assert len(set(colours)) == len(colours)
        assert not set(colours) & set(theme.others)


def luminance(colour):
    from matplotlib.colors import to_rgb

    channels = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in to_rgb(colour)
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_on_a_colour_can_be_read():
    for theme in themes.THEMES.values():
        for colour in [*theme.strategies.values(), *theme.others]:
            assert contrast(colour, themes.on(colour)) >= 4.5


def test_bars_stand_out_from_the_page():
    for theme, page in ((themes.LIGHT, "#ffffff"), (themes.DARK, "#131416")):
        assert contrast(theme.ink, page) >= 7
        for colour in theme.strategies.values():
            assert contrast(colour, page) >= 2
