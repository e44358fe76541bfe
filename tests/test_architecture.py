# SPDX-License-Identifier: GPL-2.0-only
"""House rules that no linter knows: floors, sizes, tests beside modules."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "xpfo_model"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Lowest floor first; a module imports from its own floor or a lower one.
FLOORS = [
    {"errors", "constants", "gfp", "events", "engine", "parts", "kept", "traces"}
    | {"closure", "definitions", "mails"},
    {"machine"},
    {"steps", "stepper", "strategies", "allocator", "workloads"},
    {"replay", "fidelity", "explore", "journal", "sweep", "whatif", "cost"}
    | {"published"},
    {"charts", "compare", "evidence", "faults", "recorded"},
    {"claims", "cite", "themes", "curves", "figures", "figures_workloads"}
    | {"sphinxext"},
    {"interrupts", "tracefs", "wholefile", "record", "cli", "__main__"},
]
DRAWS = {"figures", "themes", "curves", "figures_workloads"}
MOST_LINES = 400


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def floor(name):
    for number, names in enumerate(FLOORS):
        if name in names:
            return number
    return None


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "xpfo_model":
                yield from parts[1:2] or (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "xpfo_model":
                    yield parts[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_go_down(path):
    here = floor(room(path))
    if here is None:
        pytest.skip("a module that stands on no floor")
    for name in imported(path):
        below = floor(name)
        if below is not None:
            assert below <= here, f"{room(path)} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_module_is_longer_than_one_concept(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_nothing_below_the_face_imports_matplotlib():
    for path in MODULES:
        if room(path) not in DRAWS:
            for node in ast.walk(ast.parse(path.read_text())):
                names = []
                if isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                assert not any(n.startswith("matplotlib") for n in names), path


def test_every_module_has_its_tests_beside_its_name():
    names = {path.stem.removeprefix("test_") for path in ROOT.glob("tests/**/*.py")}
    names |= {path.parent.name for path in ROOT.glob("tests/*/*.py")}
    without = {room(p) for p in MODULES} - names - {"__init__", "__main__", "errors"}
    assert without <= {"constants", "charts"}, without
