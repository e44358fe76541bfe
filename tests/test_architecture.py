# SPDX-License-Identifier: GPL-2.0-only
"""House rules that no linter knows: sizes, tests beside modules."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "xpfo_model"
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = [
    *MODULES,
    *sorted(ROOT.glob("bench/*.py")),
    *(p for p in sorted(ROOT.glob("tests/**/*.py")) if "node_modules" not in p.parts),
]

MOST_LINES = 400


def room(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_is_longer_than_one_concept(path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_every_module_has_its_tests_beside_its_name():
    names = {path.stem.removeprefix("test_") for path in ROOT.glob("tests/**/*.py")}
    names |= {path.parent.name for path in ROOT.glob("tests/*/*.py")}
    without = {room(p) for p in MODULES} - names - {"__init__", "__main__", "errors"}
    assert without <= {"constants", "charts"}, without
