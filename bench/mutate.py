# SPDX-License-Identifier: GPL-2.0-only
"""Mutation testing: change the package in one place, and see whether a test fails.

``python bench/mutate.py`` changes the modules that tests/mutation.toml names, in a
copy, one small change at a time, runs its tests under plain Python, and writes
_build/mutation-report.md. Each mutant is a fork of one process that has pytest
loaded, so that it costs its tests and no start. A library would cost a start a
mutant (cosmic-ray), or wrap functions so that `engine` cannot bind them (mutmut).
"""

import argparse
import ast
import copy
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from math import sqrt
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401 - loaded once, for every fork
import pytest
from hypothesis import Phase, settings
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "tests" / "mutation.toml").read_text())
EQUIVALENT = {entry["mutant"]: entry["reason"] for entry in CONFIG["equivalent"]}
ANSWERED = {entry["mutant"]: entry["by"] for entry in CONFIG["answered"]}
KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"

OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.Break: (ast.Continue,),
    ast.Continue: (ast.Break,),
}


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    path: str
    line: int
    scope: str
    old: str
    new: str
    start: int
    stop: int
    text: str
    nth: int
    """Which one of those that read the same in this function."""

    @property
    def key(self) -> str:
        """What the list of equivalents calls it; line numbers may move."""
        again = f" #{self.nth}" if self.nth > 1 else ""
        return f"{self.path}:{self.scope}: {self.old} → {self.new}{again}"


def replacements(node: ast.AST, *, inside: bool) -> Iterator[ast.AST | str]:  # noqa: C901 - a list
    """What a node may be changed into; `inside` a function, statements may go."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in OPERATORS[type(node.ops[0])]:
            yield ast.Compare(node.left, [op()], node.comparators)
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign):
        for op in OPERATORS.get(type(node.op), ()):
            changed = copy.copy(node)
            changed.op = op()
            yield changed
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    elif isinstance(node, ast.Break | ast.Continue):
        yield OPERATORS[type(node)][0]()
    if isinstance(node, ast.If | ast.While | ast.IfExp) and not isinstance(
        node.test, ast.Compare | ast.UnaryOp
    ):
        yield "test"
    if inside and (
        isinstance(node, ast.Assign | ast.AugAssign | ast.Raise)
        or (isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant))
    ):
        yield ast.Pass()


def walk(
    node: ast.AST, scope: str, *, inside: bool
) -> Iterator[tuple[ast.AST, str, bool]]:
    """Every node that runs, with its function; no annotation, no decorator."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            where, deep = scope, inside
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                where = f"{scope}.{child.name}".lstrip(".")
                deep = isinstance(child, ast.FunctionDef)
            yield child, where, deep
            yield from walk(child, where, inside=deep)


def mutants_of(path: str, tree: Path = ROOT) -> Iterator[Mutant]:
    """Every mutant of a module."""
    source = (tree / path).read_bytes()
    lines = source.splitlines(keepends=True)
    begins = [sum(map(len, lines[:n])) for n in range(len(lines))]
    seen: Counter[tuple[str, str, str]] = Counter()
    for node, scope, inside in walk(ast.parse(source), "", inside=False):
        for changed in replacements(node, inside=inside):
            place, new = (
                (node.test, ast.UnaryOp(ast.Not(), node.test))
                if changed == "test"
                else (node, changed)
            )
            text = ast.unparse(new)
            if isinstance(place, ast.expr):
                text = f"({text})"
            start = begins[place.lineno - 1] + place.col_offset
            stop = begins[place.end_lineno - 1] + place.end_col_offset
            mutated = source[:start] + text.encode() + source[stop:]
            try:
                compile(mutated, path, "exec")
            except SyntaxError:
                continue
            first = begins[place.lineno - 1]
            last = begins[place.end_lineno - 1] + len(lines[place.end_lineno - 1])
            old = " ".join(source[first:last].decode().split())
            whole = source[first:start].decode() + text + source[stop:last].decode()
            said = (scope, old, " ".join(whole.split()))
            seen[said] += 1
            yield Mutant(path, place.lineno, *said, start, stop, text, seen[said])


class Fewer:
    """A pytest plugin: no shrinking, and the same examples every time."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """After conftest.py has loaded the project's profile."""
        settings.register_profile(
            "mutation",
            parent=settings.get_profile("project"),
            phases=[Phase.explicit, Phase.generate],
            derandomize=True,
            database=None,
        )
        settings.load_profile("mutation")


