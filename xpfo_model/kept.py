# SPDX-License-Identifier: GPL-2.0-only
"""Studies too long for a build: their results are kept, named by what they rest on.

docs/data/NAME.csv begins with the digest of every source and input that it was
computed from. `load` refuses a file whose digest is not today's, so that a page
never shows what another model said; ``xpfo-model data`` computes it again, and
``xpfo-model data --check`` says whether the same comes out.
"""

import ast
import csv
import hashlib
import importlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from xpfo_model.engine import PACKAGE
from xpfo_model.errors import StaleDataError, XpfoModelError

Columns = dict[str, list[Any]]
"""Column name to values, all of one length: int, float or str."""

PRODUCERS: Final = ("xpfo_model.fidelity.study", "xpfo_model.whatif")
"""Modules that define studies."""

_MARK: Final = "# sources sha256:"
_REMEDY: Final = "run `make data`, see what changed, and commit the file"


@dataclass(frozen=True)
class Study:
    """Something computed once for a state of the sources."""

    name: str
    """Of its file in docs/data, without .csv."""
    what: str
    """What it holds, one sentence."""
    make: Callable[[Path], Columns]
    """Computes it; takes the folder docs/ of a clone."""
    inputs: tuple[str, ...]
    """Files below docs/ that it reads, as patterns."""


REGISTRY: Final[dict[str, Study]] = {}
"""The studies that are defined by now; see `studies`."""


def study(
    name: str, *, what: str, inputs: tuple[str, ...] = ()
) -> Callable[[Callable[[Path], Columns]], Study]:
    """Register the decorated function as a study; see `Study`."""

    def register(make: Callable[[Path], Columns]) -> Study:
        if name in REGISTRY:
            raise ValueError(f"study {name} is registered twice")
        REGISTRY[name] = Study(name, what, make, inputs)
        return REGISTRY[name]

    return register


def studies(names: Sequence[str] = ()) -> list[Study]:
    """The studies of these names, all without any. Raises `XpfoModelError`."""
    for producer in PRODUCERS:
        importlib.import_module(producer)
    for name in names:
        if name not in REGISTRY:
            raise XpfoModelError(
                f"no study {name!r}", remedy=f"choose one of {', '.join(REGISTRY)}"
            )
    return [REGISTRY[name] for name in names or REGISTRY]


@cache
def sources(module: str) -> list[Path]:
    """The files of this package that a module of it imports, directly or not.

    A package that is imported counts with all its modules: it may load them by
    name, as `strategies` does.
    """
    found: set[Path] = set()
    todo = [_file(module)]
    while todo:
        path = todo.pop()
        # this module keeps results and computes none
        if path is None or path in found or path == Path(__file__):
            continue
        found.add(path)
        if path.name == "__init__.py" and path.parent != PACKAGE:
            todo.extend(path.parent.glob("*.py"))
        todo.extend(_file(name) for name in _imports(path))
    return sorted(found)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            known = [name for name in submodules if _file(name)]
            yield from known
            if len(known) < len(submodules):
                yield node.module


def _file(module: str) -> Path | None:
    package, _, rest = module.partition(".")
    if package != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*rest.split(".")) if rest else PACKAGE
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.exists():
            return file
    return None


def digest(item: Study, docs: Path) -> str:
    """SHA-256 of the sources and inputs of a study, as hex."""
    whole = hashlib.sha256()
    for path in sources(item.make.__module__):
        _add(whole, path.relative_to(PACKAGE).as_posix(), path)
    for pattern in item.inputs:
        files = sorted(docs.glob(pattern))
        if not files:
            raise XpfoModelError(
                f"study {item.name} reads {pattern}, which is not here",
                file=str(docs),
                remedy="name the docs/ of a clone with --docs",
            )
        for path in files:
            _add(whole, path.relative_to(docs).as_posix(), path)
    return whole.hexdigest()


def _add(whole: Any, name: str, path: Path) -> None:
    whole.update(name.encode() + b"\0")
    whole.update(hashlib.sha256(path.read_bytes()).digest())


def text(item: Study, docs: Path, columns: Columns) -> str:
    """The file of a study's results: three lines of comment, then CSV."""
    out = io.StringIO()
    out.write(f"# {item.what}\n# computed by: xpfo-model data {item.name}\n")
    out.write(f"{_MARK} {digest(item, docs)}\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def place(item: Study, docs: Path) -> Path:
    """Where the results of a study are kept."""
    return docs / "data" / f"{item.name}.csv"


def load(item: Study, docs: Path) -> Columns:
    """The kept results of a study. Raises `StaleDataError`."""
    path = place(item, docs)
    if not path.exists():
        raise StaleDataError("not there", file=str(path), remedy=_REMEDY)
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    if f"{_MARK} {digest(item, docs)}" not in comments:
        raise StaleDataError(
            "computed by other sources than these", file=str(path), remedy=_REMEDY
        )
    header, *rows = csv.reader(lines[len(comments) :])
    return {
        name: [_value(row[number]) for row in rows]
        for number, name in enumerate(header)
    }


def _value(said: str) -> Any:
    for kind in (int, float):
        try:
            return kind(said)
        except ValueError:
            continue
    return said
