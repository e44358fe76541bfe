# SPDX-License-Identifier: GPL-2.0-only
"""Reading speed: lines per second of trace text, and the memory that it takes.

In one process, compiled beforehand, median of several runs, lines by seconds of
processor time, so that other programs disturb it less; against the script
that comes with the kernel, Documentation/trace/postprocess/
trace-pagealloc-postprocess.pl, in the same run. That script counts what the
reader decodes, and it is older than the flags column: of today's text it matches
no line, which costs it more than matching, so it is measured without that column,
too.
Machines are noisy: compare the ratios.
"""

import argparse
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from xpfo_model import traces

MIB = 1 << 20
TRACES = Path(__file__).parents[1] / "docs" / "traces"
FLAGS = re.compile(rb"(\] )\S{4,5}( +\d)")


def read(path: Path) -> int:
    """Stream a trace; its lines."""
    with traces.open_trace(path) as trace:
        return trace.stream(len).lines


def reader_rates(path: Path, runs: int) -> list[float]:
    """Lines per second of each run, after one that does not count."""
    lines = read(path)
    rates = []
    for _ in range(runs):
        start = time.process_time()
        read(path)
        rates.append(lines / (time.process_time() - start))
    return rates


def perl_rates(
    script: Path, path: Path, limit: int, runs: int, *, flags: bool
) -> list[float]:
    """Lines per second of the kernel's script on the first `limit` lines."""
    with tempfile.TemporaryFile() as text:
        lines = 0
        with path.open("rb") as file:
            for line in file:
                text.write(line if flags else FLAGS.sub(rb"\1\2", line))
                lines += 1
                if lines == limit:
                    break
        rates = []
        for _ in range(runs):
            text.seek(0)
            start = children()
            subprocess.run(
                ["perl", script], stdin=text, stdout=subprocess.DEVNULL, check=True
            )
            rates.append(lines / (children() - start))
    return rates


def children() -> float:
    """Seconds of processor time of all children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def growth(path: Path, times: int) -> tuple[float, float]:
    """MiB of a file of `times` the trace, and by how many the peak memory grows."""
    with tempfile.NamedTemporaryFile() as copy:
        for _ in range(times):
            with path.open("rb") as file:
                shutil.copyfileobj(file, copy)
        copy.flush()
        size = Path(copy.name).stat().st_size / MIB
        said = subprocess.run(
            [sys.executable, __file__, "--child", copy.name],
            capture_output=True,
            text=True,
            check=True,
        )
    return size, float(said.stdout)


def child(path: Path) -> None:
    """Print by how many MiB the peak memory grows while a trace is streamed."""
    with tempfile.NamedTemporaryFile("wb") as small, path.open("rb") as file:
        small.writelines(file.readline() for _ in range(1000))
        small.flush()
        read(Path(small.name))  # compiled, and everything imported
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read(path)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) / 1024)


def show(what: str, rates: list[float], ratio: str) -> None:
    """Print a row of the table."""
    middle, low, high = statistics.median(rates), min(rates), max(rates)
    print(f"{what:<32} {middle:>12,.0f} {low:>11,.0f} {high:>11,.0f} {ratio:>8}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "trace",
        type=Path,
        nargs="?",
        help="text of ftrace, not compressed; a stored trace as text by default",
    )
    parser.add_argument("--perl", type=Path, help="trace-pagealloc-postprocess.pl")
    parser.add_argument("--perl-lines", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.trace)
        return
    if arguments.trace is None:
        with tempfile.TemporaryDirectory() as folder:
            arguments.trace = as_text(min(TRACES.glob("*.npz")), Path(folder))
            report(arguments)
    else:
        report(arguments)


def as_text(stored: Path, folder: Path) -> Path:
    """A stored trace as the text that the kernel wrote."""
    path = folder / f"{stored.stem}.txt"
    with path.open("w", encoding="utf-8") as file:
        traces.write_text(traces.read(stored), file)
    return path


def report(arguments: argparse.Namespace) -> None:
    """Measure, and print the tables."""
    rates = reader_rates(arguments.trace, arguments.runs)
    size = arguments.trace.stat().st_size / MIB
    print(f"{arguments.trace.name}, {size:,.0f} MiB, {arguments.runs} runs")
    print(f"{'':<32} {'lines/s':>12} {'lowest':>11} {'highest':>11} {'ratio':>8}")
    if arguments.perl:
        middle = statistics.median(rates)
        for flags, what in ((False, "without flags"), (True, "as it is")):
            perl = perl_rates(
                arguments.perl,
                arguments.trace,
                arguments.perl_lines,
                arguments.runs,
                flags=flags,
            )
            ratio = f"1/{middle / statistics.median(perl):.1f}"
            show(f"kernel's Perl, text {what}", perl, ratio)
    show("xpfo_model.traces", rates, "1")
    print()
    print(f"{'streamed, MiB':<32} {'peak memory grows by, MiB':>25}")
    for times in (1, 2, 4):
        size, grown = growth(arguments.trace, times)
        print(f"{size:<32,.0f} {grown:>25,.1f}")


if __name__ == "__main__":
    main()
