# SPDX-License-Identifier: GPL-2.0-only
"""SVG as pages want it: small, its text text, its colours named by what they mean.

matplotlib's SVG carries metadata, ids and six decimals. Here it is reduced to what is
seen. As a file it has the colours of one theme; within a page its colours are classes,
so that one drawing serves light pages, dark pages and paper.
"""

import html
import re
from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from xpfo_model.figures.themes import DARK, LIGHT, Theme

SVG: Final = "{http://www.w3.org/2000/svg}"
XLINK: Final = "{http://www.w3.org/1999/xlink}"
FONT: Final = "DejaVu Sans, Verdana, sans-serif"
_NUMBER: Final = re.compile(r"-?\d*\.\d+(e-?\d+)?")
_TURN_NOTHING: Final = re.compile(r"rotate\(-?0(\.0+)? [^)]*\)")
_SIZE: Final = re.compile(r"([\d.]+)px")
_BOLD: Final = re.compile(r"\bbold\b|\b[67]00\b")
_MOVE: Final = re.compile(r"\s*([MLHVCQZz])\s*")
_PAINT: Final = ("fill", "stroke")
_DEFAULTS: Final = {
    "stroke-linejoin": "miter",
    "stroke-linecap": "butt",
    "stroke-opacity": "1",
    "fill-opacity": "1",
    "text-anchor": "start",
}
_ROUNDED: Final = {
    "d": 1,
    "points": 1,
    "x": 1,
    "y": 1,
    "width": 1,
    "height": 1,
    "stroke-width": 1,
    "stroke-dasharray": 1,
    "font-size": 2,
    "transform": 4,  # of an image, many pixels wide
}
"""Attributes and their decimals; of a tenth of a pixel nobody sees more."""
_ROOT: Final = {"stroke-linejoin": "round"}
_POINTS_TO_PIXELS: Final = 96 / 72


def tidy(text: str, name: str) -> ET.Element:
    """The SVG of matplotlib, reduced; ids begin with `name`, a figure's own."""
    root = ET.fromstring(text)  # noqa: S314 - written by matplotlib in this process
    box, width, height = (root.get(key, "") for key in ("viewBox", "width", "height"))
    root.attrib.clear()
    _remove(root, {f"{SVG}metadata", f"{SVG}style", f"{SVG}clipPath"})
    for element in root.iter():
        _unstyle(element)
        for key, decimals in _ROUNDED.items():
            if key in element.attrib:
                element.set(key, _short(element.attrib[key], decimals))
        if _TURN_NOTHING.fullmatch(element.get("transform", "")):
            del element.attrib["transform"]
    _rename(root, name)
    _flatten(root)
    root.set("viewBox", _short(box))
    for key, value in (("width", width), ("height", height)):
        points = float(value.removesuffix("pt"))
        root.set(key, f"{round(points * _POINTS_TO_PIXELS)}")
    for key, value in _ROOT.items():
        root.set(key, value)
    return root


def _remove(root: ET.Element, tags: set[str]) -> None:
    for parent in root.iter():
        for child in [child for child in parent if child.tag in tags]:
            parent.remove(child)


def _short(text: str, decimals: int = 1) -> str:
    """Numbers with one decimal, a tenth of a pixel, and no more space than needed."""

    def rounded(match: re.Match[str]) -> str:
        number = f"{float(match.group()):.{decimals}f}".rstrip("0").rstrip(".")
        return "0" if number == "-0" else number

    return _MOVE.sub(r"\1", " ".join(_NUMBER.sub(rounded, text).split()))


def _unstyle(element: ET.Element) -> None:
    """Say a style as attributes, but for what is so anyway."""
    for part in element.attrib.pop("style", "").split(";"):
        key, _, value = (piece.strip() for piece in part.partition(":"))
        if key == "font":
            size = _SIZE.search(value)
            element.set("font-size", size.group(1) if size else "")
            if _BOLD.search(value):
                element.set("font-weight", "bold")
        elif key and _DEFAULTS.get(key) != value and _ROOT.get(key) != value:
            element.set(key, value.replace("px", ""))
    element.attrib.pop("font-family", None)
    element.attrib.pop("clip-path", None)  # all of it is on the sheet
    if element.tag == f"{SVG}text":
        element.attrib.setdefault("fill", "#000000")


