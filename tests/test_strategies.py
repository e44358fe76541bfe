# SPDX-License-Identifier: GPL-2.0-only
import ast
import inspect
from pathlib import Path

import pytest

from xpfo_model import strategies
from xpfo_model.errors import UnknownStrategyError

FOLDER = Path(strategies.__file__).parent


@pytest.mark.parametrize("name", strategies.REGISTRY)
def test_every_strategy_has_the_same_functions_in_the_same_order(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    order = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            order.append(node.name)
        elif isinstance(node, ast.Assign):
            order += [target.id for target in node.targets]
    hooks = [thing for thing in order if thing in strategies.HOOKS]
    assert hooks == list(strategies.HOOKS)


@pytest.mark.parametrize("name", strategies.REGISTRY)
def test_every_hook_takes_what_the_loop_passes(name):
    module = strategies.load(name)
    none = strategies.load("none")
    for hook in strategies.HOOKS:
        taken = inspect.signature(getattr(module, hook)).parameters
        expected = inspect.signature(getattr(none, hook)).parameters
        assert len(taken) == len(expected), hook


@pytest.mark.parametrize("name", strategies.REGISTRY)
def test_what_a_loop_calls_are_the_hooks_and_what_a_strategy_has_of_its_own(name):
    module = strategies.load(name)
    called = strategies.hooks(name)
    own = {"use"} if name == "pcp_batch_prezero" else set()
    assert set(called) == {*strategies.HOOKS, *own}
    for function, text in called.items():
        assert text is getattr(module, function)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("[a-z]*.py")), ids=lambda p: p.stem)
def test_transition_code_has_no_literal_numbers(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and not isinstance(
                    inner.value, str | bool | None
                ):
                    assert inner.value in {0, 1}, f"{path.name}:{inner.lineno}"


def test_every_file_is_registered_and_every_entry_has_a_file():
    files = {path.stem for path in FOLDER.glob("*.py")} - {
        "__init__",
        "guarantee",
        "kmaps",
        "deferral",
    }
    assert files == set(strategies.REGISTRY)


def test_an_unknown_strategy_names_the_known():
    with pytest.raises(UnknownStrategyError, match="pageblock"):
        strategies.load("v10")


def test_the_baseline_comes_first():
    assert next(iter(strategies.REGISTRY)) == "none"
