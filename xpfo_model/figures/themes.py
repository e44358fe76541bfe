# SPDX-License-Identifier: GPL-2.0-only
"""Colours of figures by what they mean: the same everywhere, on light and dark pages.

After the palette of Okabe and Ito, moved until the strategies that figures set side by
side stay apart for the colour-blind, and stand out from either page. Marker and dash
say the same a second time.
"""

import re
from dataclasses import dataclass
from typing import Final

DARKER_TEXT_ABOVE: Final = 0.179
"""Luminance from which black reads better than white (WCAG 2)."""

Dash = tuple[float, ...]
"""Lengths of line and gap in pixels; none is a whole line."""


@dataclass(frozen=True)
class Look:
    """How a strategy is drawn."""

    light: str
    dark: str
    marker: str
    """Of matplotlib."""
    dash: Dash = ()


@dataclass(frozen=True)
class Theme:
    """Colours of one kind of page, by role."""

    name: str
    roles: dict[str, str]

    def __getitem__(self, role: str) -> str:
        return self.roles[role]

    @property
    def ink(self) -> str:
        """Of text and of what has to be read."""
        return self.roles["ink"]

    @property
    def strategies(self) -> dict[str, str]:
        """Colours of strategies."""
        return {name: self.roles[name] for name in LOOKS}


_LONG: Final = (7.0, 2.5)
_SHORT: Final = (3.0, 2.0)
_DOTS: Final = (1.2, 2.0)
_MIXED: Final = (7.0, 2.0, 1.5, 2.0)

LOOKS: Final = {
    "none": Look("#63656d", "#938b82", "o", _DOTS),
    "v6": Look("#b54600", "#ff5a1f", "s"),
    "per_frame": Look("#cc8600", "#f7d000", "o", _LONG),
    "alternation": Look("#b8659a", "#c0609f", "P", _SHORT),
    "pcp_batch": Look("#0a5c9e", "#1b7aec", "^"),
    "pcp_batch_consume": Look("#1f97ea", "#b4e6f2", "v", _MIXED),
    "pageblock": Look("#1d8a60", "#14d39b", "D", _LONG),
    "pcp_batch_local": Look("#1c0b7d", "#b9a0ff", "*"),
    "v3": Look("#8a6240", "#c49a73", "<", _SHORT),
    "v5": Look("#8f2f1c", "#ff9270", ">", _LONG),
    "will_map": Look("#7d6a00", "#c9b04a", "p", _MIXED),
    "nov2017": Look("#6b5aa3", "#9a8ad6", "h", _SHORT),
    "v8": Look("#8a3ea8", "#cf85ea", "d", _LONG),
    "v9": Look("#a82458", "#f2719f", "X", _MIXED),
    "freetype": Look("#4f8a16", "#93d04f", "8", _SHORT),
    "pcp_batch_prezero": Look("#4a76c9", "#7fa6ff", "H", _MIXED),
    "per_frame_local": Look("#7a4a00", "#ffb36b", "p", _SHORT),
    "per_frame_closed": Look("#5f5a10", "#d9c94a", "d", _SHORT),
    "pcp_batch_closed": Look("#3d2fb8", "#9db2ff", "h", _LONG),
}
"""Of each strategy that figures were made for."""

_SPARE: Final = (
    Look("#3e7d86", "#66b8c2", "p", _DOTS),
    Look("#945f6b", "#d79aa6", "h", _LONG),
    Look("#5c7448", "#a3bf8a", "d", _MIXED),
    Look("#7a6f8c", "#b9aecb", "H", _SHORT),
)
"""For a strategy that has no look of its own yet."""

_MEANINGS: Final = {
    "paper": ("#ffffff", "#131416"),
    "ink": ("#1a1b1e", "#e8e6e3"),
    "quiet": ("#565b63", "#a6abb3"),
    "axis": ("#8b9098", "#73797f"),
    "rule": ("#dfe2e6", "#33373d"),
    # text on a colour, which is another one on the other page
    "black": ("#000000", "#000000"),
    "white": ("#fefefe", "#fefefe"),
    "white-black": ("#fdfdfd", "#000000"),
    "black-white": ("#010101", "#fefefe"),
    # of what is no strategy, by number
    "first": ("#5c6f87", "#8fa3bd"),
    "second": ("#8c2d5b", "#cd6497"),
    "third": ("#b0b5bb", "#676c73"),
    "fourth": ("#c98a3a", "#efe0b5"),
    # who had a frame, or has it
    "nobody": ("#c4b25a", "#c4b25b"),
    "kernel": ("#5d6f83", "#5d6f83"),
    "user": ("#3f9182", "#3f9182"),
    "exposed": ("#d81145", "#d81145"),
    "free": ("#c9ced5", "#4a5058"),
    "unmapped": ("#eceff2", "#24282d"),
    # causes of a flush
    "alloc": ("#7e8995", "#909db2"),
    "refill": ("#22304a", "#cfdcec"),
    "block": ("#a3894f", "#cbb178"),
    "alternation-cause": ("#a68add", "#844c87"),
    "kunmap": ("#b5386f", "#ee5093"),
}
"""Light and dark, by role."""
OTHERS: Final = ("first", "second", "third", "fourth")
CAUSE: Final = {
    "alloc": "alloc",
    "refill": "refill",
    "block": "block",
    "alternation": "alternation-cause",
    "kunmap": "kunmap",
}
"""Role of each cause of a flush."""


def _theme(name: str, at: int) -> Theme:
    roles = {role: pair[at] for role, pair in _MEANINGS.items()}
    looks = LOOKS | {f"spare-{n}": look for n, look in enumerate(_SPARE)}
    roles |= {name: (look.light, look.dark)[at] for name, look in looks.items()}
    return Theme(name, roles)


LIGHT: Final = _theme("light", 0)
DARK: Final = _theme("dark", 1)
THEMES: Final = {"light": LIGHT, "dark": DARK}

_STRATEGY: Final = re.compile(r"[a-z][a-z0-9_]*")
_LIKE_ONE: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")


def strategy_in(name: str) -> str:
    """The strategy that a label begins with, such as *per_frame, starts unmapped*."""
    found = _STRATEGY.match(name)
    word = found.group() if found else ""
    return word if word in LOOKS or _LIKE_ONE.fullmatch(word) else ""


def look_of(name: str) -> Look | None:
    """How a label is drawn that begins with a strategy's name; None for others."""
    strategy = strategy_in(name)
    if not strategy:
        return None
    return LOOKS.get(strategy) or _SPARE[sum(strategy.encode()) % len(_SPARE)]


def colour_of(name: str, number: int) -> str:
    """A strategy's colour on light pages; of anything else the one of its number."""
    look = look_of(name)
    return look.light if look else LIGHT[OTHERS[number % len(OTHERS)]]


def _linear(channel: int) -> float:
    c = channel / 255
    return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4  # noqa: PLR2004


def reads_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour (WCAG 2 luminance)."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if luminance > DARKER_TEXT_ABOVE else "white"


def on(colour: str) -> str:
    """The colour of a text on a colour; both are of light pages, and change as one."""
    role = next(role for role, value in LIGHT.roles.items() if value == colour)
    light, dark = reads_on(colour), reads_on(DARK[role])
    return LIGHT[light if light == dark else f"{light}-{dark}"]
