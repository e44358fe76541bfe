#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Record a matrix of strategies, CPUs and workloads, one boot at a time.

Each cell is a recording of record.sh. One that is there, of this kernel and this
workload, is not made again, so an interrupted sweep goes on where it was.
"""

import argparse
import hashlib
import itertools
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
STRATEGIES = (
    "none",
    "v6",
    "per_frame",
    "pcp_batch",
    "pcp_batch_local",
    "pageblock",
    "pcp_batch_closed",
)
CPUS = (1, 2, 4)
WORKLOADS = ("mix", "pipes", "reclaim")


@dataclass(frozen=True)
class Cell:
    """One recording."""

    workload: str
    cpus: int
    strategy: str
    start: str
    kmap: str
    verify: int
    run: int

    @property
    def name(self) -> str:
        """Of its files."""
        parts = [self.workload, f"{self.cpus}cpu", self.strategy]
        if self.start != "mapped":
            parts.append(self.start)
        if self.kmap != "default":
            parts.append(self.kmap)
        if self.verify:
            parts.append(f"verify{self.verify}")
        return "-".join([*parts, str(self.run)])

    @property
    def script(self) -> Path:
        """Of its workload."""
        return HERE / "workloads" / f"{self.workload}.sh"

    def command(self, kernel: Path, out: Path, more: list[str]) -> list[str]:
        """Record it."""
        words: list[str] = [str(HERE / "record.sh"), "--kernel", str(kernel)]
        words += ["--strategy", self.strategy, "--cpus", str(self.cpus)]
        words += ["--workload", str(self.script), "--out", str(out / self.name)]
        words += ["--start", self.start, "--verify", str(self.verify)]
        if self.kmap != "default":
            words += ["--kmap", self.kmap]
        return words + more

    def there(self, out: Path, image: str) -> bool:
        """Whether it has been recorded, from this kernel and this script."""
        path = out / f"{self.name}.toml"
        if not path.exists():
            return False
        with path.open("rb") as file:
            run = tomllib.load(file)["kernel_run"]
        return (run["image_sha256"], run["workload_sha256"]) == (
            image,
            digest(self.script),
        )


def digest(path: Path) -> str:
    """The sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def repeats(text: str) -> tuple[str, int]:
    """A strategy and how often it is recorded, of STRATEGY=N."""
    strategy, _, count = text.partition("=")
    if not count.isdigit() or not int(count):
        raise argparse.ArgumentTypeError(f"{text!r} is not STRATEGY=N")
    return strategy, int(count)


def matrix(asked: argparse.Namespace) -> Iterator[Cell]:
    """All cells: the first run of each, then the second."""
    often = dict(asked.repeat)
    most = max([asked.runs, *often.values()])
    for run, workload, cpus, strategy, start, kmap in itertools.product(
        range(1, most + 1),
        asked.workloads,
        asked.cpus,
        asked.strategies,
        asked.starts,
        asked.kmaps,
    ):
        if run <= often.get(strategy, asked.runs):
            yield Cell(workload, cpus, strategy, start, kmap, asked.verify, run)


def arguments() -> tuple[argparse.Namespace, list[str]]:
    """The command line, and after ``--`` what goes to record.sh as it is."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Options after -- go to record.sh: -- --timeout 1800",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--kernel", type=Path, required=True, help="bzImage of build.sh"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to record into")
    parser.add_argument("--strategies", nargs="+", default=STRATEGIES, metavar="NAME")
    parser.add_argument("--cpus", nargs="+", type=int, default=CPUS, metavar="N")
    parser.add_argument("--workloads", nargs="+", default=WORKLOADS, metavar="NAME")
    parser.add_argument(
        "--starts", nargs="+", default=["mapped"], choices=["mapped", "unmapped"]
    )
    parser.add_argument(
        "--kmaps",
        nargs="+",
        default=["default"],
        choices=["default", "direct", "local"],
        help="default: as the strategy has it",
    )
    parser.add_argument("--verify", type=int, default=0, metavar="N")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="of each cell")
    parser.add_argument(
        "--repeat",
        type=repeats,
        nargs="+",
        default=[],
        metavar="STRATEGY=N",
        help="other than --runs",
    )
    parser.add_argument(
        "--list", action="store_true", help="print what is left, record nothing"
    )
    words = sys.argv[1:]
    more: list[str] = []
    if "--" in words:
        at = words.index("--")
        words, more = words[:at], words[at + 1 :]
    return parser.parse_args(words), more


def kept(kernel: Path, out: Path, image: str) -> Path:
    """A copy of the kernel: one that is built during the sweep is another."""
    folder = out / f"kernel-{image[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    for path in (kernel, kernel.with_name("provenance.toml")):
        if path.exists():
            shutil.copy(path, folder)
    return folder / kernel.name


def record(cells: list[Cell], kernel: Path, out: Path, more: list[str]) -> list[str]:
    """Record the cells; names of those that failed."""
    failed = []
    began = time.monotonic()
    for done, cell in enumerate(cells):
        left = len(cells) - done
        if done:
            minutes = (time.monotonic() - began) / done * left / 60
            print(f"{left} left, about {minutes:.0f} min", flush=True)
        for old in out.glob(f"{cell.name}.*"):
            old.unlink()
        command = cell.command(kernel, out, more)
        if subprocess.run(command, check=False).returncode:  # noqa: S603 (record.sh)
            failed.append(cell.name)
    return failed


def main() -> int:
    """Record what is left; 1 if a recording failed, 2 if nothing can be recorded."""
    asked, more = arguments()
    scripts = {path.stem for path in (HERE / "workloads").glob("*.sh")}
    unknown = sorted(set(asked.workloads) - scripts)
    if unknown:
        print(f"sweep.py: no {unknown[0]} among {sorted(scripts)}", file=sys.stderr)
        return 2
    if not asked.kernel.exists():
        print(f"sweep.py: no kernel {asked.kernel}: build.sh makes it", file=sys.stderr)
        return 2
    image = digest(asked.kernel)
    cells = list(matrix(asked))
    left = [cell for cell in cells if not cell.there(asked.out, image)]
    print(f"{len(cells)} recordings, {len(left)} of them left", flush=True)
    if asked.list:
        print("\n".join(cell.name for cell in left))
        return 0
    kernel = kept(asked.kernel, asked.out, image)
    failed = record(left, kernel, asked.out, more)
    for name in failed:
        print(f"sweep.py: not recorded: {name}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
