# SPDX-License-Identifier: GPL-2.0-only
"""Converting speed: whole processes that store the text of a trace as .npz.

Each is started anew, compiled beforehand, its time on the clock, median of several
runs; against the reader that one writes in Python in five minutes, a regex a line,
which stores nothing, in the same run, by turns. The small form takes LZMA.
Machines are noisy: compare the ratios.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from xpfo_model import traces

MIB = 1 << 20
TRACES = Path(__file__).parents[1] / "docs" / "traces"
LINE = re.compile(r"^\s*(.+)-(\d+)\s+\[(\d+)\]\s+(\S+)\s+([\d.]+): (\w+): (.*)$")
FIELD = re.compile(r"(\w+)=(\S+)")


def peer(path: Path) -> None:
    """Read the kmem events of a text with regular expressions, into tuples."""
    rows = []
    with path.open(errors="replace") as file:
        for line in file:
            found = LINE.match(line)
            if found and found[6].startswith("mm_page"):
                fields = dict(FIELD.findall(found[7]))
                rows.append(
                    (
                        *found.group(2, 3, 5, 6),
                        *map(fields.get, ("pfn", "order", "migratetype", "gfp_flags")),
                    )
                )
    print(len(rows))


def seconds(*command: object) -> float:
    """Time of a Python process on the clock."""
    start = time.perf_counter()
    line = [sys.executable, *map(str, command)]
    subprocess.run(line, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def report(text: Path, folder: Path, runs: int) -> None:
    """Measure, and print the table."""
    convert = ("-m", "xpfo_model", "convert")
    fast, small = folder / "fast.npz", folder / "small.npz"
    commands = {
        "a regex reader in Python": (__file__, "--peer", text),
        "convert T OUT.npz": (*convert, text, fast),
        "convert --small T OUT.npz": (*convert, "--small", text, small),
        "convert OUT.npz OTHER.npz": (*convert, fast, folder / "other.npz"),
    }
    seconds(*convert, text, fast)  # compiles
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(seconds(*command))
    base = statistics.median(times["a regex reader in Python"])
    print(f"{text.name}, {text.stat().st_size / MIB:,.0f} MiB, {runs} runs")
    print(f"{'':<28} {'s':>7} {'lowest':>7} {'highest':>7} {'times as fast':>14}")
    for name, found in times.items():
        middle = statistics.median(found)
        ratio = base / middle
        print(
            f"{name:<28} {middle:>7.2f} {min(found):>7.2f} {max(found):>7.2f} "
            f"{ratio:>14.1f}"
        )
    print()
    for path in (fast, small):
        print(f"{path.name:<28} {path.stat().st_size / MIB:>7.2f} MiB")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "trace",
        type=Path,
        nargs="?",
        help="text of ftrace, not compressed; a stored trace as text by default",
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        peer(arguments.peer)
        return
    with tempfile.TemporaryDirectory() as folder:
        text = arguments.trace
        if text is None:
            text = Path(folder) / "trace.txt"
            traces.save(traces.read(min(TRACES.glob("*.npz"))), text)
        report(text, Path(folder), arguments.runs)


if __name__ == "__main__":
    main()
