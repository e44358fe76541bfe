# SPDX-License-Identifier: GPL-2.0-only
"""Names that tell the traces of one command apart."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from xpfo_model.events import About


class Names:
    """The names of traces, with as much of a path as tells two of one name apart.

    Parameters
    ----------
    paths : sequence of str
        All traces of the command, as they were named.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._ends = {path: _end(path, paths) for path in paths}
        self._shown: dict[str, Path] = {}

    def told_apart(self, about: About, path: str) -> About:
        """The facts about a trace, under a name that no other trace was shown with."""
        name = self._ends[path] or about.name
        if self._shown.setdefault(name, Path(path)) != Path(path):
            name = path  # saved under another name than its file now has
        return replace(about, name=name)


def _end(path: str, paths: Sequence[str]) -> str | None:
    """The end of a path that no other has; None where the file's name is enough."""
    mine = Path(path).parts
    others = [parts for other in paths if (parts := Path(other).parts) != mine]
    length = 1
    while any(parts[-length:] == mine[-length:] for parts in others):
        length += 1
    return str(Path(*mine[-length:])) if length > 1 else None
