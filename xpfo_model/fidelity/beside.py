# SPDX-License-Identifier: GPL-2.0-only
"""The /proc/zoneinfo that was stored beside a trace."""

from pathlib import Path
from typing import Final

ENDING: Final = ".zoneinfo.start"
"""Of the file that holds /proc/zoneinfo as the trace NAME began: NAME and this."""


def zoneinfo_beside(trace: str | Path) -> Path | None:
    """NAME.zoneinfo.start for a trace NAME.npz, NAME.trace.gz …, if it is there."""
    path = Path(trace)
    name = path.name
    while name:
        found = path.with_name(name + ENDING)
        if found.is_file():
            return found
        name = name.rpartition(".")[0]
    return None
