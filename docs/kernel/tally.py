#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tables of recordings of record.sh, as CSV.

``tally.py touches NAME...``: which code mapped a user's page to touch it, and which
touched it without: by case of the workload, caller and way.
``tally.py ipis NAME...``: flushes of the workload beside the interrupts they took.
``tally.py ret2dir NAME...``: of which kinds of page the alias could be read.

NAME is that of the recording's files without their suffixes, or its NAME.toml.
"""

import argparse
import csv
import gzip
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

MARK = re.compile(r": tracing_mark_write: xpfo-(case|workload)[- ](\S+)")
KMAP = re.compile(r": xpfo_kmap: pfn=\S+ way=(\S+) caller=(\S+)")
FAULT = re.compile(r": xpfo_fault: pfn=\S+ owner=(\S+) caller=(\S+)")
COMPILED = re.compile(r"\.(constprop|isra|part|cold)\.?\d*")
"""What the compiler appends to the name of a function of which it made another."""
CAUSES = ("alloc", "refill", "block", "kunmap", "migrate")


class BadRecordingError(Exception):
    """A recording lacks a file, or a file of it is not of this kind."""


@dataclass(frozen=True)
class Recording:
    """The files of one boot."""

    stem: Path

    def path(self, suffix: str) -> Path:
        """One of its files; `BadRecordingError` if it is not there."""
        path = self.stem.with_name(f"{self.stem.name}.{suffix}")
        if not path.exists():
            raise BadRecordingError(f"{path}: not there; record.sh writes it")
        return path

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Its provenance."""
        with self.path("toml").open("rb") as file:
            facts = tomllib.load(file)
        if "kernel_run" not in facts:
            raise BadRecordingError(f"{self.path('toml')}: not of record.sh")
        return facts

    @property
    def key(self) -> dict[str, str | int]:
        """Columns that tell it from others."""
        run = self.facts["kernel_run"]
        return {
            "recording": self.stem.name,
            "workload": Path(self.facts["workload"]).stem,
            "cpus": self.facts["cpus"],
            "strategy": run["strategy"],
            "start": run["start"],
            "kmap": run["kmap"],
        }

    def counters(self, suffix: str = "counters") -> dict[str, int]:
        """Of debugfs: how often, by name."""
        words = (line.split() for line in self.path(suffix).read_text().splitlines())
        return {name: int(value) for name, value in words if value.isdigit()}

    def interrupts(self, suffix: str) -> dict[str, int]:
        """Of /proc/interrupts, over all CPUs, by the name of their row."""
        found = {}
        for line in self.path(f"interrupts.{suffix}").read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            counts = [int(w) for w in rest.split()[: self.facts["cpus"]] if w.isdigit()]
            found[name.strip()] = sum(counts)
        return found


Row = dict[str, str | int]


def touches(recording: Recording) -> Iterator[Row]:
    """Rows of a case, a caller and a way, with how often it was there."""
    case = "boot"
    seen: Counter[tuple[str, str, str, str]] = Counter()
    with gzip.open(recording.path("trace.gz"), "rt") as lines:
        for line in lines:
            if found := KMAP.search(line):
                way, caller = found.groups()
                seen[case, COMPILED.sub("", caller), "kmap", way] += 1
            elif found := FAULT.search(line):
                owner, caller = found.groups()
                seen[case, COMPILED.sub("", caller), "fault", owner] += 1
            elif found := MARK.search(line):
                kind, name = found.groups()
                if kind == "case" and name != "end":
                    case = name
                else:
                    case = "end" if name == "end" and kind == "workload" else "between"
    for (case, caller, how, detail), count in sorted(seen.items()):
        columns = {"case": case, "caller": caller, "how": how, "detail": detail}
        yield {**recording.key, **columns, "count": count}


def ipis(recording: Recording) -> Iterator[Row]:
    """One row: from the start of the workload to its end."""
    start, end = recording.counters("counters.start"), recording.counters()
    before, after = recording.interrupts("start"), recording.interrupts("end")
    row = dict(recording.key)
    for cause in CAUSES:
        row[f"flush_{cause}"] = end[f"flush_{cause}"] - start[f"flush_{cause}"]
    row["flushes"] = sum(int(row[f"flush_{cause}"]) for cause in CAUSES)
    row["local_invlpg"] = end["local_invlpg"] - start["local_invlpg"]
    row["user_allocations"] = end["alloc_user"] - start["alloc_user"]
    for name in ("CAL", "TLB"):
        row[name.lower()] = after[name] - before[name]
    row["seconds"] = recording.facts["kernel_run"]["workload_seconds"]
    yield row


def ret2dir(recording: Recording) -> Iterator[Row]:
    """A row for each kind of page; only of the workload ret2dir."""
    for line in recording.path("log").read_text().splitlines():
        if not line.startswith("case="):
            continue
        words = dict(word.split("=", 1) for word in line.split())
        del words["pfn"], words["value"]
        yield {**recording.key, **words}


TABLES = {table.__name__: table for table in (touches, ipis, ret2dir)}


def rows(table: str, names: Iterable[Path]) -> Iterator[Row]:
    """Of all recordings; `BadRecordingError` if one has none."""
    for name in names:
        recording = Recording(name.with_suffix("") if name.suffix == ".toml" else name)
        found = list(TABLES[table](recording))
        if not found:
            raise BadRecordingError(f"{name}: nothing for a table of {table}")
        yield from found


def main() -> int:
    """Print the table; 1 if a recording is not one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("names", type=Path, nargs="+", metavar="NAME")
    asked = parser.parse_args()
    try:
        found = list(rows(asked.table, asked.names))
    except BadRecordingError as error:
        print(f"tally.py: {error}", file=sys.stderr)
        return 1
    table = csv.DictWriter(sys.stdout, found[0], lineterminator="\n")
    table.writeheader()
    table.writerows(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
