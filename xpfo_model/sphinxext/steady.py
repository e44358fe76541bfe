# SPDX-License-Identifier: GPL-2.0-only
"""Make a build that has read only some pages leave the same as one of all."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.index_entries import split_index_msg

_BEGIN: Final = "Search.setIndex("
_END: Final = ")"


def settle(app: Sphinx, error: Exception | None) -> None:
    """Put what a build wrote into the form that a build of all pages writes."""
    if error or app.builder.name != "html":
        return
    path = Path(app.outdir, "searchindex.js")
    if path.exists():
        index = load(path.read_text(encoding="utf-8"))
        index["indexentries"] = entries_of(app.env, index["docnames"])
        for words in ("terms", "titleterms"):  # those of no page any longer
            index[words] = {w: on for w, on in index[words].items() if on != []}
        path.write_text(dump(index), encoding="utf-8")
    # Sphinx keeps the old one where the configuration has changed
    Path(app.outdir, ".buildinfo.bak").unlink(missing_ok=True)


def emptied(folder: Path) -> Path:
    """The folder, with nothing of a claim or a strategy that is no longer there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def load(script: str) -> dict[str, Any]:
    """Sphinx's search index. Raises `ValueError` for a text that is none."""
    if not (script.startswith(_BEGIN) and script.endswith(_END)):
        raise ValueError(f"a search index begins with {_BEGIN!r}: {script[:40]!r}")
    index: dict[str, Any] = json.loads(script.removeprefix(_BEGIN).removesuffix(_END))
    return index


def dump(index: dict[str, Any]) -> str:
    """The script of a search index."""
    return f"{_BEGIN}{json.dumps(index, separators=(',', ':'), sort_keys=True)}{_END}"


def entries_of(
    env: BuildEnvironment, pages: list[str]
) -> dict[str, list[tuple[int, str, bool]]]:
    """The index entries of all pages, by their text: page, anchor, whether it is main.

    Sphinx's search index (`IndexBuilder.feed`, 9.0) has only those of the pages that
    were read in this build; the domain has all.
    """
    found: dict[str, list[tuple[int, str, bool]]] = {}
    for number, page in enumerate(pages):
        entries = env.domains.index_domain.entries.get(page, [])
        told = {
            (text, target, main)
            for kind, value, target, main, _ in entries
            for text in split_index_msg(kind, value)
        }
        for text, target, main in sorted(told):
            place = (number, target or "", main == "main")
            found.setdefault(text.lower(), []).append(place)
    return found
