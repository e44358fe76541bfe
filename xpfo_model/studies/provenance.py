# SPDX-License-Identifier: GPL-2.0-only
"""Where a trace comes from: NAME.toml, which stands beside NAME.npz."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Final

from xpfo_model.errors import TraceError
from xpfo_model.events import EventLog

_AT_LINE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
"""How a message of tomllib ends."""


@dataclass(frozen=True)
class Provenance:
    """Where a trace comes from, as its TOML file beside it says."""

    name: str
    short: str
    """Name in figures and values, such as ``cc-4cpu``."""
    title: str
    cpus: int
    memory: str
    kernel: str
    """As ``uname -r`` printed it, with the package's version."""
    machine: str
    command_line: str
    workload: str
    """The script, beside the traces."""
    workload_title: str
    date: str
    sha256: str
    """Of the raw text."""
    events: str
    """Tracepoints that were recorded."""
    removed: str
    """Facts that the stored form leaves out."""
    disk: str = ""
    """The file system that the workload had to write to, if it had one."""


_KEYS: Final = {field.name: field for field in fields(Provenance)[1:]}
"""All but `name`, which is the file's."""
_NEEDED: Final = [key for key, field in _KEYS.items() if field.default is MISSING]
REMEDY: Final = f"it needs the keys {', '.join(_NEEDED)}: see the files in docs/traces"


def found_in(directory: Path, folder: str = "") -> dict[str, Provenance]:
    """The traces of a folder of `directory` by short name, in reading order.

    Raises `TraceError` for a trace without provenance, for one whose file is not what
    it has to be, and for two of one short name.
    """
    found: dict[str, Provenance] = {}
    for path in sorted((directory / folder).glob("*.npz")):
        beside = path.with_suffix(".toml")
        if not beside.exists():
            raise TraceError(
                "a trace without provenance",
                file=str(path),
                remedy=f"write {beside.name}: {REMEDY}",
            )
        name = (Path(folder) / path.stem).as_posix()
        facts = Provenance(name=name, **_read(beside))
        add(found, facts, directory)
    return found


def add(found: dict[str, Provenance], facts: Provenance, directory: Path) -> None:
    """Add a trace by its short name. Raises `TraceError` if another has the name."""
    other = found.setdefault(facts.short, facts)
    if other != facts:
        raise TraceError(
            f"short = {facts.short!r}, as {place(directory, other)} says of another "
            "trace",
            file=str(place(directory, facts)),
            remedy="give each trace of the folder a short name of its own",
        )


def place(directory: Path, facts: Provenance) -> Path:
    """The file that says it."""
    return directory / f"{facts.name}.toml"


def check(facts: Provenance, log: EventLog, directory: Path) -> None:
    """Raise `TraceError` where a trace is not what its provenance says it is."""
    beside = place(directory, facts)
    sha256 = log.about.sha256
    if sha256 != facts.sha256:
        raise TraceError(
            f"sha256 is {facts.sha256!r}, and that of {beside.stem}.npz is {sha256}",
            file=str(beside),
            remedy=f'if this is the trace that is meant, write sha256 = "{sha256}" '
            f"into {beside.name}; else convert the trace again",
        )
    seen = cpus_of(log)
    if facts.cpus < seen or (log.about.cpus is not None and facts.cpus != seen):
        raise TraceError(
            f"cpus is {facts.cpus}, and {beside.stem}.npz is a trace of {seen}",
            file=str(beside),
            remedy=f"write cpus = {seen}",
        )


def cpus_of(log: EventLog) -> int:
    """CPUs of a trace's machine: as its head says, at least those of its events."""
    return max(log.about.cpus or 1, int(log.events.cpu.max(initial=0)) + 1)


def _read(path: Path) -> Mapping[str, Any]:
    """The keys of a file, of the types that they must have."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise _wrong(path, "not UTF-8", "write it again as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        raise _wrong(
            path,
            f"not TOML: {_AT_LINE.sub('', str(error))}",
            "a line is a key, = and a value; a text stands in double quotes",
            int(at[1]) if at else None,
        ) from error
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}", REMEDY) from error
    missing = [key for key in _NEEDED if key not in told]
    if missing:
        raise _wrong(path, f"the key {missing[0]} is missing", REMEDY)
    for key, value in told.items():
        if key not in _KEYS:
            raise _wrong(path, f"the key {key} is not known", f"leave it out: {REMEDY}")
        _check(path, key, value)
    return told


def _check(path: Path, key: str, value: Any) -> None:
    kind = _KEYS[key].type
    if type(value) is not kind:
        raise _wrong(
            path,
            f"{key} is {value!r}",
            "write a whole number without quotes"
            if kind is int
            else f'write {key} = "...", in double quotes',
        )
    if kind is int and value < 1:
        raise _wrong(path, f"{key} is {value}", "write a number from 1 on")
    if key == "short" and not value.strip():
        raise _wrong(path, "short is empty", "give the trace a name for figures")


def _wrong(path: Path, what: str, remedy: str, line: int | None = None) -> TraceError:
    return TraceError(what, file=str(path), line=line, remedy=remedy)
