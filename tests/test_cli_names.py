# SPDX-License-Identifier: GPL-2.0-only
"""How a trace is named: in errors as it was given, in results apart from others."""

import json

import pytest
from logs import USER_MOVABLE, alloc, log_of

from xpfo_model import cli, traces
from xpfo_model.cli.names import Names
from xpfo_model.events import About


@pytest.mark.parametrize(
    ("paths", "shown"),
    [
        (["a/x.txt"], ["x"]),
        (["a/x.txt", "b/y.txt"], ["x", "y"]),
        (["a/x.txt", "b/x.txt"], ["a/x.txt", "b/x.txt"]),
        (["x.txt", "a/x.txt"], ["x.txt", "a/x.txt"]),
        (["/q/a/c/x", "/q/b/c/x", "/q/b/y"], ["a/c/x", "b/c/x", "y"]),
        (["/x", "/a/x"], ["/x", "a/x"]),
        (["a/x", "./a/x", "b/x"], ["a/x", "a/x", "b/x"]),
        (["a/x", "a/x"], ["x", "x"]),
        (["-"], ["-"]),
    ],
)
def test_as_much_of_a_path_as_is_needed(paths, shown):
    names = Names(paths)
    abouts = [About(path.rpartition("/")[2].removesuffix(".txt")) for path in paths]
    found = [names.told_apart(*both).name for both in zip(abouts, paths, strict=True)]
    assert found == shown


def test_two_that_were_saved_under_one_name():
    names = Names(["a.npz", "b.npz"])
    about = About("trace")
    assert names.told_apart(about, "a.npz").name == "trace"
    assert names.told_apart(about, "b.npz").name == "b.npz"


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",), ("--bill",)])
def test_compare_tells_two_folders_apart(form, tmp_path, capsys):
    paths = [tmp_path / folder / "trace.npz" for folder in ("one", "other")]
    for path in paths:
        path.parent.mkdir()
        traces.save(log_of([alloc(0, USER_MOVABLE)], "trace"), path)
    line = ["compare", "--strategies", "v6", *form, *map(str, paths)]
    assert cli.main(line) == 0
    out = capsys.readouterr().out
    assert out.count("one/trace.npz") == out.count("other/trace.npz") == 1
    if form == ("--json",):
        assert json.loads(out.splitlines()[0])["trace"] == "one/trace.npz"


def test_an_error_about_what_is_in_a_trace_names_its_path(tmp_path, capsys):
    path = tmp_path / "some.npz"
    traces.save(log_of([alloc(0, USER_MOVABLE)], "recorded.txt"), path)
    assert cli.main(["confront", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"xpfo-model: {path}: ")
