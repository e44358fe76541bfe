# SPDX-License-Identifier: GPL-2.0-only
"""Arguments of the command that are wrong, or are written in more than one way."""

import pytest

from xpfo_model import cli
from xpfo_model.studies import store

TRACE = """\
# tracer: nop
  <...>-1  [000] ....  1.000003: mm_page_alloc: page=0 pfn=0x1234 order=0 \
migratetype=1 gfp_flags=0x100cca
"""


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "trace"
    path.write_text(TRACE)
    return str(path)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("check --states abc", "'abc' is no whole number above 0"),
        ("check --states 0", "'0' is no whole number above 0"),
        (f"check --states 1{'0' * 400}", "is no whole number above 0"),
        ("check --jobs 1.5", "'1.5' is no whole number above 0"),
        ("record --duration x out", "'x' is no number above 0"),
        ("record --duration nan out", "'nan' is no number above 0"),
        ("record --duration inf out", "'inf' is no number above 0"),
        ("explore --pipes many", "'many' is no percentage"),
        ("explore --ipi many", "'many' is no number of cycles"),
    ],
)
def test_what_is_no_number_is_said_in_words(line, complaint, capsys):
    with pytest.raises(SystemExit):
        cli.main(line.split())
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("kernel", ["v6.1", "6.1", "6.1.0-13-amd64"])
def test_a_kernel_may_be_named_as_uname_does(kernel, trace, capsys):
    assert cli.main(["compare", "--json", "--kernel", kernel, trace]) == 0
    assert '"kernel": "v6.1"' in capsys.readouterr().out


def test_a_kernel_older_than_all_tables_is_said_to_be(trace, capsys):
    assert cli.main(["compare", "--kernel", "v3.10", trace]) == 2
    err = capsys.readouterr().err
    assert "Linux 3.10 is older than all tables" in err
    assert "from v4.4 on" in err


def test_names_of_strategies_may_have_blanks_around_them(trace, capsys):
    line = ["compare", "--csv", "--strategies", " per_frame, v6,", trace]
    assert cli.main(line) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert ",per_frame," in first
    assert ",v6," in second


@pytest.mark.parametrize("names", ["", ",", " , "])
def test_no_strategy_is_not_all_of_them(names, trace, capsys):
    assert cli.main(["compare", "--strategies", names, trace]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "names no strategy" in err
    assert "per_frame" in err


def test_the_list_of_studies_has_all_and_marks_those_that_are_computed_by_name(capsys):
    assert cli.main(["data", "--list"]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert list(lines) == list(store.REGISTRY)
    marked = [name for name, what in lines.items() if "only when it is named" in what]
    assert marked == [name for name, item in store.REGISTRY.items() if item.measured]
    assert {"timings", "kernel-runs", "stock-bills"} < set(marked)
    assert cli.main(["data", "--list", "drift"]) == 0
    assert capsys.readouterr().out.startswith("drift: ")
