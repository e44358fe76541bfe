# SPDX-License-Identifier: GPL-2.0-only
"""The facts about a trace while it is being read; `About` once it has been."""

from dataclasses import dataclass, field, replace
from typing import Final

from xpfo_model.events import NANOSECONDS, About, Warned
from xpfo_model.xpfo_events import XpfoStart

HEADER_ROOM: Final = 1 << 20
"""Bytes of comments that are kept."""
LONG: Final = "long-header"
"""Short name of the warning that not all comments are kept."""
ZONEINFO: Final = "# zoneinfo: "
"""How `xpfo-model record` begins the lines of /proc/zoneinfo."""


@dataclass
class Findings:
    """The facts that a reader collects line by line; its own, never a result's."""

    head: About
    """The facts that the head of the trace told: name, format, kernel, CPUs."""
    file: str = ""
    """The file as it was named, for errors; by default the name in `head`."""
    clock: str = NANOSECONDS
    sha256: str = ""
    lines: int = 0
    lost: int = 0
    """Events that are known to be lost."""
    lost_unknown: bool = False
    """Whether more were lost than the trace counts."""
    warnings: dict[str, Warned] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    marks: list[tuple[int, int, str]] = field(default_factory=list)
    xpfo: list[XpfoStart] = field(default_factory=list)
    xpfo_rows: int = 0
    """Events of group xpfo that were given away."""
    words: tuple[str, ...] = ()

    header: list[str] = field(default_factory=list)
    zoneinfo: list[str] = field(default_factory=list)
    _room: int = HEADER_ROOM

    def __post_init__(self) -> None:
        self.file = self.file or self.head.name

    @property
    def kernel(self) -> str:
        """The GFP table that the masks are read with."""
        return self.head.kernel

    def warn(self, code: str, what: str, line: int | None, count: int = 1) -> None:
        """Count a warning; the first line of its kind is kept."""
        before = self.warnings.get(code, Warned(what, 0, line))
        self.warnings[code] = replace(before, count=before.count + count)

    def comment(self, text: bytes, line: int) -> None:
        """Keep a comment line that stands before the first event."""
        self._room -= len(text)
        if self._room < 0:
            if LONG not in self.warnings:
                self.warn(LONG, "its header is too long to be kept whole", line)
            return
        comment = text.decode(errors="backslashreplace")
        if comment.startswith(ZONEINFO):
            self.zoneinfo.append(comment.removeprefix(ZONEINFO))
        else:
            self.header.append(comment)

    def about(self) -> About:
        """The facts as they stand, which no later reading changes."""
        return replace(
            self.head,
            clock=self.clock,
            header=tuple(self.header),
            zoneinfo="".join(f"{line}\n" for line in self.zoneinfo),
            sha256=self.sha256,
            lines=self.lines,
            lost=None if self.lost_unknown else self.lost,
            warnings=dict(self.warnings),
            skipped=dict(self.skipped),
            marks=tuple(self.marks),
            xpfo=tuple(self.xpfo),
            words=self.words,
        )
