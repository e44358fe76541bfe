# SPDX-License-Identifier: GPL-2.0-only
"""Colours of figures: the same for a strategy everywhere, on light and dark pages.

From the palette of Okabe and Ito, which the colour-blind can tell apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import matplotlib as mpl


@dataclass(frozen=True)
class Theme:
    """Colours of one kind of page."""

    ink: str
    faint: str
    strategies: dict[str, str]
    others: Sequence[str]
    """Colours of what is no strategy, in order."""


_PALETTE: Final = {
    "none": "#8a8a8a",
    "v6": "#d55e00",
    "per_frame": "#e69f00",
    "alternation": "#cc79a7",
    "pcp_batch": "#0072b2",
    "pcp_batch_consume": "#56b4e9",
    "pageblock": "#009e73",
    "cold_end": "#a0785a",
    "v5": "#b3583c",
    "will_map": "#a68a00",
    "nov2017": "#7f6fb0",
    "v8": "#9b59b6",
    "v9": "#c0507f",
    "freetype": "#5f9e2f",
    "pcp_batch_prezero": "#6b8fd6",
    "pcp_batch_local": "#2f8f9d",
}
LIGHT: Final = Theme("#1a1a1a", "#d0d0d0", _PALETTE, ("#5c6f87", "#8c2d5b", "#b5b5b5"))
DARK: Final = Theme(
    "#e6e6e6",
    "#4a4a4a",
    _PALETTE | {"pcp_batch": "#3d9be0", "pageblock": "#1fbf92"},
    ("#8fa3bd", "#d0699b", "#7a7a7a"),
)
THEMES: Final = {"light": LIGHT, "dark": DARK}


def colour_of(name: str, number: int, theme: Theme) -> str:
    """A strategy's colour; of anything else the one of its number."""
    strategy = name.partition(" ")[0]
    return theme.strategies.get(strategy, theme.others[number % len(theme.others)])


def on(colour: str) -> str:
    """Black or white, whichever reads better on a colour (WCAG 2 luminance)."""
    channels = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for c in mpl.colors.to_rgb(colour)
    ]
    luminance = sum(
        weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), channels, strict=True)
    )
    return "#000000" if luminance > 0.179 else "#ffffff"  # noqa: PLR2004