def run_tests(folder: Path, timeout: float) -> str:
    """Fork, and run the tests in a copy of the tree."""
    child = os.fork()
    if not child:
        os.chdir(folder)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.path.insert(0, str(folder))
        options = ["-x", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        options += ["-k", CONFIG["select"], *CONFIG["tests"]]
        failed = 1
        try:
            failed = int(pytest.main(options, plugins=[Fewer()]))
        finally:
            os._exit(failed)  # never back into the loop of mutants
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return KILLED if status else SURVIVED
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMEOUT


def copy_tree(folder: Path) -> Path:
    """The package and its tests, without compiled files."""
    for name in ("xpfo_model", "tests"):
        shutil.copytree(
            ROOT / name,
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__", "mutation*"),
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def judge(mutant: Mutant, base: Path, timeout: float) -> tuple[Mutant, str]:
    """Whether the tests see a mutant."""
    folder = base / str(os.getpid())
    if not folder.exists():
        shutil.copytree(base / "unchanged", folder)
    source = (base / "unchanged" / mutant.path).read_bytes()
    target = folder / mutant.path
    target.write_bytes(
        source[: mutant.start] + mutant.text.encode() + source[mutant.stop :]
    )
    try:
        return mutant, run_tests(folder, timeout)
    finally:
        target.write_bytes(source)


def interval(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share, in percent."""
    z = 1.96
    share = hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    half /= 1 + z * z / total
    return 100 * (middle - half), 100 * (middle + half)


def report(
    results: list[tuple[Mutant, str]], known: int, seed: int, command: str
) -> str:
    """The report as Markdown."""
    rows: dict[str, Counter[str]] = {}
    for mutant, result in results:
        same = result == SURVIVED and mutant.key in EQUIVALENT
        rows.setdefault(mutant.path, Counter())["equivalent" if same else result] += 1
    whole = sum(rows.values(), Counter())
    dead, total = whole[KILLED] + whole[TIMEOUT], len(results)
    real = total - whole["equivalent"]
    low, high = interval(dead, total)
    which = (
        f"all {known} mutants of these modules"
        if total == known
        else f"{total} of {known} mutants, drawn at random with seed {seed}; "
        f"95 % interval {low:.1f} to {high:.1f} %"
    )
    lines = [
        "# Mutation report",
        "",
        f"Written by `{command}`; settings and equivalents are in "
        "`tests/mutation.toml`. A mutant that runs out of time counts as killed.",
        "",
        f"**{dead} of {total} killed, {100 * dead / total:.1f} %** ({which}). Without "
        f"the {whole['equivalent']} that no test can tell apart: "
        f"{100 * dead / real:.1f} % of {real}.",
        "",
        "| module | mutants | killed | of these by timeout | equivalent | survived |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for path, row in [*sorted(rows.items()), ("all", whole)]:
        done = row[KILLED] + row[TIMEOUT]
        lines.append(
            f"| {path} | {row.total()} | {done} | {row[TIMEOUT]} | "
            f"{row['equivalent']} | {row[SURVIVED]} |"
        )
    left = [m for m, result in results if result == SURVIVED]
    for title, some in (
        ("Survivors", [m for m in left if m.key not in EQUIVALENT]),
        ("Equivalent", [m for m in left if m.key in EQUIVALENT]),
    ):
        lines += ["", f"## {title}", ""]
        for m in some:
            lines.append(f"- `{m.path}:{m.line}` {m.scope}: `{m.old}` → `{m.new}`")
            if m.key in EQUIVALENT:
                lines.append(f"  {EQUIVALENT[m.key]}")
            if m.key in ANSWERED:
                lines.append(f"  Killed since by {ANSWERED[m.key]}.")
        if not some:
            lines.append("None.")
    return "\n".join(lines) + "\n"


def measure(options: Any) -> tuple[list[tuple[Mutant, str]], int]:
    """Judge the mutants; also how many there are in all."""
    os.environ |= {"NUMBA_DISABLE_JIT": "1", "MPLBACKEND": "agg"}
    sys.dont_write_bytecode = True
    paths = sorted(
        {
            p.relative_to(ROOT).as_posix()
            for g in CONFIG["modules"]
            for p in ROOT.glob(g)
        }
    )
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        tree = copy_tree(base / "unchanged")  # whoever edits meanwhile does no harm
        mutants = [
            m for p in paths for m in mutants_of(p, tree) if options.only in m.key
        ]
        known = len(mutants)
        if options.sample and options.sample < known:
            mutants = random.Random(options.seed).sample(mutants, options.sample)
            mutants.sort(key=lambda m: (m.path, m.line, m.start))
        start = time.monotonic()
        if run_tests(tree, 600) != SURVIVED:
            sys.exit("the tests fail without a mutant")
        timeout = CONFIG["patience"] * (time.monotonic() - start)
        print(f"{known} mutants, {len(mutants)} to judge, {timeout:.0f} s for each")
        one = partial(judge, base=base, timeout=timeout)
        with ProcessPoolExecutor(options.jobs, get_context("fork")) as pool:
            results = []
            for mutant, result in tqdm(pool.map(one, mutants), total=len(mutants)):
                results.append((mutant, result))
                if result == SURVIVED and mutant.key not in EQUIVALENT:
                    tqdm.write(mutant.key)
    return results, known


def main() -> None:
    """Run the mutants and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--sample", type=int, help="judge so many, not all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="paths or keys with this text")
    parser.add_argument(
        "--report", type=Path, default=ROOT / "_build/mutation-report.md"
    )
    parser.add_argument(
        "--results", type=Path, help="keep them here; if there, only write the report"
    )
    options: Any = parser.parse_args()
    options.report.parent.mkdir(parents=True, exist_ok=True)
    if options.results and options.results.exists():
        kept = json.loads(options.results.read_text())
        results = [(Mutant(**mutant), result) for mutant, result in kept["results"]]
        options.report.write_text(
            report(results, kept["known"], kept["seed"], kept["command"])
        )
        return
    results, known = measure(options)
    command = " ".join(
        ["python", "bench/mutate.py"]
        + ["--sample", str(options.sample), "--seed", str(options.seed)]
        * bool(options.sample)
    )
    if options.results:
        kept = {"known": known, "seed": options.seed, "command": command}
        kept["results"] = [(asdict(mutant), result) for mutant, result in results]
        options.results.write_text(json.dumps(kept))
    options.report.write_text(report(results, known, options.seed, command))
    print(Counter(result for _, result in results))


if __name__ == "__main__":
    main()
