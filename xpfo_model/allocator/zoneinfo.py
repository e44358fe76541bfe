# SPDX-License-Identifier: GPL-2.0-only
"""A machine's layout from its own /proc/zoneinfo, v4.14 to v6.18.

Mirrors mm/vmstat.c: zoneinfo_show_print().
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from xpfo_model.allocator.zones import BOOT_PAGESET, Layout, Pageset, Zone
from xpfo_model.constants import MAX_PFN, NR_CPUS
from xpfo_model.errors import TraceError

ZONES: Final = ("DMA", "DMA32", "Normal")
"""Zones of node 0 that are modelled."""
REMEDY: Final = "give it the whole text of the machine's /proc/zoneinfo"

_ZONE = re.compile(r"Node ([0-9]+), zone +(\w+)")
_CPU = re.compile(r"cpu: ([0-9]+)")
_NUMBER = re.compile(r"(?:pages )?(\w+):?\s+([0-9]+)")
_PROTECTION = re.compile(r"protection: \(([0-9]+(?:, [0-9]+)*)\)")
_DIGITS: Final = 19
"""Digits of the largest number that can be right."""


class ZoneinfoError(TraceError):
    """Text that is not a /proc/zoneinfo of a machine that the model can be."""


@dataclass
class _Section:
    """The numbers of one zone, each with the line that it is in."""

    file: str | None
    line: int
    zone: str
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By name: the first number of that name before the pagesets, and its line."""
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The same of the first CPU's pageset."""
    reserve: tuple[int, ...] = ()
    cpus: int = 0

    def error(self, what: str, line: int | None = None) -> ZoneinfoError:
        """An error in the zone, by default in its first line."""
        what = f"zone {self.zone}: {what}"
        return ZoneinfoError(
            what, file=self.file, line=line or self.line, remedy=REMEDY
        )

    def number(self, name: str, default: int | None = None) -> int:
        """A number of the zone, below MAX_PFN."""
        return self._of(self.numbers, name, default)

    def size(self, name: str, default: int) -> int:
        """A number of a pageset, below MAX_PFN."""
        return self._of(self.sizes, name, default)

    def _of(
        self, numbers: dict[str, tuple[int, int]], name: str, default: int | None
    ) -> int:
        if name not in numbers:
            if default is None:
                raise self.error(f"no {name!r}")
            return default
        value, line = numbers[name]
        if value >= MAX_PFN:
            raise self.error(f"{name} {value} is no number of pages", line)
        return value


def _sections(text: str, file: str | None) -> Iterator[_Section]:
    """The zones of node 0 that are modelled, in the order of the text."""
    section: _Section | None = None
    for line, row in enumerate(text.split("\n"), 1):
        stripped = row.strip()
        head = _ZONE.fullmatch(row.rstrip())
        if head is not None:
            if section is not None:
                yield section
            ours = head[1].strip("0") == "" and head[2] in ZONES
            section = _Section(file, line, head[2]) if ours else None
        elif section is not None:
            _read_line(section, stripped, line)
    if section is not None:
        yield section


def _read_line(section: _Section, row: str, line: int) -> None:
    if cpu := _CPU.fullmatch(row):
        if len(cpu[1]) > _DIGITS or int(cpu[1]) >= NR_CPUS:
            raise section.error(f"no machine has a CPU {cpu[1][:_DIGITS]}", line)
        section.cpus = max(section.cpus, int(cpu[1]) + 1)
    elif protection := _PROTECTION.fullmatch(row):
        reserve = [number[:_DIGITS] for number in protection[1].split(", ")]
        section.reserve = tuple(map(int, reserve[: len(ZONES)]))
        if max(section.reserve) >= MAX_PFN:
            raise section.error("the protection is no number of pages", line)
    elif number := _NUMBER.fullmatch(row):
        if len(number[2]) > _DIGITS:
            raise section.error(f"{number[1]} has {len(number[2])} digits", line)
        behind = section.cpus and number[1] != "start_pfn"
        found = section.sizes if behind else section.numbers
        found.setdefault(number[1], (int(number[2]), line))


def _zone(section: _Section) -> Zone:
    start, spanned = section.number("start_pfn"), section.number("spanned")
    managed, end = section.number("managed"), start + spanned
    if managed > spanned or end > MAX_PFN:
        raise section.error(
            f"{managed} pages do not lie in {spanned} frames from {start} on"
        )
    if not section.cpus:
        raise section.error("no pageset of a CPU")
    batch = section.size("batch", BOOT_PAGESET.batch)
    if not 0 < batch <= managed:
        raise section.error(f"no refill is of {batch} pages", section.sizes["batch"][1])
    high = section.size("high_min", section.size("high", BOOT_PAGESET.high))
    reserve = section.reserve + (0,) * len(ZONES)
    return Zone(
        start=start,
        end=end,
        managed=managed,
        watermarks=(
            section.number("min"),
            section.number("low"),
            section.number("high"),
        ),
        reserve=(reserve[0], reserve[1], reserve[2]),
        pageset=Pageset(batch, high, section.size("high_max", high)),
        free=min(section.number("nr_free_pages", 0), managed),
    )


def read(text: str, file: str | None = None) -> Layout:
    """The layout of node 0. `file` names the text in a `ZoneinfoError`."""
    zones: dict[str, Zone] = {}
    lines: dict[str, int] = {}
    cpus = 0
    for section in _sections(text, file):
        if section.zone in lines:
            raise section.error(f"line {lines[section.zone]} has it, too")
        lines[section.zone] = section.line
        if section.number("managed"):
            zones[section.zone] = _zone(section)
            cpus = max(cpus, section.cpus)
    if not zones:
        raise ZoneinfoError(
            "no zone of node 0 has memory and is whole", file=file, remedy=REMEDY
        )
    ordered = []
    last = 0
    for name in ZONES:
        zone = zones.get(name, Zone.none(last))
        if zone.start < last:
            raise ZoneinfoError(
                f"zone {name} begins at frame {zone.start}, in the one below it",
                file=file,
                line=lines[name],
                remedy=REMEDY,
            )
        last = zone.end
        ordered.append(zone)
    return Layout(tuple(ordered), cpus)


def load(path: str | Path) -> Layout:
    """The layout that a file holds. Raises `ZoneinfoError`, `OSError`."""
    return decode(Path(path).read_bytes(), Path(path).name)


def decode(content: bytes, file: str) -> Layout:
    """The layout that the bytes of a file hold. Raises `ZoneinfoError`."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ZoneinfoError(
            "no text in UTF-8", file=file, line=line, remedy=REMEDY
        ) from None
    return read(text, file)