def _rename(root: ET.Element, name: str) -> None:
    """Keep the ids that are referred to, as ids of this figure."""
    used: dict[str, str] = {}
    for element in root.iter():
        target = element.attrib.pop(f"{XLINK}href", "")
        if target.startswith("#"):
            target = "#" + used.setdefault(target[1:], f"{name}-{len(used)}")
        if target:
            element.set("href", target)
    for element in root.iter():
        identity = element.attrib.pop("id", "")
        if identity in used:
            element.set("id", used[identity])


def _flatten(root: ET.Element) -> None:
    """Take out groups and definitions that say nothing, and white space."""
    changed = True
    while changed:
        changed = False
        for parent in root.iter():
            for at, child in enumerate(list(parent)):
                plain = child.tag == f"{SVG}g" and not child.attrib
                empty = child.tag in {f"{SVG}g", f"{SVG}defs"} and not len(child)
                if plain or empty:
                    parent.remove(child)
                    for offset, grandchild in enumerate(list(child)):
                        parent.insert(at + offset, grandchild)
                    changed = True
                    break
    for element in root.iter():
        element.tail = None
        if element.tag != f"{SVG}text":
            element.text = None


def _paints(root: ET.Element) -> Iterator[tuple[ET.Element, str, str]]:
    for element in root.iter():
        for key in _PAINT:
            value = element.get(key, "")
            if value.startswith("#"):
                yield element, key, value.lower()


def _roles() -> dict[str, str]:
    return {colour: role for role, colour in reversed(LIGHT.roles.items())}


def in_theme(root: ET.Element, theme: Theme) -> str:
    """A file of its own: a drawing made with LIGHT, in the colours of a theme."""
    roles = _roles()
    for element, key, colour in _paints(root):
        if theme is not LIGHT:
            element.set(key, theme[roles[colour]])
    root.set("font-family", FONT)
    return _markup(root, within=False)


def in_page(root: ET.Element, kind: str) -> str:
    """Part of a page, still to be `named`; its colours are those of `css`.

    `kind` is wide or narrow.
    """
    roles = _roles()
    for element, key, colour in _paints(root):
        del element.attrib[key]
        css = f"{key[0]}-{roles[colour]}"
        if element.tag != f"{SVG}text" or css != "f-ink":
            element.set("class", f"{element.get('class', '')} {css}".strip())
    root.set("class", f"chart {kind}")
    root.set("role", "img")
    return _markup(root, within=True)


def _markup(root: ET.Element, *, within: bool) -> str:
    ET.register_namespace("", SVG[1:-1])
    text = ET.tostring(root, encoding="unicode").replace(" />", "/>")
    if within:
        return text.replace(f' xmlns="{SVG[1:-1]}"', "", 1)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def css() -> str:
    """Rules for figures within a page: colours by theme, width by the window."""

    def variables(theme: Theme) -> str:
        return "".join(f"--c-{role}:{colour};" for role, colour in theme.roles.items())

    rules = [
        f":root,body{{{variables(LIGHT)}}}",
        "@media screen{@media (prefers-color-scheme:dark){"
        f"body:not([data-theme=light]){{{variables(DARK)}}}}}"
        f"body[data-theme=dark]{{{variables(DARK)}}}}}",
        "svg.chart{display:block;max-width:100%;height:auto;"
        "font-family:var(--font-stack,sans-serif)}",
        "svg.chart text{fill:var(--c-ink);white-space:pre}",
        "svg.chart.narrow{display:none}",
        "@media screen and (max-width:40em){svg.chart.wide{display:none}"
        "svg.chart.narrow{display:block}}",
    ]
    for key in _PAINT:
        rules += [
            f"svg.chart .{key[0]}-{role}{{{key}:var(--c-{role})}}"
            for role in LIGHT.roles
        ]
    return "\n".join(rules) + "\n"


def named(part: str, alt: str) -> str:
    """Images of `in_page` with a name for those who cannot see them."""
    said = html.escape(alt, quote=True)
    return part.replace('role="img"', f'role="img" aria-label="{said}"')
