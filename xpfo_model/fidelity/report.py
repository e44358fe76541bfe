# SPDX-License-Identifier: GPL-2.0-only
"""A comparison as text of 72 columns."""

import textwrap
from typing import Final

from xpfo_model.fidelity.result import LEARNT, Fidelity, Level
from xpfo_model.plural import count

WIDTH: Final = 72


def _level(name: str, level: Level) -> list[str]:
    lines = [
        f"level {name} (model): {level.pfn_exact:,} of {level.allocations:,} "
        f"allocations exact, {level.exact:.3%}",
        f"  {'':22}{'kernel':>12}{'model':>12}",
    ]
    for title, both in (*level.numbers.items(), *level.flushes.items()):
        lines.append(f"  {title:22}{both.kernel:>12,}{both.model:>12,}")
    for title, reasons in (
        ("put right", level.resynchronised),
        ("missed", level.missed),
    ):
        text = ", ".join(f"{reason} {n:,}" for reason, n in reasons.items() if n)
        lines.append(f"  {title}: {text or 'nothing'}")
    return lines


def head(found: Fidelity) -> list[str]:
    """The lines that say on which trace, masks, allocator and sizes a result rests."""
    about = found.about
    lines = [
        f"trace {about.name}",
        f"  sha256 {about.sha256[:16]}  {count(found.events, 'kmem event')},"
        f" {about.fate()}",
        f"  {about.masks()}",
        f"  allocator of {found.allocator}, {found.allocator_from}",
        f"  sizes of the pcps: {found.zoneinfo or LEARNT}",
    ]
    lines += [f"  warning: {note}" for note in about.notes()]
    lines += [f"  note: {note}" for note in found.notes()]
    if about.skipped:
        lines.append(f"  {about.left_out()}")
    return lines


def tell(found: Fidelity) -> str:
    """Both levels: exact frames, numbers beside the kernel's, what was put right."""
    lines = head(found)
    for name, level in found.levels.items():
        lines += ["", *_level(name, level)]
    return "".join(f"{part}\n" for line in lines for part in _wrapped(line))


def _wrapped(line: str) -> list[str]:
    """A line in lines of at most WIDTH columns."""
    return textwrap.wrap(
        line, WIDTH, subsequent_indent="    ", break_long_words=False
    ) or [""]
