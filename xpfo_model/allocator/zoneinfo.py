# SPDX-License-Identifier: GPL-2.0-only
"""A machine's layout from its own /proc/zoneinfo, v4.14 to v6.18."""

import re
from typing import Final

from xpfo_model.allocator.layout import BOOT_PAGESET, Layout, Pageset, Zone
from xpfo_model.errors import TraceError

ZONES: Final = ("DMA", "DMA32", "Normal")
"""Zones of node 0 that are modelled."""

_ZONE = re.compile(r"^Node (\d+), zone +(\w+)$", re.MULTILINE)


class ZoneinfoError(TraceError):
    """Text that is not a /proc/zoneinfo of a machine that the model can be."""


def _number(text: str, name: str, default: int | None = None) -> int:
    found = re.search(rf"^\s*{name}:?\s+(\d+)$", text, re.MULTILINE)
    if found is None:
        if default is None:
            raise ZoneinfoError(
                f"no {name!r} in a zone", remedy="give it the text of /proc/zoneinfo"
            )
        return default
    return int(found[1])


def _zone(text: str) -> Zone:
    start = _number(text, "start_pfn")
    end = start + _number(text, "spanned")
    protection = re.search(r"protection: \(([\d, ]+)\)", text)
    reserve = [int(n) for n in protection[1].split(",")] if protection else []
    reserve += [0] * len(ZONES)
    high = _number(text, "high_min", -1)
    pagesets = text.partition("pagesets")[2]
    if high < 0:
        high = _number(pagesets, "high", 0)
    marks = (_number(text, "min"), _number(text, "low"), _number(text, "high"))
    return Zone(
        start=start,
        end=end,
        managed=_number(text, "managed"),
        watermarks=marks,
        reserve=(reserve[0], reserve[1], reserve[2]),
        pageset=Pageset(
            batch=_number(pagesets, "batch", BOOT_PAGESET.batch),
            high=high,
            high_max=_number(pagesets, "high_max", high),
        ),
        free=_number(text, "nr_free_pages", 0),
    )


def read(text: str) -> Layout:
    """The layout of node 0. Raises `ZoneinfoError`."""
    heads = list(_ZONE.finditer(text))
    ends = [*(head.start() for head in heads), len(text)][1:]
    zones: dict[str, Zone] = {}
    cpus = 0
    for head, end in zip(heads, ends, strict=True):
        if head[1] != "0" or head[2] not in ZONES:
            continue
        body = text[head.end() : end]
        if _number(body, "managed"):
            zones[head[2]] = _zone(body)
            cpus = max(cpus, len(re.findall(r"^\s*cpu:", body, re.MULTILINE)))
    if not zones:
        raise ZoneinfoError(
            "no zone with memory", remedy="give it the text of /proc/zoneinfo"
        )
    ordered = []
    last = 0
    for name in ZONES:
        zone = zones.get(name, Zone.none(last))
        last = zone.end
        ordered.append(zone)
    return Layout(tuple(ordered), cpus)
