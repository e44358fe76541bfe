# SPDX-License-Identifier: GPL-2.0-only
"""The results of a long run so far, so that it can go on after a stop."""

import json
from pathlib import Path

from xpfo_model.errors import SweepError

Result = dict[str, int]
"""The counts of one task, by name."""


class Journal:
    """Finished tasks, a line each.

    A line holds the digest of the tasks' sources: what another model said is not
    used. Without a `path` nothing outlives the run. Raises `SweepError` for a file
    that is something else.
    """

    def __init__(self, path: Path | None, digest: str) -> None:
        self._path = path
        self._digest = digest
        self._done: dict[str, Result] = {}
        if path is not None and path.exists():
            self._read(path)

    def _read(self, path: Path) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):  # stopped while it wrote
            lines.pop()
            path.write_bytes(b"".join(lines))
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                if entry["sources"] == self._digest:
                    self._done[entry["task"]] = entry["result"]
            except (ValueError, KeyError, TypeError):
                raise SweepError(
                    "no journal of a sweep",
                    file=str(path),
                    line=number,
                    remedy="name another file, or remove this one",
                ) from None

    def get(self, key: str) -> Result | None:
        """The result of a task, if it was done."""
        return self._done.get(key)

    def add(self, key: str, result: Result) -> None:
        """Note that a task was done."""
        self._done[key] = result
        if self._path is not None:
            entry = {"sources": self._digest, "task": key, "result": result}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
