# SPDX-License-Identifier: GPL-2.0-only
import ast
import inspect
from pathlib import Path

import pytest

from xpfo_model import strategies
from xpfo_model.constants import MIGRATE_MOVABLE, MIGRATE_UNMOVABLE
from xpfo_model.errors import UnknownStrategyError
from xpfo_model.jit import bound
from xpfo_model.machine import FREE, KERNEL, USER, boot, hand_to_user, take_back

FOLDER = Path(strategies.__file__).parent

# Calls of a strategy's hooks, one after the other: CPU, hook, its arguments.
EXAMPLE = (
    (0, "refill", [0, 1, 2], MIGRATE_MOVABLE),
    (0, "refill", [12, 13], MIGRATE_UNMOVABLE),
    (0, "alloc", [0], USER),
    (0, "alloc", [12], KERNEL),
    (1, "alloc", [4, 5], USER),
    (1, "kmap", 4),
    (1, "kunmap", 4),
    (1, "isolate", [9]),
    (1, "migrate", 5, 9),
    (0, "free", [0]),
    (0, "alloc", [0], KERNEL),
    (0, "free", [4, 5]),
    (1, "drain", [4, 5]),
    (1, "refill", [4, 8], MIGRATE_MOVABLE),
    (1, "context_switch"),
    (0, "change_block", 1, MIGRATE_UNMOVABLE),
    (0, "alloc", [4, 5], USER),
)


# What each call does: F flushes of all CPUs, L of one; U frames unmapped, M mapped.
CONTRACT = {
    "none": "- - - - - - - - - - - - - - - - -",
    "v6": "- - F1 - F1 - F1U1 - - - - M1 - - - - F1",
    "per_frame": "- - F1U1 - F1U2 M1 F1U1 - - - M1 - - - - - -",
    "alternation": "- - U1 F1 U2 M1 F1U1 F1 - - M1 - - - - - F1",
    "pcp_batch": "F1U3 - - - F1U2 M1 F1U1 - - - M1 - - F1U1 - - -",
    "pcp_batch_consume": "- - U1 - U2 M1 F1U1 - - - M1 - - F1 - - -",
    "pageblock": "F1U4 - - - F1U2 M1 F1U1 - - - M1 - - F2U6 - M4 F1U2",
    "list_at_once": "U3 - - - U2 M1 F1U1 - - - M1 - - F1U1 - - -",
    "return_to_user": "- - U1 - U2 M1 F1U1 - - - M1 - - - F1 - -",
    "kernel_entry": "L1U3 - - - L1U1 M1 L1U1 - - - M1 - - L1U1 L1 - -",
    "v3": "- - - - - - L1U1 - - - - M1 - - - - -",
    "v5": "- - F1 - F1 - L1U1 - - - - M1 - - - - -",
    "will_map": "- - F1U1 - F1U2 M1 F1U1 - - - F1M1 - - - - - F1",
    "nov2017": "F3U3 - - - - - - - - - - - - F2U2 - - -",
    "v7": "- - L1 - L1 - L1U1 - - - - M1 - - - - L1",
    "v8": "L1 - - - L1 - L1U1 - - - - M1 - L1 L1 - L1",
    "v9": "L1U3 - - - L1U1 M1 L1U1 - - - M1 - - L1U1 L1 - -",
    "freetype": "F1U4 - - - F1U2 - - - F1U1 - M1 - - F2U5 - - -",
    "pcp_batch_prezero": "F1U3 - - - F1U2 M1 F1U1 - - - M1 - - F1U2M1 - - -",
    "per_frame_local": "- - F1U1 - F1U2 - - - F1U1 - M1 - - - - - -",
    "per_frame_closed": "- - F1U1 - F1U2 - - - F1U1 - M1 - - - - - -",
    "pcp_batch_local": "F1U3 - - - F1U2 - - - - - M1 - - F1U1 - - -",
    "pcp_batch_closed": "F1U3 - - - F1U2 - - - F1U1 - M1 - - F1U1 - - -",
}


def call(m, functions, cpu, hook, *arguments):
    """Call a hook as the kernel does; what it did, as in CONTRACT."""
    c = m.counts
    before = (c.flushes, c.local_flushes, c.unmapped, c.mapped)
    if hook == "alloc":
        frames, owner = arguments
        functions[hook](m, cpu, frames, owner == USER, False)
        if owner == USER:
            hand_to_user(m, frames)
        else:
            take_back(m, frames, KERNEL)
    else:
        functions[hook](m, cpu, *arguments)
        take_back(m, arguments[0] if hook == "free" else (), FREE)
    after = (c.flushes, c.local_flushes, c.unmapped, c.mapped)
    more = [int(new - old) for old, new in zip(before, after, strict=True)]
    return "".join(f"{k}{n}" for k, n in zip("FLUM", more, strict=True) if n) or "-"


@pytest.mark.contract
@pytest.mark.parametrize("name", strategies.REGISTRY)
def test_each_hook_keeps_the_contract(name):
    m, functions = boot(16, 2, cpus=2), strategies.functions(name)
    given = strategies.given(functions)
    python = {hook: bound(function, given) for hook, function in functions.items()}
    if name not in CONTRACT:
        found = [call(m, python, cpu, hook, *more) for cpu, hook, *more in EXAMPLE]
        pytest.fail(
            f"{name} has no line in CONTRACT. If it does what you mean, add\n"
            f'    "{name}": "{" ".join(found)}",',
            pytrace=False,
        )
    for number, expected in enumerate(CONTRACT[name].split()):
        cpu, hook, *arguments = EXAMPLE[number]
        done = call(m, python, cpu, hook, *arguments)
        if done != expected:
            place = inspect.getsourcefile(functions[hook])
            pytest.fail(
                f"{name}.{hook}: call {number} of EXAMPLE, {hook}{(*arguments,)} on "
                f"CPU {cpu}, does {done} where {expected} is expected; see {place}",
                pytrace=False,
            )


def test_the_contract_calls_every_hook():
    assert list(CONTRACT) == list(strategies.REGISTRY)
    assert {hook for _, hook, *_ in EXAMPLE} == set(strategies.HOOKS)
    assert all(len(each.split()) == len(EXAMPLE) for each in CONTRACT.values())


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
    for hook in strategies.HOOKS:
        taken = inspect.signature(getattr(module, hook)).parameters
        expected = inspect.signature(getattr(strategies.hooks, hook)).parameters
        assert len(taken) == len(expected), hook


@pytest.mark.parametrize("name", strategies.REGISTRY)
def test_what_a_loop_calls_are_the_hooks_and_what_a_strategy_has_of_its_own(name):
    module = strategies.load(name)
    called = strategies.functions(name)
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
        "hooks",
        "guarantee",
        "kmaps",
        "deferral",
        "places",
        "border",
    }
    assert files == set(strategies.REGISTRY)


def test_an_unknown_strategy_names_the_known():
    with pytest.raises(UnknownStrategyError, match="pageblock"):
        strategies.load("v10")


def test_the_baseline_comes_first():
    assert next(iter(strategies.REGISTRY)) == "none"
