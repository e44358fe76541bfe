# SPDX-License-Identifier: GPL-2.0-only
"""Studies too long for a build: their results are kept, named by what they rest on.

docs/data/NAME.csv begins with a digest of each module and input that it was computed
from. `load` refuses a file of other sources, and says which, so that a page never
shows what another model said. ``xpfo-model data`` computes all studies again, and
``xpfo-model data --check`` says whether the same comes out.
"""

import csv
import hashlib
import importlib
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from xpfo_model import closure, jit
from xpfo_model.errors import StaleDataError, XpfoModelError

Columns = dict[str, list[Any]]
"""Column name to values, all of one length: int, float or str."""

PRODUCERS: Final = (
    "xpfo_model.studies.fidelity",
    "xpfo_model.studies.drift",
    "xpfo_model.studies.whatif",
    "xpfo_model.studies.explorations",
    "xpfo_model.studies.kernel_runs",
    "xpfo_model.studies.stock_runs",
    "xpfo_model.studies.stock_bills",
    "xpfo_model.studies.explorer",
)
"""Modules that define studies."""

_DIGEST: Final = re.compile(r"# (\S+) ([0-9a-f]{16})")
"""A line of a source: a module, or a file below docs/."""
_LENGTH: Final = 16
_SHOWN: Final = 5
"""Sources that a message names."""


@dataclass(frozen=True)
class Study:
    """A result that is computed once for a state of its sources."""

    name: str
    """Of its file in docs/data, without .csv."""
    what: str
    """The content of the study, in one sentence."""
    make: Callable[[Path], Columns]
    """Computes it; takes the folder docs/ of a clone."""
    inputs: tuple[str, ...] = ()
    """Files below docs/ that it reads, as patterns."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Functions that the study looks up by name, such as hooks; see `closure.parts`."""
    apart: Collection[Any] = ()
    """Registries in the place of which entries are given; see `closure.parts`."""
    measured: bool = False
    """Whether it is of a clock, so that no two runs give the same: it has no sources,
    and is computed when it is named."""


REGISTRY: Final[dict[str, Study]] = {}
"""The studies that are defined by now; see `studies`."""


def study(name: str, **how: Any) -> Callable[[Callable[[Path], Columns]], Study]:
    """Register the decorated function as a study; `how` are fields of `Study`."""

    def register(make: Callable[[Path], Columns]) -> Study:
        if name in REGISTRY:
            raise ValueError(f"study {name} is registered twice")
        REGISTRY[name] = Study(name, make=make, **how)
        return REGISTRY[name]

    return register


def known(names: Sequence[str] = ()) -> list[Study]:
    """The studies of these names; without any, all that there are.

    Raises `XpfoModelError`.
    """
    for producer in PRODUCERS:
        importlib.import_module(producer)
    for name in names:
        if name not in REGISTRY:
            raise XpfoModelError(
                f"no study {name!r}", remedy=f"choose one of {', '.join(REGISTRY)}"
            )
    return [REGISTRY[name] for name in names or REGISTRY]


def studies(names: Sequence[str] = ()) -> list[Study]:
    """The studies of these names; without any, all that no clock measured.

    Raises `XpfoModelError`.
    """
    return [item for item in known(names) if names or not item.measured]


def sources(item: Study, docs: Path) -> dict[str, str]:
    """Digests of the modules and inputs of a study. Raises `XpfoModelError`."""
    if item.measured:
        return {}
    # the engine changes no result, and the closure computes none
    found = closure.parts(
        item.make, given=item.given, apart=(jit, closure, *item.apart)
    )
    for pattern in item.inputs:
        files = sorted(docs.glob(pattern))
        if not files:
            raise XpfoModelError(
                f"study {item.name} reads {pattern}, which is not here",
                file=str(docs),
                remedy="name the docs/ of a clone with --docs",
            )
        for path in files:
            whole = hashlib.sha256(path.read_bytes()).hexdigest()
            found[path.relative_to(docs).as_posix()] = whole[:_LENGTH]
    return found


def text(item: Study, today: Mapping[str, str], columns: Columns) -> str:
    """The file of a study's results: comments with its `sources`, then CSV."""
    out = io.StringIO()
    out.write(f"# {item.what}\n# computed by: xpfo-model data {item.name}\n")
    for name, digest in today.items():
        out.write(f"# {name} {digest}\n")
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
    remedy = f"run `xpfo-model data {item.name}`, see what changed, and commit the file"
    if not path.exists():
        raise StaleDataError("not there", file=str(path), remedy=remedy)
    head, rows = _split(path.read_text(encoding="utf-8"))
    other = _differing(head, sources(item, docs))
    if other:
        raise StaleDataError(
            f"computed with other sources than today's: {_some(other)}",
            file=str(path),
            remedy=remedy,
        )
    header, *values = csv.reader(rows)
    return {
        name: [_value(row[number]) for row in values]
        for number, name in enumerate(header)
    }


def renew(item: Study, docs: Path, *, write: bool = True) -> tuple[bool, str]:
    """Compute a study again; whether its file changes, and in words how."""
    path = place(item, docs)
    # read before minutes of work, in which somebody may edit them
    today = sources(item, docs)
    now = text(item, today, item.make(docs))
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if write and now != before:
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
    if now == before:
        return False, "the same"
    if not before:
        return True, "new"
    (head, rows), (_, rows_now) = _split(before), _split(now)
    other = _differing(head, today)
    news = "the same numbers" if rows == rows_now else "other numbers"
    return True, f"{news}, with other sources: {_some(other)}" if other else news


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _split(text: str) -> tuple[list[str], list[str]]:
    """The comments of a file, and its rows."""
    lines = text.splitlines()
    comments = [line for line in lines if line.startswith("#")]
    return comments, lines[len(comments) :]


def _differing(head: Sequence[str], today: Mapping[str, str]) -> list[str]:
    """The sources whose digests are not those of a file's head."""
    found = filter(None, map(_DIGEST.fullmatch, head))
    then = {line[1]: line[2] for line in found}
    return sorted(n for n in {*then, *today} if then.get(n) != today.get(n))


def _value(said: str) -> Any:
    for kind in (int, float):
        try:
            return kind(said)
        except ValueError:
            continue
    return said
